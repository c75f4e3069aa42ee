/**
 * Stamps: work over the envelope of a stranger, as much as the recipient's descriptor asks. Its
 * nonce is the last 8 bytes of the tag, random anyway, so an envelope with a stamp looks like every
 * other, and whoever sees it can measure the work without knowing for whom it is. Stop before:
 * envelope/seal.ts; next: the node's API, then the provider and the recipient, who measure.
 * Spec: docs/spec/23-envelope.md, section "Stamps".
 */
import { nonceScore } from '@tanglemail/tangle/core/block/pow.ts';
import type { Hasher } from '@tanglemail/tangle/core/ports.ts';
import { concatBytes, domain, sha256, u32Bytes, u64Bytes } from '../crypto/kdf.ts';
import { assert } from '../outcome.ts';
import { ENVELOPE_HEADER_LENGTH, TAG_LENGTH } from './envelope.ts';
import { TAG_NONCE_LENGTH, TAG_NONCE_OFFSET } from './envelope.ts';
import { scanDays } from './stranger.ts';

/** What a client asks unless its user says otherwise: 2^20 hashes, half a second on a phone. */
export const DEFAULT_STAMP_BITS = 20;
const DOMAIN = domain('tmail/stamp/v1');
const ZERO_NONCE = new Uint8Array(TAG_NONCE_LENGTH);

/**
 * SHA-256 of an envelope with zero for its nonce: 32 bytes, computed once however long the search
 * is, and all that a scan needs to measure an envelope whose bytes it does not have.
 * @param sha256Of a faster SHA-256 where there is one.
 */
export function stampBase(
  envelope: Uint8Array,
  sha256Of: (bytes: Uint8Array) => Uint8Array = sha256,
): Uint8Array {
  assert(envelope.length >= ENVELOPE_HEADER_LENGTH, 'an envelope has its header');
  const before = envelope.subarray(0, TAG_NONCE_OFFSET);
  return sha256Of(concatBytes(before, ZERO_NONCE, envelope.subarray(ENVELOPE_HEADER_LENGTH)));
}

/**
 * What the nonce is sought for: SHA-256("tmail/stamp/v1\0" ‖ networkId u64 ‖ day u32 ‖ base). The
 * day ends the worth of old envelopes, which anybody may publish again.
 */
export function stampDigest(base: Uint8Array, networkId: bigint, day: number): Uint8Array {
  return sha256(concatBytes(DOMAIN, u64Bytes(networkId), u32Bytes(day), base));
}

/** The envelope with this nonce (a u64) in the last bytes of its tag. */
export function withStamp(envelope: Uint8Array, nonce: bigint): Uint8Array {
  const stamped = envelope.slice();
  stamped.set(u64Bytes(nonce), TAG_NONCE_OFFSET);
  return stamped;
}

/**
 * The zero bits that the nonce in `tag` (16 bytes) reaches over `base`, on the best of the days
 * around `arrivedAt` (unix seconds). An envelope without a stamp has some by chance: n or more of
 * them once in 2^n / 3.
 */
export function stampBitsAt(
  base: Uint8Array,
  tag: Uint8Array,
  at: { readonly networkId: bigint; readonly arrivedAt: number },
  hasher: Hasher,
): number {
  assert(tag.length === TAG_LENGTH, 'a tag has 16 bytes');
  const nonce = tag.subarray(TAG_LENGTH - TAG_NONCE_LENGTH);
  const scores = scanDays(at.arrivedAt).map((day) =>
    nonceScore(stampDigest(base, at.networkId, day), nonce, hasher),
  );
  return Math.max(...scores);
}
