import { afterEach, describe, expect, it } from '@jest/globals';
import type { BlockId } from '@tanglemail/tangle/core/codec/ids.ts';
import { SILENT_LOGGER } from '@tanglemail/tangle/io/logger.ts';
import { until } from '@tanglemail/tangle/io/testing/until.ts';
import { MissingParents } from './missing-parents.ts';

const idOf = (n: number) => n.toString(16).padStart(64, '0') as BlockId;

/** A network that has the blocks in `has`, and a clock that the test turns. */
class World {
  readonly has = new Set<BlockId>();
  readonly asked: { ids: readonly BlockId[]; peer: string | undefined }[] = [];
  nowMs = 0;
  hung: string | undefined;
  readonly missing: MissingParents;

  constructor() {
    this.missing = new MissingParents({
      network: {
        requestBlocks: async (ids, { peer, signal }) => {
          this.asked.push({ ids, peer });
          if (peer !== undefined && peer === this.hung) {
            await new Promise((resolve) => signal?.addEventListener('abort', resolve));
          }
          const found = ids.filter((id) => this.has.has(id));
          return await Promise.resolve(found.map((id) => Buffer.from(id)));
        },
        peers: () => [{ id: 'p1' }, { id: 'p2' }],
      },
      submit: async (bytes) => {
        this.missing.received(Buffer.from(bytes).toString() as BlockId);
        await Promise.resolve();
      },
      clock: { nowMs: () => this.nowMs },
      logger: SILENT_LOGGER,
    });
    this.missing.start();
  }

  async turn(): Promise<void> {
    await new Promise(setImmediate);
  }

  /** Waits; a second passes between two looks. */
  async until(condition: () => boolean): Promise<void> {
    await until(() => {
      if (condition()) return true;
      this.nowMs += 1_000;
      return false;
    });
  }
}

let world: World;
afterEach(() => world.missing.stop());

describe('missing parents', () => {
  it('are asked for once, first of the peer that sent the child', async () => {
    world = new World();
    world.has.add(idOf(1)).add(idOf(2));
    world.missing.want([idOf(1), idOf(2)], 'p2');
    world.missing.want([idOf(1)], 'p1');
    await world.until(() => world.missing.size === 0);
    expect(world.asked[0]).toEqual({ ids: [idOf(1), idOf(2)], peer: 'p2' });
    expect(world.asked).toHaveLength(1);
  });

  it('are asked for again, then of anybody, and given up after some rounds', async () => {
    world = new World();
    world.missing.want([idOf(3)], 'p1');
    await world.until(() => world.missing.size === 0);
    expect(world.asked.map(({ peer }) => peer)).toEqual(['p1', ...Array(7).fill(undefined)]);
  });

  it('are never given up when a milestone waits for them', async () => {
    world = new World();
    world.missing.want([idOf(4)], 'p1');
    world.missing.wantUrgently([idOf(4)]);
    await world.until(() => world.asked.length >= 12);
    expect(world.missing.size).toBe(1);
    world.has.add(idOf(4));
    await world.until(() => world.missing.size === 0);
  });

  it('are bounded', () => {
    world = new World();
    const flood = (from: string, first: number) => {
      const ids = Array.from({ length: 20_000 }, (_, n) => idOf(first + n));
      world.missing.want(ids, from);
    };
    flood('p1', 0);
    expect(world.missing.size).toBe(4_096);
    for (let source = 2; source < 9; source++) flood(`p${source}`, source * 20_000);
    expect(world.missing.size).toBe(16_384);
  });

  it('of a peer that never answers hold up nobody else', async () => {
    world = new World();
    world.hung = 'p1';
    for (const [n, id] of [1, 2, 3, 4, 5, 6].entries()) {
      world.has.add(idOf(100 + n));
      world.missing.want([idOf(id)], 'p1');
      world.missing.want([idOf(100 + n)], 'p2');
      await world.turn();
    }
    await world.until(() => world.missing.size === 6);
    expect(world.asked.filter(({ peer }) => peer === 'p1')).toHaveLength(1);
  });

  it('are not wanted while the node is far behind, and are again after it', async () => {
    world = new World();
    world.missing.want([idOf(1)], 'p1');
    world.missing.pause();
    world.missing.want([idOf(2)], 'p1');
    world.missing.wantUrgently([idOf(3)]);
    expect(world.missing.size).toBe(1);
    expect([world.missing.resume(), world.missing.resume()]).toEqual([true, false]);
    world.missing.want([idOf(2)], 'p1');
    expect(world.missing.size).toBe(2);
  });
});
