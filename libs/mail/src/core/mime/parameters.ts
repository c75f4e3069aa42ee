/**
 * Values of MIME fields that are a word with parameters: Content-Type and Content-Disposition.
 * Nothing is decoded; continued parameters (RFC 2231) stay in their pieces, because IMAP shows
 * them so. Before: part.ts. Spec: docs/spec/45-mail-programs.md §3; RFC 2045 §5.1, RFC 2183.
 */

/** Parameters of one field; a hostile one could name thousands. */
export const MAX_PARAMETERS = 100;

export interface Parameter {
  readonly name: string;
  /** Quotes and backslashes taken off. */
  readonly value: string;
}

export interface ParameterValue {
  /** The word in front; empty when there is none. */
  readonly word: string;
  readonly parameters: readonly Parameter[];
}

/** Reads `word; name=value; name="value"`, comments left out. Never throws; reads what it can. */
export function readParameters(value: string): ParameterValue {
  const scanner = new Scanner(value);
  const word = scanner.word(/[^\s;()]/);
  const parameters: Parameter[] = [];
  while (parameters.length < MAX_PARAMETERS && scanner.skipTo(';')) {
    const name = scanner.word(/[^\s;=()"]/);
    if (!scanner.take('=') || name === '') continue;
    parameters.push({ name, value: scanner.text() });
  }
  return { word, parameters };
}

/** Reads a header value from left to right, once. */
export class Scanner {
  readonly #value: string;
  #at = 0;

  constructor(value: string) {
    this.#value = value;
  }

  get isAtEnd(): boolean {
    this.#skipSpace();
    return this.#at >= this.#value.length;
  }

  /** The characters that fit, behind white space and comments. */
  word(fits: RegExp): string {
    this.#skipSpace();
    const start = this.#at;
    while (this.#at < this.#value.length && fits.test(this.#value[this.#at] ?? '')) this.#at++;
    return this.#value.slice(start, this.#at);
  }

  /** A quoted string without its quotes, or everything up to white space or a semicolon. */
  text(): string {
    this.#skipSpace();
    if (this.#value[this.#at] !== '"') return this.word(/[^\s;]/);
    let text = '';
    this.#at++;
    while (this.#at < this.#value.length && this.#value[this.#at] !== '"') {
      if (this.#value[this.#at] === '\\') this.#at++;
      text += this.#value[this.#at] ?? '';
      this.#at++;
    }
    this.#at++;
    return text;
  }

  take(character: string): boolean {
    this.#skipSpace();
    if (this.#value[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  /** Moves behind the next `character` that is not quoted; false when there is none. */
  skipTo(character: string): boolean {
    while (!this.isAtEnd) {
      if (this.take(character)) return true;
      if (this.#value[this.#at] === '"') this.text();
      else this.#at++;
    }
    return false;
  }

  /** White space and comments, which nest. */
  #skipSpace(): void {
    let depth = 0;
    for (; this.#at < this.#value.length; this.#at++) {
      const character = this.#value[this.#at] ?? '';
      if (character === '(') depth++;
      else if (depth > 0 && character === ')') depth--;
      else if (depth > 0 && character === '\\') this.#at++;
      else if (depth === 0 && !/\s/.test(character)) return;
    }
  }
}
