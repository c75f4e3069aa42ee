/**
 * Elections: which keys certify the next epoch. A pure function of the bonds, judged on the state
 * after the election milestone's predecessor, so that a leader cannot choose by what it includes.
 * Path: `milestone/bonds.ts` → here → `milestone/rules.ts`, `milestone/build.ts`.
 * Spec: docs/spec/04-milestone.md §6.
 */
import { bytesToHex } from '../codec/ids.ts';
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

/** A candidate with its key in hex. */
type Named = Candidate & { readonly name: string };

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
  const named = bonds.candidates().map(({ publicKey, amount }): Named => {
    return { publicKey, amount, name: bytesToHex(publicKey) };
  });
  if (named.length < ELECTED_MIN) return undefined;
  const chosen = named.toSorted(compareCandidates).slice(0, ELECTED_MAX);
  const present = new Set(committee.map((key) => bytesToHex(key)));
  const isSame = chosen.length === present.size && chosen.every(({ name }) => present.has(name));
  if (isSame) return undefined;
  return chosen.toSorted((a, b) => (a.name < b.name ? -1 : 1)).map(({ publicKey }) => publicKey);
}

function compareCandidates(a: Named, b: Named): number {
  if (a.amount !== b.amount) return a.amount > b.amount ? -1 : 1;
  return a.name < b.name ? -1 : 1;
}
