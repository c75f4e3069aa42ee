/**
 * Tip selection and milestones under spam: honest senders take the tips they are given, four in
 * five blocks come from somebody who attaches where it hurts. Every honest block must be confirmed
 * within few milestones. A simulation of DAG, tip pool and leader with a fixed seed.
 */
import { describe, expect, it } from '@jest/globals';
import type { BlockId } from '../codec/ids.ts';
import { TEST_DEPTH, TEST_GENESIS, TEST_INTERVAL_MS, TipWorld } from '../testing/tip-world.ts';

/** Blocks per milestone, one millisecond apart. */
const INTERVAL = TEST_INTERVAL_MS;
/** Milestones after which no honest block may still wait, and those in which 98 % are confirmed. */
const [PATIENCE, SOON] = [14, 4];

/** Merging blocks of the validator per milestone: what one thread finds on the main network. */
const MERGES = 10;

/** Parents for the spammer's block number `count`. */
type Spam = (world: World, count: number) => BlockId[];

class World extends TipWorld {
  readonly spam: BlockId[] = [];

  /** `milestones` intervals with four fifths of spam; returns the delays of the other blocks. */
  run(milestones: number, spam: Spam): number[] {
    for (let step = 0; step < milestones * INTERVAL; step += 1) {
      this.nowMs += 1;
      if (step % 5 === 0) this.attachHonest();
      else {
        const id = this.attach('s', spam(this, step));
        if (id !== undefined) this.spam.push(id);
      }
      if (step % (INTERVAL / MERGES) === 0) this.merge();
      if (step % INTERVAL === INTERVAL - 1) this.milestone();
    }
    // What came lately may wait; what is older must not.
    return this.delays(PATIENCE);
  }
}

/** A block of the milestone `age` back that referenced something. */
function old(world: World, age: number): BlockId {
  for (let back = age; back >= 0; back -= 1) {
    const cone = world.history[Math.max(0, world.index - back)] ?? [];
    const id = cone[world.draws.below(Math.max(1, cone.length))];
    if (id !== undefined && world.dag.has(id)) return id;
  }
  return TEST_GENESIS;
}

const ATTACKS: Record<string, Spam> = {
  'lazy blocks on parents too old to be drawn': (world) => [old(world, 35), old(world, 40)],
  'blocks just young enough to be tips': (world) => [old(world, 29), old(world, 50)],
  'a wide fan on the latest milestone': (world) => [old(world, 0)],
  'the same parent for every block': (world, count) => [
    count < 5 ? TEST_GENESIS : (world.spam[0] ?? TEST_GENESIS),
  ],
  'a parasite chain on an old block, tied to itself': (world, count) => [
    count % 200 === 1 ? old(world, 45) : (world.spam.at(-1) ?? TEST_GENESIS),
  ],
  'a ladder of its own that also names honest tips': (world) => [
    world.spam.at(-1) ?? TEST_GENESIS,
    ...world.select().slice(0, 1),
  ],
};

describe('four fifths of spam', () => {
  it.each(Object.entries(ATTACKS))('%s: honest blocks are confirmed soon', (_, spam) => {
    const world = new World();
    world.warmUp(55);
    const delays = world.run(30, spam);
    const late = delays.filter((delay) => delay > SOON).length;
    expect(late / delays.length).toBeLessThan(0.02);
    expect(Math.max(...delays)).toBeLessThanOrEqual(PATIENCE);
    expect(delays.length).toBeGreaterThan(3_000);
  });

  it('is never drawn as a parent while it is lazy', () => {
    const world = new World();
    world.run(45, (here, count) => (count < 1_000 ? here.select() : [old(here, 40)]));
    const drawn = Array.from({ length: 200 }, () => world.select()).flat();
    const youngest = drawn.map((id) => world.dag.coneRoots(id)?.youngest ?? -1);
    expect(Math.min(...youngest)).toBeGreaterThanOrEqual(world.index - TEST_DEPTH / 2);
  });
});
