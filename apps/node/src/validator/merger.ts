/**
 * Merging blocks: when many blocks hang on the same parents, a milestone can name only some of
 * them, and their senders would have to attach them again. The validator takes up those that were
 * left behind, eight at a time, in blocks without payload (older IOTA's coordinator called such blocks
 * checkpoints). One at a time and only while something was left behind, so the work is bounded by
 * one proof of work. On the path: core/tips → here → processor. Spec: docs/spec/14-load.md.
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
  readonly dag: Pick<Dag, 'isReferenced'>;
  readonly tips: Pick<TipPool, 'leftBehind'>;
  /** Mines a block without payload on these parents and attaches it; false when it was refused. */
  merge(parents: readonly BlockId[]): Promise<boolean>;
  readonly logger: Logger;
}

/** Fewer are not worth a block: the next milestone names them. */
const MIN_PARENTS = 2;
/** Milestones that a block may wait before it counts as left behind. */
const PATIENCE = 2;

export class Merger {
  readonly #deps: MergerDeps;
  readonly #bell = new Bell();
  readonly #abort = new AbortController();
  #loop: Promise<void> = Promise.resolve();

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
    const { milestoneIntervalMs } = this.#deps;
    while (!signal.aborted) {
      const parents = this.#leftBehind();
      const hasMerged = parents.length >= MIN_PARENTS && (await this.#merge(parents));
      if (!hasMerged) await this.#bell.wait(milestoneIntervalMs, signal);
    }
  }

  #leftBehind(): BlockId[] {
    const { clock, dag, milestoneIntervalMs, tips } = this.#deps;
    const beforeMs = clock.nowMs() - PATIENCE * milestoneIntervalMs;
    return tips.leftBehind(MAX_PARENTS, beforeMs, (id) => dag.isReferenced(id));
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
