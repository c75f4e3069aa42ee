/**
 * Referenced blocks by root index, so that pruning finds the old ones without looking at the rest.
 * Spec: docs/spec/03-dag.md.
 */
import type { BlockId } from '../codec/ids.ts';
import type { Vertices } from './cone-roots.ts';
import type { Vertex } from './vertex.ts';

export class RootBuckets {
  readonly #vertices: Vertices;
  /** An entry is stale when its vertex left or has another root index since. */
  readonly #buckets = new Map<number, BlockId[]>();

  constructor(vertices: Vertices) {
    this.#vertices = vertices;
  }

  /** Files a vertex under the root index that it has just got. */
  add(id: BlockId, rootIndex: number): void {
    const bucket = this.#buckets.get(rootIndex);
    if (bucket === undefined) this.#buckets.set(rootIndex, [id]);
    else bucket.push(id);
  }

  /** Vertices with a root index below `index`. The caller may remove them while iterating. */
  *below(index: number): IterableIterator<Vertex> {
    for (const [rootIndex, ids] of this.#buckets) {
      if (rootIndex >= index) continue;
      for (const id of ids) {
        const vertex = this.#vertices.get(id);
        if (vertex?.rootIndex === rootIndex) yield vertex;
      }
    }
  }

  /** Forgets stale entries of the buckets below `index`. */
  compact(index: number): void {
    for (const [rootIndex, ids] of this.#buckets) {
      if (rootIndex >= index) continue;
      const kept = ids.filter((id) => this.#vertices.get(id)?.rootIndex === rootIndex);
      if (kept.length === 0) this.#buckets.delete(rootIndex);
      else this.#buckets.set(rootIndex, kept);
    }
  }
}
