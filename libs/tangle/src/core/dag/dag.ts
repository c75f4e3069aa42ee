/**
 * The DAG of blocks in memory: parents and children, solidity, cone roots, what milestones have
 * referenced, and the window below which blocks are forgotten. Pure and synchronous; a node fills
 * it from its store when it starts. On a block's path: core/block (rules of one block) → here →
 * core/tips. Spec: docs/spec/03-dag.md.
 *
 * Costs: every call is linear in the edges that it touches, with no recursion and no step that
 * looks at the whole DAG, except where a method says otherwise.
 */
import type { BlockId } from '../codec/ids.ts';
import { assert, fail, succeed } from '../outcome.ts';
import type { Failure, Success } from '../outcome.ts';
import { MAX_PARENTS, MAX_UNSOLID, MAX_UNSOLID_PER_SOURCE } from '../params/limits.ts';
import { refreshRoots, setRoot } from './cone-roots.ts';
import { postOrder } from './past-cone.ts';
import { RootBuckets } from './root-buckets.ts';
import { Unreferenced } from './unreferenced.ts';
import { createVertex } from './vertex.ts';
import type { ConeRoots, DagVertex, Vertex } from './vertex.ts';
import { WaitingRoom } from './waiting-room.ts';

export type { ConeRoots, DagVertex } from './vertex.ts';

export interface DagOptions {
  /** Milestones after which an unreferenced block can no longer be confirmed (NetworkParams). */
  readonly belowMaxDepth: number;
  /** Blocks that may wait for parents; MAX_UNSOLID by default. */
  readonly maxUnsolid?: number;
  /** Blocks of one source that may wait; MAX_UNSOLID_PER_SOURCE by default. */
  readonly maxUnsolidPerSource?: number;
}

/** What changed when a block was taken in. */
export interface Added {
  /** The block itself and every waiting block that became solid, parents before children. */
  readonly solid: BlockId[];
  /** The block's parents that nobody has brought yet: request these. */
  readonly missing: BlockId[];
  /** Waiting blocks that left: displaced from a full waiting room, or below max depth. */
  readonly dropped: BlockId[];
}

/** A block that was not taken in, and the waiting blocks that fell with it. */
export interface AddFailure extends Failure {
  readonly dropped: BlockId[];
}

export type AddResult = Success<Added> | AddFailure;

export class Dag {
  readonly #belowMaxDepth: number;
  readonly #vertices = new Map<BlockId, Vertex>();
  /** Waiting children of ids that are not in `#vertices`. */
  readonly #missing = new Map<BlockId, Set<BlockId>>();
  readonly #waiting: WaitingRoom;
  readonly #unreferenced = new Unreferenced();
  readonly #byRootIndex = new RootBuckets(this.#vertices);
  #latestIndex = 0;
  #rootsComputed = 0;

  constructor(options: DagOptions) {
    this.#belowMaxDepth = options.belowMaxDepth;
    const max = options.maxUnsolid ?? MAX_UNSOLID;
    const maxPerSource = options.maxUnsolidPerSource ?? Math.min(max, MAX_UNSOLID_PER_SOURCE);
    this.#waiting = new WaitingRoom({ max, maxPerSource });
  }

  /** Blocks known, waiting ones and entry points included. */
  get size(): number {
    return this.#vertices.size;
  }

  /** Blocks that wait for parents. */
  get unsolidCount(): number {
    return this.#waiting.size;
  }

  /** Ids that waiting blocks name and nobody has brought. */
  get missingCount(): number {
    return this.#missing.size;
  }

  /** Solid blocks that no milestone has referenced. */
  get unreferencedCount(): number {
    return this.#unreferenced.size;
  }

  /** Greatest milestone index seen by `markReferenced` or `addEntryPoint`. */
  get latestIndex(): number {
    return this.#latestIndex;
  }

  /** Cone roots computed since the start; a metric, and what complexity tests count. */
  get rootsComputed(): number {
    return this.#rootsComputed;
  }

  has(id: BlockId): boolean {
    return this.#vertices.has(id);
  }

  get(id: BlockId): DagVertex | undefined {
    return this.#vertices.get(id);
  }

  isSolid(id: BlockId): boolean {
    return this.#vertices.get(id)?.solid ?? false;
  }

