// What a seat knows of the load when it leads: that of all milestones, whoever made them.
import { describe, expect, it } from '@jest/globals';
import type { BlockId } from '@tanglemail/tangle/core/codec/ids.ts';
import { SILENT_LOGGER } from '@tanglemail/tangle/io/logger.ts';
import { testGenesis } from '../testing/test-network.ts';
import { genesisMilestone } from '@tanglemail/tangle/core/milestone/genesis.ts';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import { LoadWatch } from './load-watch.ts';

const { params } = testGenesis();
const ROOT = genesisMilestone(testGenesis(), nobleHasher);
const INTERVAL = params.milestoneIntervalMs;
/** Waiting blocks that are a pressure of 1. */
const FULL = 5_000;

/** A node that follows milestones of other leaders, one per interval. */
class Follower {
  readonly dag = { unreferencedCount: 0 };
  readonly lines: unknown[] = [];
  readonly watch: LoadWatch;
  queueFill = 0;
  #atMs = 0;
  #load: number;

  constructor(loadBits = 0) {
    this.#load = loadBits;
    const logger = { ...SILENT_LOGGER, info: (fields: object) => this.lines.push(fields) };
    const queueFill = (): number => this.queueFill;
    this.watch = new LoadWatch({ params, dag: this.dag, queueFill, logger }, loadBits);
  }

  /** Milestones that take `taken` blocks each, with a load term that their leader chose. */
  follow(count: number, taken: number, load = this.#load, elapsedMs = 1): void {
    const options = load === 0 ? {} : { powLoadBits: load };
    const included = Array.from({ length: taken }, (_, at) => `${at}` as BlockId);
    for (let index = 0; index < count; index += 1) {
      this.#atMs += INTERVAL;
      this.watch.onConfirmed({
        milestone: {
          header: { ...ROOT.header, timestampMs: this.#atMs },
          body: { parents: [], options },
        },
        result: { included },
        elapsedMs,
      });
    }
    this.#load = load;
  }

  /** What it would choose as the leader of the next one. */
  choice(): number {
    return this.watch.choose(this.#load, this.#atMs + INTERVAL);
  }
}

describe('what a node saw of the load', () => {
  it('is enough to raise the term in its first own milestone', () => {
    const node = new Follower();
    node.follow(3, 0);
    node.dag.unreferencedCount = FULL;
    expect(node.choice()).toBe(0);
    node.follow(3, 0);
    expect(node.choice()).toBe(1);
  });

  it('counts the blocks that a milestone took as those that had waited', () => {
    const node = new Follower();
    node.follow(3, FULL);
    node.queueFill = 0.5;
    expect(node.choice()).toBe(1);
    const calm = new Follower();
    calm.follow(3, FULL - 1);
    calm.queueFill = 0.5;
    expect(calm.choice()).toBe(0);
  });

  it('knows when another leader raised the term, and gives senders time', () => {
    const node = new Follower();
    node.follow(3, FULL);
    node.queueFill = 1;
    node.follow(1, FULL, 1);
    expect(node.choice()).toBe(1);
    node.follow(1, FULL);
    expect(node.choice()).toBe(1);
    node.follow(1, FULL);
    expect(node.choice()).toBe(2);
    expect(node.lines).toEqual([
      { before: 0, load: 1, waitingBlocks: FULL, queueFill: 1, confirmMs: 1 },
    ]);
  });

  it('lowers the term after ten intervals of calm, and each bit needs a calm of its own', () => {
    const node = new Follower(3);
    node.follow(10, 0);
    expect(node.choice()).toBe(2);
    node.follow(1, 0, 2);
    expect(node.choice()).toBe(2);
    node.follow(9, 0);
    expect(node.choice()).toBe(1);
  });

  it('counts the time that this node took, not the leader', () => {
    const node = new Follower();
    node.follow(4, 0, 0, INTERVAL);
    expect(node.choice()).toBe(1);
  });
});
