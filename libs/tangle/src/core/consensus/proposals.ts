/**
 * What becomes of a leader's proposal: its parent must be certain, its content valid, and then this
 * seat votes for it, in the current view only. Path: `simplex.ts` → here → `voter.ts`.
 * Spec: docs/spec/15-consensus.md §5.
 */
import type { Proposal } from '../codec/consensus.ts';
import { idToBytes, type MilestoneId } from '../codec/ids.ts';
import type { FinalChain } from './final-chain.ts';
import type { Outbox } from './outbox.ts';
import type { Round } from './round.ts';
import type { Views } from './views.ts';
import type { Voter } from './voter.ts';

interface ProposalParts {
  readonly chain: FinalChain;
  readonly views: Views;
  readonly voter: Voter;
  readonly outbox: Outbox;
  /** Whether a milestone of this index ends the epoch. */
  isLast(index: number): boolean;
}

export class Proposals {
  readonly #parts: ProposalParts;

  constructor(parts: ProposalParts) {
    this.#parts = parts;
  }

  /** Keeps the view's first proposal; another one by `leader` is evidence. */
  take(
    proposal: Proposal,
    id: MilestoneId,
    { leader, isOwn }: { leader: number; isOwn: boolean },
  ): void {
    const { chain, views, outbox } = this.#parts;
    const round = views.round(proposal.view);
    const first = round.proposal?.proposal;
    const { header, body } = proposal;
    // Of a leader that proposes many, only what a quorum took is kept beside the first.
    const isKept = first === undefined || round.notarized === id || chain.wants(id);
    if (isKept) chain.add(id, { header, body });
    if (first === undefined) {
      round.proposal = { id, proposal };
      round.proposalState = isOwn ? 'valid' : 'waiting';
    } else if (round.accuse(leader)) {
      const evidence = { kind: 'proposals', seat: leader, pair: [first, proposal] } as const;
      outbox.push({ do: 'evidence', evidence });
    }
  }

  /** Goes on with the proposal of the current view `view`: has it checked, or votes. */
  consider(view: bigint, nowMs: number): void {
    const { views, outbox } = this.#parts;
    const round = views.known(view);
    const known = round?.proposal;
    if (round === undefined || known === undefined) return;
    if (round.own.notarize !== undefined || round.own.nullify !== undefined) return;
    if (round.proposalState === 'waiting' && !this.#isItsTurn(round, known)) {
      round.proposalState = 'invalid';
    }
    if (round.proposalState !== 'waiting') {
      this.#vote(round, known.id);
      return;
    }
    const { header, body } = known.proposal;
    const isRepeated = header.view < view;
    const obstacles = views.obstacles(isRepeated ? known.id : header.previousId, view);
    if (obstacles.length > 0) {
      outbox.fetch(obstacles.toReversed(), [], nowMs);
      return;
    }
    // What a quorum notarised was checked before; only its repetition in this view is new.
    round.proposalState = isRepeated ? 'valid' : 'checking';
    if (isRepeated) this.#vote(round, known.id);
    else outbox.push({ do: 'check', view, id: known.id, header, body });
  }

  /** What the check of the content came to. */
  onChecked(view: bigint, id: MilestoneId, isValid: boolean): void {
    const round = this.#parts.views.known(view);
    if (round?.proposal?.id !== id || round.proposalState !== 'checking') return;
    round.proposalState = isValid ? 'valid' : 'invalid';
  }

  /**
   * A milestone is proposed in its own view; only the last of an epoch again in later ones. One of
   * the next epoch has to wait until that last one is final: this epoch's votes cannot prove it.
   */
  #isItsTurn({ view }: Round, { proposal: { epoch, header } }: { proposal: Proposal }): boolean {
    if (header.epoch !== epoch) return false;
    return header.view === view || (header.view < view && this.#parts.isLast(header.index));
  }

  #vote({ view, proposalState }: Round, id: MilestoneId): void {
    const { voter } = this.#parts;
    if (proposalState === 'valid') voter.say('notarize', view, idToBytes(id));
    else if (proposalState === 'invalid') voter.say('nullify', view);
  }
}
