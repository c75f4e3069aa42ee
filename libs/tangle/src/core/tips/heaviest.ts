/**
 * The parents of a milestone: few blocks whose past cones cover as many unreferenced blocks as
 * possible (what Hornet calls the heaviest tips), and those that have waited longest in fair turns.
 * Choosing the best cover is the maximum coverage problem, which is NP-hard; the greedy choice made
 * here covers at least 63 % (1 - 1/e) of the best choice among the candidates. By weight alone a
 * flood that keeps 255 heavy chains would leave everybody else out for ever: so from the ninth
 * parent on every third one is taken by turn. Spec: docs/spec/03-dag.md.
 *
 * Work, with U unreferenced blocks, V ≤ maxCone of them in the window, C ≤ 384 candidates and
 * k ≤ 255 parents: window O(8 U) and a sort of U numbers, candidates O(8 V), coverage O(8 V C/32)
 * for the masks and at most V C single bits, rounds at most O(k C V/32), though a cover is counted
 * again only when it may be the best. At V = 20,000 that is below 75 million simple steps and 6 MB,
 * whatever the shape, and however many tips there are.
 */
import type { BlockId } from '../codec/ids.ts';
import { assert } from '../outcome.ts';
import { MAX_CANDIDATES_BY_TURN, MAX_HEAVIEST_CANDIDATES, MAX_PARENTS } from '../params/limits.ts';
import { openWindow, type UnreferencedView, type Window } from './window.ts';

/** From the ninth parent on, one of so many is taken by turn, the others by weight. */
const TURN_EVERY = 3;

export interface HeaviestLimits {
  /** Parents to choose in any case; ≥ 1. */
  readonly maxParents: number;
  /**
   * Further parents, chosen while one of the first three quarters of the window is uncovered: a
   * tangle that is wider than `maxParents` would else leave most of its blocks behind.
   * `maxParents` by default.
   */
  readonly maxWideParents?: number;
  /** Blocks that the chosen cones may hold together (MAX_CONE). */
  readonly maxCone: number;
  /** Blocks with an older oldest cone root cannot be confirmed any more and are left out. */
  readonly oldestRoot: number;
}

/**
 * Chooses `maxParents` blocks, the heaviest first, and further ones by turns: one that stands on
 * the first uncovered block of the window, then two more by weight. Empty if nothing waits.
 * Together they never cover more than `maxCone` blocks: what `openWindow` gives.
 */
export function chooseHeaviest(view: UnreferencedView, limits: HeaviestLimits): BlockId[] {
  const window = openWindow(view, limits.maxCone, limits.oldestRoot);
  const candidates = chooseCandidates(window);
  const picker = new GreedyPicker(coverageOf(window, candidates), window.ids.length);
  const chosen: BlockId[] = [];
  const { maxParents, maxWideParents = maxParents } = limits;
  while (chosen.length < maxParents || (chosen.length < maxWideParents && picker.leavesOld())) {
    if (chosen.length === maxParents) picker.preferOld();
    const isByTurn = chosen.length >= maxParents && chosen.length % TURN_EVERY === 0;
    const block = candidates[isByTurn ? picker.nextInTurn() : picker.next()];
    if (block === undefined) break;
    const id = window.ids[block];
    assert(id !== undefined, 'a candidate is a block of the window');
    chosen.push(id);
  }
  return chosen;
}

/**
 * The candidates to compare exactly. If there are too many, each block is credited to the first
 * maximal block, newest first, whose walk reaches it: one walk over the window. Those with the
 * greatest credit stay, so a flood of tips that cover only themselves cannot push out a tip that
 * covers more; and those that the first blocks in turn are credited to, so a flood of heavy tips
 * cannot push out what others sent.
 */
function chooseCandidates(window: Window): number[] {
  if (window.maximal.length <= MAX_HEAVIEST_CANDIDATES) return window.maximal;
  const creditedTo = new Int32Array(window.ids.length).fill(-1);
  const credits = window.maximal.map((block) => ({
    block,
    credit: walkCredit(window, block, creditedTo),
  }));
  credits.sort((a, b) => b.credit - a.credit || a.block - b.block);
  const heaviest = credits.slice(0, MAX_HEAVIEST_CANDIDATES).map(({ block }) => block);
  const kept = new Set(heaviest);
  for (const block of creditedTo) {
    if (kept.size >= MAX_HEAVIEST_CANDIDATES + MAX_CANDIDATES_BY_TURN) break;
    kept.add(block);
  }
  return [...kept].toSorted((a, b) => b - a);
}

/** Credits to `start` what it reaches and nobody before it; returns how many blocks these are. */
function walkCredit(window: Window, start: number, creditedTo: Int32Array): number {
  let credit = 0;
  const stack = [start];
  creditedTo[start] = start;
  for (let block = stack.pop(); block !== undefined; block = stack.pop()) {
    credit += 1;
    for (let slot = 0; slot < MAX_PARENTS; slot += 1) {
      const parent = (window.parents[block * MAX_PARENTS + slot] ?? 0) - 1;
      if (parent < 0 || creditedTo[parent] !== -1) continue;
      creditedTo[parent] = start;
      stack.push(parent);
    }
  }
  return credit;
}

/**
 * For each candidate the set of blocks that it covers, as bits. Children hand the mask of the
 * candidates above them down to their parents, for all candidates in one pass; the masks are then
 * turned into one set per candidate.
 */
