/**
 * Text forms of addresses: bech32m (BIP-350) with errors that say what is wrong, because a person
 * may have copied the text by hand. Serves ledger addresses (wallet-address.ts) and the mail
 * library's. Spec: docs/spec/02-transaction.md, section "Address text".
 */
import { bech32m } from '@scure/base';
import { fail, succeed } from '../outcome.ts';
import type { Outcome } from '../outcome.ts';
import type { NetworkKind } from '../params/networks.ts';

const CHARSET = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';
/** All others, in either case. Without the flag u, "k" does not match the Kelvin sign as well. */
const ALIEN = new RegExp(`[^${CHARSET}]`, 'i');
const CHECKSUM_LENGTH = 6;
/** The only version so far; it is the first byte of the data. */
const VERSION = 0;

/** One kind of text address: its two prefixes and the bytes that follow the version byte. */
export interface TextForm {
  readonly prefixes: Readonly<Record<NetworkKind, string>>;
  readonly length: number;
}

/** Characters of the whole text: prefix, "1", data in groups of 5 bits, checksum. */
function textLength(form: TextForm, prefix: string): number {
  return prefix.length + 1 + Math.ceil(((form.length + 1) * 8) / 5) + CHECKSUM_LENGTH;
}

/** Writes version byte and `bytes` (as long as the form says) as lower-case bech32m. */
export function formatBech32(form: TextForm, network: NetworkKind, bytes: Uint8Array): string {
  const data = new Uint8Array(1 + bytes.length);
  data[0] = VERSION;
  data.set(bytes, 1);
  return bech32m.encode(form.prefixes[network], bech32m.toWords(data));
}

/**
 * Reads such a text, all lower or all upper case. Codes: `address-mixed-case`, `address-prefix`,
 * `address-length`, `address-character`, `address-checksum`, `address-version`; positions in
 * details count from 1. The checksum finds any four wrong characters.
 */
export function parseBech32(
  form: TextForm,
  text: string,
): Outcome<{ network: NetworkKind; bytes: Uint8Array }> {
  const lower = text.toLowerCase();
  if (text !== lower && text !== text.toUpperCase()) {
    return fail('address-mixed-case', 'expected lower case only, or upper case only');
  }
  const prefix = lower.slice(0, Math.max(0, lower.indexOf('1')));
  const network = (['main', 'test'] as const).find((kind) => form.prefixes[kind] === prefix);
  if (network === undefined) {
    return fail('address-prefix', `expected ${form.prefixes.main}1 or ${form.prefixes.test}1`);
  }
  const length = textLength(form, prefix);
  if (text.length !== length) {
    return fail('address-length', `${text.length} characters instead of ${length}`);
  }
  const start = prefix.length + 1;
  const alien = text.slice(start).search(ALIEN);
  if (alien >= 0) return fail('address-character', `position ${start + alien + 1} cannot occur`);
  const decoded = bech32m.decodeUnsafe(lower);
  if (!decoded) return fail('address-checksum', suspicion(lower, start));
  const data = bech32m.fromWordsUnsafe(decoded.words);
  // Padding bits that are not zero would be a second text for the same address.
  if (!data || data.length !== form.length + 1) {
    return fail('address-checksum', 'the spare bits at the end are not zero');
  }
  if (data[0] !== VERSION) return fail('address-version', `version ${data[0]} is not known here`);
  return succeed({ network, bytes: Uint8Array.from(data.subarray(1)) });
}

/**
 * Where a single wrong character must stand for the checksum to fail like this. It names the place
 * only: BIP-173 warns against correcting it, since two errors may look like another single one.
 */
function suspicion(text: string, start: number): string {
  for (let position = start; position < text.length; position++) {
    for (const character of CHARSET) {
      const trial = text.slice(0, position) + character + text.slice(position + 1);
      if (bech32m.decodeUnsafe(trial)) return `position ${position + 1} is probably wrong`;
    }
  }
  return 'more than one character is wrong';
}