  isReferenced(id: BlockId): boolean {
    return this.#vertices.get(id)?.referencedIndex !== undefined;
  }

  /** Whether `source` takes an equal share of `places` with its solid unreferenced blocks. */
  holdsShare(source: string, places: number): boolean {
    return this.#unreferenced.holdsShare(source, places);
  }

  /** In the order of the wire; undefined for an unknown block, empty for an entry point. */
  parentsOf(id: BlockId): readonly BlockId[] | undefined {
    return this.#vertices.get(id)?.parents;
  }

  /** The latest milestone that referenced the block or named it as a parent. */
  rootIndexOf(id: BlockId): number | undefined {
    return this.#vertices.get(id)?.rootIndex;
  }

  /** Solid unreferenced blocks, parents before children. Do not change the DAG while iterating. */
  unreferenced(): IterableIterator<BlockId> {
    return this.#unreferenced.values();
  }

  /**
   * Declares a block solid and referenced whatever its past cone: genesis, a snapshot's entry,
   * or a parent that only the store still knows. A waiting block of this id stops waiting.
   *
   * @returns waiting blocks that became solid (the entry point is not among them) or were dropped.
   */
  addEntryPoint(id: BlockId, referencedIndex: number): Added {
    this.#latestIndex = Math.max(this.#latestIndex, referencedIndex);
    const known = this.#vertices.get(id);
    if (known?.solid === true) {
      this.#reference(known, Math.max(known.rootIndex ?? 0, referencedIndex));
      return { solid: [], missing: [], dropped: [] };
    }
    if (known !== undefined) this.#removeWaiting(known);
    const vertex = this.#createVertex(id, [], '');
    this.#reference(vertex, referencedIndex);
    vertex.solid = true;
    const { solid, dropped } = this.#solidify(this.#readyChildren(vertex));
    return { solid, missing: [], dropped };
  }

