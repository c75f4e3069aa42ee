/**
 * The header section of an RFC 5322 message, read without decoding anything: names, unfolded
 * values, and the few fields that threads, folders and the check of a sender need. Encoded words
 * stay as they are; io/parse.ts decodes them for people. Spec: docs/spec/23-envelope.md, section
 * "Message".
 */
import { bytesToUtf8 } from '@noble/ciphers/utils.js';
import { MAX_HEADER_FIELDS, MAX_HEADER_SIZE } from '../limits.ts';
import { fail, succeed } from '../outcome.ts';
import type { MailOutcome } from '../outcome.ts';
import { readAddresses } from './addresses.ts';
import { readDate } from './message-date.ts';

const CR = 0x0d;
const LF = 0x0a;
/** Message ids taken from References; longer threads are joined by their newest ids. */
const MAX_REFERENCES = 100;

export interface HeaderField {
  /** Lower case. */
  readonly name: string;
  /** Unfolded and trimmed; encoded words as they stand. */
  readonly value: string;
}

export interface HeaderSection {
  readonly fields: readonly HeaderField[];
  /** Where the body begins; the message's length if there is none. */
  readonly bodyOffset: number;
}

/** What the project itself reads of a message. Texts are raw header text. */
export interface MessageFacts {
  /** Without the angle brackets. */
  readonly messageId?: string;
  /** Addresses, lower case, in order. */
  readonly from: readonly string[];
  readonly to: readonly string[];
  readonly cc: readonly string[];
  readonly subject: string;
  /** Unix seconds; absent if there is no date or no reader could agree on it. */
  readonly date?: number;
  /** Message ids of References and In-Reply-To, oldest first, without brackets. */
  readonly references: readonly string[];
}

/**
 * Reads the header section; lines may end in CRLF or LF. Codes: `message-header-missing` (the first
 * line is no field), `message-header-too-large`, `message-header-invalid` (a line is neither a
 * field nor a continuation; the detail gives its number).
 */
export function readHeaders(message: Uint8Array): MailOutcome<HeaderSection> {
  const fields: { name: string; value: string }[] = [];
  let at = 0;
  let line = 0;
  while (at < message.length) {
    if (at > MAX_HEADER_SIZE || fields.length > MAX_HEADER_FIELDS) {
      return fail('message-header-too-large');
    }
    const end = lineEnd(message, at);
    const text = lineText(message, at, end);
    line++;
    at = end;
    if (text.length === 0) return succeed({ fields, bodyOffset: at });
    const last = fields.at(-1);
    if (/^[ \t]/.test(text) && last) {
      last.value = `${last.value} ${text.trim()}`.trim();
      continue;
    }
    const match = /^([\x21-\x39\x3b-\x7e]{1,76})[ \t]*:(.*)$/s.exec(text);
    if (!match) {
      return line === 1
        ? fail('message-header-missing')
        : fail('message-header-invalid', `line ${line}`);
    }
    fields.push({ name: (match[1] ?? '').toLowerCase(), value: (match[2] ?? '').trim() });
  }
  return fields.length > 0
    ? succeed({ fields, bodyOffset: message.length })
    : fail('message-header-missing');
}

/** The offset behind the line that begins at `start`, never more than the header limit further. */
function lineEnd(message: Uint8Array, start: number): number {
  const limit = Math.min(message.length, start + MAX_HEADER_SIZE + 1);
  const found = message.subarray(start, limit).indexOf(LF);
  return found < 0 ? limit : start + found + 1;
}

function lineText(message: Uint8Array, start: number, end: number): string {
  let stop = end;
  if (message[stop - 1] === LF) stop--;
  if (stop > start && message[stop - 1] === CR) stop--;
  return bytesToUtf8(message.subarray(start, stop));
}

/** The values of all fields of this name (lower case), in order. */
export function valuesOf(section: HeaderSection, name: string): string[] {
  return section.fields.filter((field) => field.name === name).map((field) => field.value);
}

/**
 * The one address that the message says it is from, lower case. Undefined when From is missing,
 * stands twice or names several people: such a message is never shown as verified.
 */
export function soleFrom(section: HeaderSection): string | undefined {
  const values = valuesOf(section, 'from');
  const addresses = readAddresses(values[0] ?? '');
  return values.length === 1 && addresses.length === 1 ? addresses[0]?.address : undefined;
}

/** The facts that folders, threads and lists show or sort by. */
export function readFacts(section: HeaderSection): MessageFacts {
  const first = (name: string): string => valuesOf(section, name)[0] ?? '';
  const addresses = (name: string): string[] =>
    valuesOf(section, name).flatMap((value) => readAddresses(value).map((one) => one.address));
  const messageId = readIds(first('message-id'))[0];
  const date = readDate(first('date'));
  const ids = [...readIds(first('references')), ...readIds(first('in-reply-to'))];
  return {
    ...(messageId === undefined ? {} : { messageId }),
    from: addresses('from'),
    to: addresses('to'),
    cc: addresses('cc'),
    subject: first('subject'),
    ...(date === undefined ? {} : { date }),
    references: [...new Set(ids)].slice(-MAX_REFERENCES),
  };
}

function readIds(value: string): string[] {
  return Array.from(value.matchAll(/<([^<>\s]{1,250})>/g), (match) => match[1] ?? '');
}
