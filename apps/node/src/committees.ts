/**
 * Who certifies the milestones of each epoch. Today the committee of genesis does, for ever; when
 * seats are bought with bonds, the answer comes from the ledger behind the same interface. Used by
 * sync/, confirmation/, snapshot trust and the store's check. Spec: docs/spec/04-milestone.md §2.
 */
import { epochOf, quorum } from '@tanglemail/tangle/core/milestone/committee.ts';
import type { NetworkParams } from '@tanglemail/tangle/core/params/networks.ts';

export interface Committees {
  /** Public keys in seat order, 1–32. */
  of(epoch: number): readonly Uint8Array[];
  /** Signatures that a certificate of this epoch needs. */
  quorumAt(epoch: number): number;
}

/** The committee that the genesis document names, for every epoch. */
export function genesisCommittees(committee: readonly Uint8Array[]): Committees {
  return { of: () => committee, quorumAt: () => quorum(committee.length) };
}

/**
 * The keys that certify milestone `index`. The epoch is that of the index, whatever a header says
 * of itself: else the keys of an old committee could sign for all times.
 */
export function committeeAt(
  index: number,
  committees: Committees,
  params: NetworkParams,
): readonly Uint8Array[] {
  return committees.of(epochOf(index, params));
}
