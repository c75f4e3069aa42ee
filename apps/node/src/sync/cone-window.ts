/**
 * Fetches the cones of milestones ahead from several peers at once and holds each against the
 * inclusion root of its certified header, before it costs a signature check or a write. A peer that
 * sends a wrong cone is blamed, and the cone is asked elsewhere. Bounded in milestones, bytes and
 * requests. On the path: milestone-sync.ts → here → tangle/io/libp2p. Spec: docs/spec/13-sync.md
 * §4.
 */
import { blockIdOf } from '@tanglemail/tangle/core/codec/block.ts';
import { MAX_ANSWER_SIZE } from '@tanglemail/tangle/core/codec/frame.ts';
import type { BlockId } from '@tanglemail/tangle/core/codec/ids.ts';
import type { MilestoneHeader } from '@tanglemail/tangle/core/codec/milestone.ts';
import { rootOfIds } from '@tanglemail/tangle/core/ledger/apply-milestone.ts';
import { MAX_CONE, MAX_REQUEST_MILESTONES } from '@tanglemail/tangle/core/params/limits.ts';
import type { Hasher } from '@tanglemail/tangle/core/ports.ts';
import type {
  Answered,
  AnsweredCones,
  ConeOptions,
  RequestOptions,
} from '@tanglemail/tangle/io/libp2p/requester.ts';
import { NetworkError } from '@tanglemail/tangle/io/libp2p/types.ts';
import { errorFields, type Logger } from '@tanglemail/tangle/io/logger.ts';
import { Bell } from '../signal.ts';

/** The blocks that a certified milestone newly references, proven by its inclusion root. */
export interface ProvenCone {
  /** All of them, in white-flag order. */
  readonly ids: readonly BlockId[];
  /** The first of them; those of a cone of more than 64 MiB have to be fetched again by id. */
  readonly blocks: readonly Uint8Array[];
  /** What they take in memory. */
  readonly bytes: number;
}

export interface ConeNetwork {
  requestCones(from: number, count: number, options: RequestOptions): Promise<AnsweredCones>;
  requestCone(index: number, options: ConeOptions): Promise<Answered>;
  blameAnswer(peer: string, finding: 'cone-invalid'): void;
}

export interface ConeWindowDeps {
  readonly network: ConeNetwork;
  readonly hasher: Hasher;
  /** The certified header; undefined while it is not known. */
  header(index: number): MilestoneHeader | undefined;
  /** A cone was proven, or could not be had. */
  onProgress(): void;
  /** An invariant broke: the process must end. */
  onFatal(error: unknown): void;
  readonly signal: AbortSignal;
  readonly logger: Logger;
  nowMs(): number;
}

/** Bytes of proven cones that wait, of parts of large ones, and of answers under way (4 MiB). */
const MAX_BYTES = 64 << 20;
/** What a block takes in memory beside its bytes: its id and two small objects. */
const BLOCK_OVERHEAD = 320;
const MAX_RUNNING = 8;
/** Bytes of one cone that are kept; of a larger one the rest is fetched again after its proof. */
const MAX_CONE_BYTES = 64 << 20;
/** What one request should bring. */
const WANTED_BYTES = 2 << 20;
/** What confirmation waits for is asked of a second peer when it takes longer. */
const URGENT_AFTER_MS = 2_000;
const RETRY_MS = 1_000;
/** A peer that is busy is asked for the same part of a large cone so many times more. */
const MAX_PART_RETRIES = 5;

/** A request under way for the cones of `from`–`last`. */
interface Running {
  readonly from: number;
  readonly last: number;
  readonly isUrgent: boolean;
  /** When it began, or brought the last part of a large cone. */
  movedMs: number;
  /** Whom it was sent to. */
  readonly peers: Set<string>;
  /** A second peer was asked for the same. */
  isHurried: boolean;
}

export class ConeWindow {
  readonly #deps: ConeWindowDeps;
  readonly #proven = new Map<number, ProvenCone>();
  readonly #running = new Map<number, Running>();
  /** Second requests for what takes too long. */
  readonly #hurried = new Map<number, Running>();
  /** Peers whose cone of this milestone was wrong. */
  readonly #liars = new Map<number, Set<string>>();
  readonly #retryMs = new Map<number, number>();
  readonly #tasks = new Set<Promise<void>>();
  readonly #emptyRoot: Uint8Array;
  /** Never rung: a pause that the end of sync cuts short. */
  readonly #pause = new Bell();
  #bytes = 0;
  /** Bytes of large cones that are not whole yet, and how many such are fetched. */
  #partBytes = 0;
  #inParts = 0;
  #bytesPerCone = 16_384;
  #failed = 0;

  constructor(deps: ConeWindowDeps) {
    this.#deps = deps;
    this.#emptyRoot = rootOfIds([], deps.hasher);
  }

