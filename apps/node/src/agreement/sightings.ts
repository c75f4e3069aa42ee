/**
 * When what was seen: proposals until they are final, and the view that the seat stands in. For
 * metrics and for the operator; nothing is decided by it. Path: `agreement.ts` → here → metrics.
 */
import type { ConsensusMessage } from '@tanglemail/tangle/core/codec/consensus.ts';
import type { MilestoneId } from '@tanglemail/tangle/core/codec/ids.ts';
import type { Simplex } from '@tanglemail/tangle/core/consensus/simplex.ts';
import type { Clock } from '@tanglemail/tangle/core/ports.ts';
import type { Committees } from '../committees.ts';
import { Attendance } from './attendance.ts';
import type { AgreementMetrics } from './ports.ts';

/** Proposals that wait for their finality; beyond it the oldest is not measured. */
const MAX_SEEN = 64;
/** Views that are counted when a node that was away comes back. */
const MAX_COUNTED = 64n;

export class Sightings {
  /** Who of the committee votes. */
  readonly attendance: Attendance;
  readonly #deps: { clock: Clock; committees: Pick<Committees, 'of'>; metrics: AgreementMetrics };
  readonly #seen = new Map<MilestoneId, number>();
  #enteredMs: number;

  constructor(
    times: { heartbeatMs: number; deltaMs: number },
    deps: { clock: Clock; committees: Pick<Committees, 'of'>; metrics: AgreementMetrics },
  ) {
    this.#deps = deps;
    this.#enteredMs = deps.clock.nowMs();
    this.attendance = new Attendance(times, deps);
  }

  /** When the current view was entered. */
  get enteredMs(): number {
    return this.#enteredMs;
  }

  /** A peer's message brought something new. */
  taken(message: ConsensusMessage, simplex: Simplex): void {
    const { metrics } = this.#deps;
    metrics.message('in', message.type);
    if (message.type === 'vote') metrics.seatVote(message.vote.seat);
    this.said(message, simplex);
  }

  /** Somebody said something new, or this seat whatever it says. */
  said(message: ConsensusMessage, simplex: Simplex): void {
    const committee = this.#deps.committees.of(simplex.epoch);
    if (message.type === 'vote') this.attendance.voted(message.vote, simplex, committee);
    if (message.type === 'proposal') this.#proposed(simplex.proposalAt(message.proposal.view));
  }

  /** It is final. */
  final(id: MilestoneId): void {
    const seenMs = this.#seen.get(id);
    if (seenMs === undefined) return;
    this.#seen.delete(id);
    // A clock that was set back meanwhile.
    this.#deps.metrics.final(Math.max(0, this.#deps.clock.nowMs() - seenMs));
  }

  /**
   * The views from `from` up to the one that `simplex` stands in now are over.
   *
   * @returns how many of them went by without a milestone.
   */
  entered(simplex: Simplex, from: bigint): number {
    let lost = 0;
    this.#enteredMs = this.#deps.clock.nowMs();
    const first = simplex.view - from > MAX_COUNTED ? simplex.view - MAX_COUNTED : from;
    for (let view = first; view < simplex.view; view += 1n) {
      const kinds = new Set(simplex.certificatesOf(view).map(({ kind }) => kind));
      if (kinds.has('notarize')) this.#deps.metrics.viewEnded('notarized');
      else if (kinds.has('nullify')) {
        this.#deps.metrics.viewEnded('nullified');
        lost += 1;
      }
    }
    return lost;
  }

  #proposed(id: MilestoneId | undefined): void {
    if (id === undefined || this.#seen.has(id)) return;
    this.#seen.set(id, this.#deps.clock.nowMs());
    for (const oldest of this.#seen.keys()) {
      if (this.#seen.size <= MAX_SEEN) break;
      this.#seen.delete(oldest);
    }
  }
}
