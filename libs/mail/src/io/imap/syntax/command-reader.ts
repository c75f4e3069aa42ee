/**
 * Cuts what a program sends into commands: lines with the literals inside them. It holds at most
 * one command, asks for a literal only when its size is allowed, and passes over one that is not
 * without keeping it. Before: the socket; next: arguments.ts. Source: RFC 3501 §4.3, 7888.
 */

/** Octets of a command's lines together, literals apart. */
export const MAX_COMMAND_TEXT = 65_536;
/** Literals of one command. */
const MAX_LITERALS = 1_000;

const LF = 0x0a;
const CR = 0x0d;

/** One command: text with the literals' places marked, and the literals in order. */
export interface RawCommand {
  /** Octets as characters; each literal is one LITERAL_MARK. */
  readonly text: string;
  readonly literals: readonly Uint8Array[];
}

/** Stands for a literal in `text`; no octet has this value. */
export const LITERAL_MARK = '\uffff';

export type ReaderEvent =
  | { readonly kind: 'command'; readonly command: RawCommand }
  /** The program waits for leave to send a literal. */
  | { readonly kind: 'continue' }
  /** A literal is larger than allowed; the program was not asked to send it, or it is skipped. */
  | { readonly kind: 'too-big'; readonly text: string }
  /** A line without end, or too many literals: the connection cannot go on. */
  | { readonly kind: 'broken' };

export interface ReaderLimits {
  /** Octets that the literals of a command may have together, given its text so far. */
  readonly literalBytes: (text: string) => number;
}

interface Literal {
  readonly bytes: Uint8Array;
  filled: number;
}

export class CommandReader {
  readonly #limits: ReaderLimits;
  #text = '';
  #literals: Uint8Array[] = [];
  /** Octets of the command's literals so far. */
  #kept = 0;
  #line: Uint8Array[] = [];
  #lineLength = 0;
  #literal: Literal | undefined;
  /** Octets of a literal that are passed over. */
  #skip = 0;
  /** The command went wrong; the rest of it is passed over. */
  #isRefused = false;
  #isBroken = false;

  constructor(limits: ReaderLimits) {
    this.#limits = limits;
  }

  /** Whether a command has begun that is not whole. */
  get isInside(): boolean {
    return this.#text !== '' || this.#lineLength > 0 || this.#literal !== undefined;
  }

  /** Takes octets as they come, and gives what they complete. */
  *push(chunk: Uint8Array): Generator<ReaderEvent> {
    let at = 0;
    while (at < chunk.length && !this.#isBroken) {
      if (this.#skip > 0) {
        const passed = Math.min(this.#skip, chunk.length - at);
        this.#skip -= passed;
        at += passed;
        continue;
      }
      if (this.#literal !== undefined) {
        at += this.#fill(this.#literal, chunk.subarray(at));
        continue;
      }
      const end = chunk.indexOf(LF, at);
      const piece = chunk.subarray(at, end < 0 ? chunk.length : end + 1);
      at += piece.length;
      this.#line.push(piece.slice());
      this.#lineLength += piece.length;
      if (this.#lineLength + this.#text.length > MAX_COMMAND_TEXT) {
        this.#isBroken = true;
        yield { kind: 'broken' };
      } else if (end >= 0) {
        yield* this.#endLine();
      }
    }
  }

  #fill(literal: Literal, rest: Uint8Array): number {
    const taken = Math.min(literal.bytes.length - literal.filled, rest.length);
    literal.bytes.set(rest.subarray(0, taken), literal.filled);
    literal.filled += taken;
    if (literal.filled === literal.bytes.length) {
      this.#literals.push(literal.bytes);
      this.#literal = undefined;
    }
    return taken;
  }

  *#endLine(): Generator<ReaderEvent> {
    const line = this.#takeLine();
    const match = /(~?)\{(\d{1,10})(\+?)\}$/.exec(line);
    if (match === null) {
      const command = { text: this.#text + line, literals: this.#literals };
      const isRefused = this.#isRefused;
      this.#reset();
      if (!isRefused) yield { kind: 'command', command };
      return;
    }
    this.#text += `${line.slice(0, match.index)}${LITERAL_MARK}`;
    const size = Number(match[2]);
    const isAsked = match[3] === '';
    if (this.#literals.length >= MAX_LITERALS) {
      this.#isBroken = true;
      yield { kind: 'broken' };
    } else if (this.#isRefused || this.#kept + size > this.#limits.literalBytes(this.#text)) {
      yield* this.#refuse(size, isAsked);
    } else {
      this.#kept += size;
      // An empty literal is complete as it stands.
      if (size === 0) this.#literals.push(new Uint8Array(0));
      else this.#literal = { bytes: new Uint8Array(size), filled: 0 };
      if (isAsked) yield { kind: 'continue' };
    }
  }

  /** A program that asked is told at once and sends nothing more of the command. */
  *#refuse(size: number, isAsked: boolean): Generator<ReaderEvent> {
    const text = this.#text;
    if (!this.#isRefused) yield { kind: 'too-big', text };
    if (isAsked) this.#reset();
    else {
      this.#isRefused = true;
      this.#skip = size;
    }
  }

  #takeLine(): string {
    let text = '';
    for (const piece of this.#line) {
      // In pieces: an argument list of a long line would be too long for a call.
      for (let at = 0; at < piece.length; at += 4_096) {
        text += String.fromCharCode(...piece.subarray(at, at + 4_096));
      }
    }
    this.#line = [];
    this.#lineLength = 0;
    const end = text.charCodeAt(text.length - 2) === CR ? -2 : -1;
    return text.slice(0, end);
  }

  #reset(): void {
    this.#text = '';
    this.#literals = [];
    this.#kept = 0;
    this.#isRefused = false;
  }
}
