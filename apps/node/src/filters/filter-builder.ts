/**
 * Brings the filters of a store up to its last milestone after a start, in small steps beside
 * everything else: only a store from before there were filters has any work for it. From there on
 * each milestone's own batch has its filter. On the path: node.ts → here → NodeStore.buildFilters.
 * Spec: docs/spec/17-filter.md §7.
 */
import { setTimeout } from 'node:timers/promises';
import { errorFields, type Logger } from '@tanglemail/tangle/io/logger.ts';

export interface FilterBuilderDeps {
  readonly store: { buildFilters(): Promise<boolean> };
  readonly logger: Logger;
  /** The store failed: the process must end. */
  onFatal(error: unknown): void;
}

/** Rest after a step as a multiple of the time that it took: a quarter of the disk at most. */
const REST = 3;

export class FilterBuilder {
  readonly #deps: FilterBuilderDeps;
  readonly #abort = new AbortController();
  #work: Promise<void> = Promise.resolve();

  constructor(deps: FilterBuilderDeps) {
    this.#deps = deps;
  }

  start(): void {
    this.#work = this.#run();
  }

  /** Ends after the step that is under way. */
  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#work;
  }

  async #run(): Promise<void> {
    const { store, logger } = this.#deps;
    const { signal } = this.#abort;
    const beganMs = performance.now();
    let steps = 0;
    try {
      while (!signal.aborted) {
        const startedMs = performance.now();
        if (!(await store.buildFilters())) break;
        steps += 1;
        const restMs = (performance.now() - startedMs) * REST;
        await setTimeout(restMs, undefined, { signal }).catch(() => undefined);
      }
    } catch (error) {
      logger.error(errorFields(error), 'filters could not be built');
      this.#deps.onFatal(error);
      return;
    }
    const elapsedMs = Math.round(performance.now() - beganMs);
    if (steps > 0) logger.info({ steps, elapsedMs }, 'filters of earlier milestones are built');
  }
}
