/**
 * What the tangle visualizer knows: the blocks and milestones of late, by id, by time and by their
 * edges. Pure: times are arguments, and who paints listens. Before: dag-feed.ts; after:
 * dag-painter.ts, dag-view.tsx.
 *
 * A vertex's place is the time at which it came and a lane that its id decides, so that it never
 * moves. Edges are ids, never objects: what is dropped can be collected.
 */

/** Vertices that are kept; the oldest go first. */
export const MAX_VERTICES = 50_000;
/** Milliseconds of one bucket of the index by time. */
export const BUCKET_MS = 250;
/** Vertices of one cone; more of them would hide the picture. */
export const MAX_CONE = 400;
/** As many parents as a block may have, and as many of a milestone's as are drawn. */
export const MAX_EDGES = 8;

export const VERTEX_STATES = ['tip', 'pending', 'confirmed', 'milestone', 'conflict'] as const;
/** A tip is a pending block without children. */
export type VertexState = (typeof VERTEX_STATES)[number];

export interface Vertex {
  readonly id: string;
  /** Whole milliseconds since 1970. */
  readonly atMs: number;
  /** From 0 to 1, 1 excluded: its height in the picture. */
  readonly lane: number;
  /** Its place in the order in which vertices came, from 1. */
  readonly order: number;
  /** Of a milestone. */
  readonly index: number | undefined;
  /** Also those that are not here. */
  readonly parents: readonly string[];
  /** Those that are here, oldest first. */
  readonly children: ReadonlySet<string>;
  readonly state: VertexState;
}

/** What may be told of a vertex that comes. */
export interface NewVertex {
  readonly id: string;
  readonly atMs: number;
  readonly parents: readonly string[];
  /** Makes it a milestone. */
  readonly index?: number;
}

export interface DagListener {
  /** It is new here, or its parents have become known. */
  readonly onAdded: (vertex: Vertex) => void;
  readonly onChanged: (vertex: Vertex) => void;
}

export type Direction = 'past' | 'future';
export type Counts = Readonly<Record<VertexState, number>>;

interface Kept extends Vertex {
  parents: readonly string[];
  readonly children: Set<string>;
  state: VertexState;
}

/** Milestones stand in the middle. */
const MILESTONE_LANE = 0.5;

/** A lane from 0 to 1 for an id: FNV-1a, mixed at its end so that ids that look alike spread. */
export function laneOf(id: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < id.length; at++) {
    hash = Math.imul(hash ^ id.charCodeAt(at), 0x01000193) >>> 0;
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}

export class DagStore {
  /** In the order in which they came. */
  readonly #vertices = new Map<string, Kept>();
  readonly #buckets = new Map<number, Set<Kept>>();
  /** Ids that are named as parents and are not here, with those who name them. */
  readonly #awaited = new Map<string, Set<string>>();
  readonly #milestones = new Map<number, string>();
  readonly #counts = { tip: 0, pending: 0, confirmed: 0, milestone: 0, conflict: 0 };
  readonly #listeners = new Set<DagListener>();
  readonly #maxVertices: number;
  #received = 0;
  #order = 0;

  constructor(maxVertices = MAX_VERTICES) {
    this.#maxVertices = maxVertices;
  }

  get size(): number {
    return this.#vertices.size;
  }

  /** Blocks that ever came, milestones not counted. */
  get received(): number {
    return this.#received;
  }

