/**
 * Key derivation of the whole mail library: HKDF-SHA256 (RFC 5869) with one salt and a label per
 * purpose, so that no two keys of different purposes can be equal. Spec: docs/spec/20-identity.md.
 */
import { equalBytes } from '@noble/curves/utils.js';
import { hkdf } from '@noble/hashes/hkdf.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js';

export { concatBytes, equalBytes, sha256, utf8ToBytes };

const SALT = utf8ToBytes('tmail/hkdf/v1\0');

/** A domain string as bytes: ASCII text and one zero byte. */
export function domain(text: string): Uint8Array {
  return utf8ToBytes(`${text}\0`);
}

/**
 * HKDF-SHA256 with salt "tmail/hkdf/v1\0" and info = label ‖ 0x00 ‖ context.
 * `context` must have one length per label, so that no two contexts run into each other.
 */
export function deriveKey(
  secret: Uint8Array,
  label: string,
  context: readonly Uint8Array[] = [],
  length = 32,
): Uint8Array {
  return hkdf(sha256, secret, SALT, concatBytes(domain(label), ...context), length);
}

/** HKDF-SHA256 with a salt of the caller's, for the letter's two stages. */
export function hkdfSha256(
  secret: Uint8Array,
  salt: Uint8Array,
  info: Uint8Array,
  length: number,
): Uint8Array {
  return hkdf(sha256, secret, salt, info, length);
}

/** HMAC-SHA256 (RFC 2104), 32 bytes. */
export function hmacSha256(key: Uint8Array, message: Uint8Array): Uint8Array {
  return hmac(sha256, key, message);
}

/** A u32 as 4 bytes, little endian. */
export function u32Bytes(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

/** A u64 as 8 bytes, little endian. */
export function u64Bytes(value: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, value, true);
  return bytes;
}
