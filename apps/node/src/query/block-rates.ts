/**
 * How many blocks became solid and were referenced lately: a ring of seconds. Fed by the node's
 * events, shown by `info`. Spec: docs/spec/11-node-api.md.
 */
import type { NodeEvents } from '../events.ts';

/** Seconds that the rates look back. Longer than a heartbeat, so that an idle network shows 0. */
const WINDOW = 30;

export interface Rates {
  readonly blocksPerSecond: number;
  readonly referencedBlocksPerSecond: number;
  /** Referenced blocks by new ones, in percent; 0 when there was no new one. */
  readonly referencedRate: number;
}

interface Second {
  at: number;
  blocks: number;
  referenced: number;
}

export class BlockRates {
  readonly #nowMs: () => number;
  readonly #startedMs: number;
  readonly #ring: Second[] = [];

  /** `nowMs` of a clock that never goes back. */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
    this.#startedMs = nowMs();
    for (let i = 0; i < WINDOW; i++) this.#ring.push({ at: -1, blocks: 0, referenced: 0 });
  }

  /** Counts what the node tells from now on. */
  follow(events: NodeEvents): void {
    events.on('solid', (blocks) => this.add(blocks.length, 0));
    events.on('confirmed', ({ result }) => this.add(0, result.included.length));
  }

  add(blocks: number, referenced: number): void {
    const at = Math.floor(this.#nowMs() / 1_000);
    const second = this.#ring[at % WINDOW] as Second;
    if (second.at !== at) Object.assign(second, { at, blocks: 0, referenced: 0 });
    second.blocks += blocks;
    second.referenced += referenced;
  }

  rates(): Rates {
    const nowMs = this.#nowMs();
    const first = Math.floor(nowMs / 1_000) - WINDOW + 1;
    const lately = this.#ring.filter(({ at }) => at >= first);
    const blocks = lately.reduce((sum, one) => sum + one.blocks, 0);
    const referenced = lately.reduce((sum, one) => sum + one.referenced, 0);
    const seconds = Math.min(WINDOW, Math.max(1, (nowMs - this.#startedMs) / 1_000));
    return {
      blocksPerSecond: round(blocks / seconds),
      referencedBlocksPerSecond: round(referenced / seconds),
      referencedRate: blocks === 0 ? 0 : round((referenced / blocks) * 100),
    };
  }
}

/** Two digits behind the point are enough for people. */
function round(value: number): number {
  return Math.round(value * 100) / 100;
}
