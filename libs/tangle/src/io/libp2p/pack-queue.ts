/**
 * Collects blocks into packs: one gossip message per block costs some ten times as much as packs
 * do. A pack leaves 10 ms after its first block or when 48 KiB are full. While nobody subscribes,
 * blocks wait; the queue is bounded by bytes and age and drops its oldest first, because gossip may
 * lose blocks and solidification repairs that. Before: network.ts; after: gossip.ts.
 * Spec: docs/spec/07-gossip.md, "Packs".
 */
import { encodePack } from '../../core/codec/pack.ts';
import { MAX_PACK_BLOCKS } from '../../core/params/limits.ts';
import type { NetworkLimits } from './types.ts';

/** Bytes that a block adds to a pack beyond its own: its length. */
const BLOCK_OVERHEAD = 2;
/** Bytes of a pack before its first block: the count. */
const PACK_OVERHEAD = 2;
/** While nobody can take a pack, the queue looks again this often. */
const RETRY_MS = 50;
/** Packs that are published before other work, such as the sockets', gets a turn. */
const PACKS_PER_TURN = 32;

export type PackLimits = Pick<
  NetworkLimits,
  'packDelayMs' | 'packBytes' | 'packQueueBytes' | 'packQueueAgeMs'
>;

export interface PackQueueDeps {
  /** True when at least one peer can be reached and reads fast enough. */
  readonly canPublish: () => boolean;
  readonly publish: (pack: Uint8Array, blocks: number) => Promise<void>;
  readonly onDropped: (blocks: number) => void;
  readonly nowMs: () => number;
}

interface Waiting {
  readonly bytes: Uint8Array;
  readonly sinceMs: number;
}

export class PackQueue {
  readonly #limits: PackLimits;
  readonly #deps: PackQueueDeps;
  readonly #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #flushing: Promise<void> | undefined;
  #closed = false;

  constructor(limits: PackLimits, deps: PackQueueDeps) {
    this.#limits = limits;
    this.#deps = deps;
  }

  /** Blocks that wait. */
  get size(): number {
    return this.#waiting.length;
  }

  /** Queues one encoded block. */
  add(bytes: Uint8Array): void {
    if (this.#closed) return;
    this.#waiting.push({ bytes, sinceMs: this.#deps.nowMs() });
    this.#waitingBytes += bytes.length + BLOCK_OVERHEAD;
    this.#dropBeyondBounds();
    if (this.#waitingBytes + PACK_OVERHEAD >= this.#limits.packBytes) this.flush();
    else this.#flushAfter(this.#limits.packDelayMs);
  }

  /** Publishes what waits, now; also called when a first peer subscribes. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#flushing ??= this.#run().finally(() => {
      this.#flushing = undefined;
      if (this.#waiting.length > 0 && !this.#closed) this.#flushAfter(RETRY_MS);
    });
  }

  /** Publishes what waits and takes no more. */
  async close(): Promise<void> {
    this.#closed = true;
    this.flush();
    await this.#flushing;
  }

  async #run(): Promise<void> {
    this.#dropBeyondBounds();
    let packs = 0;
    while (this.#waiting.length > 0 && this.#deps.canPublish()) {
      const blocks = this.#takePack();
      await this.#deps.publish(encodePack(blocks), blocks.length);
      packs += 1;
      if (packs % PACKS_PER_TURN === 0) await nextTurn();
    }
  }

  #flushAfter(delayMs: number): void {
    this.#timer ??= setTimeout(() => this.flush(), delayMs);
  }

  #takePack(): Uint8Array[] {
    let bytes = PACK_OVERHEAD;
    let count = 0;
    for (const { bytes: block } of this.#waiting) {
      const grown = bytes + block.length + BLOCK_OVERHEAD;
      if (count === MAX_PACK_BLOCKS || (count > 0 && grown > this.#limits.packBytes)) break;
      bytes = grown;
      count += 1;
    }
    this.#waitingBytes -= bytes - PACK_OVERHEAD;
    return this.#waiting.splice(0, count).map((waiting) => waiting.bytes);
  }

  #dropBeyondBounds(): void {
    const oldestMs = this.#deps.nowMs() - this.#limits.packQueueAgeMs;
    let dropped = 0;
    for (const { bytes, sinceMs } of this.#waiting) {
      if (this.#waitingBytes <= this.#limits.packQueueBytes && sinceMs >= oldestMs) break;
      this.#waitingBytes -= bytes.length + BLOCK_OVERHEAD;
      dropped += 1;
    }
    if (dropped === 0) return;
    this.#waiting.splice(0, dropped);
    this.#deps.onDropped(dropped);
  }
}

async function nextTurn(): Promise<void> {
  await new Promise<void>((resolve) => {
    setImmediate(resolve);
  });
}
