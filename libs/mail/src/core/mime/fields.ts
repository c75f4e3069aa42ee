/**
 * Header sections as IMAP needs them: offsets of each field, and values with the line breaks taken
 * out and nothing else changed. Hostile sections never fail: a line that is no field is passed
 * over, and what lies beyond the limits is not looked at. Before: part.ts and envelope.ts, which
 * read the values. Spec: docs/spec/45-mail-programs.md §3; RFC 5322 §2.2, RFC 2045 §5.1.
 */
import { MAX_HEADER_FIELDS, MAX_HEADER_SIZE } from '../limits.ts';

const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const TAB = 0x09;
const COLON = 0x3a;

/** One field of a header section; offsets into the message, the line break included. */
export interface FieldSpan {
  /** Lower case. */
  readonly name: string;
  readonly start: number;
  /** Where the value begins, behind the colon. */
  readonly valueStart: number;
  readonly end: number;
}

/** The fields of a header section, and where it ends. */
export interface FieldList {
  readonly fields: readonly FieldSpan[];
  /** Behind the blank line; `end` when there is none. */
  readonly bodyStart: number;
}

/** Where the blank line's line begins and ends is part of no field. `end` bounds what is read. */
export function listFields(message: Uint8Array, start: number, end: number): FieldList {
  const fields: { name: string; start: number; valueStart: number; end: number }[] = [];
  let at = start;
  while (at < end) {
    const next = lineEnd(message, at, end);
    if (isBlank(message, at, next)) return { fields, bodyStart: next };
    const last = fields.at(-1);
    const first = message[at];
    if (first === SPACE || first === TAB) {
      if (last !== undefined && last.end === at) last.end = next;
    } else if (fields.length < MAX_HEADER_FIELDS && at - start < MAX_HEADER_SIZE) {
      const colon = message.subarray(at, Math.min(next, at + 1_000)).indexOf(COLON);
      const name =
        colon < 1
          ? ''
          : asciiOf(message, at, at + colon)
              .trimEnd()
              .toLowerCase();
      if (/^[\x21-\x7e]+$/.test(name)) {
        fields.push({ name, start: at, valueStart: at + colon + 1, end: next });
      }
    }
    at = next;
  }
  return { fields, bodyStart: end };
}

/** The offset behind the line that begins at `start`. */
export function lineEnd(message: Uint8Array, start: number, end: number): number {
  const found = message.indexOf(LF, start);
  return found < 0 || found >= end ? end : found + 1;
}

function isBlank(message: Uint8Array, start: number, end: number): boolean {
  const first = message[start];
  return first === LF || (first === CR && end - start === 2 && message[start + 1] === LF);
}

/**
 * A field's value as one line of text: each octet is one character (0 to 255), a folded line
 * begins with one space, and the white space at both ends is gone. Undefined when no field has
 * this name; of several the first counts.
 */
export function fieldValue(message: Uint8Array, list: FieldList, name: string): string | undefined {
  const span = list.fields.find((field) => field.name === name);
  return span === undefined ? undefined : spanValue(message, span);
}

/** The value of one field, as fieldValue gives it. */
export function spanValue(message: Uint8Array, span: FieldSpan): string {
  const end = Math.min(span.end, span.valueStart + MAX_HEADER_SIZE);
  const text = asciiOf(message, span.valueStart, end);
  return text.replaceAll(/\r?\n[ \t]*/g, ' ').trim();
}

/** Octets as characters 0 to 255, without any decoding. */
export function asciiOf(message: Uint8Array, start: number, end: number): string {
  let text = '';
  // One by one: an array spread into arguments takes four times as long.
  for (let at = start; at < end; at++) text += String.fromCharCode(message[at] ?? 0);
  return text;
}
