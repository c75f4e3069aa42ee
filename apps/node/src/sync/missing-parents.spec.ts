import { afterEach, describe, expect, it } from '@jest/globals';
import type { BlockId } from '@tanglemail/tangle/core/codec/ids.ts';
import { SILENT_LOGGER } from '@tanglemail/tangle/io/logger.ts';
import { MissingParents } from './missing-parents.ts';

const idOf = (n: number) => n.toString(16).padStart(64, '0') as BlockId;

/** A network that has the blocks in `has`, and a clock that the test turns. */
class World {
  readonly has = new Set<BlockId>();
  readonly asked: { ids: readonly BlockId[]; peer: string | undefined }[] = [];
  nowMs = 0;
  readonly missing: MissingParents;

  constructor() {
    this.missing = new MissingParents({
      network: {
        requestBlocks: async (ids, { peer }) => {
          this.asked.push({ ids, peer });
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

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      this.nowMs += 1_000;
    }
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
    world.missing.want(
      Array.from({ length: 20_000 }, (_, n) => idOf(n)),
      'p1',
    );
    expect(world.missing.size).toBe(16_384);
  });
});
