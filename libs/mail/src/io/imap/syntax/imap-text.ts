/**
 * Strings of IMAP answers as octets: quoted where the grammar allows it, literals otherwise.
 * Octets above 127 go into literals unless the session takes UTF-8 (RFC 6855). Spec: RFC 3501 §9,
 * RFC 9051 §9.
 */

/** A character per octet, 0 to 255. */
export type Octets = string;

/** What an answer may hold depends on what the session has enabled. */
export interface TextMode {
  /** IMAP4rev2 or UTF8=ACCEPT is on. */
  readonly isUtf8: boolean;
}

/** Longer strings are literals: some programs bound the length of a line. */
const MAX_QUOTED = 1_024;

export function nstring(text: Octets | undefined, mode: TextMode): Octets {
  return text === undefined ? 'NIL' : string(text, mode);
}

export function string(text: Octets, mode: TextMode): Octets {
  const isQuotable = !/[\0\r\n]/.test(text) && (mode.isUtf8 || !/[\u0080-\u00ff]/.test(text));
  if (!isQuotable || text.length > MAX_QUOTED) return `{${text.length}}\r\n${text}`;
  return `"${text.replaceAll(/["\\]/g, '\\$&')}"`;
}

/** A folder's name: an atom where it is one. */
export function astring(text: Octets, mode: TextMode): Octets {
  return /^[A-Za-z0-9_./+&-]+$/.test(text) && text.toUpperCase() !== 'NIL'
    ? text
    : string(text, mode);
}

export function list(items: readonly Octets[]): Octets {
  return `(${items.join(' ')})`;
}
