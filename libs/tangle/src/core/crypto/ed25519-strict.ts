/**
 * Ed25519 by the STRICT rule, the only signature check on anything that nodes must agree about.
 * Bare library calls differ from each other on edge cases (cofactor, small order, non-canonical
 * encodings), and one such difference would split the ledger. The cheap byte check below refuses
 * every input on which backends disagree; behind it each backend gives the same verdict.
 * Spec: docs/spec/02-transaction.md, section "Signature rule"; RFC 8032.
 */
import { ed25519 } from '@noble/curves/ed25519.js';
import { bytesToNumberLE } from '@noble/curves/utils.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { concatBytes, hexToBytes } from '@noble/hashes/utils.js';
import type { Verifier } from '../ports.ts';

const PUBLIC_KEY_LENGTH = 32;
export const SIGNATURE_LENGTH = 64;

const { Point } = ed25519;

/**
 * The five y coordinates that belong to points of small order; with either sign bit these are the
 * ten refused encodings. y = 0 and the third and fourth have order 4 and 8, 1 is the neutral
 * point, p - 1 has order 2.
 */
const SMALL_ORDER_Y = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
].map((hex) => hexToBytes(hex));

/** p = 2^255 - 19, the modulus of coordinates, little endian. */
const FIELD_MODULUS = hexToBytes(
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
);

/** L = 2^252 + 27742317777372353535851937790883648493, the order of the base point. */
const GROUP_ORDER = hexToBytes('edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010');

/**
 * True if the 32 bytes at `offset` read as a little-endian number are below `bound`. Bits of the
 * last byte outside `lastByteMask` do not count. Timing is public: signatures are no secrets.
 */
function isBelow(
  bytes: Uint8Array,
  offset: number,
  bound: Uint8Array,
  lastByteMask: number,
): boolean {
  for (let i = 31; i >= 0; i--) {
    const raw = bytes[offset + i]!;
    const byte = i === 31 ? raw & lastByteMask : raw;
    const limit = bound[i]!;
    if (byte !== limit) return byte < limit;
  }
  return false;
}

/** True if the encoding at `offset`, its sign bit aside, is one of the small-order ones. */
function isSmallOrder(bytes: Uint8Array, offset: number): boolean {
  for (const y of SMALL_ORDER_Y) {
    if (bytes[offset] !== y[0]) continue;
    let i = 1;
    while (i < 31 && bytes[offset + i] === y[i]) i++;
    if (i === 31 && (bytes[offset + 31]! & 0x7f) === y[31]) return true;
  }
  return false;
}

/** True for a canonical (y < p) encoding at `offset` outside the ten of small order. */
function isPlausiblePoint(bytes: Uint8Array, offset: number): boolean {
  return isBelow(bytes, offset, FIELD_MODULUS, 0x7f) && !isSmallOrder(bytes, offset);
}

/**
 * True for 32 bytes that may stand as a public key: canonical and not of small order. It does not
 * say that they decode to a point of the curve.
 */
export function isCanonicalPublicKey(publicKey: Uint8Array): boolean {
  return publicKey.length === PUBLIC_KEY_LENGTH && isPlausiblePoint(publicKey, 0);
}

/**
 * The byte check that stands before every backend: lengths 32 and 64, public key and R canonical
 * and not of small order, S < L. False means: refused without any curve arithmetic.
 */
export function isCanonicalSignature(publicKey: Uint8Array, signature: Uint8Array): boolean {
  return (
    signature.length === SIGNATURE_LENGTH &&
    isBelow(signature, 32, GROUP_ORDER, 0xff) &&
    isCanonicalPublicKey(publicKey) &&
    isPlausiblePoint(signature, 0)
  );
}

/** [S]B = R + [k]A without cofactor, k = SHA-512(R ‖ A ‖ message) mod L. */
function verifyStrict(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (!isCanonicalSignature(publicKey, signature)) return false;
  const encodedR = signature.subarray(0, 32);
  try {
    const A = Point.fromBytes(publicKey);
    const R = Point.fromBytes(encodedR);
    const k = Point.Fn.create(bytesToNumberLE(sha512(concatBytes(encodedR, publicKey, message))));
    const S = bytesToNumberLE(signature.subarray(32));
    return R.add(A.multiplyUnsafe(k)).equals(Point.BASE.multiplyUnsafe(S));
  } catch {
    // `fromBytes` throws for a y that belongs to no point of the curve.
    return false;
  }
}

/** The reference verifier, in pure JavaScript: about a millisecond for one signature. */
export const nobleVerifier: Verifier = { verify: verifyStrict };

/**
 * Signs `message` (any length) with a 32-byte secret key (the RFC 8032 seed).
 * @returns 64 bytes R ‖ S, which {@link nobleVerifier} accepts.
 */
export function signEd25519(secretKey: Uint8Array, message: Uint8Array): Uint8Array {
  return ed25519.sign(message, secretKey);
}

/** The 32-byte public key of a 32-byte secret key. */
export function publicKeyOf(secretKey: Uint8Array): Uint8Array {
  return ed25519.getPublicKey(secretKey);
}
