/**
 * Rules that a message of our own must keep before it is sealed; after that its bytes are never
 * touched. What arrives is shown even if it breaks them. Stop before: the bridge or the local API;
 * next: letter/content.ts. Spec: docs/spec/23-envelope.md, section "Message".
 */
import { MAX_LINE_LENGTH, MAX_MESSAGE_SIZE } from '../limits.ts';
import { fail, succeed } from '../outcome.ts';
import type { MailOutcome } from '../outcome.ts';

const CR = 0x0d;
const LF = 0x0a;

/** What a check found out on its way. */
export interface MessageShape {
  readonly lines: number;
  /** The longest line in octets, without CRLF. */
  readonly longestLine: number;
  /** Some octet is above 127, so the transfer needs 8BITMIME. */
  readonly isEightBit: boolean;
}

/**
 * Checks lines and size. Codes: `message-empty`, `message-too-large`, `message-nul`,
 * `message-bare-newline` (a CR or LF that stands alone: servers disagree on where such a line ends,
 * which smuggles headers), `message-line-too-long`. Details give the line's number, from 1.
 */
export function checkMessage(
  bytes: Uint8Array,
  maxSize: number = MAX_MESSAGE_SIZE,
): MailOutcome<MessageShape> {
  if (bytes.length === 0) return fail('message-empty');
  if (bytes.length > maxSize) return fail('message-too-large', `at most ${maxSize} bytes`);
  let [lines, lineStart, longestLine, isEightBit] = [0, 0, 0, false];
  const closeLine = (end: number): boolean => {
    lines++;
    longestLine = Math.max(longestLine, end - lineStart);
    return end - lineStart <= MAX_LINE_LENGTH;
  };
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0;
    if (byte === 0) return fail('message-nul', `line ${lines + 1}`);
    if (byte > 0x7f) isEightBit = true;
    if (byte === LF || (byte === CR && bytes[at + 1] !== LF)) {
      return fail('message-bare-newline', `line ${lines + 1}`);
    }
    if (byte === CR) {
      if (!closeLine(at)) return fail('message-line-too-long', `line ${lines}`);
      lineStart = at + 2;
      at++;
    }
  }
  if (lineStart < bytes.length && !closeLine(bytes.length)) {
    return fail('message-line-too-long', `line ${lines}`);
  }
  return succeed({ lines, longestLine, isEightBit });
}

/**
 * The same text with CRLF at every line's end, for text that never was a message on the wire (a
 * file, standard input). Never for a submitted message: it would break signatures inside it.
 */
export function withCrlf(bytes: Uint8Array): Uint8Array {
  // Every lone CR or LF becomes two octets; nothing else changes.
  const out = new Uint8Array(bytes.length * 2);
  let length = 0;
  for (const [at, byte] of bytes.entries()) {
    if (byte === LF && bytes[at - 1] === CR) continue;
    const isEnd = byte === LF || byte === CR;
    out[length++] = isEnd ? CR : byte;
    if (isEnd) out[length++] = LF;
  }
  return out.slice(0, length);
}
