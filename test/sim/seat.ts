/**
 * Where a node's seat may speak: the guard of `apps/node` over the simulated log, and the rule of
 * the agreement that a node which knows nothing follows its peers first.
 * Path: `node.ts` → here → `vote-file.ts`. Spec: docs/spec/16-signer.md §3.
 */
import type { Certificate } from '@tanglemail/tangle/core/codec/certificate.ts';
import type { ConsensusMessage } from '@tanglemail/tangle/core/codec/consensus.ts';
import type { MilestoneHeader } from '@tanglemail/tangle/core/codec/milestone.ts';
import type { SignedStatement, SimplexAction } from '@tanglemail/tangle/core/consensus/actions.ts';
import type { Base } from '@tanglemail/tangle/core/consensus/final-chain.ts';
import type { Simplex } from '@tanglemail/tangle/core/consensus/simplex.ts';
import type { Outcome } from '@tanglemail/tangle/core/outcome.ts';
import type { Clock } from '@tanglemail/tangle/core/ports.ts';
import { SILENT_LOGGER } from '@tanglemail/tangle/io/logger.ts';
import { accusedView, foreignView } from '../../apps/node/src/agreement/pen.ts';
import { SilenceGuard } from '../../apps/node/src/agreement/silence-guard.ts';
import type { VoteFile } from './vote-file.ts';

export interface SimSeatOptions {
  readonly maxDriftMs: number;
  /** False for a seat that speaks whatever it has lost. */
  readonly isGuarded: boolean;
}

export interface SimSeatDeps {
  readonly votes: VoteFile;
  readonly clock: Clock;
  /** The seat of the node's key in an epoch; undefined when it has none. */
  readonly seatIn: (epoch: number) => number | undefined;
  /** Whether nobody can have said anything with the key up to here. */
  readonly isNew: (latest: MilestoneHeader) => boolean;
  /** Whether the node stands where its peers do. */
  readonly hasCaughtUp: () => boolean;
  /** The header of the last committed milestone. */
  readonly latest: () => MilestoneHeader;
}

/** The seat of one start of its machine. */
export class SimSeat {
  readonly #guard: SilenceGuard | undefined;
  readonly #deps: SimSeatDeps;
  #hasFollowed = false;

  constructor({ maxDriftMs, isGuarded }: SimSeatOptions, deps: SimSeatDeps) {
    const { votes, clock, seatIn, isNew } = deps;
    const options = { maxDriftMs, acceptLostVotes: false };
    const own = { log: votes, seatIn, isNew, clock, logger: SILENT_LOGGER };
    const guard = new SilenceGuard(options, own);
    this.#deps = deps;
    this.#guard = isGuarded ? guard : undefined;
  }

  /** Whether the node stood once where its peers do. */
  get hasFollowed(): boolean {
    if (!this.#hasFollowed && this.#deps.hasCaughtUp()) {
      this.#hasFollowed = true;
      this.#guard?.onCaughtUp(this.#deps.latest());
    }
    return this.#hasFollowed;
  }

  /** The first view of the epoch in which it speaks; undefined: it only listens. */
  speaksFrom(epoch: number): bigint | undefined {
    const hasFollowed = this.#guard === undefined || this.hasFollowed;
    if (!hasFollowed || this.#deps.seatIn(epoch) === undefined) return undefined;
    return this.#guard === undefined ? 0n : this.#guard.silentBelow(epoch);
  }

  /** As `Seat.record` has it: ratifications contradict nothing. */
  maySay({ kind, epoch, view }: SignedStatement): boolean {
    const from = this.speaksFrom(epoch);
    return kind === 'ratify' || (from !== undefined && view >= from);
  }

  onConfirmed(header: MilestoneHeader, certificate: Certificate): void {
    this.#guard?.onConfirmed(header, certificate);
  }

  /** Looks for its own signature under what it does not remember. */
  onMessage(
    message: ConsensusMessage,
    simplex: Simplex,
    { verdict, actions }: { verdict: Outcome<void>; actions: readonly SimplexAction[] },
  ): void {
    const { epoch } = simplex;
    const seat = this.#deps.seatIn(epoch);
    if (this.#guard === undefined || seat === undefined) return;
    const pen = {
      hasSaid: (kind: SignedStatement['kind'], view: bigint, digest?: Uint8Array): boolean =>
        this.#deps.votes.hasSaid(kind, { epoch, view }, digest),
    };
    const own = { simplex, pen, seat };
    const foreign =
      accusedView(actions, seat) ?? (verdict.ok ? foreignView(message, own) : undefined);
    if (foreign !== undefined) this.#guard.onForeignOwn(epoch, foreign);
  }
}

/** Whether it makes no difference to an epoch on `base` where the seat speaks. */
export function isSameVoice(
  [before, now]: readonly [bigint | undefined, bigint | undefined],
  epoch: number,
  { header }: Base,
): boolean {
  if (before === undefined || now === undefined) return before === now;
  const open = header.epoch === epoch && header.index > 0 ? header.view + 1n : 1n;
  return before === now || (before <= open && now <= open);
}
