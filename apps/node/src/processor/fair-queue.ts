/**
 * A bounded queue that is fair twice: payload kinds take turns by weight, and within a kind the
 * sources (peers, remote addresses) take turns, both by what their blocks cost to process. So a
 * flood from one source, or of one kind, waits behind itself and nobody else waits behind it. On
 * the path: tangle/io/libp2p, api/, sync/ → here → block-processor.ts. Spec: docs/spec/14-load.md.
 *
 * Order: deficit round robin in its "surplus" form. A line may take while its deficit is above
 * zero, then pays what it took; a block that costs more than the line had is paid off in later
 * turns. Full: the line that would cost most to serve, of the kind that would by its weight, loses
 * its newest block. A line that waits for less than its fair share therefore never loses one.
 */
import { assert } from '@tanglemail/tangle/core/outcome.ts';

/** What a block carries, by its first bytes; `none` stands for what is unreadable, too. */
export type BlockKind = 'transaction' | 'envelope' | 'tagged-data' | 'none';

/** Turns by weight. Blocks without payload serve only the tangle's shape, so they come last. */
export const KIND_WEIGHTS: Readonly<Record<BlockKind, number>> = {
  transaction: 4,
  envelope: 4,
  'tagged-data': 2,
  none: 1,
};
const KINDS = Object.keys(KIND_WEIGHTS) as readonly BlockKind[];

/** Cost that a line of weight 1 may take per turn: some eight blocks of 1 KiB. */
const QUANTUM = 16_384;

export interface QueueBounds {
  readonly items: number;
  readonly bytes: number;
}

export interface Queued<T> {
  readonly item: T;
  readonly kind: BlockKind;
  readonly source: string;
  readonly sizeBytes: number;
  /** What processing it takes, in the unit of `block-cost.ts`; above zero. */
  readonly cost: number;
}

/** The blocks of one source and one kind, oldest first from `head` on. */
interface Line<T> {
  readonly source: string;
  items: Queued<T>[];
  head: number;
  cost: number;
  deficit: number;
}

/** The lines of one kind; a Map keeps them in the order of their turns. */
interface Ring<T> {
  readonly kind: BlockKind;
  readonly lines: Map<string, Line<T>>;
  size: number;
  cost: number;
  deficit: number;
}

export class FairQueue<T> {
  readonly #bounds: QueueBounds;
  readonly #rings: readonly Ring<T>[];
  readonly #sizes = new Map<string, number>();
  #turn = 0;
  #size = 0;
  #bytes = 0;

  constructor(bounds: QueueBounds) {
    this.#bounds = bounds;
    this.#rings = KINDS.map((kind) => ({ kind, lines: new Map(), size: 0, cost: 0, deficit: 0 }));
  }

