/**
 * The blocks that one milestone may confirm, in fair order: what heaviest.ts chooses among. The
 * sources take turns, so that a block waits for the older blocks of its own source, not for those
 * of a flood; a block stands in turn as early as anything that stands on it. Of blocks of one
 * source this is the order in which they became solid. Spec: docs/spec/03-dag.md.
 *
 * Work: one look at each unreferenced block and its parents, and a sort of as many numbers.
 */
import type { BlockId } from '../codec/ids.ts';
import type { ConeRoots, DagVertex } from '../dag/vertex.ts';
import { MAX_PARENTS } from '../params/limits.ts';

/** What the choice needs of the DAG; `Dag` is one. */
export interface UnreferencedView {
  readonly unreferencedCount: number;
  /** Solid unreferenced blocks, parents before children. */
  unreferenced(): Iterable<BlockId>;
  get(id: BlockId): Pick<DagVertex, 'parents' | 'source'> | undefined;
  coneRoots(id: BlockId): ConeRoots | undefined;
}

/** Blocks with their parents among them, numbered so that parents have lower numbers. */
export interface Window {
  readonly ids: readonly BlockId[];
  /** Parents inside the window: number + 1 at [block * 8 + slot], 0 for none. */
  readonly parents: Int32Array;
  /** Blocks without a child inside the window, the last first. */
  readonly maximal: number[];
}

/** All blocks that can be confirmed, oldest first; `parents` as in `Window`. */
interface Waiting {
  readonly ids: BlockId[];
  readonly parents: Int32Array;
  /** Blocks of the same source before it. */
  readonly turns: Float64Array;
}

/**
 * The first `maxCone` blocks in fair order. Every prefix of it contains its own past cone, so no
 * choice from the window exceeds `maxCone`, and a backlog that is larger than one milestone is
 * confirmed in that order; the parents are then blocks inside the tangle rather than tips.
 *
 * @param oldestRoot blocks with an older oldest cone root are left out.
 */
export function openWindow(view: UnreferencedView, maxCone: number, oldestRoot: number): Window {
  const waiting = listWaiting(view, oldestRoot);
  const order = fairOrder(waiting).subarray(0, maxCone);
  const numbers = new Int32Array(waiting.ids.length).fill(-1);
  const ids: BlockId[] = [];
  const parents = new Int32Array(order.length * MAX_PARENTS);
  const hasChild = new Uint8Array(order.length);
  for (const [number, place] of order.entries()) {
    numbers[place] = number;
    ids.push(waiting.ids[place] as BlockId);
    for (let slot = 0; slot < MAX_PARENTS; slot += 1) {
      const parentPlace = (waiting.parents[place * MAX_PARENTS + slot] ?? 0) - 1;
      if (parentPlace < 0) continue;
      const parent = numbers[parentPlace] ?? -1;
      parents[number * MAX_PARENTS + slot] = parent + 1;
      hasChild[parent] = 1;
    }
  }
  const maximal: number[] = [];
  for (let number = ids.length - 1; number >= 0; number -= 1) {
    if (hasChild[number] === 0) maximal.push(number);
  }
  return { ids, parents, maximal };
}

/** Parents of a dead block may live, but never its children; so what is left contains its cone. */
function listWaiting(view: UnreferencedView, oldestRoot: number): Waiting {
  const size = view.unreferencedCount;
  const ids: BlockId[] = [];
  const parents = new Int32Array(size * MAX_PARENTS);
  const turns = new Float64Array(size);
  const places = new Map<BlockId, number>();
  const counts = new Map<string, number>();
  for (const id of view.unreferenced()) {
    const block = view.get(id);
    const roots = view.coneRoots(id);
    if (block === undefined || roots === undefined || roots.oldest < oldestRoot) continue;
    const place = ids.push(id) - 1;
    const turn = counts.get(block.source) ?? 0;
    places.set(id, place);
    counts.set(block.source, turn + 1);
    turns[place] = turn;
    for (const [slot, parent] of block.parents.entries()) {
      parents[place * MAX_PARENTS + slot] = (places.get(parent) ?? -1) + 1;
    }
  }
  return { ids, parents, turns };
}

/** Places by turn, then by age; a parent has the turn of its first child, if that is earlier. */
function fairOrder({ ids, parents, turns }: Waiting): Float64Array {
  const size = ids.length;
  for (let place = size - 1; place >= 0; place -= 1) {
    for (let slot = 0; slot < MAX_PARENTS; slot += 1) {
      const parent = (parents[place * MAX_PARENTS + slot] ?? 0) - 1;
      if (parent >= 0) turns[parent] = Math.min(turns[parent] ?? 0, turns[place] ?? 0);
    }
  }
  // Turn and place in one number, below the square of the blocks: exact up to some 90 million.
  const order = Float64Array.from(ids, (_, place) => (turns[place] ?? 0) * size + place);
  return order.toSorted().map((key) => key % size);
}
