/**
 * The safety number of two accounts: 60 digits that two people compare, equal on both sides.
 * Spec: docs/spec/20-identity.md.
 */
import { concatBytes, domain, sha256 } from '../crypto/kdf.ts';

const GROUPS_PER_ACCOUNT = 6;

/**
 * Twelve groups of five digits, six for each account key (32 bytes each), the smaller half first.
 * Each half is SHA-256 iterated 5,200 times with the key, as Signal does, so that 30 digits (about
 * 100 bits) are dear to collide with.
 */
export function safetyNumber(accountKeyA: Uint8Array, accountKeyB: Uint8Array): string {
  return [fingerprint(accountKeyA), fingerprint(accountKeyB)].toSorted().join(' ');
}

const CODE_SCHEME = 'tangle-safety:';
const DIGITS = 60;

/** What a QR code of a safety number holds: the scheme and its 60 digits. */
export function safetyCode(number: string): string {
  return `${CODE_SCHEME}${number.replaceAll(' ', '')}`;
}

/** The 60 digits of a scanned code; undefined when it is something else. */
export function parseSafetyCode(text: string): string | undefined {
  const trimmed = text.trim().toLowerCase();
  const digits = trimmed.slice(CODE_SCHEME.length);
  const isCode = trimmed.startsWith(CODE_SCHEME) && digits.length === DIGITS;
  return isCode && /^[0-9]+$/.test(digits) ? digits : undefined;
}

function fingerprint(accountKey: Uint8Array): string {
  let hash = sha256(concatBytes(domain('tmail/safety/v1'), accountKey));
  for (let round = 1; round < 5_200; round++) hash = sha256(concatBytes(hash, accountKey));
  const groups: string[] = [];
  const view = new DataView(hash.buffer, hash.byteOffset, hash.byteLength);
  for (let group = 0; group < GROUPS_PER_ACCOUNT; group++) {
    // Five bytes, big endian, modulo 10^5: the bias of 2^40 mod 10^5 is below 10^-7.
    const value = view.getUint8(group * 5) * 2 ** 32 + view.getUint32(group * 5 + 1);
    groups.push((value % 100_000).toString().padStart(5, '0'));
  }
  return groups.join(' ');
}
