/**
 * A tangle for tests of tip selection: DAG, tip pool and leader on a virtual clock, with drawn
 * numbers that are the same in every run. Spec: docs/spec/03-dag.md.
 */
import type { BlockId } from '../codec/ids.ts';
import { Dag } from '../dag/dag.ts';
import { MAX_CONE, MAX_PARENTS } from '../params/limits.ts';
import { TipPool } from '../tips/tip-pool.ts';

export const TEST_GENESIS = 'g' as BlockId;
/** Milestones after which a block can no longer be confirmed. */
export const TEST_DEPTH = 60;
/** Milliseconds between milestones. */
export const TEST_INTERVAL_MS = 1_000;

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

export class TipWorld {
  readonly dag = new Dag({ belowMaxDepth: TEST_DEPTH });
  readonly draws = new Draws();
  readonly tips = new TipPool(
    { belowMaxDepth: TEST_DEPTH },
    { random: { below: (bound) => this.draws.below(bound), bytes: () => new Uint8Array(0) } },
  );
  /** Referenced blocks by milestone. */
  readonly history: BlockId[][] = [[TEST_GENESIS]];
  /** Honest block → milestone index when it was attached. */
  readonly honest = new Map<BlockId, number>();
  index = 0;
  nowMs = 0;
  #count = 0;

  constructor() {
    this.dag.addEntryPoint(TEST_GENESIS, 0);
    this.tips.setEntryPoints([TEST_GENESIS]);
  }

  /** What an honest sender takes as parents. */
  select(): BlockId[] {
    return this.tips.parentsForBlock(this.index, (id) => this.dag.coneRoots(id), this.nowMs);
  }

  /** Attaches a block; undefined if the DAG refuses it. */
  attach(name: string, parents: readonly BlockId[], source = ''): BlockId | undefined {
    const id = `${name}${(this.#count += 1)}` as BlockId;
    const added = this.dag.add(id, [...new Set(parents)], { source });
    if (!added.ok) return undefined;
    for (const solid of added.value.solid) {
      this.tips.add(solid, this.dag.parentsOf(solid) ?? [], this.nowMs);
    }
    return id;
  }

  /** Attaches a block of an honest sender. */
  attachHonest(source = ''): void {
    const id = this.attach('h', this.select(), source);
    if (id !== undefined) this.honest.set(id, this.index);
  }

  milestone(): void {
    const parents = this.tips.heaviest(this.index, this.dag);
    const cone = this.dag.pastConeUnreferenced(parents);
    if (cone.length > MAX_CONE) throw new Error('a milestone beyond its limit');
    this.index += 1;
    this.dag.markReferenced(cone, this.index, parents);
    this.tips.onMilestone(this.index, parents);
    this.history.push(cone);
    for (const id of this.dag.prune(this.index - TEST_DEPTH - 5)) this.tips.remove(id);
  }

  /** Quiet milestones, so that there is a past to attach to. */
  warmUp(milestones: number): void {
    for (let made = 0; made < milestones; made += 1) {
      for (let block = 0; block < 5; block += 1) this.attach('w', this.select());
      this.nowMs += TEST_INTERVAL_MS;
      this.milestone();
    }
  }

  /** What the validator does beside milestones: takes up tips that were left behind. */
  merge(source = ''): void {
    const beforeMs = this.nowMs - 2 * TEST_INTERVAL_MS;
    const parents = this.tips.leftBehind(MAX_PARENTS, beforeMs, this.index, this.dag);
    if (parents.length > 1) this.attach('m', parents, source);
  }

  /**
   * In how many milestones each honest block was confirmed; Infinity for one that is not, and those
   * of the last `patience` milestones that still wait are left out.
   */
  delays(patience: number): number[] {
    const delays: number[] = [];
    for (const [id, attached] of this.honest) {
      const index = this.dag.get(id)?.referencedIndex ?? Infinity;
      if (index < Infinity || attached < this.index - patience) delays.push(index - attached);
    }
    return delays;
  }
}
