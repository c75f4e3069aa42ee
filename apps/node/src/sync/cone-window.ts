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

/** The blocks that a certified milestone newly references, proven by its inclusion root. */
export interface ProvenCone {
  /** All of them, in white-flag order. */
  readonly ids: readonly BlockId[];
  /** The first of them; those of a cone of more than 64 MiB have to be fetched again by id. */
  readonly blocks: readonly Uint8Array[];
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

/** Bytes of proven cones that wait, and of answers under way (4 MiB each). */
const MAX_BYTES = 64 << 20;
const MAX_RUNNING = 8;
/** Bytes of one cone that are kept; of a larger one the rest is fetched again after its proof. */
const MAX_CONE_BYTES = 64 << 20;
/** What one request should bring. */
const WANTED_BYTES = 2 << 20;
/** The cone that confirmation waits for is asked once more when it takes longer. */
const URGENT_AFTER_MS = 2_000;
const RETRY_MS = 1_000;

interface Running {
  readonly startedMs: number;
  urgent: boolean;
}

export class ConeWindow {
  readonly #deps: ConeWindowDeps;
  readonly #proven = new Map<number, ProvenCone>();
  readonly #running = new Map<number, Running>();
  /** Peers whose cone of this milestone was wrong. */
  readonly #liars = new Map<number, Set<string>>();
  readonly #retryMs = new Map<number, number>();
  readonly #tasks = new Set<Promise<void>>();
  readonly #emptyRoot: Uint8Array;
  #bytes = 0;
  #bytesPerCone = 16_384;
  #failed = 0;

  constructor(deps: ConeWindowDeps) {
    this.#deps = deps;
    this.#emptyRoot = rootOfIds([], deps.hasher);
  }

  /** Cones asked for, cones proven and not yet taken in, their bytes, and wrong or missing ones. */
  counts(): { requested: number; proven: number; bytes: number; failed: number } {
    const { size: requested } = this.#running;
    return { requested, proven: this.#proven.size, bytes: this.#bytes, failed: this.#failed };
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

  /** Forgets everything up to the confirmed milestone. */
  dropUpTo(index: number): void {
    for (const kept of [this.#proven, this.#liars, this.#retryMs]) {
      for (const one of kept.keys()) if (one <= index) this.drop(one);
    }
  }

  /**
   * Starts what may be started now for milestones `first`–`last`; `first` is the one that
   * confirmation waits for, and no bound but that of requests holds it up.
   * @param isNeeded false for a cone that is here already by gossip.
   */
  pump(first: number, last: number, isNeeded: (index: number) => boolean): void {
    this.#hurry(first);
    for (let index = first; index <= last && this.#tasks.size < MAX_RUNNING; index++) {
      const reserved = this.#tasks.size * MAX_ANSWER_SIZE;
      if (index > first && this.#bytes + reserved >= MAX_BYTES) return;
      if (!this.#isOpen(index) || !isNeeded(index)) continue;
      const count = this.#rangeFrom(index, last);
      this.#start(index, count, index === first);
      index += count - 1;
    }
  }

  /** Resolves when no request is under way. */
  async settle(): Promise<void> {
    await Promise.all(this.#tasks);
  }

  /** Whether the cone is to be asked for now. One without blocks proves itself. */
  #isOpen(index: number): boolean {
    if (this.#proven.has(index) || this.#running.has(index)) return false;
    if ((this.#retryMs.get(index) ?? 0) > this.#deps.nowMs()) return false;
    const header = this.#deps.header(index);
    if (header === undefined) return false;
    const isEmpty = Buffer.compare(header.inclusionRoot, this.#emptyRoot) === 0;
    if (isEmpty) this.#proven.set(index, { ids: [], blocks: [], bytes: 0 });
    return !isEmpty;
  }

  #rangeFrom(first: number, last: number): number {
    const wanted = Math.ceil(WANTED_BYTES / this.#bytesPerCone);
    const most = Math.max(1, Math.min(wanted, MAX_REQUEST_MILESTONES, last - first + 1));
    let count = 1;
    while (count < most && this.#isOpen(first + count)) count += 1;
    return count;
  }

  /** What confirmation waits for does not wait for a slow peer. */
  #hurry(index: number): void {
    const running = this.#running.get(index);
    if (running === undefined || running.urgent) return;
    if (this.#deps.nowMs() - running.startedMs < URGENT_AFTER_MS) return;
    this.#start(index, 1, true);
  }

  #start(from: number, count: number, urgent: boolean): void {
    const running = { startedMs: this.#deps.nowMs(), urgent };
    for (let index = from; index < from + count; index++) this.#running.set(index, running);
    const task = this.#fetch(from, count, urgent)
      .catch((error: unknown) => this.#deps.onFatal(error))
      .finally(() => {
        this.#tasks.delete(task);
        for (let index = from; index < from + count; index++) {
          if (this.#running.get(index) === running) this.#running.delete(index);
        }
        this.#deps.onProgress();
      });
    this.#tasks.add(task);
  }

  async #fetch(from: number, count: number, urgent: boolean): Promise<void> {
    const { network, signal, logger } = this.#deps;
    const except = this.#liars.get(from) ?? new Set<string>();
    const priority = urgent ? 'milestone' : 'window';
    const options: RequestOptions = { priority, except, signal };
    try {
      const { cones, peer } = await network.requestCones(from, count, options);
      for (const [position, blocks] of cones.entries()) {
        if (!this.#take(from + position, blocks, peer)) return;
      }
      // It is larger than one answer, or nobody has it.
      if (cones.length === 0) await this.#fetchParts(from, options);
    } catch (error) {
      if (!(error instanceof NetworkError)) throw error;
      if (error.code === 'aborted' || error.code === 'stopped') return;
      logger.debug({ from, count, ...errorFields(error) }, 'cones were not brought');
      // Everybody was asked: begin anew, the liars included.
      this.#liars.delete(from);
      this.#later(from);
    }
  }

  /** One cone in parts, all of the same peer, so that it is clear who lied. */
  async #fetchParts(index: number, options: RequestOptions): Promise<void> {
    const ids: BlockId[] = [];
    const blocks: Uint8Array[] = [];
    let bytes = 0;
    let peer: string | undefined;
    for (;;) {
      const more = peer === undefined ? {} : { peer, only: true };
      const part = { ...options, ...more, skip: ids.length };
      const { items, complete, peer: from } = await this.#deps.network.requestCone(index, part);
      peer = from;
      for (const block of items) {
        ids.push(blockIdOf(block, this.#deps.hasher));
        bytes += block.length;
        if (bytes <= MAX_CONE_BYTES) blocks.push(block);
      }
      if (complete || items.length === 0 || ids.length >= MAX_CONE) break;
    }
    if (ids.length === 0) this.#later(index);
    else this.#judge(index, ids, blocks, peer);
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
    const bytes = blocks.reduce((sum, block) => sum + block.length, 0);
    this.#proven.set(index, { ids, blocks, bytes });
    this.#bytes += bytes;
    return true;
  }

  #later(index: number): void {
    this.#failed += 1;
    this.#retryMs.set(index, this.#deps.nowMs() + RETRY_MS);
  }
}
