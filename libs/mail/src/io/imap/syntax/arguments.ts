/**
 * Reads the arguments of one command from left to right, by the grammar of RFC 3501 §9. Everything
 * throws SyntaxProblem where the text does not fit; the session answers BAD with its words.
 * Before: command-reader.ts; next: the command's own file.
 */
import { LITERAL_MARK } from './command-reader.ts';
import type { RawCommand } from './command-reader.ts';
import type { Octets } from './imap-text.ts';
import { readSequenceSet } from './sequence-set.ts';
import type { SequenceSet } from './sequence-set.ts';

// Printable characters but ( ) { % * " \ and space; `]` only in strings, wildcards in patterns.
const ATOM = /[!#$&'+-Z[^-z|}~]/;
const ASTRING = /[!#$&'+-Z[\]^-z|}~]/;
const LIST_PATTERN = /[!#-'*-Z[\]^-z|}~]/;
/** Depth of lists inside lists. */
const MAX_DEPTH = 32;

/** The arguments do not follow the grammar. The text names no secret and no argument. */
export class SyntaxProblem extends Error {
  constructor(text: string) {
    super(text);
    this.name = 'SyntaxProblem';
  }
}

export class Arguments {
  readonly #text: string;
  readonly #literals: readonly Uint8Array[];
  #at = 0;
  #literal = 0;
  #depth = 0;

  constructor(command: RawCommand) {
    this.#text = command.text;
    this.#literals = command.literals;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#text.length;
  }

  /** The next character, without taking it. */
  get next(): string {
    return this.#text[this.#at] ?? '';
  }

  end(): void {
    if (!this.isAtEnd) throw new SyntaxProblem('more arguments than expected');
  }

  space(): void {
    if (this.next !== ' ') throw new SyntaxProblem('a space is missing');
    this.#at++;
  }

  /** Takes a space if there is one. */
  hasMore(): boolean {
    if (this.next !== ' ') return false;
    this.#at++;
    return true;
  }

  take(character: string): boolean {
    if (!this.#text.startsWith(character, this.#at)) return false;
    this.#at += character.length;
    return true;
  }

  expect(character: string): void {
    if (!this.take(character)) throw new SyntaxProblem(`${character} is missing`);
  }

  /** Letters and other characters that mean nothing. */
  atom(): string {
    return this.#run(ATOM, 'a word is missing');
  }

  /** An atom in upper case: names of commands, items and keys. */
  keyword(): string {
    return this.atom().toUpperCase();
  }

  /** Everything that `fits`, at least one character. */
  run(fits: RegExp, problem: string): string {
    return this.#run(fits, problem);
  }

  #run(fits: RegExp, problem: string): string {
    const start = this.#at;
    while (this.#at < this.#text.length && fits.test(this.#text[this.#at] ?? '')) this.#at++;
    if (this.#at === start) throw new SyntaxProblem(problem);
    return this.#text.slice(start, this.#at);
  }

  number(): number {
    const text = this.#run(/\d/, 'a number is missing');
    const value = Number(text);
    if (text.length > 16 || !Number.isSafeInteger(value))
      throw new SyntaxProblem('too large a number');
    return value;
  }

  /** A number from 1 to 2^32 − 1. */
  nzNumber(): number {
    const value = this.number();
    if (value < 1 || value > 0xffff_ffff) throw new SyntaxProblem('a number is out of range');
    return value;
  }

  /** A modification number, below 2^63; ours stay below 2^53, and more means the same as that. */
  modseq(): number {
    const text = this.#run(/\d/, 'a number is missing');
    if (text.length > 19) throw new SyntaxProblem('a number is out of range');
    return Math.min(Number(text), Number.MAX_SAFE_INTEGER);
  }

  sequenceSet(): SequenceSet {
    const set = readSequenceSet(this.#run(/[\d:,*$]/, 'a set of messages is missing'));
    if (set === undefined) throw new SyntaxProblem('not a set of messages');
    return set;
  }

  /** Quoted, or a literal, as octets. */
  string(): Octets {
    if (this.next === '"') return this.#quoted();
    if (this.next === LITERAL_MARK) return octetsOf(this.literal());
    throw new SyntaxProblem('a string is missing');
  }

  isString(): boolean {
    return this.next === '"' || this.next === LITERAL_MARK;
  }

  astring(): Octets {
    return this.isString() ? this.string() : this.#run(ASTRING, 'a string is missing');
  }

  nstring(): Octets | undefined {
    if (this.isString()) return this.string();
    if (this.keyword() !== 'NIL') throw new SyntaxProblem('a string is missing');
    return undefined;
  }

  /** A folder's name with wildcards. */
  listPattern(): Octets {
    return this.isString() ? this.string() : this.#run(LIST_PATTERN, 'a pattern is missing');
  }

  /** The bytes of a literal as they came. */
  literal(): Uint8Array {
    this.expect(LITERAL_MARK);
    const bytes = this.#literals[this.#literal];
    if (bytes === undefined) throw new SyntaxProblem('a literal is missing');
    this.#literal++;
    return bytes;
  }

  /** `(one two …)`; an empty list is one too unless `isFilled`. */
  list<T>(one: () => T, isFilled = false): T[] {
    this.expect('(');
    if (++this.#depth > MAX_DEPTH) throw new SyntaxProblem('lists are nested too deep');
    const items: T[] = [];
    while (this.next !== ')') {
      if (items.length > 0) this.space();
      items.push(one());
    }
    this.#depth--;
    this.expect(')');
    if (isFilled && items.length === 0) throw new SyntaxProblem('a list is empty');
    return items;
  }

  /** One of these inside of lists or keys, bounded like them. */
  nested<T>(inner: () => T): T {
    if (++this.#depth > MAX_DEPTH) throw new SyntaxProblem('nested too deep');
    const value = inner();
    this.#depth--;
    return value;
  }

  /** `\Seen` or a keyword. `\*` and `\Recent` are nothing that a program may set. */
  flag(): string {
    const isSystem = this.take('\\');
    const word = this.atom();
    if (!isSystem) return word;
    const known = SYSTEM_FLAGS.find((flag) => flag.toLowerCase() === word.toLowerCase());
    if (known === undefined) throw new SyntaxProblem('a system flag is unknown');
    return `\\${known}`;
  }

  /** Flags with or without parentheses. */
  flags(): string[] {
    if (this.next === '(') return this.list(() => this.flag());
    const flags = [this.flag()];
    while (this.hasMore()) flags.push(this.flag());
    return flags;
  }

  #quoted(): Octets {
    let text = '';
    this.#at++;
    for (;;) {
      const character = this.#text[this.#at];
      if (character === undefined) throw new SyntaxProblem('a quoted string has no end');
      this.#at++;
      if (character === '"') return text;
      if (character === LITERAL_MARK || character === '\r' || character === '\0') {
        throw new SyntaxProblem('a quoted string holds what it must not');
      }
      if (character !== '\\') {
        text += character;
        continue;
      }
      const escaped = this.#text[this.#at] ?? '';
      if (escaped !== '"' && escaped !== '\\') throw new SyntaxProblem('a backslash stands alone');
      text += escaped;
      this.#at++;
    }
  }
}

const SYSTEM_FLAGS = ['Answered', 'Deleted', 'Draft', 'Flagged', 'Seen'];

/** Octets as characters 0 to 255. */
export function octetsOf(bytes: Uint8Array): Octets {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}

export function bytesOf(octets: Octets): Uint8Array {
  return Buffer.from(octets, 'latin1');
}

/** Octets that are UTF-8 as text; undefined when they are not. */
export function utf8Of(octets: Octets): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytesOf(octets));
  } catch {
    return undefined;
  }
}

/** Text as octets of UTF-8. */
export function utf8Octets(text: string): Octets {
  return Buffer.from(text, 'utf8').toString('latin1');
}

/** What a program sent as one word of base64. */
export function decodeBase64(text: Octets): Octets | undefined {
  const trimmed = text.trim();
  return /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(trimmed)
    ? octetsOf(Buffer.from(trimmed, 'base64'))
    : undefined;
}
