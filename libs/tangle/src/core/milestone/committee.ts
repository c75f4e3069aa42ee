/**
 * The committee: who certifies milestones, how many signatures make a certificate, whose turn it
 * is. Nothing here assumes a size; n = 1 is the smallest network, 4–32 seats are real ones.
 * Path: `milestone/certificate.ts`, `milestone/rules.ts` and the node's consensus read it.
 * Spec: docs/spec/04-milestone.md §2.
 */
import { utf8ToBytes } from '@noble/hashes/utils.js';
import { merkleRoot } from '../crypto/merkle.ts';
import type { Outcome } from '../outcome.ts';
import { assert, fail, succeed } from '../outcome.ts';
import { MAX_COMMITTEE } from '../params/limits.ts';
import type { NetworkParams } from '../params/networks.ts';
import type { Hasher } from '../ports.ts';

const SEED_DOMAIN = utf8ToBytes('tanglemail/leader/v1\0');

/** Seats that may fail in any way while the rest agrees: ⌊(n−1)/3⌋. `size` is 1–32. */
export function faultsTolerated(size: number): number {
  assert(
    Number.isInteger(size) && size >= 1 && size <= MAX_COMMITTEE,
    'a committee has 1–32 seats',
  );
  return Math.floor((size - 1) / 3);
}

/** Signatures of one certificate: n − ⌊(n−1)/3⌋. Two quorums share an honest seat. */
export function quorum(size: number): number {
  return size - faultsTolerated(size);
}

/**
 * Refuses a list of keys that is no committee: 1–32 seats, 32 bytes each, no key twice (a key with
 * two seats would vote twice). Code: `committee-invalid`.
 */
export function checkCommittee(committee: readonly Uint8Array[]): Outcome<void> {
  if (committee.length < 1 || committee.length > MAX_COMMITTEE) {
    return fail('committee-invalid', `${committee.length} seats`);
  }
  const seen = new Set<string>();
  for (const key of committee) {
    if (key.length !== 32) return fail('committee-invalid', 'a key has 32 bytes');
    seen.add(key.join());
  }
  return seen.size === committee.length
    ? succeed(undefined)
    : fail('committee-invalid', 'a key has two seats');
}

/** Merkle root over the public keys in seat order: what a header commits to. */
export function committeeRoot(committee: readonly Uint8Array[], hasher: Hasher): Uint8Array {
  return merkleRoot(committee, hasher);
}

/** The term that milestone `index` belongs to: ⌊index / epochLength⌋. */
export function epochOf(index: number, params: Pick<NetworkParams, 'epochLength'>): number {
  return Math.floor(index / params.epochLength);
}

/** Index of the last milestone of an epoch, the one that may name another committee. */
export function lastOfEpoch(epoch: number, params: Pick<NetworkParams, 'epochLength'>): number {
  return (epoch + 1) * params.epochLength - 1;
}

/** True for the one milestone of an epoch that may name another committee than its own. */
export function isLastOfEpoch(index: number, params: Pick<NetworkParams, 'epochLength'>): boolean {
  return (index + 1) % params.epochLength === 0;
}

/** The seat that proposes in `view`; the start of the rotation differs per network and epoch. */
export function leaderSeat(
  networkId: bigint,
  epoch: number,
  view: bigint,
  size: number,
  hasher: Hasher,
): number {
  const bytes = new Uint8Array(SEED_DOMAIN.length + 12);
  const data = new DataView(bytes.buffer);
  bytes.set(SEED_DOMAIN);
  data.setBigUint64(SEED_DOMAIN.length, networkId, true);
  data.setUint32(SEED_DOMAIN.length + 8, epoch, true);
  const digest = hasher.blake2b256(bytes);
  const seed = new DataView(digest.buffer, digest.byteOffset).getBigUint64(0, true);
  return Number((seed + view) % BigInt(size));
}
