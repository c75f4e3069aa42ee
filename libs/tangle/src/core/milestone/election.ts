/**
 * Elections: which keys certify the next epoch. A pure function of the bonds, judged on the state
 * after the election milestone's predecessor, so that a leader cannot choose by what it includes.
 * Path: `milestone/bonds.ts` → here → `milestone/rules.ts`, `milestone/build.ts`.
 * Spec: docs/spec/04-milestone.md §6.
 */
import { equalBytes } from '@noble/curves/utils.js';
import { compareBytes } from '../codec/ids.ts';
import { ELECTED_MAX, ELECTED_MIN } from '../params/limits.ts';
import type { NetworkParams } from '../params/networks.ts';
import type { BondTable, Candidate } from './bonds.ts';
import { lastOfEpoch } from './committee.ts';

/** The shortest epoch of a network that elects: its election is not its first milestone. */
export const ELECTING_EPOCH_MIN = 4;

/**
 * Index of the milestone that may name the committee of the epoch after `epoch`: a tenth of an
 * epoch before the last one, so that everybody knows the next committee before it begins.
 */
export function electionIndex(epoch: number, params: Pick<NetworkParams, 'epochLength'>): number {
  const ahead = Math.max(1, Math.ceil(params.epochLength / 10));
  return lastOfEpoch(epoch, params) - ahead;
}

/** True for the one milestone of an epoch that may hold an election. */
export function isElectionIndex(
  index: number,
  params: Pick<NetworkParams, 'epochLength' | 'validatorBondMin'>,
): boolean {
  const epoch = Math.floor(index / params.epochLength);
  return params.validatorBondMin > 0n && index === electionIndex(epoch, params);
}

/**
 * The keys of the greatest sums, at most 16, of equal ones the smaller; their seats are in the
 * order of the keys. Undefined when nothing changes: with fewer than 4 candidates, or when the very
 * keys of `committee` are elected, which then keep their seats.
 */
export function elect(
  bonds: Pick<BondTable, 'candidates'>,
  committee: readonly Uint8Array[],
): readonly Uint8Array[] | undefined {
  const chosen = greatest(bonds.candidates());
  if (chosen.length < ELECTED_MIN) return undefined;
  const keys = chosen.map(({ publicKey }) => publicKey).toSorted(compareBytes);
  const present = committee.toSorted(compareBytes);
  const isSame =
    keys.length === present.length &&
    keys.every((key, seat) => equalBytes(key, present[seat] ?? key));
  return isSame ? undefined : keys;
}

/** One pass with sixteen places: there may be a million candidates, and a milestone waits. */
function greatest(candidates: Iterable<Candidate>): Candidate[] {
  const chosen: Candidate[] = [];
  for (const candidate of candidates) {
    const last = chosen[ELECTED_MAX - 1];
    if (last !== undefined && compareCandidates(last, candidate) < 0) continue;
    const place = chosen.findIndex((one) => compareCandidates(candidate, one) < 0);
    chosen.splice(place === -1 ? chosen.length : place, 0, candidate);
    if (chosen.length > ELECTED_MAX) chosen.pop();
  }
  return chosen;
}

function compareCandidates(a: Candidate, b: Candidate): number {
  if (a.amount !== b.amount) return a.amount > b.amount ? -1 : 1;
  return compareBytes(a.publicKey, b.publicKey);
}
