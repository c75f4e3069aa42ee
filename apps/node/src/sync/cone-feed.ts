/**
 * Hands proven cones to the processor in the order of their milestones, a few ahead of
 * confirmation, so that checking signatures and writing blocks goes on while a milestone's batch is
 * being synced. On the path: cone-window.ts → here → processor. Spec: docs/spec/13-sync.md §4.
 */
import type { BlockId } from '@tanglemail/tangle/core/codec/ids.ts';
import type { Failure } from '@tanglemail/tangle/core/outcome.ts';
import { MAX_REQUEST_IDS } from '@tanglemail/tangle/core/params/limits.ts';
import { NetworkError } from '@tanglemail/tangle/io/libp2p/types.ts';
import type { ProcessOutcome } from '../processor/block-processor.ts';
import { Bell } from '../signal.ts';
import type { ConeWindow } from './cone-window.ts';

export interface ConeFeedDeps {
  readonly cones: Pick<ConeWindow, 'get' | 'drop'>;
  submit(bytes: Uint8Array): Promise<ProcessOutcome>;
  /** The blocks with these ids, 1–256; NetworkError when nobody has them. */
  fetch(ids: readonly BlockId[]): Promise<Uint8Array[]>;
  /** The node stops or halts: what waits is not handed over any more. */
  readonly signal: AbortSignal;
}

/** What became of a cone in the processor. */
export interface Fed {
  /** The first block that breaks a rule here; undefined when all were taken. */
  readonly refusal: Failure | undefined;
}

/** Milestones whose blocks are processed ahead of confirmation. */
const AHEAD = 8;
/** Blocks that go to the processor at once; well below its queue. */
const CHUNK = 512;
/** Blocks that nobody gives now are asked for so many times more, after a pause. */
const MAX_RETRIES = 5;
const RETRY_MS = 1_000;

export class ConeFeed {
  readonly #deps: ConeFeedDeps;
  readonly #fed = new Map<number, Promise<Fed>>();
  #tail: Promise<unknown> = Promise.resolve();
  /** Never rung: a pause that the end of sync cuts short. */
  readonly #pause = new Bell();
  #running = 0;

  constructor(deps: ConeFeedDeps) {
    this.#deps = deps;
  }

  /** Cones in the processor. */
  get running(): number {
    return this.#running;
  }

  /** Whether the cone was handed over. */
  has(index: number): boolean {
    return this.#fed.has(index);
  }

  /** Begins with what is proven of milestones `first`–`last`, without a gap. */
  ahead(first: number, last: number): void {
    for (const index of this.#fed.keys()) if (index < first) this.#fed.delete(index);
    for (let index = first; index <= Math.min(last, first + AHEAD); index++) {
      if (this.#fed.has(index)) continue;
      if (this.#deps.cones.get(index) === undefined) return;
      const fed = this.#tail.then(() => this.#feed(index));
      this.#fed.set(index, fed);
      this.#tail = fed.catch(() => undefined);
    }
  }

  /** Waits for a cone that was handed over; undefined for another. Rejects with NetworkError. */
  async finished(index: number): Promise<Fed | undefined> {
    try {
      return await this.#fed.get(index);
    } catch (error) {
      this.#fed.delete(index);
      throw error;
    }
  }

  /** The cone has to be brought again. */
  forget(index: number): void {
    this.#fed.delete(index);
    this.#deps.cones.drop(index);
  }

  /** Resolves when nothing is being handed over. */
  async settle(): Promise<void> {
    await this.#tail;
  }

  async #feed(index: number): Promise<Fed> {
    const cone = this.#deps.cones.get(index);
    if (cone === undefined) return { refusal: undefined };
    this.#running += 1;
    try {
      for (let at = 0; at < cone.blocks.length; at += CHUNK) {
        const refusal = await this.#submit(cone.blocks.slice(at, at + CHUNK));
        if (refusal !== undefined) return { refusal };
      }
      for (let at = cone.blocks.length; at < cone.ids.length; at += MAX_REQUEST_IDS) {
        const blocks = await this.#fetch(cone.ids.slice(at, at + MAX_REQUEST_IDS));
        const refusal = await this.#submit(blocks);
        if (refusal !== undefined) return { refusal };
      }
      return { refusal: undefined };
    } finally {
      this.#running -= 1;
      this.#deps.cones.drop(index);
    }
  }

  /**
   * Peers give so many bytes a second, and have just given the first part of the cone: who is told
   * to come again must not begin anew for that.
   */
  async #fetch(ids: readonly BlockId[]): Promise<Uint8Array[]> {
    for (let retries = 0; ; retries++) {
      try {
        return await this.#deps.fetch(ids);
      } catch (error) {
        const isPassing = error instanceof NetworkError && error.code !== 'stopped';
        if (!isPassing || retries === MAX_RETRIES) throw error;
        await this.#pause.wait(RETRY_MS, this.#deps.signal);
        if (this.#deps.signal.aborted) throw error;
      }
    }
  }

  async #submit(blocks: readonly Uint8Array[]): Promise<Failure | undefined> {
    if (this.#deps.signal.aborted) throw new NetworkError('aborted', 'sync stopped');
    const outcomes = await Promise.all(blocks.map((bytes) => this.#deps.submit(bytes)));
    return outcomes.find((outcome) => !outcome.ok && outcome.action === 'reject') as
      | Failure
      | undefined;
  }
}
