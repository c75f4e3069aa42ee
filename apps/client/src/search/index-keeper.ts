/**
 * Keeps the full-text index in step with the mails: hears of every change, indexes in the
 * background, saves sealed pieces, and makes good at the start what a crash left out. So a change
 * of the mails never waits for the index, and the index never misses one. Where Node.js cannot save
 * an index yet (before 24.16), each start makes it anew in the background.
 * Before: message-store.ts; after: text-index.ts. Spec: docs/spec/40-client-store.md, "Search".
 */
import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { parseMessage } from '@tanglemail/mail/io/parse.ts';
import { errorFields, type Logger } from '@tanglemail/tangle/io/logger.ts';
import type { MessageStore } from '../messages/message-store.ts';
import type { MessageEntry } from '../store/collections.ts';
import { searchHeads } from '../store/mailbox-collections.ts';
import { orderedKey, type SealedStore } from '../store/sealed-store.ts';
import { INDEX_VERSION, type IndexedText, TextIndex } from './text-index.ts';

const HEAD = 'head';
const PIECE_SIZE = 65_536;
/** Pieces between two turns for others. */
const PIECES_AT_ONCE = 16;
/** Messages between two turns for others. */
const MESSAGES_AT_ONCE = 32;
/** Changes after which the index is saved; a crash costs at most the work for these again. */
const CHANGES_TO_SAVE = 5_000;
/** A search waits for changes up to this number; more go on in the background. */
const CHANGES_TO_WAIT_FOR = 500;

export interface IndexKeeperDeps {
  readonly store: SealedStore;
  readonly messages: MessageStore;
  /** What a person would call the sender: address and name. */
  readonly senderOf: (entry: MessageEntry) => string;
  readonly logger: Logger;
}

export class IndexKeeper {
  readonly index: TextIndex;
  readonly #deps: IndexKeeperDeps;
  /** Messages that have changed; whether they are there is looked up when their turn comes. */
  readonly #changed = new Set<string>();
  readonly #unobserve: () => void;
  #hashes: readonly string[];
  #unsaved = 0;
  #work: Promise<void> | undefined;
  #isStopped = false;

