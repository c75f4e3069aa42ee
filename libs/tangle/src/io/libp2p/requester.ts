/**
 * Asks peers for blocks, milestones and cones: round robin over the peers that can have them, a few
 * requests under way per peer, five seconds of silence and the next peer is asked. Before:
 * `apps/node/src/sync`; after: peer-session.ts, frame-channel.ts.
 * Spec: docs/spec/07-gossip.md, "Request protocol".
 */
import { blockIdOf } from '../../core/codec/block.ts';
import type { BlockId } from '../../core/codec/ids.ts';
import { MAX_CONE, MAX_REQUEST_IDS, MAX_REQUEST_MILESTONES } from '../../core/params/limits.ts';
import type { Hasher } from '../../core/ports.ts';
import type { Answer } from './answer.ts';
import type { PeerSession, RequestBody, RequestFailure, RequestResult } from './peer-session.ts';
import { NetworkError } from './types.ts';
import type { NetworkLimits, NetworkMetrics, PeerKey } from './types.ts';
import type { Finding } from './verdicts.ts';

/** Bytes of one cone that `requestCone` collects; the caller asks for the rest with `skip`. */
export const MAX_CONE_BYTES = 64 << 20;

export interface RequestOptions {
  /** Asks this peer first (for instance the one that sent the child of a missing block). */
  readonly peer?: PeerKey;
  readonly signal?: AbortSignal;
}

export interface ConeOptions extends RequestOptions {
  /** Blocks of the cone that the caller has already, counted in white-flag order. */
  readonly skip?: number;
}

export interface RequesterDeps {
  /** Connected peers in a stable order. */
  readonly sessions: () => readonly PeerSession[];
  readonly report: (session: PeerSession, finding: Finding) => void;
  readonly hasher: Hasher;
  readonly metrics: NetworkMetrics;
}

interface Ask {
  readonly body: RequestBody;
  readonly maxItems: number;
  readonly options: RequestOptions;
  /** Peers whose STATUS says that they have it are asked before the others. */
  readonly hasIt: (session: PeerSession) => boolean;
}

export class Requester {
  readonly #limits: NetworkLimits;
  readonly #deps: RequesterDeps;
  readonly #waiting = new Set<() => void>();
  #turn = 0;
  #stopped = false;

  constructor(limits: NetworkLimits, deps: RequesterDeps) {
    this.#limits = limits;
    this.#deps = deps;
  }

  /** Requests that wait for a free place. */
  get queued(): number {
    return this.#waiting.size;
  }

