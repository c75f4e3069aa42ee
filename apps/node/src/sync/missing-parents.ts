/**
 * Asks peers for blocks that others name as parents: each id once at a time, again after a pause
 * that grows, given up after some rounds (a later child starts anew). What a milestone waits for
 * goes first. On the path: processor/intake.ts → here → tangle/io/libp2p → processor. Bounded in
 * ids, requests under way and rounds. Spec: docs/spec/07-gossip.md.
 */
import type { BlockId } from '@tanglemail/tangle/core/codec/ids.ts';
import { MAX_REQUEST_IDS, MAX_UNSOLID } from '@tanglemail/tangle/core/params/limits.ts';
import type { Clock } from '@tanglemail/tangle/core/ports.ts';
import { errorFields, type Logger } from '@tanglemail/tangle/io/logger.ts';
import { Bell } from '../signal.ts';

export interface MissingParentsDeps {
  readonly network: {
    requestBlocks(
      ids: readonly BlockId[],
      options: { peer?: string; signal?: AbortSignal },
    ): Promise<Uint8Array[]>;
    peers(): readonly { readonly id: string }[];
  };
  /** Hands a fetched block to the processor. */
  submit(bytes: Uint8Array, source: string): Promise<unknown>;
  readonly clock: Clock;
  readonly logger: Logger;
}

interface Want {
  /** Rounds made; the first asks the peer that sent the child, if it is one. */
  rounds: number;
  dueMs: number;
  inFlight: boolean;
  readonly from: string;
}

const MAX_WANTS = MAX_UNSOLID;
const MAX_ROUNDS = 8;
const MAX_REQUESTS = 4;
const FIRST_PAUSE_MS = 500;
const LAST_PAUSE_MS = 15_000;
const TICK_MS = 250;

export class MissingParents {
  readonly #deps: MissingParentsDeps;
  readonly #urgent = new Map<BlockId, Want>();
  readonly #ordinary = new Map<BlockId, Want>();
  readonly #bell = new Bell();
  readonly #abort = new AbortController();
  #requests = 0;
  #loop: Promise<void> = Promise.resolve();

  constructor(deps: MissingParentsDeps) {
    this.#deps = deps;
  }

  /** Ids that are wanted, in all. */
  get size(): number {
    return this.#urgent.size + this.#ordinary.size;
  }

  start(): void {
    this.#loop = this.#run();
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    this.#bell.ring();
    await this.#loop;
  }

  /** Asks for parents of a block that `from` sent. Beyond the bound they are left out. */
  want(ids: readonly BlockId[], from: string): void {
    for (const id of ids) {
      if (this.#urgent.has(id) || this.#ordinary.has(id) || this.size >= MAX_WANTS) continue;
      this.#ordinary.set(id, this.#newWant(from));
    }
    if (ids.length > 0) this.#bell.ring();
  }

  /** Asks for blocks that a certified milestone waits for, before all others. */
  wantUrgently(ids: readonly BlockId[]): void {
    for (const id of ids) {
      if (this.#urgent.has(id)) continue;
      const ordinary = this.#ordinary.get(id);
      this.#ordinary.delete(id);
      this.#urgent.set(id, ordinary ?? this.#newWant(''));
    }
    if (ids.length > 0) this.#bell.ring();
  }

  /** The block has come, on whatever way. */
  received(id: BlockId): void {
    this.#urgent.delete(id);
    this.#ordinary.delete(id);
  }

  #newWant(from: string): Want {
    return { rounds: 0, dueMs: this.#deps.clock.nowMs(), inFlight: false, from };
  }

  async #run(): Promise<void> {
    const { signal } = this.#abort;
    while (!signal.aborted) {
      while (this.#requests < MAX_REQUESTS && this.#deps.network.peers().length > 0) {
        const batch = this.#nextBatch();
        if (batch === undefined) break;
        this.#requests += 1;
        void this.#request(batch.ids, batch.peer);
      }
      await this.#bell.wait(TICK_MS, signal);
    }
  }

  /** Ids that are due, all for the same peer; the urgent ones first. */
  #nextBatch(): { ids: BlockId[]; peer: string | undefined } | undefined {
    const nowMs = this.#deps.clock.nowMs();
    const connected = new Set(this.#deps.network.peers().map(({ id }) => id));
    const ids: BlockId[] = [];
    let peer: string | undefined;
    for (const wants of [this.#urgent, this.#ordinary]) {
      for (const [id, want] of wants) {
        if (want.inFlight || want.dueMs > nowMs) continue;
        const target = want.rounds === 0 && connected.has(want.from) ? want.from : undefined;
        if (ids.length === 0) peer = target;
        else if (target !== peer) continue;
        want.inFlight = true;
        ids.push(id);
        if (ids.length === MAX_REQUEST_IDS) return { ids, peer };
      }
    }
    return ids.length === 0 ? undefined : { ids, peer };
  }

  async #request(ids: readonly BlockId[], peer: string | undefined): Promise<void> {
    const { signal } = this.#abort;
    try {
      const options = peer === undefined ? { signal } : { signal, peer };
      const blocks = await this.#deps.network.requestBlocks(ids, options);
      await Promise.all(blocks.map((bytes) => this.#deps.submit(bytes, peer ?? '')));
    } catch (error) {
      this.#deps.logger.debug(errorFields(error), 'a request for parents failed');
    }
    for (const id of ids) this.#reschedule(id);
    this.#requests -= 1;
    this.#bell.ring();
  }

  /** What did not come is asked for again later; ordinary ids are given up after some rounds. */
  #reschedule(id: BlockId): void {
    const want = this.#urgent.get(id) ?? this.#ordinary.get(id);
    if (want === undefined) return;
    want.inFlight = false;
    want.rounds += 1;
    const pauseMs = Math.min(LAST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (want.rounds - 1));
    want.dueMs = this.#deps.clock.nowMs() + pauseMs;
    if (want.rounds >= MAX_ROUNDS) this.#ordinary.delete(id);
  }
}
