/**
 * Removes old milestones with their blocks, so that a node fits its disk: when the store is larger
 * than it may be, or milestones are older than the operator wants. It works in steps of one
 * milestone, each an atomic batch, rests between them three times as long as they take, and never
 * touches what may still be stood upon. On the path: node.ts (confirmed milestones), API → here →
 * NodeStore.pruneNext. Spec: docs/spec/12-snapshot.md §8.
 */
import { setTimeout } from 'node:timers/promises';
import { errorFields, type Logger } from '@tanglemail/tangle/io/logger.ts';
import { Bell } from '../signal.ts';

export interface PrunerOptions {
  /** Whether it prunes by itself; `pruneTo` works in any case. */
  readonly enabled: boolean;
  /** Bytes on the disk above which milestones go. */
  readonly maxSizeBytes: number;
  /** Milestones that stay behind the last confirmed one; undefined for any number. */
  readonly maxAgeMilestones?: number | undefined;
  /** Age in milliseconds at which a milestone goes; undefined for none. */
  readonly maxAgeMs?: number | undefined;
}

/** What one step removed. */
interface Step {
  readonly blocks: number;
  readonly bytes: number;
}

/** The part of the node's store that is pruned. */
export interface PrunableStore {
  readonly prunedIndex: number;
  pruneNext(): Promise<Step>;
  sizeBytes(): Promise<number>;
}

export interface PrunerDeps {
  readonly store: PrunableStore;
  /** The last confirmed milestone. */
  confirmedIndex(): number;
  /** Time of a stored milestone; undefined when it is not there. */
  milestoneTimeMs(index: number): number | undefined;
  /** The network's `belowMaxDepth`. */
  readonly belowMaxDepth: number;
  nowMs(): number;
  readonly logger: Logger;
  /** Told of each step. */
  readonly onStep: (step: Step) => void;
  /** The store failed: the process must end. */
  onFatal(error: unknown): void;
}

/** What an operator sees. */
export interface PrunerStatus {
  readonly prunedIndex: number;
  /** The index to which it may go now; `prunedIndex` while there is nothing to do. */
  readonly targetIndex: number;
  readonly running: boolean;
}

/** Milestones that stay beyond max depth: those of a start, with room for what is under way. */
const MARGIN = 5;
/** Time between two looks at the store, and for it to give space back before the next. */
const LOOK_MS = 30_000;
/** Pruning by size ends below this part of the limit, so that it does not run all the time. */
const LOW_WATER = 0.95;
/** Rest after a step as a multiple of the time that it took; a disk that hangs is waited for. */
const REST = 3;
const REST_MS_MAX = 30_000;
/** Between two lines of the log about one round. */
const PROGRESS_MS = 60_000;

/** What a round still has to do: true to go on with the next milestone. */
type GoOn = (freedBytes: number) => boolean;

export class Pruner {
  readonly #options: PrunerOptions;
  readonly #deps: PrunerDeps;
  readonly #bell = new Bell();
  readonly #abort = new AbortController();
  #loop: Promise<void> = Promise.resolve();
  #round: Promise<number> | undefined;
  #targetIndex = 0;
  #isWoken = false;

