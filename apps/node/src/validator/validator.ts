/**
 * The validator: while its seat alone is a quorum it makes a milestone whenever blocks wait, else a
 * heartbeat. Path: core/tips (heaviest) → core/milestone/build → vote on disk → signature →
 * confirmation → gossip. Spec: docs/spec/04-milestone.md §5.
 */
import type { Milestone } from '@tanglemail/tangle/core/codec/milestone.ts';
import type { Dag } from '@tanglemail/tangle/core/dag/dag.ts';
import {
  signMilestone,
  type BuiltMilestone,
  type MilestoneProposal,
} from '@tanglemail/tangle/core/milestone/build.ts';
import { assembleCertificate } from '@tanglemail/tangle/core/milestone/certificate.ts';
import { quorum } from '@tanglemail/tangle/core/milestone/committee.ts';
import { assert } from '@tanglemail/tangle/core/outcome.ts';
import type { NetworkParams } from '@tanglemail/tangle/core/params/networks.ts';
import type { Clock, Hasher } from '@tanglemail/tangle/core/ports.ts';
import type { TipPool } from '@tanglemail/tangle/core/tips/tip-pool.ts';
import { errorFields, type Logger } from '@tanglemail/tangle/io/logger.ts';
import { seatOf as seatOfKey, ValidatorError } from '../agreement/seat.ts';
import type { ConfirmationEngine } from '../confirmation/confirmation-engine.ts';
import type { LoadWatch } from '../confirmation/load-watch.ts';
import type { KeyPair } from '../keys/key-file.ts';
import { Bell } from '../signal.ts';
import type { VoteFile } from './vote-file.ts';

export interface ValidatorDeps {
  readonly params: NetworkParams;
  readonly networkId: bigint;
  readonly committee: readonly Uint8Array[];
  readonly hasher: Hasher;
  readonly clock: Clock;
  readonly engine: ConfirmationEngine;
  readonly dag: Dag;
  readonly tips: TipPool;
  readonly votes: VoteFile;
  /** Chooses the load term. */
  readonly load: Pick<LoadWatch, 'choose'>;
  /**
   * False while the node may stand behind the network: a milestone of its would be a second one.
   */
  mayLead(): boolean;
  publish(milestone: Uint8Array): void;
  readonly logger: Logger;
  /** A vote or a milestone could not be written, or an invariant broke: the process must end. */
  onFatal(error: unknown): void;
}

/** How often the validator looks whether something waits, in parts of the interval. */
const LOOKS_PER_INTERVAL = 5;
/** Pause after a milestone that could not be made. */
const PAUSE_AFTER_FAILURE_MS = 1_000;

/**
 * The seat of `key`; throws ValidatorError when it has none, or when the committee needs more than
 * one signature: seats must then agree before they sign, and this process signs alone.
 */
export function seatOf(key: KeyPair, committee: readonly Uint8Array[]): number {
  const seat = seatOfKey(key.publicKey, committee);
  const needed = quorum(committee.length);
  if (needed > 1) {
    throw new ValidatorError(
      `the committee of ${committee.length} needs ${needed} signatures under each milestone: ` +
        'its seats have to run the agreement protocol, which this version does not have. ' +
        'Start without validator.keyFile to follow the network.',
    );
  }
  return seat;
}

export class Validator {
  readonly #deps: ValidatorDeps;
  readonly #key: KeyPair;
  readonly #seat: number;
  readonly #bell = new Bell();
  readonly #abort = new AbortController();
  #loop: Promise<void> = Promise.resolve();
  /** The last milestone and when it was first seen here, on a clock that nobody sets. */
  #seen = { index: -1, atMs: 0 };
  #toldOfLoss = false;

  /** Throws ValidatorError, see `seatOf`. */
  constructor(deps: ValidatorDeps, key: KeyPair) {
    this.#deps = deps;
    this.#key = key;
    this.#seat = seatOf(key, deps.committee);
  }

  start(): void {
    this.#loop = this.#run();
  }

