/**
 * The Bcc field: it stands in the sender's own copy and in nothing that leaves. Everything else of
 * a message stays byte for byte. Stop before: the composer or a mail program; next: check.ts.
 * Source: RFC 5322 §3.6.3. Spec: docs/spec/23-envelope.md, section "Message".
 */
import { concatBytes } from '@noble/hashes/utils.js';
import { utf8ToBytes } from '@noble/ciphers/utils.js';

const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const TAB = 0x09;
const NAMES = new Set(['bcc', 'resent-bcc']);

/** The message without any Bcc field; the same bytes when it has none. */
export function withoutBcc(message: Uint8Array): Uint8Array {
  const kept: Uint8Array[] = [];
  let isDropped = false;
  let hasDropped = false;
  let at = 0;
  while (at < message.length) {
    const found = message.indexOf(LF, at);
    const end = found < 0 ? message.length : found + 1;
    const line = message.subarray(at, end);
    if (isBlank(line)) break;
    const isContinuation = line[0] === SPACE || line[0] === TAB;
    isDropped = isContinuation ? isDropped : NAMES.has(nameOf(line));
    if (isDropped) hasDropped = true;
    else kept.push(line);
    at = end;
  }
  return hasDropped ? concatBytes(...kept, message.subarray(at)) : message;
}

/** The message with a Bcc field in front that names `addresses`, one to a line. */
export function withBcc(message: Uint8Array, addresses: readonly string[]): Uint8Array {
  if (addresses.length === 0) return message;
  return concatBytes(utf8ToBytes(`Bcc: ${addresses.join(',\r\n ')}\r\n`), message);
}

function isBlank(line: Uint8Array): boolean {
  return line[0] === LF || (line[0] === CR && line[1] === LF);
}

/** The field's name in lower case; empty for what is no field. */
function nameOf(line: Uint8Array): string {
  let name = '';
  for (const byte of line.subarray(0, 78)) {
    if (byte === 0x3a) return name.trimEnd().toLowerCase();
    name += String.fromCharCode(byte);
  }
  return '';
}