  /**
   * Takes in a block that keeps the rules of one block. It is solid at once if all its parents are;
   * otherwise it waits, and may displace the oldest waiting block of its source, or of one that
   * holds more.
   *
   * @param parents 1–8 distinct ids.
   * @param options.source who sent it (a peer's key): its quota of waiting blocks.
   * @returns what became solid, or `block-known`, `below-max-depth` (its oldest root is too old
   *   to be confirmed; the waiting blocks above it fall with it), or `too-many-unsolid` (the
   *   waiting room is full of sources that hold no more than this one would).
   */
  add(id: BlockId, parents: readonly BlockId[], options: { source?: string } = {}): AddResult {
    assert(parents.length >= 1 && parents.length <= MAX_PARENTS, 'a block has 1 to 8 parents');
    assert(new Set(parents).size === parents.length, 'parents are distinct');
    if (this.#vertices.has(id)) return { ...fail('block-known'), dropped: [] };
    const source = options.source ?? '';
    if (parents.every((parent) => this.isSolid(parent))) return this.#addSolid(id, parents, source);
    return this.#addWaiting(id, parents, source);
  }

  /**
   * Parents that nobody has brought yet, each once: those of each source's oldest block, then
   * those of its second, and so on, so that no source's inventions keep the others from being asked
   * for. Cost: up to all waiting blocks; call it on a timer, not per block.
   *
   * @param except ids to pass over, such as those asked for a moment ago.
   */
  missingParents(limit: number, except: (id: BlockId) => boolean = () => false): BlockId[] {
    const found = new Set<BlockId>();
    for (const vertex of this.#waiting.inTurn()) {
      for (const parent of vertex.parents) {
        if (found.size >= limit) return [...found];
        if (this.#missing.has(parent) && !except(parent)) found.add(parent);
      }
    }
    return [...found];
  }

  /**
   * Records a final milestone. Call it once per milestone in the order of their indexes, for empty
   * heartbeats too.
   *
   * @param ids the newly referenced blocks, all solid, with nothing unreferenced below them.
   * @param index the milestone's index.
   * @param milestoneParents the blocks that the milestone's body names; those known and referenced
   *   take `index` as their root index. This keeps a quiet network alive: its tips are old blocks,
   *   and what attaches to them would else be below max depth from the start.
   */
  markReferenced(
    ids: readonly BlockId[],
    index: number,
    milestoneParents: readonly BlockId[] = [],
  ): void {
    this.#latestIndex = Math.max(this.#latestIndex, index);
    for (const id of ids) {
      const vertex = this.#vertices.get(id);
      assert(vertex?.solid === true, 'a milestone references solid blocks');
      this.#reference(vertex, index);
    }
    for (const id of milestoneParents) {
      const vertex = this.#vertices.get(id);
      if (vertex?.rootIndex !== undefined && vertex.rootIndex < index)
        this.#reference(vertex, index);
    }
  }

  /** Cone roots by the milestones marked so far; undefined if the block is unknown or not solid. */
  coneRoots(id: BlockId): ConeRoots | undefined {
    const vertex = this.#vertices.get(id);
    if (vertex === undefined || !vertex.solid) return undefined;
    this.#rootsComputed += refreshRoots(this.#vertices, vertex);
    return { youngest: vertex.youngestConeRoot, oldest: vertex.oldestConeRoot };
  }

  /**
   * Whether a milestone after `latestIndex` may no longer newly reference the block. False for a
   * block that is unknown or not solid: nothing can be said of it.
   */
  isBelowMaxDepth(id: BlockId, latestIndex: number): boolean {
    const roots = this.coneRoots(id);
    return roots !== undefined && latestIndex - roots.oldest > this.#belowMaxDepth;
  }

  /** The unreferenced part of these blocks' past cone as far as known, in white-flag order. */
  pastConeUnreferenced(ids: readonly BlockId[]): BlockId[] {
    const isOutside = (id: BlockId): boolean => {
      const vertex = this.#vertices.get(id);
      return vertex === undefined || vertex.referencedIndex !== undefined;
    };
    const cone = postOrder(ids, (id) => this.parentsOf(id), isOutside, this.#vertices.size);
    assert(cone.ok, 'a walk among known blocks ends');
    return cone.value;
  }

  /**
   * Forgets blocks referenced below `belowIndex` that nothing unreferenced stands on, unreferenced
   * blocks that fell below max depth with all that stands on them, and blocks that waited for more
   * than max depth. Cost: linear in what leaves and in referenced blocks of that age that stay.
   *
   * @returns the ids that left.
   */
  prune(belowIndex: number): BlockId[] {
    const oldestLive = this.#latestIndex - this.#belowMaxDepth;
    const removed: BlockId[] = [];
    for (const vertex of this.#byRootIndex.below(oldestLive)) {
      for (const child of vertex.children) this.#dropFutureCone(child, removed);
    }
    for (const vertex of this.#waiting.arrivedBefore(oldestLive)) {
      this.#removeWaiting(vertex);
      removed.push(vertex.id);
    }
    for (const vertex of this.#byRootIndex.below(belowIndex)) {
      if (vertex.unreferencedChildren > 0) continue;
      this.#removeVertex(vertex);
      removed.push(vertex.id);
    }
    this.#byRootIndex.compact(Math.max(oldestLive, belowIndex));
    return removed;
  }

  #addSolid(id: BlockId, parents: readonly BlockId[], source: string): AddResult {
    const vertex = this.#createVertex(id, parents, source);
    const { solid, dropped } = this.#solidify([vertex]);
    if (solid.length > 0) return succeed({ solid, missing: [], dropped });
    return { ...fail('below-max-depth'), dropped: dropped.filter((other) => other !== id) };
  }

  #addWaiting(id: BlockId, parents: readonly BlockId[], source: string): AddResult {
    const victim = this.#waiting.victimFor(source);
    if (victim === 'refused') return { ...fail('too-many-unsolid'), dropped: [] };
    const dropped: BlockId[] = [];
    if (victim !== undefined) {
      this.#removeWaiting(victim);
      dropped.push(victim.id);
    }
    this.#waiting.add(this.#createVertex(id, parents, source));
    const missing = parents.filter((parent) => this.#missing.has(parent));
    return succeed({ solid: [], missing, dropped });
  }

  /** Creates a vertex that is not solid yet and links it with its parents and waiting children. */
  #createVertex(id: BlockId, parents: readonly BlockId[], source: string): Vertex {
    const children = this.#missing.get(id) ?? new Set<BlockId>();
    this.#missing.delete(id);
    const arrivedIndex = this.#latestIndex;
    const vertex = createVertex({ id, parents, children, arrivedIndex, source });
    this.#vertices.set(id, vertex);
    for (const parentId of parents) this.#linkParent(vertex, parentId);
    return vertex;
  }

  #linkParent(vertex: Vertex, parentId: BlockId): void {
    const parent = this.#vertices.get(parentId);
    if (parent?.solid !== true) vertex.unsolidParents += 1;
    if (parent !== undefined) {
      parent.children.add(vertex.id);
      parent.unreferencedChildren += 1;
      return;
    }
    const waiting = this.#missing.get(parentId);
    if (waiting === undefined) this.#missing.set(parentId, new Set([vertex.id]));
    else waiting.add(vertex.id);
  }

