/**
 * Milestones under a flood: one source fills the DAG with valid blocks as fast as it likes, in the
 * shapes that cost milestones most, and a few honest blocks come beside it. These must be confirmed
 * soon, however many blocks of the flood wait. A simulation with a fixed seed.
 */
import { describe, expect, it } from '@jest/globals';
import type { BlockId } from '../codec/ids.ts';
import { MAX_CONE } from '../params/limits.ts';
import { TEST_GENESIS, TEST_INTERVAL_MS, TipWorld } from '../testing/tip-world.ts';

/** Blocks of the flood per milestone; of each honest source; merging blocks. */
const [FLOOD, HONEST, MERGES] = [6_000, 10, 10];
/** Chains that are each heavier than an honest block, and more than a milestone has parents. */
const CHAINS = 400;
/** Milestones until a block of another source is confirmed, and one of the same at the latest. */
const [SOON, LATE] = [2, 12];

/** Parents for the flood's next block. */
type Shape = (world: TipWorld, flood: readonly BlockId[]) => BlockId[];

const SHAPES: Record<string, () => Shape> = {
  'all on the same few parents': () => {
    let [index, named] = [-1, [] as BlockId[]];
    return (world) => {
      if (world.index !== index) [index, named] = [world.index, world.select()];
      return named;
    };
  },
  'more chains than a milestone has parents': () => (_, flood) => [
    flood[flood.length - CHAINS] ?? TEST_GENESIS,
  ],
  'stars that a last block ties together': () => (world, flood) =>
    flood.length % 8 === 7 ? flood.slice(-7) : world.select().slice(0, 1),
};

/** Lets flood and honest senders send side by side; each interval ends with a milestone. */
function run(
  world: TipWorld,
  milestones: number,
  shape: Shape,
  { maxWaiting, sources }: { maxWaiting: number; sources: readonly string[] },
): void {
  const flood: BlockId[] = [];
  for (let step = 0; step < milestones * HONEST; step += 1) {
    world.nowMs += TEST_INTERVAL_MS / HONEST;
    for (let i = 0; i < FLOOD / HONEST && world.dag.unreferencedCount < maxWaiting; i += 1) {
      const id = world.attach('f', shape(world, flood), 'flood');
      if (id !== undefined) flood.push(id);
    }
    for (const source of sources) world.attachHonest(source);
    for (let i = 0; i < MERGES / HONEST; i += 1) world.merge('validator');
    if (step % HONEST === HONEST - 1) world.milestone();
  }
}

describe('a flood', () => {
  it.each(Object.entries(SHAPES))('%s: does not delay other sources', (_, newShape) => {
    const world = new TipWorld();
    world.warmUp(5);
    run(world, 10, newShape(), { maxWaiting: 5 * MAX_CONE, sources: ['peer', 'user'] });
    const delays = world.delays(SOON);
    expect(Math.max(...delays)).toBeLessThanOrEqual(SOON);
    expect(delays.length).toBeGreaterThan(2 * (10 - SOON - 1) * HONEST);
  });

  // A peer that relays a flood takes no more of it than its DAG has places for one source.
  it.each(Object.entries(SHAPES))('%s: is passed by what the same peer relays', (_, newShape) => {
    const world = new TipWorld();
    world.warmUp(5);
    run(world, 20, newShape(), { maxWaiting: MAX_CONE / 2, sources: ['flood'] });
    const delays = world.delays(LATE);
    expect(Math.max(...delays)).toBeLessThanOrEqual(LATE);
  });
});
