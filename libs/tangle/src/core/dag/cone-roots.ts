/**
 * Cone roots (TIP-3, as Hornet computes them): where the past cone of a block first meets blocks
 * that milestones referenced. A referenced block's roots are its own root index, an unreferenced
 * block's are the youngest and the oldest of its parents' roots.
 *
 * Roots are cached on the vertex. A milestone makes stale only what stands on the blocks it
 * touched, and a stale vertex is computed again when somebody asks. The invariant that bounds the
 * work: *below a stale vertex everything unreferenced and solid is stale* (its roots could only be
 * computed by computing this one first). So `invalidate` stops at the first stale vertex, every
 * visit of it undoes one computation, and every computation fills one vertex from at most eight
 * parents: the work between two milestones is linear in the blocks touched, whatever their shape.
 * Spec: docs/spec/03-dag.md.
 */
import type { BlockId } from '../codec/ids.ts';
import { assert } from '../outcome.ts';
import type { Vertex } from './vertex.ts';

/** The DAG's vertices by id. */
export type Vertices = ReadonlyMap<BlockId, Vertex>;

/** Gives a referenced vertex the roots that its own index says, and makes its future cone stale. */
export function setRoot(vertices: Vertices, vertex: Vertex, index: number): void {
  vertex.rootIndex = index;
  vertex.youngestConeRoot = index;
  vertex.oldestConeRoot = index;
  vertex.rootsValid = true;
  invalidateFutureCone(vertices, vertex);
}

function invalidateFutureCone(vertices: Vertices, start: Vertex): void {
  const stack = [start];
  for (let vertex = stack.pop(); vertex !== undefined; vertex = stack.pop()) {
    for (const id of vertex.children) {
      const child = vertices.get(id);
      if (child === undefined || !child.rootsValid || child.rootIndex !== undefined) continue;
      child.rootsValid = false;
      stack.push(child);
    }
  }
}

/**
 * Makes the roots of `start` valid. All its parents must be solid.
 * @returns vertices computed: 0 when the roots held.
 */
export function refreshRoots(vertices: Vertices, start: Vertex): number {
  let computed = 0;
  const stack: { vertex: Vertex; next: number }[] = [];
  if (!start.rootsValid) stack.push({ vertex: start, next: 0 });
  for (let frame = stack.at(-1); frame !== undefined; frame = stack.at(-1)) {
    const parentId = frame.vertex.parents[frame.next];
    frame.next += 1;
    if (parentId === undefined) {
      stack.pop();
      computeRoots(vertices, frame.vertex);
      computed += 1;
      continue;
    }
    const parent = parentOf(vertices, parentId);
    if (!parent.rootsValid) stack.push({ vertex: parent, next: 0 });
  }
  return computed;
}

function computeRoots(vertices: Vertices, vertex: Vertex): void {
  let youngest = 0;
  let oldest = Number.MAX_SAFE_INTEGER;
  for (const id of vertex.parents) {
    const parent = parentOf(vertices, id);
    youngest = Math.max(youngest, parent.youngestConeRoot);
    oldest = Math.min(oldest, parent.oldestConeRoot);
  }
  vertex.youngestConeRoot = youngest;
  vertex.oldestConeRoot = oldest;
  vertex.rootsValid = true;
}

function parentOf(vertices: Vertices, id: BlockId): Vertex {
  const parent = vertices.get(id);
  assert(parent !== undefined, 'an unreferenced solid block keeps its parents');
  return parent;
}
