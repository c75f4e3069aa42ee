/**
 * Answers of several lines: a dot doubled at a line's beginning, a dot alone at the end. Source:
 * RFC 1939 §3.
 */
const CR = 0x0d;
const LF = 0x0a;
const DOT = 0x2e;
const END = Buffer.from('.\r\n');

/** A message as it goes over the wire. A message without a line break at its end gets one. */
export function dotLines(message: Uint8Array): Uint8Array {
  const pieces: Uint8Array[] = [];
  let start = 0;
  for (let at = 0; at >= 0 && at < message.length; at = nextLine(message, at)) {
    if (message[at] !== DOT) continue;
    pieces.push(message.subarray(start, at), Buffer.from([DOT]));
    start = at;
  }
  pieces.push(message.subarray(start));
  const isClosed = message.length === 0 || message.at(-1) === LF;
  return Buffer.concat(isClosed ? [...pieces, END] : [...pieces, Buffer.from([CR, LF]), END]);
}

/** The header, the blank line and the first lines of the body. */
export function topOf(message: Uint8Array, bodyStart: number, lines: number): Uint8Array {
  let at = bodyStart;
  for (let count = 0; count < lines && at < message.length; count++) {
    const next = nextLine(message, at);
    at = next < 0 ? message.length : next;
  }
  return message.subarray(0, at);
}

/** Where the next line begins; -1 when there is none. */
function nextLine(message: Uint8Array, at: number): number {
  const found = message.indexOf(LF, at);
  return found < 0 || found + 1 >= message.length ? -1 : found + 1;
}
