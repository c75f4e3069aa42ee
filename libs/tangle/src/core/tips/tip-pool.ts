/**
 * The tips: solid blocks that new blocks should take as parents. On a block's path: core/dag → here
 * → core/milestone. Tip selection is uniform and random (URTS) among the tips that are not lazy.
 * Spec: docs/spec/03-dag.md; the scores follow Hornet's.
 *
 * Costs: each tip is scored once per milestone; a selection draws a handful of random numbers, and
 * removes each tip that it finds too old once. Nothing looks at all tips for one selection.
 */
import type { BlockId } from '../codec/ids.ts';
import type { ConeRoots } from '../dag/vertex.ts';
import { assert } from '../outcome.ts';
import {
  MAX_CONE,
  MAX_MILESTONE_PARENTS,
  MAX_TIP_CHILDREN,
  MAX_TIPS,
  MAX_PARENTS,
  MILESTONE_PARENTS_USUAL,
  TIP_AGE_AFTER_FIRST_CHILD_MS,
  TIPS_PER_BLOCK,
  WIDE_TIPS,
} from '../params/limits.ts';
import type { Random } from '../ports.ts';
import { chooseHeaviest } from './heaviest.ts';
import type { UnreferencedView } from './window.ts';

export type { UnreferencedView } from './window.ts';

export interface TipPoolOptions {
  /** NetworkParams.belowMaxDepth. */
  readonly belowMaxDepth: number;
  /** Tips kept; MAX_TIPS by default. */
  readonly maxTips?: number;
}

/** How a tip stands to the latest milestone; a tip below max depth leaves the pool. */
type Score = 'unscored' | 'non-lazy' | 'semi-lazy' | 'lazy';

interface Tip {
  readonly id: BlockId;
  readonly arrivedMs: number;
  children: number;
  /** Time of the first child; undefined while there is none. */
  firstChildMs: number | undefined;
  score: Score;
  /** Place in the list of its score. */
  place: number;
}

/** Cone roots of a block; undefined if the DAG no longer knows it as solid. */
export type ConeRootsOf = (id: BlockId) => ConeRoots | undefined;