  /**
   * The blocks among `ids` (1–256, unique) that peers have, in no particular order. Asks one peer
   * after the other until all are found or every peer was asked. Answers are held to the ids.
   */
  async blocks(ids: readonly BlockId[], options: RequestOptions = {}): Promise<Uint8Array[]> {
    if (ids.length > MAX_REQUEST_IDS) throw new NetworkError('too-large', 'more than 256 ids');
    const missing = new Set(ids);
    const found: Uint8Array[] = [];
    const asked = new Set<PeerKey>();
    let failure: RequestFailure | undefined;
    let answered = false;
    while (missing.size > 0) {
      const ask: Ask = {
        body: { type: 'get-blocks', ids: [...missing] },
        maxItems: missing.size,
        options,
        hasIt: () => true,
      };
      const next = await this.#askNext(ask, asked);
      if (next === undefined) break;
      failure = next.failure ?? failure;
      const before = missing.size;
      const { answer, session } = next;
      if (answer === undefined) continue;
      answered = true;
      if (!takeAsked(answer.items, missing, found, this.#deps.hasher)) {
        this.#deps.report(session, 'answer-invalid');
      } else if (!answer.complete && missing.size < before) asked.delete(session.key);
    }
    if (!answered && ids.length > 0) throw unanswered(failure);
    return found;
  }

  /**
   * Encoded milestones `from` … without a gap, at most `count` (1–64); empty when nobody has any.
   */
  async milestones(
    from: number,
    count: number,
    options: RequestOptions = {},
  ): Promise<Uint8Array[]> {
    if (count > MAX_REQUEST_MILESTONES) throw new NetworkError('too-large', 'more than 64');
    const answer = await this.#askUntilAnswered({
      body: { type: 'get-milestones', fromIndex: from, count },
      maxItems: count,
      options,
      hasIt: (session) => hasMilestone(session, from),
    });
    return answer.items;
  }

  /**
   * The blocks that milestone `index` newly references, in white-flag order from `skip` on; empty
   * when nobody has them. Collects at most 64 MiB: ask again with `skip` for what follows.
   */
  async cone(index: number, options: ConeOptions = {}): Promise<Uint8Array[]> {
    const blocks: Uint8Array[] = [];
    const skip = options.skip ?? 0;
    let bytes = 0;
    for (;;) {
      const answer = await this.#askUntilAnswered({
        body: { type: 'get-cone', index, skip: skip + blocks.length },
        maxItems: MAX_CONE,
        options,
        hasIt: (session) => hasMilestone(session, index),
      });
      for (const block of answer.items) {
        blocks.push(block);
        bytes += block.length;
      }
      const enough = bytes >= MAX_CONE_BYTES || skip + blocks.length >= MAX_CONE;
      if (answer.complete || answer.items.length === 0 || enough) return blocks;
    }
  }

  /** Wakes the requests that wait for a place: a peer came, or a request ended. */
  wake(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const resolve of waiting) resolve();
  }

  stop(): void {
    this.#stopped = true;
    this.wake();
  }

  async #askUntilAnswered(ask: Ask): Promise<Answer> {
    const asked = new Set<PeerKey>();
    let failure: RequestFailure | undefined;
    let empty: Answer | undefined;
    for (;;) {
      const next = await this.#askNext(ask, asked);
      if (next === undefined) break;
      failure = next.failure ?? failure;
      if (next.answer === undefined) continue;
      if (next.answer.items.length > 0) return next.answer;
      empty = next.answer;
    }
    if (empty === undefined) throw unanswered(failure);
    return empty;
  }

  /** Asks the next peer that was not asked yet; undefined when there is none left. */
  async #askNext(
    ask: Ask,
    asked: Set<PeerKey>,
  ): Promise<{ session: PeerSession; answer?: Answer; failure?: RequestFailure } | undefined> {
    const begun = await this.#begin(ask, asked);
    if (begun === undefined) return undefined;
    const { session } = begun;
    asked.add(session.key);
    const result = await begun.result;
    this.wake();
    if (result.ok) {
      this.#deps.metrics.count('request-answered');
      return { session, answer: result.answer };
    }
    if (result.failure === 'aborted') throw new NetworkError('aborted', 'request aborted');
    this.#deps.metrics.count(
      result.failure === 'timed-out' ? 'request-timed-out' : 'request-failed',
    );
    return { session, failure: result.failure };
  }

  /**
   * Sends the request to the next peer with a free place, in the same turn in which it finds it;
   * waits for a place when all that can serve are busy. Undefined when nobody is left.
   */
  async #begin(
    ask: Ask,
    asked: ReadonlySet<PeerKey>,
  ): Promise<{ session: PeerSession; result: Promise<RequestResult> } | undefined> {
    for (;;) {
      if (this.#stopped) throw new NetworkError('stopped', 'network stopped');
      if (ask.options.signal?.aborted) throw new NetworkError('aborted', 'request aborted');
      const able = this.#deps
        .sessions()
        .filter((s) => !asked.has(s.key) && s.outbound?.ended === false);
      if (able.length === 0) return undefined;
      const likely = able.filter(ask.hasIt);
      const free = (likely.length > 0 ? likely : able).filter(
        (s) => s.inFlight < this.#limits.maxInFlightPerPeer,
      );
      const session = this.#pick(free, ask.options.peer);
      if (session !== undefined) {
        this.#deps.metrics.count('request-sent');
        return { session, result: session.request(ask.body, ask.maxItems, ask.options.signal) };
      }
      await this.#waitForPlace(ask.options.signal);
    }
  }

  #pick(free: readonly PeerSession[], preferred: PeerKey | undefined): PeerSession | undefined {
    this.#turn = (this.#turn + 1) % 0x1_0000_0000;
    return free.find((s) => s.key === preferred) ?? free[this.#turn % free.length];
  }

  async #waitForPlace(signal: AbortSignal | undefined): Promise<void> {
    if (this.#waiting.size >= this.#limits.maxWaitingRequests) {
      throw new NetworkError('busy', 'too many requests wait for peers');
    }
    await new Promise<void>((resolve) => {
      const finish = (): void => {
        signal?.removeEventListener('abort', finish);
        this.#waiting.delete(finish);
        resolve();
      };
      this.#waiting.add(finish);
      signal?.addEventListener('abort', finish);
    });
  }
}

/** Moves the blocks that were asked for to `found`; false when one was not asked for. */
function takeAsked(
  items: readonly Uint8Array[],
  missing: Set<BlockId>,
  found: Uint8Array[],
  hasher: Hasher,
): boolean {
  for (const bytes of items) {
    if (!missing.delete(blockIdOf(bytes, hasher))) return false;
    found.push(bytes);
  }
  return true;
}

function hasMilestone(session: PeerSession, index: number): boolean {
  const { status } = session;
  return status !== undefined && index > status.prunedIndex && index <= status.latestIndex;
}

/** An empty answer is an answer; silence from everyone is an error with its reason. */
function unanswered(failure: RequestFailure | undefined): NetworkError {
  if (failure === undefined) return new NetworkError('no-peers', 'no peer is connected');
  if (failure === 'timed-out') return new NetworkError('timed-out', 'no peer answered in time');
  return new NetworkError('no-peers', `no peer answered: ${failure}`);
}
