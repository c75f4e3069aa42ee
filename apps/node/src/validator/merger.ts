/**
 * Merging blocks: when many blocks hang on the same parents, a milestone can name only some of
 * them, and their senders would have to attach them again. The validator takes up those that were
 * left behind, eight at a time, in blocks without payload (older IOTA's coordinator called such
 * blocks checkpoints). One at a time, only while something was left behind, and no more than so
 * many per interval: who sends blocks to be merged does eight proofs of work for one of the
 * validator's. In a committee one seat after the other does it: all at once, they would merge the
 * same blocks. On the path: core/tips → here → processor. Spec: docs/spec/14-load.md.
 */
import type { BlockId } from '@tanglemail/tangle/core/codec/ids.ts';
import type { Dag } from '@tanglemail/tangle/core/dag/dag.ts';
import { MAX_PARENTS } from '@tanglemail/tangle/core/params/limits.ts';
import type { Clock } from '@tanglemail/tangle/core/ports.ts';
import type { TipPool } from '@tanglemail/tangle/core/tips/tip-pool.ts';
import { errorFields, type Logger } from '@tanglemail/tangle/io/logger.ts';
import { Bell } from '../signal.ts';

export interface MergerDeps {
  readonly milestoneIntervalMs: number;
  readonly clock: Clock;
  readonly dag: Pick<Dag, 'coneRoots' | 'isReferenced'>;
  latestIndex(): number;
  /** This node's seat now, from 0, and how many there are; undefined while it has none. */
  seat(): { readonly seat: number; readonly seats: number } | undefined;
  readonly tips: Pick<TipPool, 'leftBehind'>;
  /** Mines a block without payload on these parents and attaches it; false when it was refused. */
  merge(parents: readonly BlockId[]): Promise<boolean>;
  readonly logger: Logger;
}

/** Fewer are not worth a block: the next milestone names them. */
const MIN_PARENTS = 2;
/** Milestones that a block may wait before it counts as left behind. */
const PATIENCE = 2;
/** Intervals after which the next seat takes over, if the milestones stand still. */
const TURN_INTERVALS = 2;
/** Looks per interval while others have their turn: one may last no longer than an interval. */
const LOOKS_PER_INTERVAL = 4;
/** Merging blocks per interval: with 255 parents of the milestone, 767 blocks left behind. */
const MAX_PER_INTERVAL = 64;

export class Merger {
  readonly #deps: MergerDeps;
  readonly #bell = new Bell();
  readonly #abort = new AbortController();
  #loop: Promise<void> = Promise.resolve();
  /** The last milestone, and since when it is the last one here. */
  #seen = { index: -1, atMs: 0 };

  constructor(deps: MergerDeps) {
    this.#deps = deps;
  }

  start(): void {
    this.#loop = this.#run();
  }

  /** Resolves when no block is being made. */
  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#loop;
  }

  async #run(): Promise<void> {
    const { signal } = this.#abort;
    const { clock, milestoneIntervalMs } = this.#deps;
    while (!signal.aborted) {
      const startMs = clock.nowMs();
      const pauseMs = milestoneIntervalMs / (this.#isMyTurn() ? 1 : LOOKS_PER_INTERVAL);
      for (let made = 0; made < MAX_PER_INTERVAL && this.#isMyTurn(); made += 1) {
        const parents = this.#leftBehind();
        if (parents.length < MIN_PARENTS || !(await this.#merge(parents))) break;
        if (signal.aborted) return;
      }
      const passedMs = clock.nowMs() - startMs;
      await this.#bell.wait(Math.max(1, pauseMs - passedMs), signal);
    }
  }

  /**
   * The seat `index mod n` merges after milestone `index`. While no milestone follows, the turn
   * goes on every two intervals, because a seat may be away.
   */
  #isMyTurn(): boolean {
    const { clock, milestoneIntervalMs } = this.#deps;
    const mine = this.#deps.seat();
    if (mine === undefined) return false;
    const index = this.#deps.latestIndex();
    const nowMs = clock.nowMs();
    if (index !== this.#seen.index) this.#seen = { index, atMs: nowMs };
    const standsMs = nowMs - this.#seen.atMs;
    const passed = Math.floor(standsMs / (TURN_INTERVALS * milestoneIntervalMs));
    return (index + passed) % mine.seats === mine.seat;
  }

  #leftBehind(): BlockId[] {
    const { clock, dag, milestoneIntervalMs, tips } = this.#deps;
    const beforeMs = clock.nowMs() - PATIENCE * milestoneIntervalMs;
    return tips.leftBehind(MAX_PARENTS, beforeMs, this.#deps.latestIndex(), dag);
  }

  async #merge(parents: readonly BlockId[]): Promise<boolean> {
    try {
      return await this.#deps.merge(parents);
    } catch (error) {
      this.#deps.logger.debug(errorFields(error), 'no merging block could be made');
      return false;
    }
  }
}