function coverageOf(window: Window, candidates: readonly number[]): Uint32Array[] {
  const size = window.ids.length;
  const words = Math.ceil(candidates.length / 32);
  const masks = new Uint32Array(size * words);
  for (const [candidate, block] of candidates.entries()) {
    masks[block * words + (candidate >>> 5)] = (1 << (candidate & 31)) >>> 0;
  }
  const sets = candidates.map(() => new Uint32Array(Math.ceil(size / 32)));
  for (let block = size - 1; block >= 0; block -= 1) {
    handDown(window, masks, words, block);
    for (let word = 0; word < words; word += 1) {
      for (let bits = masks[block * words + word] ?? 0; bits !== 0; bits &= bits - 1) {
        const set = sets[word * 32 + 31 - Math.clz32(bits & -bits)];
        assert(set !== undefined, 'a mask names candidates');
        set[block >>> 5] = (set[block >>> 5] ?? 0) | (1 << (block & 31));
      }
    }
  }
  return sets;
}

function handDown(window: Window, masks: Uint32Array, words: number, block: number): void {
  for (let slot = 0; slot < MAX_PARENTS; slot += 1) {
    const parent = (window.parents[block * MAX_PARENTS + slot] ?? 0) - 1;
    if (parent < 0) continue;
    for (let word = 0; word < words; word += 1) {
      const at = parent * words + word;
      masks[at] = (masks[at] ?? 0) | (masks[block * words + word] ?? 0);
    }
  }
}

/**
 * The greedy choice. What a candidate adds can only shrink, so its last count is an upper bound: a
 * heap keeps the candidates by it, and only the top is counted again until it stays on top.
 */
class GreedyPicker {
  readonly #coverage: readonly Uint32Array[];
  readonly #uncovered: Uint32Array;
  readonly #size: number;
  /** No block below this number is uncovered. */
  #oldest = 0;
  /** No block below this number is uncovered and can be covered by a candidate. */
  #turn = 0;
  #prefersOld = false;
  /** Candidates, newest first, as a binary heap: most added blocks first, then by age. */
  readonly #heap: number[];
  readonly #gains: number[];

  constructor(coverage: readonly Uint32Array[], size: number) {
    this.#coverage = coverage;
    this.#uncovered = new Uint32Array(Math.ceil(size / 32)).fill(0xffff_ffff);
    this.#size = size;
    this.#gains = coverage.map((_, candidate) => this.#count(candidate));
    this.#heap = [...coverage.keys()].toSorted((a, b) => this.#compare(a, b));
  }

  /** Takes the candidate that covers most of what is uncovered; -1 if none covers anything. */
  next(): number {
    for (;;) {
      const best = this.#heap[0];
      if (best === undefined || this.#gains[best] === 0) return -1;
      const gain = this.#count(best);
      const isCurrent = gain === this.#gains[best];
      this.#gains[best] = gain;
      if (isCurrent) {
        this.#cover(best);
        return best;
      }
      this.#sink();
    }
  }

  /**
   * Takes the candidate that covers the first uncovered block, by its last count the heaviest of
   * them; -1 if no candidate covers anything.
   */
  nextInTurn(): number {
    for (; this.#turn < this.#size; this.#turn += 1) {
      if (!hasBit(this.#uncovered, this.#turn)) continue;
      let best = -1;
      for (const [candidate, cover] of this.#coverage.entries()) {
        if (!hasBit(cover, this.#turn)) continue;
        if (best < 0 || (this.#gains[candidate] ?? 0) > (this.#gains[best] ?? 0)) best = candidate;
      }
      if (best < 0) continue;
      this.#cover(best);
      return best;
    }
    return -1;
  }

  /** From now on the older of two equal candidates goes first; before it is the newer. */
  preferOld(): void {
    this.#prefersOld = true;
    this.#heap.sort((a, b) => this.#compare(a, b));
  }

  /** Whether a block of the first three quarters of the window is not covered yet. */
  leavesOld(): boolean {
    while (this.#oldest * 4 < this.#size * 3) {
      if (hasBit(this.#uncovered, this.#oldest)) return true;
      this.#oldest += 1;
    }
    return false;
  }

  #cover(candidate: number): void {
    const cover = this.#coverage[candidate] ?? [];
    for (const [word, bits] of cover.entries()) {
      this.#uncovered[word] = (this.#uncovered[word] ?? 0) & ~bits;
    }
  }

  #count(candidate: number): number {
    const cover = this.#coverage[candidate] ?? new Uint32Array(0);
    let count = 0;
    for (let word = 0; word < cover.length; word += 1) {
      count += bitCount((cover[word] ?? 0) & (this.#uncovered[word] ?? 0));
    }
    return count;
  }

  #compare(a: number, b: number): number {
    const byGain = (this.#gains[b] ?? 0) - (this.#gains[a] ?? 0);
    return byGain || (this.#prefersOld ? b - a : a - b);
  }

  /** Moves the top down to its place. */
  #sink(): void {
    const heap = this.#heap;
    for (let at = 0; ;) {
      const [left, right] = [2 * at + 1, 2 * at + 2];
      let first = at;
      for (const child of [left, right]) {
        if (child < heap.length && this.#compare(heap[child]!, heap[first]!) < 0) first = child;
      }
      if (first === at) return;
      [heap[at], heap[first]] = [heap[first]!, heap[at]!];
      at = first;
    }
  }
}

function hasBit(words: Uint32Array, bit: number): boolean {
  return (((words[bit >>> 5] ?? 0) >>> (bit & 31)) & 1) === 1;
}

/** Bits set in a 32-bit word, by halves (Hacker's Delight, section 5-1). */
function bitCount(word: number): number {
  const pairs = word - ((word >>> 1) & 0x5555_5555);
  const nibbles = (pairs & 0x3333_3333) + ((pairs >>> 2) & 0x3333_3333);
  return Math.imul((nibbles + (nibbles >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24;
}
