/**
 * The content of a part with its transfer encoding taken off. Source: RFC 2045 §6. Before: part.ts;
 * next: io/imap, BINARY of FETCH.
 */
import { base64 } from '@scure/base';
import { asciiOf } from './fields.ts';
import type { MimePart } from './part.ts';

const CR = 0x0d;
const LF = 0x0a;
const EQUALS = 0x3d;
const SPACE = 0x20;
const TAB = 0x09;

/** `unknown` for an encoding that nobody defined, and for base64 that is none. */
export function decodedPart(message: Uint8Array, part: MimePart): Uint8Array | 'unknown' {
  const body = message.subarray(part.bodyStart, part.bodyEnd);
  switch (part.encoding.toLowerCase()) {
    case '7bit':
    case '8bit':
    case 'binary':
      return body;
    case 'base64':
      return decodeBase64(body);
    case 'quoted-printable':
      return decodeQuotedPrintable(body);
    default:
      return 'unknown';
  }
}

/** Characters outside the alphabet are passed over, as RFC 2045 §6.8 says. */
function decodeBase64(body: Uint8Array): Uint8Array | 'unknown' {
  const text = asciiOf(body, 0, body.length).replaceAll(/[^A-Za-z0-9+/]/g, '');
  const whole = text.slice(0, text.length - (text.length % 4 === 1 ? 1 : 0));
  try {
    return base64.decode(whole.padEnd(Math.ceil(whole.length / 4) * 4, '='));
  } catch {
    return 'unknown';
  }
}

/** What is no valid escape stays as it stands; white space at the end of a line is nobody's. */
function decodeQuotedPrintable(body: Uint8Array): Uint8Array {
  const out = new Uint8Array(body.length);
  let length = 0;
  for (let at = 0; at < body.length; at++) {
    const byte = body[at] ?? 0;
    if (byte !== EQUALS) {
      if (byte === SPACE || byte === TAB) {
        const end = blankEnd(body, at);
        const isPadding = end === body.length || body[end] === CR || body[end] === LF;
        for (; at < end; at++) if (!isPadding) out[length++] = body[at] ?? 0;
        at--;
      } else out[length++] = byte;
      continue;
    }
    const soft = softBreak(body, at + 1);
    const value = Number.parseInt(hexAt(body, at + 1), 16);
    if (soft > 0) at += soft;
    else if (Number.isNaN(value)) out[length++] = byte;
    else {
      out[length++] = value;
      at += 2;
    }
  }
  return out.subarray(0, length);
}

/** Octets of a line break, with white space in front of it, at `at`; 0 if there is none. */
function softBreak(body: Uint8Array, at: number): number {
  const end = blankEnd(body, at);
  if (body[end] === CR && body[end + 1] === LF) return end + 2 - at;
  return body[end] === LF ? end + 1 - at : 0;
}

/** Behind the white space that begins at `at`. */
function blankEnd(body: Uint8Array, at: number): number {
  let end = at;
  while (body[end] === SPACE || body[end] === TAB) end++;
  return end;
}

function hexAt(body: Uint8Array, at: number): string {
  const text = String.fromCharCode(...body.subarray(at, at + 2));
  return /^[0-9A-Fa-f]{2}$/.test(text) ? text : '';
}
