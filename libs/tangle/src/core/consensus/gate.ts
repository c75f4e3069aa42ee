/**
 * Which messages are taken: of this epoch, of a view that still matters, not known yet, signed by
 * whose turn or seat it is. The cheap checks come before the signature. Path: codec/consensus.ts →
 * here → `simplex.ts`. Spec: docs/spec/15-consensus.md §2.
 */
import type { Certificate } from '../codec/certificate.ts';
import type { Proposal, Vote } from '../codec/consensus.ts';
import type { MilestoneId } from '../codec/ids.ts';
import { milestoneIdOf } from '../codec/milestone.ts';
import { checkMilestoneBody } from '../milestone/body.ts';
import { checkCertificate, checkProposer, checkVote } from '../milestone/certificate.ts';
import { leaderSeat } from '../milestone/committee.ts';
import { fail, succeed, type Outcome } from '../outcome.ts';
import { MAX_VIEWS_AHEAD } from '../params/limits.ts';
import type { Hasher, Verifier } from '../ports.ts';
import type { SimplexOptions } from './actions.ts';
import type { FinalChain } from './final-chain.ts';
import type { Views } from './views.ts';

export class Gate {
  readonly #options: SimplexOptions;
  readonly #views: Views;
  readonly #chain: Pick<FinalChain, 'wants'>;
  readonly #hasher: Hasher;
  readonly #verifier: Verifier;
  /** The seat of view 0, so that a leader is found without hashing. */
  readonly #firstLeader: bigint;

  constructor(
    options: SimplexOptions,
    { views, chain }: { views: Views; chain: Pick<FinalChain, 'wants'> },
    { hasher, verifier }: { hasher: Hasher; verifier: Verifier },
  ) {
    this.#options = options;
    this.#views = views;
    this.#chain = chain;
    this.#hasher = hasher;
    this.#verifier = verifier;
    const { networkId, epoch, committee } = options;
    this.#firstLeader = BigInt(leaderSeat(networkId, epoch, 0n, committee.length, hasher));
  }

  /** Whose turn it is in `view`. */
  leaderOf(view: bigint): number {
    return Number((this.#firstLeader + view) % BigInt(this.#options.committee.length));
  }

  /** The id of the proposed milestone. `current` is the view that we stand in. */
  checkProposal(proposal: Proposal, current: bigint): Outcome<MilestoneId> {
    const { epoch, view, header } = proposal;
    if (this.#isForeign(epoch, view, current)) return fail('consensus-view');
    const { networkId, committee } = this.#options;
    const id = milestoneIdOf(header, this.#hasher);
    if (this.#isKnown(view, id)) return fail('block-known');
    // The leader signs the header: who passes the proposal on could have exchanged the rest.
    const own = checkMilestoneBody(proposal, this.#hasher);
    if (!own.ok) return own;
    const leader = committee[this.leaderOf(view)];
    return checkProposer(proposal, id, leader, networkId, this.#verifier)
      ? succeed(id)
      : fail('consensus-signature');
  }

  checkVote(vote: Vote, current: bigint): Outcome<void> {
    const { epoch, view } = vote;
    if (this.#isForeign(epoch, view, current)) return fail('consensus-view');
    if (this.#views.known(view)?.knows(vote) === true) return fail('block-known');
    const { committee, networkId } = this.#options;
    return checkVote(vote, committee, networkId, this.#verifier)
      ? succeed(undefined)
      : fail('consensus-signature');
  }

  /** Certificates prove progress and are taken from any later view. */
  checkCertificate(certificate: Certificate): Outcome<void> {
    const { epoch, view, kind } = certificate;
    const { committee, networkId } = this.#options;
    if (epoch !== this.#options.epoch || view <= this.#views.baseView) {
      return fail('consensus-view');
    }
    if (this.#views.known(view)?.certificates[kind] !== undefined) return fail('block-known');
    return checkCertificate(certificate, committee, networkId, this.#verifier);
  }

  /**
   * Whether a proposal brings nothing new: it is the view's first, or one more of a leader that is
   * known to have made two, and nobody needs it. Else one leader could fill all links.
   */
  #isKnown(view: bigint, id: MilestoneId): boolean {
    const round = this.#views.known(view);
    if (round?.proposal === undefined) return false;
    if (round.proposal.id === id) return true;
    const isNeeded = round.notarized === id || this.#chain.wants(id);
    return !isNeeded && round.isAccused(this.leaderOf(view));
  }

  /** Of another epoch, over, or so far ahead that it would only fill the memory. */
  #isForeign(epoch: number, view: bigint, current: bigint): boolean {
    if (epoch !== this.#options.epoch || view <= this.#views.baseView) return true;
    return view > current + MAX_VIEWS_AHEAD;
  }
}
