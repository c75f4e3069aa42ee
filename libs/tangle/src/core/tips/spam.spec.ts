/**
 * Tip selection and milestones under spam: honest senders take the tips they are given, four in
 * five blocks come from somebody who attaches where it hurts. Every honest block must be confirmed
 * within few milestones. A simulation of DAG, tip pool and leader with a fixed seed.
 */
import { describe, expect, it } from '@jest/globals';
import type { BlockId } from '../codec/ids.ts';
import { Dag } from '../dag/dag.ts';
import { MAX_CONE, MAX_PARENTS } from '../params/limits.ts';
import { TipPool } from './tip-pool.ts';

const GENESIS = 'g' as BlockId;
const DEPTH = 60;
/** Blocks per milestone, one millisecond apart. */
const INTERVAL = 1_000;

/** Milestones after which no honest block may still wait, and those in which 98 % are confirmed. */
const [PATIENCE, SOON] = [14, 4];

/** Merging blocks of the validator per milestone: what one thread finds on the main network. */
const MERGES = 10;

/** xorshift32: the same draws in every run. */
class Draws {
  #state = 2_463_534_242;

  below(bound: number): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) % bound;
  }
}

/** Parents for the spammer's block number `count`. */
type Spam = (world: World, count: number) => BlockId[];

class World {
  readonly dag = new Dag({ belowMaxDepth: DEPTH });
  readonly draws = new Draws();
  readonly tips = new TipPool(
    { belowMaxDepth: DEPTH },
    { random: { below: (bound) => this.draws.below(bound), bytes: () => new Uint8Array(0) } },
  );
  /** Referenced blocks by milestone. */
  readonly history: BlockId[][] = [[GENESIS]];
  readonly spam: BlockId[] = [];
  /** Honest block → milestone index when it was attached. */
  readonly honest = new Map<BlockId, number>();
  index = 0;
  nowMs = 0;
  #count = 0;

  constructor() {
    this.dag.addEntryPoint(GENESIS, 0);
    this.tips.setEntryPoints([GENESIS]);
  }

  select(): BlockId[] {
    return this.tips.parentsForBlock(this.index, (id) => this.dag.coneRoots(id), this.nowMs);
  }

  /** Attaches a block; undefined if the DAG refuses it. */
  attach(name: string, parents: readonly BlockId[]): BlockId | undefined {
    const id = `${name}${(this.#count += 1)}` as BlockId;
    this.nowMs += 1;
    const added = this.dag.add(id, [...new Set(parents)]);
    if (!added.ok) return undefined;
    for (const solid of added.value.solid) {
      this.tips.add(solid, this.dag.parentsOf(solid) ?? [], this.nowMs);
    }
    return id;
  }

  milestone(): void {
    const parents = this.tips.heaviest(this.index, this.dag, this.nowMs);
    const cone = this.dag.pastConeUnreferenced(parents);
    if (cone.length > MAX_CONE) throw new Error('a milestone beyond its limit');
    this.index += 1;
    this.dag.markReferenced(cone, this.index, parents);
    this.tips.onMilestone(this.index, parents);
    this.history.push(cone);
    for (const id of this.dag.prune(this.index - DEPTH - 5)) this.tips.remove(id);
  }

  /** Quiet milestones, so that there is a past to attach to. */
  warmUp(milestones: number): void {
    for (let made = 0; made < milestones; made += 1) {
      for (let block = 0; block < 5; block += 1) this.attach('w', this.select());
      this.nowMs += INTERVAL;
      this.milestone();
    }
  }

  /** What the validator does beside milestones: takes up tips that were left behind. */
  merge(): void {
    const beforeMs = this.nowMs - 2 * INTERVAL;
    const parents = this.tips.leftBehind(MAX_PARENTS, beforeMs, this.index, this.dag);
    if (parents.length > 1) this.attach('m', parents);
  }

  /** `milestones` intervals with four fifths of spam; returns the delays of the other blocks. */
  run(milestones: number, spam: Spam): number[] {
    for (let step = 0; step < milestones * INTERVAL; step += 1) {
      const isHonest = step % 5 === 0;
      const id = this.attach(isHonest ? 'h' : 's', isHonest ? this.select() : spam(this, step));
      if (id !== undefined && isHonest) this.honest.set(id, this.index);
      if (id !== undefined && !isHonest) this.spam.push(id);
      if (step % (INTERVAL / MERGES) === 0) this.merge();
      if (step % INTERVAL === INTERVAL - 1) this.milestone();
    }
    const delays: number[] = [];
    for (const [id, attached] of this.honest) {
      const index = this.dag.get(id)?.referencedIndex ?? Infinity;
      // What came lately may wait; what is older must not.
      if (index < Infinity || attached < this.index - PATIENCE) delays.push(index - attached);
    }
    return delays;
  }
}

/** A block of the milestone `age` back that referenced something. */
function old(world: World, age: number): BlockId {
  for (let back = age; back >= 0; back -= 1) {
    const cone = world.history[Math.max(0, world.index - back)] ?? [];
    const id = cone[world.draws.below(Math.max(1, cone.length))];
    if (id !== undefined && world.dag.has(id)) return id;
  }
  return GENESIS;
}

const ATTACKS: Record<string, Spam> = {
  'lazy blocks on parents too old to be drawn': (world) => [old(world, 35), old(world, 40)],
  'blocks just young enough to be tips': (world) => [old(world, 29), old(world, 50)],
  'a wide fan on the latest milestone': (world) => [old(world, 0)],
  'the same parent for every block': (world, count) => [
    count < 5 ? GENESIS : (world.spam[0] ?? GENESIS),
  ],
  'a parasite chain on an old block, tied to itself': (world, count) => [
    count % 200 === 1 ? old(world, 45) : (world.spam.at(-1) ?? GENESIS),
  ],
  'a ladder of its own that also names honest tips': (world) => [
    world.spam.at(-1) ?? GENESIS,
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
    expect(Math.min(...youngest)).toBeGreaterThanOrEqual(world.index - DEPTH / 2);
  });
});