  constructor(options: PrunerOptions, deps: PrunerDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  start(): void {
    if (this.#options.enabled) this.#loop = this.#run();
  }

  /** Ends after the step that is under way. */
  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#loop;
    await this.#round?.catch(() => undefined);
  }

  /** Looks at the store now and not when it is time. */
  wake(): void {
    this.#isWoken = true;
    this.#bell.ring();
  }

  status(): PrunerStatus {
    const { prunedIndex } = this.#deps.store;
    const running = this.#round !== undefined;
    const targetIndex = running ? Math.max(this.#targetIndex, prunedIndex) : prunedIndex;
    return { prunedIndex, targetIndex, running };
  }

  /**
   * Prunes up to milestone `index`, or as far as may be; resolves with the pruned index after it.
   * Waits for a round that is under way. Rejects with StoreError.
   */
  async pruneTo(index: number): Promise<number> {
    while (this.#round !== undefined) await this.#round.catch(() => undefined);
    return await this.#prune('request', Math.min(index, this.#highestIndex()), () => true);
  }

  /** The last milestone that may go: a start needs the ones behind it, and blocks stand on them. */
  #highestIndex(): number {
    return Math.max(0, this.#deps.confirmedIndex() - this.#deps.belowMaxDepth - MARGIN);
  }

  async #run(): Promise<void> {
    const { signal } = this.#abort;
    while (!signal.aborted) {
      this.#isWoken = false;
      try {
        await this.#look();
      } catch (error) {
        this.#deps.logger.error(errorFields(error), 'pruning failed');
        this.#deps.onFatal(error);
        return;
      }
      // What came during the look may be more than it saw.
      if (!this.#isWoken) await this.#bell.wait(LOOK_MS, signal);
    }
  }

  async #look(): Promise<void> {
    if (this.#round !== undefined) return;
    const { store } = this.#deps;
    const highest = this.#highestIndex();
    if (store.prunedIndex >= highest) return;
    const { maxSizeBytes } = this.#options;
    const oldest = Math.min(highest, this.#oldestByAge());
    if (oldest > store.prunedIndex) await this.#prune('age', oldest, this.#isTooOld(oldest));
    const size = await store.sizeBytes();
    if (size <= maxSizeBytes || this.#round !== undefined) return;
    // The disk gets its space back a little later, so the blocks' bytes are counted.
    const surplus = size - Math.floor(maxSizeBytes * LOW_WATER);
    await this.#prune('size', highest, (freedBytes) => freedBytes < surplus);
  }

  /** The last milestone that is old enough by number, or any that may be so by its time. */
  #oldestByAge(): number {
    const { maxAgeMilestones, maxAgeMs } = this.#options;
    if (maxAgeMs !== undefined) return this.#highestIndex();
    if (maxAgeMilestones === undefined) return 0;
    return this.#deps.confirmedIndex() - maxAgeMilestones;
  }

  #isTooOld(target: number): GoOn {
    const { store } = this.#deps;
    const { maxAgeMilestones, maxAgeMs } = this.#options;
    return () => {
      const next = store.prunedIndex + 1;
      const timeMs = this.#deps.milestoneTimeMs(next);
      const isOldByTime =
        maxAgeMs !== undefined && timeMs !== undefined && timeMs < this.#deps.nowMs() - maxAgeMs;
      const isOldByNumber =
        maxAgeMilestones !== undefined && next <= this.#deps.confirmedIndex() - maxAgeMilestones;
      return next <= target && (isOldByTime || isOldByNumber);
    };
  }

  async #prune(reason: string, target: number, goOn: GoOn): Promise<number> {
    this.#targetIndex = target;
    const round = this.#steps(reason, target, goOn);
    this.#round = round;
    try {
      return await round;
    } finally {
      this.#round = undefined;
    }
  }

  async #steps(reason: string, target: number, goOn: GoOn): Promise<number> {
    const { store, logger, onStep } = this.#deps;
    const { signal } = this.#abort;
    const from = store.prunedIndex;
    const done = { milestones: 0, blocks: 0, bytes: 0 };
    let tellMs = performance.now() + PROGRESS_MS;
    while (!signal.aborted && store.prunedIndex < target && goOn(done.bytes)) {
      const startedMs = performance.now();
      const step = await store.pruneNext();
      onStep(step);
      done.milestones += 1;
      done.blocks += step.blocks;
      done.bytes += step.bytes;
      const nowMs = performance.now();
      if (nowMs >= tellMs) {
        logger.info({ reason, prunedIndex: store.prunedIndex, target, ...done }, 'pruning');
        tellMs = nowMs + PROGRESS_MS;
      }
      const restMs = Math.min(REST_MS_MAX, (nowMs - startedMs) * REST);
      await setTimeout(restMs, undefined, { signal }).catch(() => undefined);
    }
    const { prunedIndex } = store;
    if (done.milestones > 0) {
      logger.info({ reason, from, prunedIndex, ...done }, 'pruned old milestones');
    }
    return prunedIndex;
  }
}