  /** Makes vertices without unsolid parents solid, and whatever waited only for them. */
  #solidify(ready: Vertex[]): { solid: BlockId[]; dropped: BlockId[] } {
    const solid: BlockId[] = [];
    const dropped: BlockId[] = [];
    for (const vertex of ready) {
      this.#rootsComputed += refreshRoots(this.#vertices, vertex);
      if (this.#latestIndex - vertex.oldestConeRoot > this.#belowMaxDepth) {
        this.#dropFutureCone(vertex.id, dropped);
        continue;
      }
      if (vertex.waiting) this.#waiting.remove(vertex);
      vertex.solid = true;
      this.#unreferenced.add(vertex);
      solid.push(vertex.id);
      for (const child of this.#readyChildren(vertex)) ready.push(child);
    }
    return { solid, dropped };
  }

  /** Tells the waiting children that this parent is solid; those with no other unsolid parent. */
  #readyChildren(vertex: Vertex): Vertex[] {
    const ready: Vertex[] = [];
    for (const id of vertex.children) {
      const child = this.#vertices.get(id);
      assert(child !== undefined, 'a child is known');
      child.unsolidParents -= 1;
      if (child.unsolidParents === 0) ready.push(child);
    }
    return ready;
  }

  /** Sets the root index, and the referenced index if the vertex had none. */
  #reference(vertex: Vertex, index: number): void {
    if (vertex.referencedIndex === undefined) {
      vertex.referencedIndex = index;
      this.#unreferenced.delete(vertex);
      for (const id of vertex.parents) {
        const parent = this.#vertices.get(id);
        if (parent !== undefined) parent.unreferencedChildren -= 1;
      }
    }
    if (vertex.rootIndex === index) return;
    setRoot(this.#vertices, vertex, index);
    this.#byRootIndex.add(vertex.id, index);
  }

  /** Removes an unreferenced block and all that stands on it, unless a milestone referenced it. */
  #dropFutureCone(start: BlockId, removed: BlockId[]): void {
    const stack = [start];
    for (let id = stack.pop(); id !== undefined; id = stack.pop()) {
      const vertex = this.#vertices.get(id);
      if (vertex === undefined || vertex.referencedIndex !== undefined) continue;
      for (const child of vertex.children) stack.push(child);
      removed.push(id);
      this.#removeVertex(vertex);
    }
  }

  /** Removes a waiting block; what waits for it goes on waiting, and it is missing again. */
  #removeWaiting(vertex: Vertex): void {
    this.#removeVertex(vertex);
    if (vertex.children.size > 0) this.#missing.set(vertex.id, vertex.children);
  }

  /** Takes a vertex out and unlinks it from its parents. Its children are the caller's concern. */
  #removeVertex(vertex: Vertex): void {
    if (vertex.waiting) this.#waiting.remove(vertex);
    this.#unreferenced.delete(vertex);
    this.#vertices.delete(vertex.id);
    for (const id of vertex.parents) {
      const parent = this.#vertices.get(id);
      if (parent !== undefined) {
        parent.children.delete(vertex.id);
        if (vertex.referencedIndex === undefined) parent.unreferencedChildren -= 1;
        continue;
      }
      const siblings = this.#missing.get(id);
      siblings?.delete(vertex.id);
      if (siblings?.size === 0) this.#missing.delete(id);
    }
  }
}
