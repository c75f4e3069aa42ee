/**
 * The bounded queues between the wire and the core: their lengths, order and what happens when one
 * is full stand in one table. Every queue has a share per source, so that one loud peer cannot take
 * the places of all others. On the path: tangle/io/libp2p → here → core/block. Spec: docs/spec/11.
 */

/** What a full queue does with a newcomer: the sender hears `queue-full` and may come again. */
export type DropPolicy = 'refuse-newest';

export interface QueueRow {
  /** Places in the queue. */
  readonly length: number;
  /** Places that one source (a peer, a remote address) may hold. */
  readonly perSource: number;
  /** `fifo` within a source; sources take turns, one item each. */
  readonly order: 'fair-fifo';
  readonly drop: DropPolicy;
}

/** Queue → length, order, drop policy; in the order in which the processor serves them. */
export const QUEUES = {
  /** Blocks of our own validator, API and faucet users: a definite answer, so the line is short. */
  api: { length: 512, perSource: 256, order: 'fair-fifo', drop: 'refuse-newest' },
  /** Blocks that we asked peers for. Requester and catch-up never ask for more than fit. */
  sync: { length: 8_192, perSource: 8_192, order: 'fair-fifo', drop: 'refuse-newest' },
  /** Blocks from gossip: lost ones are requested when a child arrives, so refusing is harmless. */
  gossip: { length: 8_192, perSource: 2_048, order: 'fair-fifo', drop: 'refuse-newest' },
} as const satisfies Record<string, QueueRow>;

export type QueueName = keyof typeof QUEUES;
export const QUEUE_NAMES = Object.keys(QUEUES) as readonly QueueName[];

/** A queue of bounded length in which the sources take turns. */
export class FairQueue<T> {
  readonly #row: QueueRow;
  /** Items per source; a Map keeps the sources in turn order. */
  readonly #lines = new Map<string, T[]>();
  #size = 0;

  constructor(row: QueueRow) {
    this.#row = row;
  }

  get size(): number {
    return this.#size;
  }

  /** False when the queue or the source's share is full; the item is then not taken. */
  push(source: string, item: T): boolean {
    const line = this.#lines.get(source);
    if (this.#size >= this.#row.length || (line?.length ?? 0) >= this.#row.perSource) return false;
    if (line === undefined) this.#lines.set(source, [item]);
    else line.push(item);
    this.#size += 1;
    return true;
  }

  /** Up to `count` items, one per source and turn. */
  take(count: number): T[] {
    const taken: T[] = [];
    while (taken.length < count && this.#size > 0) {
      const [source, line] = this.#lines.entries().next().value as [string, T[]];
      const item = line.shift() as T;
      this.#lines.delete(source);
      if (line.length > 0) this.#lines.set(source, line);
      this.#size -= 1;
      taken.push(item);
    }
    return taken;
  }
}
