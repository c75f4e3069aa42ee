/**
 * The same attachment twice in one mail is sent once. Works on bytes and not on what they mean:
 * whatever stands between two delimiter lines of a multipart message and stood there before is left
 * out, and spans say how the message is put together again, byte for byte. Never across mails: a
 * provider would learn that two mails have the same attachment. After: seal.ts, letter.ts.
 * Spec: docs/spec/25-parcel.md, section 4.
 */
import { concatBytes } from '@noble/hashes/utils.js';
import { equalBytes } from '../crypto/kdf.ts';
import { assert } from '../outcome.ts';

/** Bytes `from … from + length − 1` of a parcel's content. */
export interface Span {
  readonly from: number;
  readonly length: number;
}

/** Repetitions that are left out of one message; more are sent as they are. */
const MAX_REPEATS = 64;
/** Pieces of one message: between and around the repetitions. */
export const MAX_SPANS = 2 * MAX_REPEATS + 1;
/** Shorter repetitions are not worth their span. */
const MIN_REPEAT = 4_096;
/** Bodies that are compared with each other: bounds what a hostile mail costs its own sender. */
const MAX_BODIES = 1_024;
const [CR, LF, DASH] = [13, 10, 45];

/** Bytes of the message that spans make. */
export function messageSize(spans: readonly Span[]): number {
  return spans.reduce((sum, { length }) => sum + length, 0);
}

/** The content that has to travel, and how the message is made of it. */
export function leaveRepeatsOut(message: Uint8Array): {
  readonly content: Uint8Array;
  readonly spans: readonly Span[];
} {
  const spans: Span[] = [];
  const kept: Uint8Array[] = [];
  let [done, contentSize] = [0, 0];
  const keep = (end: number): void => {
    if (end === done) return;
    spans.push({ from: contentSize, length: end - done });
    kept.push(message.subarray(done, end));
    contentSize += end - done;
    done = end;
  };
  for (const { start, end, earlier } of repeatsIn(message)) {
    keep(start);
    spans.push({ from: placeOf(earlier, spans), length: end - start });
    done = end;
  }
  keep(message.length);
  return { content: kept.length === 1 ? message : concatBytes(...kept), spans };
}

/** Where byte `at` of the message stands in the content, by the spans before it. */
function placeOf(at: number, spans: readonly Span[]): number {
  let begin = 0;
  for (const { from, length } of spans) {
    if (at < begin + length) return from + at - begin;
    begin += length;
  }
  assert(false, 'a repetition repeats what stands before it');
  return 0;
}

/** The message that the spans make of the content. */
export function putTogether(content: Uint8Array, spans: readonly Span[]): Uint8Array {
  const message = new Uint8Array(messageSize(spans));
  let at = 0;
  for (const { from, length } of spans) {
    message.set(content.subarray(from, from + length), at);
    at += length;
  }
  return message;
}

/** The content of which the spans make this message; undefined when they make another one. */
export function takeApart(message: Uint8Array, spans: readonly Span[]): Uint8Array | undefined {
  if (message.length !== messageSize(spans)) return undefined;
  const kept: Uint8Array[] = [];
  let [at, taken] = [0, 0];
  for (const { from, length } of spans) {
    if (from === taken) {
      kept.push(message.subarray(at, at + length));
      taken += length;
    }
    at += length;
  }
  const content = concatBytes(...kept);
  return equalBytes(putTogether(content, spans), message) ? content : undefined;
}

interface Repeat {
  readonly start: number;
  readonly end: number;
  /** Where the same bytes begin for the first time. */
  readonly earlier: number;
}

function repeatsIn(message: Uint8Array): Repeat[] {
  const byLength = new Map<number, number[]>();
  const repeats: Repeat[] = [];
  for (const { start, end } of bodiesIn(message)) {
    const length = end - start;
    const firsts = byLength.get(length) ?? [];
    const earlier = firsts.find((first) => isSame(message, first, start, length));
    if (earlier === undefined) byLength.set(length, [...firsts, start]);
    else if (repeats.length < MAX_REPEATS) repeats.push({ start, end, earlier });
  }
  return repeats;
}

function isSame(message: Uint8Array, one: number, other: number, length: number): boolean {
  for (let at = 0; at < length; at += 1) {
    if (message[one + at] !== message[other + at]) return false;
  }
  return true;
}

/** What stands between the headers after a line that begins with `--` and the next such line. */
function bodiesIn(message: Uint8Array): { readonly start: number; readonly end: number }[] {
  const lines = dashLines(message);
  const bodies = lines.flatMap((line, index) => {
    const end = lines[index + 1] ?? message.length;
    const start = afterBlankLine(message, line, end);
    return end - start >= MIN_REPEAT ? [{ start, end }] : [];
  });
  return bodies.slice(0, MAX_BODIES);
}

function dashLines(message: Uint8Array): number[] {
  const lines: number[] = [];
  for (let at = message.indexOf(DASH); at >= 0; at = message.indexOf(DASH, at + 1)) {
    const isLine = message[at + 1] === DASH && (at === 0 || message[at - 1] === LF);
    if (isLine) lines.push(at);
  }
  return lines;
}

/** The first byte behind the first empty line; `end` when there is none before it. */
function afterBlankLine(message: Uint8Array, from: number, end: number): number {
  for (let at = message.indexOf(CR, from); at >= 0 && at < end; at = message.indexOf(CR, at + 1)) {
    const isBlank =
      message[at + 1] === LF && message[at + 2] === CR && message[at + 3] === LF && at + 4 <= end;
    if (isBlank) return at + 4;
  }
  return end;
}
