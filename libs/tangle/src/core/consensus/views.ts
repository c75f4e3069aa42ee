/**
 * The views of one epoch from the last final milestone on: which were notarised, which nullified,
 * and what therefore may be built on what. Path: `simplex.ts`. Spec: docs/spec/15-consensus.md §4.
 */
import type { ConsensusMessage, Proposal } from '../codec/consensus.ts';
import type { MilestoneId } from '../codec/ids.ts';
import type { Base } from './final-chain.ts';
import { Round } from './round.ts';

export class Views {
  readonly #epoch: number;
  readonly #rounds = new Map<bigint, Round>();
  #baseId: MilestoneId;
  #baseView: bigint;

  constructor(epoch: number, base: Base) {
    this.#epoch = epoch;
    this.#baseId = base.id;
    this.#baseView = this.#viewOf(base);
  }

  /** View at which the base counts as notarised: its own, or 0 when it ended the epoch before. */
  get baseView(): bigint {
    return this.#baseView;
  }

  /** The view's round, made if it is new. */
  round(view: bigint): Round {
    const known = this.#rounds.get(view);
    if (known !== undefined) return known;
    const round = new Round(view);
    this.#rounds.set(view, round);
    return round;
  }

  /** The view's round, if anything is known of it. */
  known(view: bigint): Round | undefined {
    return this.#rounds.get(view);
  }

  all(): IterableIterator<Round> {
    return this.#rounds.values();
  }

  /**
   * What a peer that lacks this view is given: its certificates, and while it is neither notarised
   * nor nullified all its votes. Everybody may have lost a certificate and kept the votes of it.
   */
  messagesOf(view: bigint): ConsensusMessage[] {
    const round = this.#rounds.get(view);
    if (round === undefined) return [];
    const isSettled = round.notarized !== undefined || round.isNullified;
    return [
      ...Object.values(round.certificates).map((certificate): ConsensusMessage => ({
        type: 'certificate',
        certificate,
      })),
      ...(isSettled ? [] : round.votes).map((vote): ConsensusMessage => ({ type: 'vote', vote })),
    ];
  }

  /** What a seat says again in a view: its votes, its proposal, what ended the view before. */
  saidIn(view: bigint, seat: number, isLeader: boolean): ConsensusMessage[] {
    const round = this.round(view);
    const proposal = isLeader ? round.proposal?.proposal : undefined;
    const { notarize, nullify } = this.#rounds.get(view - 1n)?.certificates ?? {};
    return [
      ...round.votesOf(seat).map((vote): ConsensusMessage => ({ type: 'vote', vote })),
      ...(proposal === undefined ? [] : [{ type: 'proposal', proposal } as const]),
      ...[notarize, nullify].flatMap((certificate): ConsensusMessage[] =>
        certificate === undefined ? [] : [{ type: 'certificate', certificate }],
      ),
    ];
  }

  /** A signed proposal of this milestone. */
  proposalOf(id: MilestoneId): Proposal | undefined {
    for (const { proposal } of this.#rounds.values()) {
      if (proposal?.id === id) return proposal.proposal;
    }
    return undefined;
  }

  /** A later milestone is final: rounds below its view are forgotten. */
  moveTo(base: Base): void {
    this.#baseId = base.id;
    this.#baseView = this.#viewOf(base);
    for (const view of this.#rounds.keys()) {
      if (view < this.#baseView) this.#rounds.delete(view);
    }
  }

  /**
   * The milestone to build on in `view`: that of the greatest notarised view below it, if every
   * view between is nullified. The base counts as notarised at its own view.
   */
  parentFor(view: bigint): MilestoneId | undefined {
    for (let below = view - 1n; below > this.#baseView; below--) {
      const round = this.#rounds.get(below);
      if (round?.notarized !== undefined) return round.notarized;
      if (round?.isNullified !== true) return undefined;
    }
    return this.#baseId;
  }

  /**
   * The views below `view` whose nullification is still needed before one may build on `id`; empty
   * when it was notarised at a view above which all are nullified.
   */
  obstacles(id: MilestoneId, view: bigint): bigint[] {
    const open: bigint[] = [];
    for (let below = view - 1n; below > this.#baseView; below--) {
      const round = this.#rounds.get(below);
      if (round?.notarized === id) return open;
      if (round?.isNullified !== true) open.push(below);
    }
    return id === this.#baseId ? open : [...open, this.#baseView];
  }

  /**
   * What is missing on the way from the base to view `upTo`: views of which no certificate is
   * known, at most `limit`, and notarised milestones that `isKnown` does not know.
   */
  missing(
    upTo: bigint,
    limit: number,
    isKnown: (id: MilestoneId) => boolean,
  ): { views: bigint[]; ids: MilestoneId[] } {
    const views: bigint[] = [];
    const ids = new Set<MilestoneId>();
    for (let view = this.#baseView + 1n; view < upTo && views.length < limit; view++) {
      const round = this.#rounds.get(view);
      const notarized = round?.notarized;
      if (notarized === undefined && round?.isNullified !== true) views.push(view);
      if (notarized !== undefined && !isKnown(notarized)) ids.add(notarized);
    }
    return { views, ids: [...ids] };
  }

  #viewOf({ header }: Base): bigint {
    return header.epoch === this.#epoch && header.index > 0 ? header.view : 0n;
  }
}
