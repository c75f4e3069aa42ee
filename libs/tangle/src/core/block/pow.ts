/**
 * Proof of work: flood control for unsigned blocks. BLAKE2b-256(BLAKE2b-256(block without nonce) ‖
 * nonce) must begin with enough zero bits. Checking costs two hashes; only integers are used, so
 * that all nodes agree. Fast search is in io/accel. Spec: docs/spec/01-block.md, section
 * "Proof of work".
 */
import { NONCE_LENGTH } from '../codec/block.ts';
import type { NetworkParams } from '../params/networks.ts';
import type { Hasher } from '../ports.ts';

/** Blocks up to this size pay the base difficulty. */
const BASE_SIZE = 464;

/**
 * Leading zero bits asked of a block: base for up to 464 bytes, one more for each further doubling
 * (465–928: +1, … 29,697–32,768: +7), and the load term.
 * @param sizeBytes size of the whole block, nonce included.
 * @param loadBits the load term of the last milestone's options.
 */
export function powDifficulty(sizeBytes: number, params: NetworkParams, loadBits: number): number {
  let doublings = 0;
  for (let size = BASE_SIZE; size < sizeBytes; size *= 2) doublings++;
  return params.powBaseBits + doublings + loadBits;
}

/** The hash that the nonce is appended to, 32 bytes. */
export function powDigest(blockWithoutNonce: Uint8Array, hasher: Hasher): Uint8Array {
  return hasher.blake2b256(blockWithoutNonce);
}

/** Leading zero bits of `hash`, most significant bit of the first byte first. */
function leadingZeroBits(hash: Uint8Array): number {
  let bits = 0;
  for (const byte of hash) {
    if (byte !== 0) return bits + Math.clz32(byte) - 24;
    bits += 8;
  }
  return bits;
}

/** The zero bits that a block's nonce reaches. `blockBytes` holds at least the nonce. */
export function powScore(blockBytes: Uint8Array, hasher: Hasher): number {
  const end = blockBytes.length - NONCE_LENGTH;
  return nonceScore(
    powDigest(blockBytes.subarray(0, end), hasher),
    blockBytes.subarray(end),
    hasher,
  );
}

/**
 * The zero bits that a nonce (8 bytes) reaches over a digest (32 bytes): leading zero bits of
 * BLAKE2b-256(digest ‖ nonce). Blocks and the stamps of envelopes are measured by it.
 */
export function nonceScore(digest: Uint8Array, nonce: Uint8Array, hasher: Hasher): number {
  const input = new Uint8Array(32 + NONCE_LENGTH);
  input.set(digest);
  input.set(nonce, 32);
  return leadingZeroBits(hasher.blake2b256(input));
}

/**
 * Tries `count` nonces from `start` on (modulo 2^64): the reference for faster searches.
 * @param digest from {@link powDigest}.
 * @returns the first nonce that reaches `difficulty` bits, or undefined.
 */
export function searchNonce(
  digest: Uint8Array,
  difficulty: number,
  start: bigint,
  count: number,
  hasher: Hasher,
): bigint | undefined {
  const input = new Uint8Array(32 + NONCE_LENGTH);
  input.set(digest);
  const words = new DataView(input.buffer);
  for (let i = 0; i < count; i++) {
    const nonce = BigInt.asUintN(64, start + BigInt(i));
    words.setBigUint64(32, nonce, true);
    if (leadingZeroBits(hasher.blake2b256(input)) >= difficulty) return nonce;
  }
  return undefined;
}
