/**
 * Where a seat may speak. A seat whose log is lost, or older than what it said, keeps silent until
 * a milestone is final that was voted on after its start: no view above that one had a certificate
 * before, so the seat cannot have said anything there.
 * Path: agreement → here → vote-log.ts. Spec: docs/spec/16-signer.md §3.
 */
import type { Certificate } from '@tanglemail/tangle/core/codec/certificate.ts';
import type { MilestoneHeader } from '@tanglemail/tangle/core/codec/milestone.ts';
import type { Clock } from '@tanglemail/tangle/core/ports.ts';
import type { Logger } from '@tanglemail/tangle/io/logger.ts';
import type { Silence, SilenceReason } from './seat-memory.ts';
import type { VoteLog } from './vote-log.ts';
import { isBefore, type Completeness, type Place } from './vote-records.ts';

export interface SilenceOptions {
  /** How far clocks of validators may be apart. */
  readonly maxDriftMs: number;
  /** The operator says that the votes are lost and that nobody else can go on. */
  readonly acceptLostVotes: boolean;
}

export interface SilenceDeps {
  readonly log: Pick<VoteLog, 'completeFrom' | 'silent' | 'hasSpoken' | 'holds' | 'mark'>;
  /** The seat of this key in the committee of an epoch; undefined when it has none. */
  seatIn(epoch: number): number | undefined;
  /** Whether nobody can have said anything with this key up to here. */
  isNew(latest: MilestoneHeader): boolean;
  /** The clock that stamps milestones. */
  readonly clock: Clock;
  readonly logger: Logger;
}

export class SilenceGuard implements Silence {
  readonly #options: SilenceOptions;
  readonly #deps: SilenceDeps;
  /** Since when the seat has said nothing that is not in the log. */
  #sinceMs: number;

  constructor(options: SilenceOptions, deps: SilenceDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#sinceMs = deps.clock.nowMs();
  }

  get reason(): SilenceReason | undefined {
    return this.#deps.log.silent;
  }

  silentBelow(epoch: number): bigint | undefined {
    const { silent, completeFrom } = this.#deps.log;
    if (silent !== undefined || epoch < completeFrom.epoch) return undefined;
    return epoch === completeFrom.epoch ? completeFrom.view : 0n;
  }

  onConfirmed(header: MilestoneHeader, certificate: Certificate): void {
    const { log } = this.#deps;
    const isLate = header.timestampMs > this.#sinceMs + 2 * this.#options.maxDriftMs;
    if (log.silent !== undefined) {
      if (isLate) this.#open(header);
      return;
    }
    const seat = this.#deps.seatIn(header.epoch);
    if (seat === undefined) return;
    // An unused log beside a chain that was there before it: who knows what was said without it.
    if (!log.hasSpoken && !isLate) {
      this.#close('log-missing');
      return;
    }
    if (!certificate.signers.includes(seat)) return;
    if (!log.holds(certificate)) this.onForeignOwn(certificate.epoch, certificate.view);
  }

  onForeignOwn(epoch: number, view: bigint): void {
    const { log } = this.#deps;
    const isExpected = !isBefore({ epoch, view }, log.completeFrom);
    if (log.silent === undefined && isExpected) this.#close('log-behind');
  }

  onCaughtUp(latest: MilestoneHeader): void {
    if (this.#deps.isNew(latest)) this.#begin(latest);
    if (this.reason !== undefined && this.#options.acceptLostVotes) this.#open(latest);
  }

  /**
   * The node stands with its peers where its key has said nothing yet. The log is used from here
   * on: milestones that come before its first vote must not make it look lost.
   */
  #begin({ epoch, view }: MilestoneHeader): void {
    const { silent, hasSpoken } = this.#deps.log;
    if (silent !== undefined || hasSpoken) return;
    this.#mark({ type: 'complete', from: { epoch, view: view + 1n } });
  }

  #open({ epoch, view }: MilestoneHeader): void {
    const from: Place = { epoch, view: view + 1n };
    this.#mark({ type: 'complete', from });
    this.#deps.logger.info({ epoch, view: String(from.view) }, 'this seat speaks from here on');
  }

  #close(reason: SilenceReason): void {
    this.#sinceMs = this.#deps.clock.nowMs();
    this.#mark({ type: 'silent', reason });
    this.#deps.logger.warn({ reason }, 'this seat keeps silent: its log may lack votes');
  }

  /** A log that cannot be written refuses the next statement, which tells the agreement. */
  #mark(completeness: Completeness): void {
    this.#deps.log.mark(completeness).catch(() => undefined);
  }
}
