/**
 * Address lists of RFC 5322 headers, read once from left to right: quoted names, comments, groups
 * and angle brackets. Who a message claims to be from is decided here, so doubtful text gives no
 * address rather than a guess. Spec: docs/spec/23-envelope.md, section "Message".
 */

/** Addresses taken from one header; a hostile one could name thousands. */
const MAX_ADDRESSES = 500;
/** Characters of one header value that are looked at. */
const MAX_VALUE = 65_536;

export interface HeaderAddress {
  /** Display name as it stands, quotes removed; empty if there is none. */
  readonly name: string;
  /** Lower case, `local@domain`. */
  readonly address: string;
}

interface Token {
  readonly kind: 'text' | 'quoted' | 'angle' | 'comma' | 'colon' | 'semicolon';
  readonly text: string;
}

/** The addresses of a From, To or Cc value. */
export function readAddresses(value: string): HeaderAddress[] {
  const found: HeaderAddress[] = [];
  let entry: Token[] = [];
  const close = (): void => {
    const address = readEntry(entry);
    if (address && found.length < MAX_ADDRESSES) found.push(address);
    entry = [];
  };
  for (const token of tokens(value.slice(0, MAX_VALUE))) {
    if (token.kind === 'comma' || token.kind === 'semicolon') close();
    else if (token.kind === 'colon') entry = [];
    else entry.push(token);
  }
  close();
  return found;
}

/** One mailbox: `name <address>`, or a bare address. Two pairs of brackets are no mailbox. */
function readEntry(entry: readonly Token[]): HeaderAddress | undefined {
  const angles = entry.filter((token) => token.kind === 'angle');
  const words = entry.filter((token) => token.kind !== 'angle').map((token) => token.text);
  const name = words.join(' ').trim();
  if (angles.length > 1) return undefined;
  const [angle] = angles;
  const address = normalise(angle ? angle.text : words.join(''));
  return address === undefined ? undefined : { name: angle ? name : '', address };
}

function normalise(text: string): string | undefined {
  const address = text.trim().toLowerCase();
  return /^[^\s@<>",;:()[\]\\]{1,64}@[^\s@<>",;:()[\]\\]{1,255}$/.test(address)
    ? address
    : undefined;
}

function* tokens(value: string): Generator<Token> {
  const SINGLE = { ',': 'comma', ':': 'colon', ';': 'semicolon' } as const;
  let at = 0;
  while (at < value.length) {
    const character = value[at] ?? '';
    if (character === '"') {
      const end = closing(value, at + 1, '"');
      yield { kind: 'quoted', text: value.slice(at + 1, end).replaceAll(/\\(.)/gs, '$1') };
      at = end + 1;
    } else if (character === '<') {
      const end = closing(value, at + 1, '>');
      yield { kind: 'angle', text: value.slice(at + 1, end) };
      at = end + 1;
    } else if (character === '(') {
      at = commentEnd(value, at);
    } else if (character === ',' || character === ':' || character === ';') {
      yield { kind: SINGLE[character], text: character };
      at++;
    } else {
      const match = /^[^"<(,:;]+/.exec(value.slice(at, at + 1_024));
      const text = match?.[0] ?? character;
      yield { kind: 'text', text: text.trim() };
      at += text.length;
    }
  }
}

/** The index of `end`, backslash pairs skipped; the text's length if it never comes. */
function closing(value: string, start: number, end: string): number {
  let at = start;
  while (at < value.length && value[at] !== end) at += value[at] === '\\' ? 2 : 1;
  return Math.min(at, value.length);
}

/** Behind a comment that begins at `start`; comments nest. */
function commentEnd(value: string, start: number): number {
  let depth = 0;
  for (let at = start; at < value.length; at++) {
    if (value[at] === '\\') at++;
    else if (value[at] === '(') depth++;
    else if (value[at] === ')' && --depth === 0) return at + 1;
  }
  return value.length;
}
