/**
 * Who certifies the milestones of each epoch: the committee of genesis, and in networks with bonds
 * whom the elections named since. The committee of an epoch is known as soon as the election
 * milestone of the epoch before is proven, also one that names nobody new. Used by sync/,
 * agreement/, snapshot trust and the store's check. Spec: docs/spec/04-milestone.md §2, §6.
 */
import type { Milestone } from '@tanglemail/tangle/core/codec/milestone.ts';
import { epochOf, quorum } from '@tanglemail/tangle/core/milestone/committee.ts';
import { electionIndex } from '@tanglemail/tangle/core/milestone/election.ts';
import type { NetworkParams } from '@tanglemail/tangle/core/params/networks.ts';
import {
  committeeIn,
  type StoredElection,
} from '@tanglemail/tangle/io/level/election-repository.ts';

export interface Committees {
  /**
   * Public keys in seat order, 1–32. Of an epoch that is not known yet: the newest that is known,
   * which may not be the right one.
   */
  of(epoch: number): readonly Uint8Array[];
  /** Signatures that a certificate of this epoch needs. */
  quorumAt(epoch: number): number;
  /** Whether a certificate of this epoch can be judged. */
  isKnown(epoch: number): boolean;
  /** Takes a milestone whose certificate holds: it may say who certifies the next epoch. */
  learn(milestone: Pick<Milestone, 'header' | 'body'>): void;
  /** Whether the key was in a committee of an epoch up to this one. */
  hasSat(publicKey: Uint8Array, epoch: number): boolean;
  /** The milestone that shows who certifies the first unknown epoch; Infinity: none is. */
  readonly nextElection: number;
}

/** What a chain of committees begins with. */
export interface CommitteesStart {
  readonly params: NetworkParams;
  /** The committee that the genesis document names. */
  readonly genesis: readonly Uint8Array[];
  /** All up to the last milestone, ascending. */
  readonly elections: readonly StoredElection[];
  /** Index of the last milestone. */
  readonly latestIndex: number;
}

/** The committees of a network whose bonds elect them. */
class ElectedCommittees implements Committees {
  readonly #params: NetworkParams;
  /** Ascending by the first epoch of each. */
  readonly #terms: { readonly epoch: number; readonly keys: readonly Uint8Array[] }[];
  /** The last epoch whose committee is known. */
  #known: number;

  constructor({ params, genesis, elections, latestIndex }: CommitteesStart) {
    this.#params = params;
    const elected = elections.map((one) => ({ epoch: one.epoch, keys: committeeIn(one) }));
    this.#terms = [{ epoch: 0, keys: genesis }, ...elected];
    const epoch = epochOf(latestIndex + 1, params);
    this.#known = electionIndex(epoch, params) <= latestIndex ? epoch + 1 : epoch;
  }

  of(epoch: number): readonly Uint8Array[] {
    return this.#terms.findLast((term) => term.epoch <= epoch)?.keys ?? [];
  }

  quorumAt(epoch: number): number {
    return quorum(this.of(epoch).length);
  }

  isKnown(epoch: number): boolean {
    return epoch <= this.#known;
  }

  learn({ header, body }: Pick<Milestone, 'header' | 'body'>): void {
    const { index } = header;
    if (index !== this.nextElection) return;
    this.#known += 1;
    const { nextCommittee } = body.options;
    if (nextCommittee !== undefined) {
      this.#terms.push({ epoch: this.#known, keys: nextCommittee });
    }
  }

  hasSat(publicKey: Uint8Array, epoch: number): boolean {
    return this.#terms.some(
      (term) => term.epoch <= epoch && seatIn(term.keys, publicKey) !== undefined,
    );
  }

  get nextElection(): number {
    return electionIndex(this.#known, this.#params);
  }
}

/** The committees of a chain, as far as its milestones tell. */
export function committeesOf(start: CommitteesStart): Committees {
  const { params, genesis } = start;
  return params.validatorBondMin > 0n ? new ElectedCommittees(start) : genesisCommittees(genesis);
}

/** The committee that the genesis document names, for every epoch. */
export function genesisCommittees(committee: readonly Uint8Array[]): Committees {
  return {
    of: () => committee,
    quorumAt: () => quorum(committee.length),
    isKnown: () => true,
    learn: () => undefined,
    hasSat: (publicKey) => seatIn(committee, publicKey) !== undefined,
    nextElection: Number.POSITIVE_INFINITY,
  };
}

/** The seat of a public key in a committee; undefined when it has none. */
export function seatIn(
  committee: readonly Uint8Array[],
  publicKey: Uint8Array,
): number | undefined {
  const seat = committee.findIndex((member) => Buffer.compare(member, publicKey) === 0);
  return seat < 0 ? undefined : seat;
}

/**
 * The keys that certify milestone `index`. The epoch is that of the index, whatever a header says
 * of itself: else the keys of an old committee could sign for all times.
 */
export function committeeAt(
  index: number,
  committees: Pick<Committees, 'of'>,
  params: NetworkParams,
): readonly Uint8Array[] {
  return committees.of(epochOf(index, params));
}