  /** Resolves when no milestone is being made. */
  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#loop;
  }

  async #run(): Promise<void> {
    const { signal } = this.#abort;
    const lookMs = this.#deps.params.milestoneIntervalMs / LOOKS_PER_INTERVAL;
    while (!signal.aborted && this.#deps.engine.halted === undefined) {
      const waitMs = this.#waitMs();
      if (waitMs > 0 || !this.#mayLead()) {
        await this.#bell.wait(Math.max(1, Math.min(waitMs > 0 ? waitMs : lookMs, lookMs)), signal);
        continue;
      }
      const made = await this.#make();
      if (!made) await this.#bell.wait(PAUSE_AFTER_FAILURE_MS, signal);
    }
  }

  /**
   * A vote beyond the next milestone means that this folder has lost milestones: fetch them first.
   */
  #mayLead(): boolean {
    const { engine, votes, logger } = this.#deps;
    const next = engine.latest.header.index + 1;
    const voted = votes.last?.index ?? 0;
    if (voted <= next) return this.#deps.mayLead();
    if (!this.#toldOfLoss) {
      logger.warn({ voted, next }, 'milestones signed by this seat are missing: waiting for peers');
    }
    this.#toldOfLoss = true;
    return false;
  }

  /**
   * Milliseconds until the next milestone is due, by what waits now. While blocks wait, a wall
   * clock that was set back must not stop the network until it has come to the same time again.
   */
  #waitMs(): number {
    const { params, dag, engine, clock } = this.#deps;
    const { index, timestampMs } = engine.latest.header;
    const nowMs = performance.now();
    if (index !== this.#seen.index) this.#seen = { index, atMs: nowMs };
    if (dag.unreferencedCount === 0) return timestampMs + params.heartbeatMs - clock.nowMs();
    const byClock = timestampMs - clock.nowMs();
    const bySight = this.#seen.atMs - nowMs;
    return Math.min(byClock, bySight) + params.milestoneIntervalMs;
  }

  /** Makes one milestone; false when it could not be made. */
  async #make(): Promise<boolean> {
    const { engine, logger } = this.#deps;
    try {
      const made = await engine.propose(
        () => this.#proposal(),
        (built) => this.#certify(built),
      );
      if (made.ok) this.#deps.publish(made.value.bytes);
      else logger.debug({ code: made.code, detail: made.detail }, 'no milestone could be made');
      return made.ok;
    } catch (error) {
      logger.error(errorFields(error), 'making a milestone failed');
      this.#abort.abort();
      this.#deps.onFatal(error);
      return false;
    }
  }

  #proposal(): Omit<MilestoneProposal, 'parent'> {
    const { clock, dag, engine, tips, votes } = this.#deps;
    const nowMs = clock.nowMs();
    const { header, powLoadBits } = engine.latest;
    const lastVoted = votes.last?.view ?? 0n;
    const timestampMs = Math.max(nowMs, header.timestampMs + 1);
    const load = this.#deps.load.choose(powLoadBits, timestampMs);
    return {
      parents: tips.heaviest(header.index, dag),
      timestampMs,
      view: (lastVoted > header.view ? lastVoted : header.view) + 1n,
      options: load === 0 ? {} : { powLoadBits: load },
    };
  }

  /** The vote reaches the disk before the signature is made. */
  async #certify({ id, header, body }: BuiltMilestone): Promise<Milestone> {
    const { networkId, hasher, votes, committee } = this.#deps;
    const { secretKey } = this.#key;
    await votes.record({
      networkId: networkId.toString(16).padStart(16, '0'),
      index: header.index,
      view: header.view,
      digest: id,
    });
    const vote = signMilestone(
      header,
      'finalize',
      { networkId, seat: this.#seat, secretKey },
      hasher,
    );
    const certificate = assembleCertificate([vote], committee.length);
    assert(certificate !== undefined, 'one seat of one is a quorum');
    return { header, body, certificate };
  }
}
