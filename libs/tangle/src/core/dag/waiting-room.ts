/**
 * The blocks that wait for missing parents: one list per source, oldest first, bounded in sum and
 * per source. It decides who leaves when it is full; dag.ts takes the block out of the DAG.
 *
 * The attack it stops: blocks with invented parents cost their sender only proof of work and would
 * otherwise fill the memory, or push out the honest blocks that wait for a slow answer. A source
 * that floods displaces its own oldest blocks, and never those of a source that holds fewer.
 * Spec: docs/spec/03-dag.md.
 */
import { assert } from '../outcome.ts';
import type { Vertex } from './vertex.ts';

/** One source's blocks, linked through `older` and `newer`. */
interface WaitingList {
  oldest: Vertex | undefined;
  newest: Vertex | undefined;
  size: number;
}

export class WaitingRoom {
  readonly #max: number;
  readonly #maxPerSource: number;
  readonly #lists = new Map<string, WaitingList>();
  #size = 0;

  /** @param limits both ≥ 1: blocks of all sources, and of one source. */
  constructor(limits: { max: number; maxPerSource: number }) {
    assert(limits.max >= 1 && limits.maxPerSource >= 1, 'the waiting room has places');
    this.#max = limits.max;
    this.#maxPerSource = limits.maxPerSource;
  }

  get size(): number {
    return this.#size;
  }

  /**
   * Who must leave before `source` may bring one more block: undefined if there is room, a vertex
   * to remove first, or 'refused' when every other source holds as little as this one would. A
   * block of another source leaves only if that source holds at least two more blocks than this
   * one, so that the exchange makes the shares more equal. Cost: one look at each source when
   * full; sources are connected peers, so they are few.
   */
  victimFor(source: string): Vertex | 'refused' | undefined {
    const own = this.#lists.get(source);
    if (own !== undefined && own.size >= this.#maxPerSource) return own.oldest;
    if (this.#size < this.#max) return undefined;
    let largest: WaitingList | undefined;
    for (const list of this.#lists.values()) {
      if (largest === undefined || list.size > largest.size) largest = list;
    }
    if (largest !== undefined && largest.size >= (own?.size ?? 0) + 2) return largest.oldest;
    return own?.oldest ?? 'refused';
  }

  /** Appends a vertex as the newest of its source. The caller has made room. */
  add(vertex: Vertex): void {
    let list = this.#lists.get(vertex.source);
    if (list === undefined) {
      list = { oldest: undefined, newest: undefined, size: 0 };
      this.#lists.set(vertex.source, list);
    }
    vertex.waiting = true;
    vertex.older = list.newest;
    if (list.newest === undefined) list.oldest = vertex;
    else list.newest.newer = vertex;
    list.newest = vertex;
    list.size += 1;
    this.#size += 1;
    assert(this.#size <= this.#max, 'the waiting room is bounded');
  }

  /** Takes out a vertex that waits here. */
  remove(vertex: Vertex): void {
    const list = this.#lists.get(vertex.source);
    assert(list !== undefined && vertex.waiting, 'a waiting block has a list');
    vertex.waiting = false;
    if (vertex.older === undefined) list.oldest = vertex.newer;
    else vertex.older.newer = vertex.newer;
    if (vertex.newer === undefined) list.newest = vertex.older;
    else vertex.newer.older = vertex.older;
    vertex.older = undefined;
    vertex.newer = undefined;
    list.size -= 1;
    this.#size -= 1;
    if (list.size === 0) this.#lists.delete(vertex.source);
  }

  /** Every waiting vertex: the oldest of each source, then the second of each, and so on. */
  *inTurn(): IterableIterator<Vertex> {
    let turn = [...this.#lists.values()].map((list) => list.oldest);
    while (turn.length > 0) {
      const following: Vertex[] = [];
      for (const vertex of turn) {
        if (vertex === undefined) continue;
        yield vertex;
        if (vertex.newer !== undefined) following.push(vertex.newer);
      }
      turn = following;
    }
  }

  /** The vertices that came while the latest milestone was below `index`. */
  arrivedBefore(index: number): Vertex[] {
    const found: Vertex[] = [];
    for (const list of this.#lists.values()) {
      let vertex = list.oldest;
      while (vertex !== undefined && vertex.arrivedIndex < index) {
        found.push(vertex);
        vertex = vertex.newer;
      }
    }
    return found;
  }
}