  get counts(): Counts {
    return { ...this.#counts };
  }

  /** Gives what ends it. */
  listen(listener: DagListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  get(id: string): Vertex | undefined {
    return this.#vertices.get(id);
  }

  /** Adds a vertex, or the parents of one that came without them; else does nothing. */
  add({ id, atMs, parents, index }: NewVertex): Vertex {
    const edges = [...new Set(parents)].filter((parent) => parent !== id).slice(0, MAX_EDGES);
    const known = this.#vertices.get(id);
    if (known !== undefined) {
      if (known.parents.length > 0 || edges.length === 0) return known;
      known.parents = edges;
      this.#linkParents(known);
      for (const { onAdded } of this.#listeners) onAdded(known);
      return known;
    }
    const vertex: Kept = {
      id,
      atMs: Math.floor(atMs),
      lane: index === undefined ? laneOf(id) : MILESTONE_LANE,
      order: ++this.#order,
      index,
      parents: edges,
      children: this.#awaited.get(id) ?? new Set(),
      state: index === undefined ? 'tip' : 'milestone',
    };
    this.#awaited.delete(id);
    if (vertex.state === 'tip' && vertex.children.size > 0) vertex.state = 'pending';
    this.#keep(vertex);
    this.#linkParents(vertex);
    for (const { onAdded } of this.#listeners) onAdded(vertex);
    this.#dropOldest();
    return vertex;
  }

  /** A milestone has referenced the block; does nothing for one that is not here. */
  settle(id: string, state: 'confirmed' | 'conflict'): void {
    const vertex = this.#vertices.get(id);
    if (vertex === undefined || vertex.state === 'milestone') return;
    this.#setState(vertex, state);
  }

  /** The vertex that is exactly this: a whole id in any case, or the index of a milestone. */
  find(text: string): Vertex | undefined {
    const wanted = text.trim().toLowerCase().replace(/^0x/, '');
    const byId = this.#vertices.get(wanted);
    if (byId !== undefined || !/^\d{1,10}$/.test(wanted)) return byId;
    return this.#vertices.get(this.#milestones.get(Number(wanted)) ?? '');
  }

  /** Vertices from one time to another, both included, bucket by bucket. */
  *between(fromMs: number, toMs: number): Generator<Vertex> {
    for (let at = bucketOf(fromMs); at <= bucketOf(toMs); at++) {
      for (const vertex of this.#buckets.get(at) ?? []) {
        if (vertex.atMs >= fromMs && vertex.atMs <= toMs) yield vertex;
      }
    }
  }

  /** The newest first, so many at most. */
  newest(count: number): readonly Vertex[] {
    const all = [...this.#vertices.values()];
    return all.slice(-count).toReversed();
  }

  /** Blocks per second over the last milliseconds; milestones are no blocks. */
  rate(nowMs: number, spanMs: number): number {
    let count = 0;
    for (const { state } of this.between(nowMs - spanMs, nowMs)) {
      if (state !== 'milestone') count++;
    }
    return (count * 1_000) / spanMs;
  }

  /**
   * Ids that a vertex stands on, or that stand on it, itself included: nearest first, as many as
   * `max` at most.
   */
  cone(id: string, direction: Direction, max = MAX_CONE): Set<string> {
    const seen = new Set<string>();
    if (!this.#vertices.has(id)) return seen;
    seen.add(id);
    // A set is walked in the order of its growth, also while it grows.
    for (const one of seen) {
      const vertex = this.#vertices.get(one);
      const next = direction === 'past' ? vertex?.parents : vertex?.children;
      for (const other of next ?? []) {
        if (seen.size >= max) return seen;
        if (this.#vertices.has(other)) seen.add(other);
      }
    }
    return seen;
  }

  #keep(vertex: Kept): void {
    this.#vertices.set(vertex.id, vertex);
    this.#counts[vertex.state]++;
    if (vertex.index === undefined) this.#received++;
    else this.#milestones.set(vertex.index, vertex.id);
    const at = bucketOf(vertex.atMs);
    const bucket = this.#buckets.get(at);
    if (bucket === undefined) this.#buckets.set(at, new Set([vertex]));
    else bucket.add(vertex);
  }

  #linkParents({ id, parents }: Kept): void {
    for (const parent of parents) {
      const vertex = this.#vertices.get(parent);
      if (vertex === undefined) {
        const children = this.#awaited.get(parent);
        if (children === undefined) this.#awaited.set(parent, new Set([id]));
        else children.add(id);
        continue;
      }
      vertex.children.add(id);
      if (vertex.state === 'tip') this.#setState(vertex, 'pending');
    }
  }

  #setState(vertex: Kept, state: VertexState): void {
    if (vertex.state === state) return;
    this.#counts[vertex.state]--;
    this.#counts[state]++;
    vertex.state = state;
    for (const { onChanged } of this.#listeners) onChanged(vertex);
  }

  #dropOldest(): void {
    for (const [id, vertex] of this.#vertices) {
      if (this.#vertices.size <= this.#maxVertices) return;
      this.#vertices.delete(id);
      this.#counts[vertex.state]--;
      if (vertex.index !== undefined) this.#milestones.delete(vertex.index);
      const bucket = this.#buckets.get(bucketOf(vertex.atMs));
      bucket?.delete(vertex);
      if (bucket?.size === 0) this.#buckets.delete(bucketOf(vertex.atMs));
      for (const parent of vertex.parents) this.#unlink(parent, id);
    }
  }

  #unlink(parent: string, child: string): void {
    this.#vertices.get(parent)?.children.delete(child);
    const children = this.#awaited.get(parent);
    children?.delete(child);
    if (children?.size === 0) this.#awaited.delete(parent);
  }
}

function bucketOf(atMs: number): number {
  return Math.floor(atMs / BUCKET_MS);
}