  /** Cones asked for, cones proven and not yet taken in, their bytes, and wrong or missing ones. */
  counts(): { requested: number; proven: number; bytes: number; failed: number } {
    const { size: requested } = this.#running;
    const bytes = this.#bytes + this.#partBytes;
    return { requested, proven: this.#proven.size, bytes, failed: this.#failed };
  }

  get(index: number): ProvenCone | undefined {
    return this.#proven.get(index);
  }

  /** The cone was taken in, or has to be fetched again. */
  drop(index: number): void {
    this.#bytes -= this.#proven.get(index)?.bytes ?? 0;
    this.#proven.delete(index);
    this.#liars.delete(index);
    this.#retryMs.delete(index);
  }

  /** Forgets everything up to the confirmed milestone; Infinity for all. */
  dropUpTo(index: number): void {
    for (const kept of [this.#proven, this.#liars, this.#retryMs]) {
      for (const one of kept.keys()) if (one <= index) this.drop(one);
    }
  }

  /**
   * Starts what may be started now for milestones `first`–`last`; `first` is the one that
   * confirmation waits for, and no bound holds it up.
   * @param isNeeded false for a cone that is here already by gossip.
   */
  pump(first: number, last: number, isNeeded: (index: number) => boolean): void {
    this.#hurry(first);
    for (let index = first; index <= last; index++) {
      if (index > first && !this.#hasRoom()) return;
      if (!this.#isOpen(index) || !isNeeded(index)) continue;
      const end = this.#rangeEnd(index, last);
      this.#start(this.#running, this.#newRunning(index, end, index === first));
      index = end;
    }
  }

  #hasRoom(): boolean {
    const reserved = this.#tasks.size * MAX_ANSWER_SIZE;
    const bytes = this.#bytes + this.#partBytes + reserved;
    return this.#tasks.size < MAX_RUNNING && bytes < MAX_BYTES;
  }

  /** Resolves when no request is under way. */
  async settle(): Promise<void> {
    await Promise.all(this.#tasks);
  }

  /** Whether the cone is to be asked for now. One without blocks proves itself. */
  #isOpen(index: number): boolean {
    if (this.#proven.has(index)) return false;
    if (this.#running.has(index) || this.#hurried.has(index)) return false;
    if ((this.#retryMs.get(index) ?? 0) > this.#deps.nowMs()) return false;
    const header = this.#deps.header(index);
    if (header === undefined) return false;
    const isEmpty = Buffer.compare(header.inclusionRoot, this.#emptyRoot) === 0;
    if (isEmpty) this.#proven.set(index, { ids: [], blocks: [], bytes: 0 });
    return !isEmpty;
  }

  /** The last milestone of a request from `first` on; cones without blocks between cost nothing. */
  #rangeEnd(first: number, last: number): number {
    const wanted = Math.ceil(WANTED_BYTES / this.#bytesPerCone);
    const most = first + Math.max(1, Math.min(wanted, MAX_REQUEST_MILESTONES)) - 1;
    let end = first;
    for (let index = first + 1; index <= Math.min(most, last); index++) {
      if (this.#isOpen(index)) end = index;
      else if (this.#proven.get(index)?.ids.length !== 0) break;
    }
    return end;
  }

  #newRunning(from: number, last: number, isUrgent: boolean): Running {
    const movedMs = this.#deps.nowMs();
    return { from, last, isUrgent, movedMs, peers: new Set(), isHurried: false };
  }

  /**
   * What confirmation waits for does not wait for a slow peer: what is left of its request goes to
   * another one, too.
   */
  #hurry(index: number): void {
    const running = this.#running.get(index);
    if (running === undefined || running.isHurried) return;
    if (this.#deps.nowMs() - running.movedMs < URGENT_AFTER_MS) return;
    running.isHurried = true;
    const second = this.#newRunning(index, running.last, true);
    for (const peer of running.peers) second.peers.add(peer);
    this.#start(this.#hurried, second);
  }

  #start(requests: Map<number, Running>, running: Running): void {
    for (let index = running.from; index <= running.last; index++) requests.set(index, running);
    const task = this.#fetch(running, requests === this.#hurried)
      .catch((error: unknown) => this.#deps.onFatal(error))
      .finally(() => {
        this.#tasks.delete(task);
        for (let index = running.from; index <= running.last; index++) requests.delete(index);
        this.#deps.onProgress();
      });
    this.#tasks.add(task);
  }

  async #fetch(running: Running, isSecond: boolean): Promise<void> {
    const { network, signal, logger } = this.#deps;
    const { from, last, isUrgent, peers } = running;
    const count = last - from + 1;
    const except = new Set([...peers, ...(this.#liars.get(from) ?? [])]);
    const priority = isUrgent ? 'milestone' : 'window';
    const onSent = (peer: string): void => void peers.add(peer);
    const options: RequestOptions = { priority, except, signal, onSent };
    try {
      const { cones, peer } = await network.requestCones(from, count, options);
      for (const [position, blocks] of cones.entries()) {
        if (!this.#take(from + position, blocks, peer)) return;
      }
      // It is larger than one answer, or nobody has it.
      if (cones.length === 0) await this.#fetchLarge(running, options);
    } catch (error) {
      if (!(error instanceof NetworkError)) throw error;
      if (error.code === 'aborted' || error.code === 'stopped') return;
      logger.debug({ from, count, ...errorFields(error) }, 'cones were not brought');
      // The first request for them still goes on.
      if (isSecond) return;
      // Everybody was asked: begin anew, the liars included.
      this.#liars.delete(from);
      this.#later(from);
    }
  }

  /** Beside the cone that confirmation waits for, one at a time: each may take 64 MiB. */
  async #fetchLarge(running: Running, options: RequestOptions): Promise<void> {
    const index = running.from;
    if (options.priority === 'window' && this.#inParts > 0) {
      this.#retryMs.set(index, this.#deps.nowMs() + RETRY_MS);
      return;
    }
    let kept = 0;
    this.#inParts += 1;
    try {
      await this.#fetchParts(index, options, (bytes) => {
        kept += bytes;
        this.#partBytes += bytes;
        running.movedMs = this.#deps.nowMs();
      });
    } finally {
      this.#inParts -= 1;
      this.#partBytes -= kept;
    }
  }

  /** One cone in parts, all of the same peer, so that it is clear who lied. */
  async #fetchParts(
    index: number,
    options: RequestOptions,
    onKept: (bytes: number) => void,
  ): Promise<void> {
    const ids: BlockId[] = [];
    const blocks: Uint8Array[] = [];
    let bytes = 0;
    let peer: string | undefined;
    for (;;) {
      const more = peer === undefined ? {} : { peer, only: true };
      const part = { ...options, ...more, skip: ids.length };
      const { items, complete, peer: from } = await this.#part(index, part);
      peer = from;
      for (const block of items) {
        ids.push(blockIdOf(block, this.#deps.hasher));
        bytes += block.length;
        if (bytes > MAX_CONE_BYTES) continue;
        blocks.push(block);
        onKept(block.length + BLOCK_OVERHEAD);
      }
      // Nothing, or no more: the peer does not have it, or has pruned it meanwhile.
      if (items.length === 0) {
        this.#later(index);
        return;
      }
      if (complete || ids.length >= MAX_CONE) break;
    }
    this.#judge(index, ids, blocks, peer);
  }

  /**
   * One part. Peers give so many bytes a second; who takes them faster is told to come again, and
   * must not begin anew for that.
   */
  async #part(index: number, options: ConeOptions): Promise<Answered> {
    for (let retries = 0; ; retries++) {
      try {
        return await this.#deps.network.requestCone(index, options);
      } catch (error) {
        const isPassing = error instanceof NetworkError && error.code !== 'stopped';
        if (!isPassing || options.signal?.aborted === true) throw error;
        if (options.skip === 0 || retries === MAX_PART_RETRIES) throw error;
        await this.#pause.wait(RETRY_MS, this.#deps.signal);
      }
    }
  }

  #take(index: number, blocks: readonly Uint8Array[], peer: string): boolean {
    const ids = blocks.map((block) => blockIdOf(block, this.#deps.hasher));
    return this.#judge(index, ids, blocks, peer);
  }

  /** Keeps a cone that its header proves; blames the sender of another. */
  #judge(
    index: number,
    ids: readonly BlockId[],
    blocks: readonly Uint8Array[],
    peer: string,
  ): boolean {
    const header = this.#deps.header(index);
    // Confirmed or proven meanwhile, on another way.
    if (header === undefined || this.#proven.has(index)) return true;
    if (this.#prove(index, header, ids, blocks)) {
      const { bytes } = this.#proven.get(index) ?? { bytes: 0 };
      this.#bytesPerCone += (Math.max(1, bytes) - this.#bytesPerCone) / 16;
      this.#deps.onProgress();
      return true;
    }
    this.#failed += 1;
    const liars = this.#liars.get(index) ?? new Set();
    this.#liars.set(index, liars.add(peer));
    this.#deps.network.blameAnswer(peer, 'cone-invalid');
    this.#deps.logger.debug({ index, peer }, 'a cone does not make its inclusion root');
    return false;
  }

  #prove(
    index: number,
    header: MilestoneHeader,
    ids: readonly BlockId[],
    blocks: readonly Uint8Array[],
  ): boolean {
    const root = rootOfIds(ids, this.#deps.hasher);
    if (Buffer.compare(root, header.inclusionRoot) !== 0) return false;
    const bytes = blocks.reduce((sum, block) => sum + block.length + BLOCK_OVERHEAD, 0);
    this.#proven.set(index, { ids, blocks, bytes });
    this.#bytes += bytes;
    return true;
  }

  #later(index: number): void {
    this.#failed += 1;
    this.#retryMs.set(index, this.#deps.nowMs() + RETRY_MS);
  }
}