  get size(): number {
    return this.#size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The share of its bounds that is in use, 0–1; the greater of items and bytes. */
  get fill(): number {
    return Math.max(this.#size / this.#bounds.items, this.#bytes / this.#bounds.bytes);
  }

  /** Whether `source` holds at least an equal share of what waits. */
  isHeavy(source: string): boolean {
    const own = this.#sizes.get(source) ?? 0;
    return own > 0 && own * this.#sizes.size >= this.#size;
  }

  /** Takes an item in; returns those that had to leave for it, perhaps the item itself. */
  push(queued: Queued<T>): T[] {
    assert(queued.cost > 0, 'every block costs something');
    const ring = this.#ringOf(queued.kind);
    let line = ring.lines.get(queued.source);
    if (line === undefined) {
      line = { source: queued.source, items: [], head: 0, cost: 0, deficit: 0 };
      ring.lines.set(queued.source, line);
    }
    line.items.push(queued);
    this.#count(ring, line, queued, 1);
    const displaced: T[] = [];
    while (this.#size > this.#bounds.items || this.#bytes > this.#bounds.bytes) {
      displaced.push(this.#dropNewest());
    }
    return displaced;
  }

  /**
   * Items in fair order: up to `count` of them, and none more once they cost `cost`.
   * @param isHeld whose items stay where they are; the same answer throughout the call.
   */
  take(
    count: number,
    cost: number = Infinity,
    isHeld: (source: string) => boolean = () => false,
  ): T[] {
    const held = new Set([...this.#sizes.keys()].filter(isHeld));
    const open = this.#rings.map((ring) => openSize(ring, held));
    const taken: T[] = [];
    let left = cost;
    while (taken.length < count && left > 0 && open.some((size) => size > 0)) {
      const queued = this.#next(open, held);
      left -= queued.cost;
      taken.push(queued.item);
    }
    return taken;
  }

  /** The next item by turns of kinds, then of sources; `open` counts those that may leave. */
  #next(open: number[], held: ReadonlySet<string>): Queued<T> {
    for (;;) {
      const place = this.#turn % KINDS.length;
      const ring = this.#rings[place] as Ring<T>;
      const left = open[place] ?? 0;
      if (left > 0 && ring.deficit > 0) {
        const queued = this.#nextOf(ring, held);
        open[place] = left - 1;
        ring.deficit -= queued.cost;
        if (left === 1) ring.deficit = Math.min(ring.deficit, 0);
        if (this.#size === 0) this.#forgive();
        return queued;
      }
      this.#turn += 1;
      const next = this.#rings[this.#turn % KINDS.length] as Ring<T>;
      const gain = QUANTUM * KIND_WEIGHTS[next.kind];
      next.deficit = Math.min(next.deficit + gain, gain);
    }
  }

  #nextOf(ring: Ring<T>, held: ReadonlySet<string>): Queued<T> {
    for (;;) {
      const [source, line] = ring.lines.entries().next().value as [string, Line<T>];
      if (held.has(source)) {
        ring.lines.delete(source);
        ring.lines.set(source, line);
        continue;
      }
      if (line.deficit > 0 && line.head < line.items.length) {
        const queued = line.items[line.head] as Queued<T>;
        line.head += 1;
        line.deficit -= queued.cost;
        this.#count(ring, line, queued, -1);
        compact(line);
        return queued;
      }
      // Its turn is over: to the end with it. An empty line stays only until its debt is paid.
      ring.lines.delete(source);
      line.deficit = Math.min(line.deficit + QUANTUM, QUANTUM);
      if (line.head < line.items.length || line.deficit <= 0) ring.lines.set(source, line);
    }
  }

  /** Nobody waits, so nobody was kept waiting by what others took. */
  #forgive(): void {
    for (const ring of this.#rings) {
      ring.lines.clear();
      ring.deficit = 0;
    }
  }

  #dropNewest(): T {
    const ring = greatest(this.#rings, ({ kind, cost }) => cost / KIND_WEIGHTS[kind]);
    const line = greatest(ring.lines.values(), ({ cost }) => cost);
    const queued = line.items.pop();
    assert(queued !== undefined, 'a line that costs something holds something');
    this.#count(ring, line, queued, -1);
    compact(line);
    if (line.items.length === 0 && line.deficit >= 0) ring.lines.delete(line.source);
    return queued.item;
  }

  #count(ring: Ring<T>, line: Line<T>, { cost, sizeBytes, source }: Queued<T>, by: 1 | -1): void {
    line.cost += by * cost;
    ring.cost += by * cost;
    ring.size += by;
    this.#size += by;
    this.#bytes += by * sizeBytes;
    const held = (this.#sizes.get(source) ?? 0) + by;
    if (held === 0) this.#sizes.delete(source);
    else this.#sizes.set(source, held);
  }

  #ringOf(kind: BlockKind): Ring<T> {
    return this.#rings[KINDS.indexOf(kind)] as Ring<T>;
  }
}

/** Items of lines that are not held. */
function openSize<T>(ring: Ring<T>, held: ReadonlySet<string>): number {
  let size = ring.size;
  for (const source of held) {
    const line = ring.lines.get(source);
    if (line !== undefined) size -= line.items.length - line.head;
  }
  return size;
}

/** Halves the array at least, so that its cost is shared by the items before it. */
function compact<T>(line: Line<T>): void {
  const { head, items } = line;
  if (head < items.length && (head < 32 || head * 2 < items.length)) return;
  line.items = items.slice(head);
  line.head = 0;
}

function greatest<V>(values: Iterable<V>, of: (value: V) => number): V {
  let best: V | undefined;
  let most = -Infinity;
  for (const value of values) {
    const amount = of(value);
    if (amount <= most) continue;
    most = amount;
    best = value;
  }
  assert(best !== undefined, 'something waits');
  return best;
}