export class TipPool {
  readonly #belowMaxDepth: number;
  readonly #maxTips: number;
  readonly #random: Random;
  readonly #tips = new Map<BlockId, Tip>();
  readonly #byScore: Readonly<Record<Score, Tip[]>> = {
    unscored: [],
    'non-lazy': [],
    'semi-lazy': [],
    lazy: [],
  };
  /** Tips in the order of their arrival from `#oldest` on; those that left are skipped. */
  #arrivals: Tip[] = [];
  #oldest = 0;
  /** Tips that no block or milestone was seen to take up, oldest first. */
  readonly #untaken = new Set<Tip>();
  #scoredIndex = -1;
  #entryPoints: readonly BlockId[] = [];

  constructor(options: TipPoolOptions, deps: { random: Random }) {
    this.#belowMaxDepth = options.belowMaxDepth;
    this.#maxTips = options.maxTips ?? MAX_TIPS;
    this.#random = deps.random;
  }

  /** Tips held; among them may be some that the next selection finds too old. */
  get size(): number {
    return this.#tips.size;
  }

  has(id: BlockId): boolean {
    return this.#tips.has(id);
  }

  /**
   * What selection falls back to when there is no usable tip: solid entry points at the start. Each
   * milestone replaces them by its parents.
   */
  setEntryPoints(ids: readonly BlockId[]): void {
    this.#entryPoints = [...ids];
  }

  /**
   * Takes in a block that became solid. Each parent that is a tip counts a child more and leaves
   * with its 30th. The oldest tip leaves when there are more than `maxTips`.
   *
   * @param nowMs the time, from the same clock as in the other calls.
   */
  add(id: BlockId, parents: readonly BlockId[], nowMs: number): void {
    for (const parent of parents) this.#countChild(parent, nowMs);
    if (this.#tips.has(id)) return;
    const tip: Tip = {
      id,
      arrivedMs: nowMs,
      children: 0,
      firstChildMs: undefined,
      score: 'unscored',
      place: 0,
    };
    this.#tips.set(id, tip);
    this.#arrivals.push(tip);
    this.#untaken.add(tip);
    this.#enlist(tip, 'unscored');
    if (this.#tips.size > this.#maxTips) this.#removeOldest();
  }

  /** Takes a block out, if it is a tip: the DAG dropped it. */
  remove(id: BlockId): void {
    const tip = this.#tips.get(id);
    if (tip !== undefined) this.#remove(tip);
  }

  /**
   * A milestone became final: its parents are what selection falls back to from now on, and every
   * tip is scored anew at the next selection.
   */
  onMilestone(index: number, milestoneParents: readonly BlockId[]): void {
    assert(milestoneParents.length > 0, `milestone ${index} names parents`);
    this.setEntryPoints(milestoneParents);
    this.#scoredIndex = -1;
  }

  /**
   * Up to `count` distinct parents for a new block: drawn uniformly from the non-lazy tips, or if
   * there are none from the semi-lazy ones, or else from the entry points. Empty only if none of
   * these exist. Fewer than `count` if the group that was used has fewer.
   *
   * @param latestIndex the latest final milestone.
   */
  select(count: number, latestIndex: number, coneRootsOf: ConeRootsOf, nowMs: number): BlockId[] {
    this.#scoreAll(latestIndex, coneRootsOf, nowMs);
    const nonLazy = this.#draw(this.#byScore['non-lazy'], count, nowMs);
    if (nonLazy.length > 0) return nonLazy;
    const semiLazy = this.#draw(this.#byScore['semi-lazy'], count, nowMs);
    return semiLazy.length > 0 ? semiLazy : this.#drawEntryPoints(count);
  }

  /** Parents for a new block: 4 as `select` draws them, or 8 while more than 128 tips wait. */
  parentsForBlock(latestIndex: number, coneRootsOf: ConeRootsOf, nowMs: number): BlockId[] {
    this.#scoreAll(latestIndex, coneRootsOf, nowMs);
    const isWide = this.#byScore['non-lazy'].length > WIDE_TIPS;
    return this.select(isWide ? MAX_PARENTS : TIPS_PER_BLOCK, latestIndex, coneRootsOf, nowMs);
  }

  /**
   * The oldest non-lazy tips that came before `beforeMs` and that neither a block nor a milestone
   * has taken up: what is in danger of being left behind. Up to `count`. A tip that was taken up
   * stays so, and an old one old, hence each is passed over once, however many looks there are.
   *
   * @param dag the DAG at `latestIndex`, the latest final milestone.
   */
  leftBehind(
    count: number,
    beforeMs: number,
    latestIndex: number,
    dag: { coneRoots: ConeRootsOf; isReferenced(id: BlockId): boolean },
  ): BlockId[] {
    const found: BlockId[] = [];
    for (const tip of this.#untaken) {
      if (found.length >= count || tip.arrivedMs >= beforeMs) break;
      const roots = dag.isReferenced(tip.id) ? undefined : dag.coneRoots(tip.id);
      // A tip that is about to fall below max depth would take its merging block with it.
      const isWorthIt = roots !== undefined && this.#scoreOf(roots, latestIndex) === 'non-lazy';
      if (isWorthIt) found.push(tip.id);
      else this.#untaken.delete(tip);
    }
    return found;
  }

  /**
   * Parents for the milestone `latestIndex + 1`: blocks that cover most unreferenced blocks, at
   * most MAX_CONE in sum, none below max depth; 8 of them, or up to 255 while what has waited
   * longest is not covered. If nothing waits, 8 of what the milestone before it names, which are
   * thereby kept young; no other referenced block may be named (docs/spec/12-snapshot.md §1).
   *
   * @param dag the DAG at `latestIndex`.
   * @param previousParents what milestone `latestIndex` names; by default the latest final one.
   */
  heaviest(
    latestIndex: number,
    dag: UnreferencedView,
    previousParents: readonly BlockId[] = this.#entryPoints,
    maxCone: number = MAX_CONE,
  ): BlockId[] {
    const oldestRoot = latestIndex + 1 - this.#belowMaxDepth;
    const maxParents = MILESTONE_PARENTS_USUAL;
    const maxWideParents = MAX_MILESTONE_PARENTS;
    const chosen = chooseHeaviest(dag, { maxParents, maxWideParents, maxCone, oldestRoot });
    return chosen.length > 0 ? chosen : previousParents.slice(0, maxParents);
  }

  #countChild(id: BlockId, nowMs: number): void {
    const tip = this.#tips.get(id);
    if (tip === undefined) return;
    tip.children += 1;
    this.#untaken.delete(tip);
    tip.firstChildMs ??= nowMs;
    if (tip.children >= MAX_TIP_CHILDREN || this.#isAged(tip, nowMs)) this.#remove(tip);
  }

  #isAged(tip: Tip, nowMs: number): boolean {
    return (
      tip.firstChildMs !== undefined && nowMs - tip.firstChildMs >= TIP_AGE_AFTER_FIRST_CHILD_MS
    );
  }

  /** Gives every tip that has none its score; all of them once per milestone. */
  #scoreAll(latestIndex: number, coneRootsOf: ConeRootsOf, nowMs: number): void {
    const unscored = this.#byScore.unscored;
    if (latestIndex !== this.#scoredIndex) {
      for (const tip of this.#tips.values()) {
        if (tip.score !== 'unscored') this.#rescore(tip, 'unscored');
      }
      this.#scoredIndex = latestIndex;
    }
    for (let tip = unscored.at(-1); tip !== undefined; tip = unscored.at(-1)) {
      const roots = coneRootsOf(tip.id);
      const score = roots === undefined ? undefined : this.#scoreOf(roots, latestIndex);
      if (score === undefined || this.#isAged(tip, nowMs)) this.#remove(tip);
      else this.#rescore(tip, score);
    }
  }

  /**
   * Shares of max depth D: a tip is lazy if its youngest cone root is older than D/2, semi-lazy if
   * its oldest is older than 7D/8; undefined below max depth. 30 and 52 milestones at D = 60.
   */
  #scoreOf(roots: ConeRoots, latestIndex: number): Score | undefined {
    const oldestAge = latestIndex - roots.oldest;
    if (oldestAge > this.#belowMaxDepth) return undefined;
    if ((latestIndex - roots.youngest) * 2 > this.#belowMaxDepth) return 'lazy';
    return oldestAge * 8 > this.#belowMaxDepth * 7 ? 'semi-lazy' : 'non-lazy';
  }

  /**
   * Up to `count` distinct tips of a list, uniformly: a partial Fisher-Yates shuffle that moves
   * what it drew to the end of the list. Tips past their age leave when they are drawn.
   */
  #draw(list: Tip[], count: number, nowMs: number): BlockId[] {
    const drawn: BlockId[] = [];
    while (drawn.length < count && drawn.length < list.length) {
      const left = list.length - drawn.length;
      const place = this.#random.below(left);
      const tip = list[place];
      assert(tip !== undefined, 'a drawn place is in the list');
      this.#swap(list, place, left - 1);
      if (this.#isAged(tip, nowMs)) this.#remove(tip);
      else drawn.push(tip.id);
    }
    return drawn;
  }

  /** Up to `count` distinct entry points, so that a burst does not hang on the same few. */
  #drawEntryPoints(count: number): BlockId[] {
    const left = [...this.#entryPoints];
    while (left.length > count) left.splice(this.#random.below(left.length), 1);
    return left;
  }

  #swap(list: Tip[], a: number, b: number): void {
    const first = list[a];
    const second = list[b];
    assert(first !== undefined && second !== undefined, 'both places are in the list');
    list[a] = second;
    list[b] = first;
    first.place = b;
    second.place = a;
  }

  #rescore(tip: Tip, score: Score): void {
    this.#delist(tip);
    this.#enlist(tip, score);
  }

  #enlist(tip: Tip, score: Score): void {
    tip.score = score;
    tip.place = this.#byScore[score].push(tip) - 1;
  }

  #delist(tip: Tip): void {
    const list = this.#byScore[tip.score];
    this.#swap(list, tip.place, list.length - 1);
    list.pop();
  }

  #remove(tip: Tip): void {
    this.#delist(tip);
    this.#tips.delete(tip.id);
    this.#untaken.delete(tip);
    if (this.#arrivals.length > 2 * this.#tips.size + 64) this.#compactArrivals();
  }

  #removeOldest(): void {
    for (let tip = this.#arrivals[this.#oldest]; tip !== undefined;) {
      this.#oldest += 1;
      if (this.#tips.get(tip.id) === tip) {
        this.#remove(tip);
        return;
      }
      tip = this.#arrivals[this.#oldest];
    }
  }

  /** Halves the list at least, so that its cost is shared by the removals before it. */
  #compactArrivals(): void {
    this.#arrivals = this.#arrivals
      .slice(this.#oldest)
      .filter((tip) => this.#tips.get(tip.id) === tip);
    this.#oldest = 0;
  }
}
