/**
 * mbox files in the form mboxrd, read piece by piece and written message by message, byte for byte:
 * `From ` lines inside a message get one `>` more when written and lose it when read, line ends
 * stay as they are, and one LF stands behind each message. Stop before: an archive; next: message
 * store.
 * Spec: docs/spec/23-envelope.md, section "Archives".
 */
import { bytesToUtf8, utf8ToBytes } from '@noble/ciphers/utils.js';
import { assert } from '../outcome.ts';
import { dayOf, readDate } from './message-date.ts';

const LF = 0x0a;
const CR = 0x0d;
const GREATER = 0x3e;
const FROM = [0x46, 0x72, 0x6f, 0x6d, 0x20];
/** Bytes of a line that are looked at for a separator; longer lines pass in pieces. */
const MAX_LINE = 65_536;
const MAX_SEPARATOR = 512;

/** A message in an archive. */
export interface MboxMessage {
  /** Its bytes; undefined when it was larger than the reader takes. */
  readonly raw: Uint8Array | undefined;
  readonly sizeBytes: number;
  /** What stood behind `From ` in the line before it. */
  readonly separator: string;
}

/** One message with its separator, for the end of an mbox file. `date` in unix seconds. */
export function encodeMbox(raw: Uint8Array, date: number): Uint8Array {
  const line = utf8ToBytes(`From tanglemail ${asctime(date)}\n`);
  const starts = quotedStarts(raw);
  const out = new Uint8Array(line.length + raw.length + starts.length + 1);
  out.set(line);
  let [from, to] = [0, line.length];
  for (const start of starts) {
    out.set(raw.subarray(from, start), to);
    to += start - from;
    out[to++] = GREATER;
    from = start;
  }
  out.set(raw.subarray(from), to);
  out[out.length - 1] = LF;
  return out;
}

/** Where lines begin that are `From ` behind any number of `>`. */
function quotedStarts(raw: Uint8Array): number[] {
  const starts: number[] = [];
  for (let at = 0; at < raw.length;) {
    let text = at;
    while (raw[text] === GREATER) text++;
    if (FROM.every((byte, index) => raw[text + index] === byte)) starts.push(at);
    const end = raw.indexOf(LF, text);
    if (end < 0) break;
    at = end + 1;
  }
  return starts;
}

const DAYS = ['Thu', 'Fri', 'Sat', 'Sun', 'Mon', 'Tue', 'Wed'];
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const DAY_SECONDS = 86_400;

/** `Thu Jan  1 00:00:00 1970`, UTC. The first day of that year was a Thursday. */
function asctime(seconds: number): string {
  const days = Math.floor(seconds / DAY_SECONDS);
  const rest = seconds - days * DAY_SECONDS;
  const two = (value: number): string => value.toString().padStart(2, '0');
  const parts = [Math.floor(rest / 3_600), Math.floor(rest / 60) % 60, rest % 60];
  const { year, month, day } = dayOf(days);
  const date = `${MONTHS[month - 1]} ${day.toString().padStart(2, ' ')}`;
  return `${DAYS[days % DAYS.length]} ${date} ${parts.map(two).join(':')} ${year}`;
}

/** The time in a separator, unix seconds, read as UTC; undefined when there is none. */
export function separatorDate(separator: string): number | undefined {
  const pattern = /([A-Z][a-z]{2}) +(\d{1,2}) (\d{1,2}:\d{2})(:\d{2})?.*? (\d{4})\b/;
  const [, month, day, time = '', second = ':00', year] = pattern.exec(separator) ?? [];
  const seconds = readDate(`${day} ${month} ${year} ${time.padStart(5, '0')}${second} +0000`);
  return seconds === undefined || seconds < 0 ? undefined : seconds;
}

/** Whether a line separates messages: `From `, a name, and a time, which a sentence seldom has. */
function separatorOf(line: Uint8Array): string | undefined {
  if (line.length > MAX_SEPARATOR || !FROM.every((byte, at) => line[at] === byte)) return undefined;
  const text = bytesToUtf8(line.subarray(FROM.length)).trimEnd();
  return /^\S+ .*\d{1,2}:\d{2}/.test(text) ? text : undefined;
}

/** Reads an mbox file from pieces of any size. Holds one message at a time. */
export class MboxReader {
  readonly #maxSize: number;
  /** The line that has not ended yet. */
  #rest: Uint8Array = new Uint8Array();
  /** The rest begins a line; else it goes on with one that was too long to be held. */
  #isLineStart = true;
  #separator: string | undefined;
  #parts: Uint8Array[] = [];
  #sizeBytes = 0;

  /** `maxSize`: bytes of the largest message that is kept. */
  constructor(maxSize: number) {
    assert(maxSize > 0, 'a message has a size');
    this.#maxSize = maxSize;
  }

  /** Messages that end in this piece. Throws nothing. What stands before the first is left out. */
  push(piece: Uint8Array): MboxMessage[] {
    const found: MboxMessage[] = [];
    let data = joined(this.#rest, piece);
    for (;;) {
      const end = data.indexOf(LF);
      if (end < 0) break;
      this.#line(data.subarray(0, end + 1), found);
      data = data.subarray(end + 1);
    }
    if (data.length > MAX_LINE) {
      this.#keep(data, this.#isLineStart);
      this.#isLineStart = false;
      data = new Uint8Array();
    }
    this.#rest = data.slice();
    return found;
  }

  /** The last message, once all pieces were pushed. */
  end(): MboxMessage[] {
    const found: MboxMessage[] = [];
    if (this.#rest.length > 0) this.#line(this.#rest, found);
    this.#rest = new Uint8Array();
    this.#close(found);
    return found;
  }

  /** Whether a message has begun: a file without one is no mbox. */
  get hasBegun(): boolean {
    return this.#separator !== undefined;
  }

  #line(line: Uint8Array, found: MboxMessage[]): void {
    const separator = this.#isLineStart ? separatorOf(line) : undefined;
    if (separator === undefined) this.#keep(line, this.#isLineStart);
    else {
      this.#close(found);
      this.#separator = separator;
    }
    this.#isLineStart = true;
  }

  #keep(line: Uint8Array, isStart: boolean): void {
    if (this.#separator === undefined) return;
    const text = isStart && isQuoted(line) ? line.subarray(1) : line;
    this.#sizeBytes += text.length;
    // One byte more than allowed: the LF behind the message does not count.
    if (this.#sizeBytes <= this.#maxSize + 2) this.#parts.push(text.slice());
    else this.#parts = [];
  }

  #close(found: MboxMessage[]): void {
    const separator = this.#separator;
    if (separator === undefined) return;
    const whole = this.#sizeBytes <= this.#maxSize + 2 ? concat(this.#parts) : undefined;
    const raw = whole && whole.subarray(0, whole.length - gapOf(whole));
    const sizeBytes = raw?.length ?? this.#sizeBytes;
    found.push({ raw: sizeBytes > this.#maxSize ? undefined : raw, sizeBytes, separator });
    this.#parts = [];
    this.#sizeBytes = 0;
  }
}

function isQuoted(line: Uint8Array): boolean {
  let at = 0;
  while (line[at] === GREATER) at++;
  return at > 0 && FROM.every((byte, index) => line[at + index] === byte);
}

/** Bytes behind a message that belong to the file: LF, or CRLF where that is an empty line. */
function gapOf(message: Uint8Array): number {
  if (message.at(-1) !== LF) return 0;
  const isEmptyLine = message.at(-2) === CR && (message.at(-3) === LF || message.length === 2);
  return isEmptyLine ? 2 : 1;
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  return a.length === 0 ? b : concat([a, b]);
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, one) => sum + one.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