  private constructor(deps: IndexKeeperDeps, saved: Saved | undefined) {
    this.#deps = deps;
    this.index = saved?.index ?? TextIndex.open();
    this.#hashes = saved?.hashes ?? [];
    this.#unobserve = deps.messages.observe((batch, change) => {
      const keys: string[] = [];
      if ('messageKey' in change && change.kind !== 'flags') keys.push(change.messageKey);
      if (change.kind === 'draft-saved' && change.replaced !== '') keys.push(change.replaced);
      // Before the batch is on the disk a mail that arrives looks like one that is gone.
      if (keys.length > 0) batch.whenWritten(() => this.#note(keys));
    });
  }

  /** Opens the index as it was last saved and notes what has changed since. */
  static async load(deps: IndexKeeperDeps): Promise<IndexKeeper> {
    const keeper = new IndexKeeper(deps, await readSaved(deps));
    const { index } = keeper;
    const there = new Set<string>();
    for (const { entry } of deps.messages.all()) {
      there.add(entry.messageKey);
      if (!index.has(entry.messageKey)) keeper.#changed.add(entry.messageKey);
    }
    for (const key of index.keys()) if (!there.has(key)) keeper.#changed.add(key);
    return keeper;
  }

  /** Messages that are not in the index yet, or no more to be in it. */
  get pending(): number {
    return this.#changed.size;
  }

  /** Begins with what was left over. */
  start(): void {
    this.#wake();
  }

  /** What a search needs: few changes are waited for, many are not. */
  async settle(): Promise<void> {
    if (this.#changed.size <= CHANGES_TO_WAIT_FOR) await this.catchUp();
  }

  /** Everything that has changed is in the index. */
  async catchUp(): Promise<void> {
    while (this.#changed.size > 0 && !this.#isStopped) {
      this.#wake();
      await this.#work;
    }
  }

  /** Saves what is not saved and closes. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#unobserve();
    await this.#work;
    await this.#save();
    this.index.close();
  }

  #note(keys: readonly string[]): void {
    for (const key of keys) this.#changed.add(key);
    // Who wrote the batch takes the change up in memory next: the work begins in another turn.
    globalThis.setImmediate(() => this.#wake());
  }

  #wake(): void {
    if (this.#isStopped || this.#changed.size === 0) return;
    this.#work ??= this.#drain().finally(() => {
      this.#work = undefined;
    });
  }

  /** Never throws: a message that cannot be indexed is logged and left out. */
  async #drain(): Promise<void> {
    while (this.#changed.size > 0 && !this.#isStopped) {
      const keys = firstOf(this.#changed, MESSAGES_AT_ONCE);
      try {
        await this.#take(keys);
        if (this.#unsaved >= CHANGES_TO_SAVE) await this.#save();
      } catch (error) {
        this.#deps.logger.error(errorFields(error), 'the search index could not be kept');
      }
      for (const key of keys) this.#changed.delete(key);
      await setImmediate();
    }
  }

  async #take(keys: readonly string[]): Promise<void> {
    const { messages } = this.#deps;
    const added: (readonly [string, IndexedText])[] = [];
    const removed: string[] = [];
    for (const key of keys) {
      const [mail] = messages.find(key);
      if (mail === undefined) removed.push(key);
      else if (!this.index.has(key)) added.push([key, await this.#textOf(mail.entry)]);
    }
    this.index.change(added, removed);
    this.#unsaved += added.length + removed.length;
  }

  async #textOf(entry: MessageEntry): Promise<IndexedText> {
    const { messages, senderOf } = this.#deps;
    const raw = messages.rawOf(entry.emailId) ?? new Uint8Array();
    const known = { sender: `${senderOf(entry)} ${entry.fromName}`, subject: entry.subject };
    const shown = await parseMessage(raw).catch(() => undefined);
    if (shown === undefined) {
      const body = new TextDecoder().decode(raw.subarray(0, PIECE_SIZE));
      return { ...known, recipient: entry.to, body, attachment: '' };
    }
    const people = (list: typeof shown.to): string =>
      list.map((one) => `${one.name} ${one.address}`).join(' ');
    const body = shown.text === '' ? textOfHtml(shown.html ?? '') : shown.text;
    return {
      sender: `${known.sender} ${people(shown.from)}`,
      recipient: `${entry.to} ${people([...shown.to, ...shown.cc])}`,
      subject: shown.subject,
      body,
      attachment: shown.attachments.map((one) => one.filename).join(' '),
    };
  }

  /** Writes the pieces that have changed, all in one batch. */
  async #save(): Promise<void> {
    if (this.#unsaved === 0 || !TextIndex.canSave()) return;
    const { store } = this.#deps;
    const saved = this.#unsaved;
    const bytes = this.index.save();
    const batch = store.batch();
    const pieces: string[] = [];
    for (let at = 0; at * PIECE_SIZE < bytes.length; at++) {
      const piece = bytes.subarray(at * PIECE_SIZE, (at + 1) * PIECE_SIZE);
      const hash = createHash('sha256').update(piece).digest('hex');
      if (this.#hashes[at] !== hash) batch.putBytes('searchIndex', orderedKey(at), piece);
      pieces.push(hash);
      if (at % PIECES_AT_ONCE === 0) await setImmediate();
    }
    for (let at = pieces.length; at < this.#hashes.length; at++) {
      batch.del('searchIndex', orderedKey(at));
    }
    batch.put(searchHeads, HEAD, { version: INDEX_VERSION, sizeBytes: bytes.length, pieces });
    await batch.write();
    this.#hashes = pieces;
    this.#unsaved -= saved;
  }
}

function firstOf(keys: Iterable<string>, count: number): string[] {
  const first: string[] = [];
  for (const key of keys) {
    if (first.length === count) break;
    first.push(key);
  }
  return first;
}

interface Saved {
  readonly index: TextIndex;
  readonly hashes: readonly string[];
}

/** The index as it was saved; undefined when there is none, or none of this layout. */
async function readSaved({ store, logger }: IndexKeeperDeps): Promise<Saved | undefined> {
  const head = store.get(searchHeads, HEAD);
  if (head === undefined || head.version !== INDEX_VERSION || !TextIndex.canSave()) {
    return undefined;
  }
  const bytes = new Uint8Array(head.sizeBytes);
  try {
    for (const at of head.pieces.keys()) {
      const piece = store.getBytes('searchIndex', orderedKey(at));
      if (piece === undefined) throw new Error(`piece ${at} is missing`);
      bytes.set(piece, at * PIECE_SIZE);
      if (at % PIECES_AT_ONCE === 0) await setImmediate();
    }
    return { index: TextIndex.open(bytes), hashes: head.pieces };
  } catch (error) {
    logger.warn(errorFields(error), 'the search index is made anew');
    return undefined;
  }
}

/** The words of a page: for finding it, not for showing. */
function textOfHtml(html: string): string {
  return html
    .slice(0, 4 * PIECE_SIZE)
    .replaceAll(/<(script|style)\b[^]*?<\/\1>/gi, ' ')
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/&#?[a-z0-9]{1,8};/gi, ' ');
}
