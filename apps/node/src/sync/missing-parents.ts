/**
 * Asks peers for blocks that others name as parents: each id once at a time, again after a pause
 * that grows, given up after some rounds (a later child starts anew). What a milestone waits for
 * goes first; the peers that sent the children take turns. On the path: processor/intake.ts → here
 * → tangle/io/libp2p → processor. Bounded in ids, ids of one source, requests under way and rounds.
 * Spec: docs/spec/13-sync.md §7.
 */
import type { BlockId } from '@tanglemail/tangle/core/codec/ids.ts';
import {
  MAX_REQUEST_IDS,
  MAX_UNSOLID,
  MAX_UNSOLID_PER_SOURCE,
} from '@tanglemail/tangle/core/params/limits.ts';
import type { Clock } from '@tanglemail/tangle/core/ports.ts';
import type { RequestOptions } from '@tanglemail/tangle/io/libp2p/requester.ts';
import { errorFields, type Logger } from '@tanglemail/tangle/io/logger.ts';
import { Bell } from '../signal.ts';

export interface MissingParentsDeps {
  readonly network: {
    requestBlocks(ids: readonly BlockId[], options: RequestOptions): Promise<Uint8Array[]>;
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

/** Ids that go to one peer in one request. */
interface Batch {
  readonly ids: BlockId[];
  /** The peer that is asked first; undefined for whoever is best. */
  readonly peer: string | undefined;
  readonly isUrgent: boolean;
}

const MAX_WANTS = MAX_UNSOLID;
const MAX_WANTS_PER_SOURCE = MAX_UNSOLID_PER_SOURCE;
const MAX_ROUNDS = 8;
const MAX_REQUESTS = 4;
/** Of those, requests that begin at one and the same peer: a hung one holds no more. */
const MAX_REQUESTS_PER_PEER = 1;
const FIRST_PAUSE_MS = 500;
const LAST_PAUSE_MS = 15_000;
const TICK_MS = 250;

export class MissingParents {
  readonly #deps: MissingParentsDeps;
  readonly #urgent = new Map<BlockId, Want>();
  /** By the peer that sent the child; a Map keeps them in turn. */
  readonly #ordinary = new Map<string, Map<BlockId, Want>>();
  readonly #sourceOf = new Map<BlockId, string>();
  readonly #asking = new Map<string, number>();
  readonly #bell = new Bell();
  readonly #abort = new AbortController();
  #requests = 0;
  #isPaused = false;
  #loop: Promise<void> = Promise.resolve();

  constructor(deps: MissingParentsDeps) {
    this.#deps = deps;
  }

  /** Ids that are wanted, in all. */
  get size(): number {
    return this.#urgent.size + this.#sourceOf.size;
  }

  start(): void {
    this.#loop = this.#run();
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    this.#bell.ring();
    await this.#loop;
  }

  /**
   * Asks for no parents of gossiped blocks from now on and forgets those that were wanted: far
   * behind the head each would ask for its own parents, back through everything that is missing.
   */
  pause(): void {
    this.#isPaused = true;
    this.#ordinary.clear();
    this.#sourceOf.clear();
  }

  /** Takes wishes again; true when it did not before. */
  resume(): boolean {
    const wasPaused = this.#isPaused;
    this.#isPaused = false;
    return wasPaused;
  }

  /** Asks for parents of a block that `from` sent. Beyond the bounds they are left out. */
  want(ids: readonly BlockId[], from: string): void {
    if (this.#isPaused || ids.length === 0) return;
    const line = this.#ordinary.get(from) ?? new Map<BlockId, Want>();
    for (const id of ids) {
      if (this.size >= MAX_WANTS || line.size >= MAX_WANTS_PER_SOURCE) break;
      if (this.#urgent.has(id) || this.#sourceOf.has(id)) continue;
      line.set(id, this.#newWant(from));
      this.#sourceOf.set(id, from);
    }
    if (line.size > 0) this.#ordinary.set(from, line);
    this.#bell.ring();
  }

  /** Asks for blocks that a certified milestone waits for, before all others. */
  wantUrgently(ids: readonly BlockId[]): void {
    for (const id of ids) {
      if (this.#urgent.has(id)) continue;
      const ordinary = this.#find(id);
      this.#dropOrdinary(id);
      this.#urgent.set(id, ordinary ?? this.#newWant(''));
    }
    if (ids.length > 0) this.#bell.ring();
  }

  /** The block has come, on whatever way. */
  received(id: BlockId): void {
    this.#urgent.delete(id);
    this.#dropOrdinary(id);
  }

  #newWant(from: string): Want {
    return { rounds: 0, dueMs: this.#deps.clock.nowMs(), inFlight: false, from };
  }

  #find(id: BlockId): Want | undefined {
    const source = this.#sourceOf.get(id);
    return this.#urgent.get(id) ?? this.#ordinary.get(source ?? '')?.get(id);
  }

  #dropOrdinary(id: BlockId): void {
    const source = this.#sourceOf.get(id);
    if (source === undefined) return;
    this.#sourceOf.delete(id);
    const line = this.#ordinary.get(source);
    line?.delete(id);
    if (line?.size === 0) this.#ordinary.delete(source);
  }

  async #run(): Promise<void> {
    const { signal } = this.#abort;
    while (!signal.aborted) {
      while (this.#requests < MAX_REQUESTS && this.#deps.network.peers().length > 0) {
        const batch = this.#nextBatch();
        if (batch === undefined) break;
        this.#requests += 1;
        void this.#request(batch);
      }
      await this.#bell.wait(TICK_MS, signal);
    }
  }

  /** Ids that are due, all for the same peer: the urgent ones first, then those of one source. */
  #nextBatch(): Batch | undefined {
    const connected = new Set(this.#deps.network.peers().map(({ id }) => id));
    const urgent = this.#takeDue(this.#urgent, connected, true);
    if (urgent !== undefined) return urgent;
    for (const [source, line] of this.#ordinary) {
      const batch = this.#takeDue(line, connected, false);
      if (batch === undefined) continue;
      // Its next turn comes after that of all others.
      this.#ordinary.delete(source);
      this.#ordinary.set(source, line);
      return batch;
    }
    return undefined;
  }

  #takeDue(
    line: ReadonlyMap<BlockId, Want>,
    connected: ReadonlySet<string>,
    isUrgent: boolean,
  ): Batch | undefined {
    const nowMs = this.#deps.clock.nowMs();
    const ids: BlockId[] = [];
    let peer: string | undefined;
    for (const [id, want] of line) {
      if (want.inFlight || want.dueMs > nowMs) continue;
      const target = want.rounds === 0 && connected.has(want.from) ? want.from : undefined;
      if ((this.#asking.get(target ?? '') ?? 0) >= MAX_REQUESTS_PER_PEER) continue;
      if (ids.length === 0) peer = target;
      else if (target !== peer) continue;
      want.inFlight = true;
      ids.push(id);
      if (ids.length === MAX_REQUEST_IDS) break;
    }
    return ids.length === 0 ? undefined : { ids, peer, isUrgent };
  }

  async #request({ ids, peer, isUrgent }: Batch): Promise<void> {
    const { signal } = this.#abort;
    if (peer !== undefined) this.#asking.set(peer, (this.#asking.get(peer) ?? 0) + 1);
    try {
      const priority = isUrgent ? 'milestone' : 'parents';
      const options = { signal, priority, ...(peer === undefined ? {} : { peer }) } as const;
      const blocks = await this.#deps.network.requestBlocks(ids, options);
      await Promise.all(blocks.map((bytes) => this.#deps.submit(bytes, peer ?? '')));
    } catch (error) {
      this.#deps.logger.debug(errorFields(error), 'a request for parents failed');
    }
    if (peer !== undefined) this.#release(peer);
    for (const id of ids) this.#reschedule(id);
    this.#requests -= 1;
    this.#bell.ring();
  }

  #release(peer: string): void {
    const left = (this.#asking.get(peer) ?? 1) - 1;
    if (left === 0) this.#asking.delete(peer);
    else this.#asking.set(peer, left);
  }

  /** What did not come is asked for again later; ordinary ids are given up after some rounds. */
  #reschedule(id: BlockId): void {
    const want = this.#find(id);
    if (want === undefined) return;
    want.inFlight = false;
    want.rounds += 1;
    const pauseMs = Math.min(LAST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (want.rounds - 1));
    want.dueMs = this.#deps.clock.nowMs() + pauseMs;
    if (want.rounds >= MAX_ROUNDS) this.#dropOrdinary(id);
  }
}
