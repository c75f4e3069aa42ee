/**
 * What became of the blocks of honest users: how many were sent, how many a milestone has confirmed
 * on one node, and how long that took, by a sample of them.
 */
import type { BlockId } from '@tanglemail/tangle/core/codec/ids.ts';
import type { NodeClient } from '@tanglemail/tangle/io/node-client/node-client.ts';
import type { NodeEvents } from '@tanglemail/tangle/io/node-client/node-events.ts';

/** Samples under way; an event socket has at most 256 topics. */
const MAX_PENDING = 200;

export class HonestBlocks {
  sent = 0;
  confirmed = 0;
  conflicting = 0;
  milestones = 0;
  /** From on its way to confirmed, in milliseconds, since `takeLatencies`. */
  #latencies: number[] = [];
  readonly #events: NodeEvents;
  readonly #every: number;
  readonly #pending = new Map<BlockId, () => void>();
  readonly #stopFollowing: () => void;

  /** Looks at one block of `every`. Follows the milestones from 1 on. */
  constructor(client: NodeClient, every: number) {
    this.#every = every;
    this.#events = client.events();
    this.#stopFollowing = this.#events.subscribe(
      'milestones/confirmed',
      ({ blocks, conflicting }) => {
        this.confirmed += blocks;
        this.conflicting += conflicting;
        this.milestones += 1;
      },
      0,
    );
  }

  /** Samples that no milestone has confirmed yet. */
  get pending(): number {
    return this.#pending.size;
  }

  note(id: BlockId): void {
    this.sent += 1;
    if (this.sent % this.#every !== 0 || this.#pending.size >= MAX_PENDING) return;
    const sentMs = performance.now();
    const unsubscribe = this.#events.subscribe(`block-metadata/${id}`, () => {
      this.#latencies.push(performance.now() - sentMs);
      this.#pending.get(id)?.();
      this.#pending.delete(id);
    });
    this.#pending.set(id, unsubscribe);
  }

  takeLatencies(): number[] {
    const taken = this.#latencies;
    this.#latencies = [];
    return taken;
  }

  close(): void {
    this.#stopFollowing();
    this.#events.close();
  }
}
