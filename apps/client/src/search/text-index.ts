/**
 * The full-text index: SQLite's FTS5 in memory, as Node.js brings it along. It maps words to
 * messages and knows nothing else; texts themselves are not kept. Before: index-keeper.ts and
 * mail-search.ts. Why this one: docs/performance.md, "Search".
 */
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { foldText, type TextField, type SearchWord } from './query.ts';

/** What of one message is searched. */
export type IndexedText = Readonly<Record<TextField, string>>;

/** Another number is another layout: an index that was saved with one is made anew. */
export const INDEX_VERSION = 1;
/** Characters of one field that are indexed; a mail of a machine could have millions. */
const MAX_FIELD = 65_536;
/** Words that stand for one word with a mistake in it, the nearest first. */
const MAX_SIMILAR = 24;
/** Shorter words with mistakes could be anything. */
const MIN_FUZZY = 4;
const LONG_WORD = 8;
const FIELDS: readonly TextField[] = ['sender', 'recipient', 'subject', 'body', 'attachment'];

const TABLES = `
  CREATE TABLE doc(id INTEGER PRIMARY KEY, key TEXT NOT NULL);
  CREATE VIRTUAL TABLE text USING fts5(${FIELDS.join(', ')}, content='', contentless_delete=1,
    detail=column, prefix='2 3', tokenize="unicode61 remove_diacritics 0");`;

export class TextIndex {
  readonly #db = new DatabaseSync(':memory:');
  readonly #keys = new Map<number, string>();
  readonly #ids = new Map<string, number>();
  readonly #statements = new Map<string, StatementSync>();
  /** Words that begin with one letter: looked through for each word with a mistake in it. */
  #letter: { readonly first: string; readonly words: readonly string[] } | undefined;

  private constructor(saved: Uint8Array | undefined) {
    if (saved === undefined) this.#db.exec(TABLES);
    else this.#db.deserialize(saved);
    this.#db.exec('CREATE VIRTUAL TABLE temp.word USING fts5vocab(main, text, row)');
    for (const { id, key } of this.#run('SELECT id, key FROM doc').iterate()) {
      this.#keys.set(Number(id), String(key));
      this.#ids.set(String(key), Number(id));
    }
  }

  /** An empty index, or a saved one. Throws when the bytes are none. */
  static open(saved?: Uint8Array): TextIndex {
    return new TextIndex(saved);
  }

  /** Whether this Node.js can save an index: `DatabaseSync.serialize` came with version 24.16. */
  static canSave(): boolean {
    return typeof DatabaseSync.prototype.serialize === 'function';
  }

  get size(): number {
    return this.#ids.size;
  }

  has(key: string): boolean {
    return this.#ids.has(key);
  }

  keys(): IterableIterator<string> {
    return this.#ids.keys();
  }

  keyOf(id: number): string | undefined {
    return this.#keys.get(id);
  }

  /** Adds messages and takes others out, all at once. One that is there already stays as it is. */
  change(
    added: readonly (readonly [key: string, text: IndexedText])[],
    removed: readonly string[],
  ) {
    this.#letter = undefined;
    this.#db.exec('BEGIN');
    for (const key of removed) this.#remove(key);
    for (const [key, text] of added) this.#add(key, text);
    this.#db.exec('COMMIT');
  }

  #add(key: string, text: IndexedText): void {
    if (this.#ids.has(key)) return;
    const { lastInsertRowid } = this.#run('INSERT INTO doc(key) VALUES (?)').run(key);
    const id = Number(lastInsertRowid);
    const values = FIELDS.map((field) => foldText(text[field].slice(0, MAX_FIELD)));
    const places = FIELDS.map(() => '?').join(', ');
    this.#run(`INSERT INTO text(rowid, ${FIELDS.join(', ')}) VALUES (?, ${places})`).run(
      id,
      ...values,
    );
    this.#keys.set(id, key);
    this.#ids.set(key, id);
  }

  #remove(key: string): void {
    const id = this.#ids.get(key);
    if (id === undefined) return;
    this.#run('DELETE FROM text WHERE rowid = ?').run(id);
    this.#run('DELETE FROM doc WHERE id = ?').run(id);
    this.#keys.delete(id);
    this.#ids.delete(key);
  }

  /** Numbers of the messages in which all these words are; `isLenient` lets letters differ. */
  match(words: readonly SearchWord[], isLenient = false): number[] {
    const parts = words.map((word) =>
      this.#expression(word, word.isFuzzy || (isLenient && !word.isExact)),
    );
    const statement = this.#run('SELECT rowid AS id FROM text WHERE text MATCH ?');
    statement.setReturnArrays(true);
    const rows = statement.all(parts.join(' AND ')) as unknown as [id: number][];
    return rows.map(([id]) => id);
  }

  /** Letters and digits in quotes are plain words to FTS5, whatever they spell. */
  #expression({ field, tokens, isExact }: SearchWord, isFuzzy: boolean): string {
    const parts = tokens.map((token, at) => {
      const isOpen = !isExact && at === tokens.length - 1;
      const plain = `"${token}"${isOpen ? '*' : ''}`;
      const similar = isFuzzy ? this.similar(token).map((one) => `"${one}"`) : [];
      return similar.length === 0 ? plain : `(${[plain, ...similar].join(' OR ')})`;
    });
    const all = `(${parts.join(' AND ')})`;
    return field === undefined ? all : `${field} : ${all}`;
  }

  /** Words of the index that differ from `token` in a letter (a long one in two), nearest first. */
  similar(token: string): string[] {
    if (token.length < MIN_FUZZY) return [];
    const most = token.length < LONG_WORD ? 1 : 2;
    const found: { readonly word: string; readonly distance: number }[] = [];
    for (const word of this.#wordsFrom(String.fromCodePoint(token.codePointAt(0) ?? 0))) {
      const distance = distanceOf(token, word, most);
      if (distance > 0 && distance <= most) found.push({ word, distance });
    }
    found.sort((a, b) => a.distance - b.distance);
    return found.slice(0, MAX_SIMILAR).map((one) => one.word);
  }

  #wordsFrom(first: string): readonly string[] {
    if (this.#letter?.first === first) return this.#letter.words;
    const statement = this.#run('SELECT term FROM temp.word WHERE term >= ? AND term < ?');
    statement.setReturnArrays(true);
    const rows = statement.all(first, `${first}\u{10ffff}`) as unknown as [term: string][];
    const words = rows.map(([term]) => term);
    this.#letter = { first, words };
    return words;
  }

  /** The whole index as bytes, from which `open` makes it again. Only where `canSave` says so. */
  save(): Uint8Array {
    return this.#db.serialize();
  }

  /** Bytes that the index takes in memory. */
  get sizeBytes(): number {
    const sql = 'SELECT page_count * page_size AS size FROM pragma_page_count, pragma_page_size';
    return Number(this.#run(sql).get()?.['size'] ?? 0);
  }

  close(): void {
    this.#db.close();
  }

  #run(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#db.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }
}

/**
 * Letters to change, add, leave out or exchange with their neighbour to make `a` into `b`; more
 * than `most` when it takes more than that.
 */
export function distanceOf(a: string, b: string, most: number): number {
  if (Math.abs(a.length - b.length) > most) return most + 1;
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1];
      const changed = (row[j - 1] ?? 0) + (isSame ? 0 : 1);
      const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swapped = isSwapped ? (before[j - 2] ?? 0) + 1 : changed;
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, changed, swapped));
    }
    if (Math.min(...next) > most) return most + 1;
    [before, row] = [row, next];
  }
  return Math.min(row[b.length] ?? 0, most + 1);
}
