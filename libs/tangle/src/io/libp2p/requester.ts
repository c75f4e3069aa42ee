/**
 * Asks peers for blocks, milestones, cones and what they know of the agreement. Requests wait in
 * one line per priority; a free place goes to the most urgent one. Peers take turns by how they did
 * (peer-performance.ts), each as often as it allows (ask-budgets.ts). A request whose answer does
 * not begin is sent to a second peer too; the first answer counts. Before: `apps/node/src/sync`;
 * after: peer-session.ts, frame-channel.ts. Spec: docs/spec/13-sync.md §3.
 */
import { blockIdOf } from '../../core/codec/block.ts';
import { decodeConsensusMessage } from '../../core/codec/consensus.ts';
import { MAX_CONSENSUS_ANSWER, MAX_CONSENSUS_ANSWER_ITEMS } from '../../core/codec/frame.ts';
import type { BlockId, MilestoneId } from '../../core/codec/ids.ts';
import { assert } from '../../core/outcome.ts';
import {
  MAX_CONE,
  MAX_REQUEST_IDS,
  MAX_REQUEST_MILESTONES,
  MAX_REQUEST_PROPOSALS,
  MAX_REQUEST_VIEWS,
} from '../../core/params/limits.ts';
import type { Hasher } from '../../core/ports.ts';
import type { Answer } from './answer.ts';
import { AskBudgets } from './ask-budgets.ts';
import { PeerRota } from './peer-performance.ts';
import type { PeerSession, RequestBody, RequestFailure, RequestResult } from './peer-session.ts';
import { RequestLines, type Waiting } from './request-lines.ts';
import { NetworkError } from './types.ts';
import type {
  NetworkLimits,
  NetworkMetrics,
  PeerKey,
  RequestCounts,
  RequestPriority,
} from './types.ts';
import type { Finding } from './verdicts.ts';

export interface RequestOptions {
  /** `background` unless said otherwise. */
  readonly priority?: RequestPriority;
  /** Asks this peer first (for instance the one that sent the child of a missing block). */
  readonly peer?: PeerKey;
  /** Asks no other peer than `peer`. */
  readonly only?: boolean;
  /** Peers that are not asked, for instance because their last answer was wrong. */
  readonly except?: ReadonlySet<PeerKey>;
  /** Told of each peer that the request goes to. */
  readonly onSent?: (peer: PeerKey) => void;
  readonly signal?: AbortSignal;
}

export interface ConeOptions extends RequestOptions {
  /** Blocks of the cone that the caller has already, counted in white-flag order. */
  readonly skip?: number;
}

/** What one peer answered; `peer` is who is at fault if it is wrong. */
export interface Answered {
  readonly items: Uint8Array[];
  /** False when the peer cut the answer at its size limit: there is more to ask for. */
  readonly complete: boolean;
  readonly peer: PeerKey;
}

/** Whole cones, in the order of their milestones. */
export interface AnsweredCones {
  readonly cones: Uint8Array[][];
  readonly peer: PeerKey;
}

/** What is asked of the agreement; what goes beyond 16 of each is left for a later request. */
export interface WantedConsensus {
  readonly epoch: number;
  readonly views: readonly bigint[];
  /** Milestones whose proposals are wanted. */
  readonly ids: readonly MilestoneId[];
}

export interface RequesterDeps {
  /** Connected peers in a stable order. */
  readonly sessions: () => readonly PeerSession[];
  /** Those of them that know requests for the agreement. */
  readonly consensusPeers: () => ReadonlySet<PeerKey>;
  readonly report: (session: PeerSession, finding: Finding) => void;
  readonly hasher: Hasher;
  readonly metrics: NetworkMetrics;
  readonly nowMs: () => number;
}

interface Ask {
  readonly body: RequestBody;
  readonly maxItems: number;
  /** 4 MiB unless said otherwise. */
  readonly maxBytes?: number;
  readonly options: RequestOptions;
  /** What the peer's STATUS says: `no` is never asked, `maybe` after all that say yes. */
  readonly hasIt: (session: PeerSession) => 'yes' | 'maybe' | 'no';
  /** Peers that may be asked at all; every one unless said otherwise. */
  readonly among?: () => ReadonlySet<PeerKey>;
  /** Whose turn it is; by how they did unless said otherwise. */
  readonly rota?: PeerRota;
}

/** A request on its way to one peer. */
interface Attempt {
  readonly session: PeerSession;
  readonly firstFrame: Promise<void>;
  readonly done: Promise<Done>;
}

interface Done {
  readonly session: PeerSession;
  readonly result: RequestResult;
}

/** Places of a peer, and of all, that requests for later milestones leave to what is urgent. */
const RESERVED_PLACES = 2;

export class Requester {
  readonly #limits: NetworkLimits;
  readonly #deps: RequesterDeps;
  readonly #lines: RequestLines<Ask, Attempt>;
  readonly #rota = new PeerRota();
  /** Even turns: nothing is booked here. */
  readonly #evenRota = new PeerRota();
  readonly #budgets: AskBudgets;
  /** Looks for free places when a budget has grown again. */
  #waking: { readonly atMs: number; readonly timer: NodeJS.Timeout } | undefined;
  #failed = 0;
  #stopped = false;

  constructor(limits: NetworkLimits, deps: RequesterDeps) {
    this.#limits = limits;
    this.#deps = deps;
    this.#lines = new RequestLines(limits.maxWaitingRequests);
    this.#budgets = new AskBudgets(limits);
  }

  /** Requests by state; `serving` is the responder's. */
  counts(): Omit<RequestCounts, 'serving'> {
    const { size, sizes } = this.#lines;
    return { queued: size, queuedBy: sizes, pending: this.#inFlight(), failed: this.#failed };
  }

  /**
   * The blocks among `ids` (1–256, unique) that peers have, in no particular order. Asks one peer
   * after the other until all are found or every peer was asked. Answers are held to the ids.
   */
  async blocks(ids: readonly BlockId[], options: RequestOptions = {}): Promise<Uint8Array[]> {
    if (ids.length > MAX_REQUEST_IDS) throw new NetworkError('too-large', 'more than 256 ids');
    const missing = new Set(ids);
    const found: Uint8Array[] = [];
    const asked = new Set<PeerKey>(options.except);
    let failure: RequestFailure | undefined;
    let answered = false;
    while (missing.size > 0) {
      const ask: Ask = {
        body: { type: 'get-blocks', ids: [...missing] },
        maxItems: missing.size,
        options,
        hasIt: () => 'yes',
      };
      const next = await this.#askNext(ask, asked);
      if (next === undefined) break;
      failure = next.failure ?? failure;
      const before = missing.size;
      const { answer, session } = next;
      if (answer === undefined) continue;
      answered = true;
      if (!takeAsked(answer.items, missing, found, this.#deps.hasher)) {
        this.#onInvalid(session);
      } else if (!answer.complete && missing.size < before) asked.delete(session.key);
    }
    if (!answered && ids.length > 0) throw unanswered(failure);
    return found;
  }

  /**
   * Encoded milestones `from` … without a gap, at most `count` (1–64); empty when nobody has any.
   */
  async milestones(from: number, count: number, options: RequestOptions = {}): Promise<Answered> {
    if (count > MAX_REQUEST_MILESTONES) throw new NetworkError('too-large', 'more than 64');
    return await this.#askUntilAnswered({
      body: { type: 'get-milestones', fromIndex: from, count },
      maxItems: count,
      options,
      hasIt: (session) => hasMilestone(session, from),
    });
  }

  /**
   * The whole cones of milestones `from` … of one peer, at most `count` (1–64) and 4 MiB; none when
   * the first does not fit ({@link cone} then) or nobody has it.
   */
  async cones(from: number, count: number, options: RequestOptions = {}): Promise<AnsweredCones> {
    if (count > MAX_REQUEST_MILESTONES) throw new NetworkError('too-large', 'more than 64');
    const answered = await this.#askUntilAnswered({
      body: { type: 'get-cones', fromIndex: from, count },
      maxItems: MAX_CONE + count,
      options,
      hasIt: (session) => hasMilestone(session, from),
    });
    const { peer } = answered;
    const cones = splitCones(answered.items);
    if (cones !== undefined && cones.length <= count) return { cones, peer };
    const session = this.#deps.sessions().find(({ key }) => key === peer);
    if (session !== undefined) this.#onInvalid(session);
    return { cones: [], peer };
  }

  /**
   * A part of the blocks that milestone `index` newly references, in white-flag order from `skip`
   * on: at most 4 MiB of one peer; empty when nobody has them. `complete`: it was the last part.
   */
  async cone(index: number, options: ConeOptions = {}): Promise<Answered> {
    return await this.#askUntilAnswered({
      body: { type: 'get-cone', index, skip: options.skip ?? 0 },
      maxItems: MAX_CONE,
      options,
      hasIt: (session) => hasMilestone(session, index),
    });
  }

  /**
   * What one peer knows of views of the agreement and of proposals: encoded messages, which may be
   * none. Only peers that subscribe to the agreement are asked, each in its turn however fast it
   * is, for a quick answer says nothing about what it is worth; the next one if that one fails.
   * Answers are held to their form.
   */
  async consensus(wanted: WantedConsensus, options: RequestOptions = {}): Promise<Answered> {
    const { epoch } = wanted;
    const views = wanted.views.slice(0, MAX_REQUEST_VIEWS);
    const ids = wanted.ids.slice(0, MAX_REQUEST_PROPOSALS);
    assert(views.length + ids.length > 0, 'something is asked for');
    const ask: Ask = {
      body: { type: 'get-consensus', epoch, views, ids },
      maxItems: MAX_CONSENSUS_ANSWER_ITEMS,
      maxBytes: MAX_CONSENSUS_ANSWER,
      options: { priority: 'milestone', ...options },
      hasIt: () => 'maybe',
      among: this.#deps.consensusPeers,
      rota: this.#evenRota,
    };
    const asked = new Set<PeerKey>(options.except);
    let failure: RequestFailure | undefined;
    for (;;) {
      const next = await this.#askNext(ask, asked);
      if (next === undefined) throw unanswered(failure);
      failure = next.failure ?? failure;
      const { answer, session } = next;
      if (answer === undefined) continue;
      const isGood = answer.items.every((bytes) => decodeConsensusMessage(bytes).ok);
      if (isGood) return { ...answer, peer: session.key };
      this.#onInvalid(session);
    }
  }

  /** An answer of this peer turned out to be worth nothing: others are asked more. */
  noteFault(peer: PeerKey): void {
    this.#rota.performance(peer).noteFailure(this.#deps.nowMs());
  }

  /** Looks for free places: a peer came or told its status, or a request ended. */
  wake(): void {
    this.#lines.serve(({ ask, asked }) => this.#tryBegin(ask, asked));
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#waking?.timer);
    this.#lines.fail(new NetworkError('stopped', 'network stopped'));
  }

  async #askUntilAnswered(ask: Ask): Promise<Answered> {
    const asked = new Set<PeerKey>(ask.options.except);
    let failure: RequestFailure | undefined;
    let empty: Answered | undefined;
    for (;;) {
      const next = await this.#askNext(ask, asked);
      if (next === undefined) break;
      failure = next.failure ?? failure;
      const { answer, session } = next;
      if (answer === undefined) continue;
      const answered = { ...answer, peer: session.key };
      if (bringsSomething(answer)) return answered;
      empty = answered;
    }
    if (empty === undefined) throw unanswered(failure);
    return empty;
  }

  /**
   * Asks the next peer that was not asked yet, and a second one when the first does not begin to
   * answer; undefined when there is none left.
   */
  async #askNext(
    ask: Ask,
    asked: Set<PeerKey>,
  ): Promise<{ session: PeerSession; answer?: Answer; failure?: RequestFailure } | undefined> {
    const first = await this.#begin(ask, asked);
    if (first === undefined) return undefined;
    asked.add(first.session.key);
    const { session, result } = await this.#race(first, ask, asked);
    if (result.ok) return { session, answer: result.answer };
    if (result.failure === 'aborted') throw new NetworkError('aborted', 'request aborted');
    return { session, failure: result.failure };
  }

  /**
   * The first of two attempts that brings something. The other one goes on in its peer's place: the
   * peer is still sending it, and its time counts for the peer's next turns.
   */
  async #race(first: Attempt, ask: Ask, asked: Set<PeerKey>): Promise<Done> {
    const begun = await within(this.#limits.hedgeMs, first.firstFrame);
    const second = begun || ask.options.only === true ? undefined : this.#tryBegin(ask, asked);
    if (second === undefined || typeof second === 'string') return await first.done;
    asked.add(second.session.key);
    this.#deps.metrics.count('request-hedged');
    const one = await Promise.race([first.done, second.done]);
    const isGood = one.result.ok && bringsSomething(one.result.answer);
    if (isGood || (!one.result.ok && one.result.failure === 'aborted')) return one;
    const other = await (one.session === first.session ? second.done : first.done);
    return other.result.ok || !one.result.ok ? other : one;
  }

  /**
   * Sends the request to the next peer with a free place; waits in line while all that can serve
   * are busy. Undefined when nobody is left.
   */
  async #begin(ask: Ask, asked: ReadonlySet<PeerKey>): Promise<Attempt | undefined> {
    if (this.#stopped) throw new NetworkError('stopped', 'network stopped');
    if (ask.options.signal?.aborted === true) throw new NetworkError('aborted', 'request aborted');
    const begun = this.#tryBegin(ask, asked);
    if (begun === 'nobody') return undefined;
    if (begun !== 'busy') return begun;
    const waiting: Waiting<Ask> = { ask, asked };
    return await this.#lines.wait(waiting, priorityOf(ask), ask.options.signal);
  }

  #tryBegin(ask: Ask, asked: ReadonlySet<PeerKey>): Attempt | 'busy' | 'nobody' {
    const among = ask.among?.();
    const able = this.#deps
      .sessions()
      .filter((session) => isAble(session, ask, asked) && among?.has(session.key) !== false);
    if (able.length === 0) return 'nobody';
    const free = this.#free(able, ask);
    const key =
      free.find((session) => session.key === ask.options.peer)?.key ??
      (ask.rota ?? this.#rota).next(
        free.map((session) => session.key),
        this.#deps.nowMs(),
      );
    const session = free.find((one) => one.key === key);
    return session === undefined ? 'busy' : this.#send(session, ask);
  }

  /** Those that most likely have it, as far as they have a place for a request of this priority. */
  #free(able: readonly PeerSession[], ask: Ask): readonly PeerSession[] {
    const { maxInFlight, maxInFlightPerPeer } = this.#limits;
    const priority = priorityOf(ask);
    const canWait = priority === 'window' || priority === 'background';
    if (this.#inFlight() >= maxInFlight - (canWait ? RESERVED_PLACES : 0)) return [];
    const likely = able.filter((session) => ask.hasIt(session) === 'yes');
    const asked = likely.length > 0 ? likely : able;
    const keys = asked.map(({ key }) => key);
    const nowMs = this.#deps.nowMs();
    const places = this.#rota.places(keys, maxInFlightPerPeer, nowMs);
    const withPlace = asked.filter(({ key, inFlight }) => {
      const own = places.get(key) ?? 1;
      const reserved = canWait && own > RESERVED_PLACES ? RESERVED_PLACES : 0;
      return inFlight < own - reserved;
    });
    return this.#withBudget(withPlace, !canWait, nowMs);
  }

  /** Those that may be asked now; when none may, a look at the moment when the first may again. */
  #withBudget(
    sessions: readonly PeerSession[],
    isUrgent: boolean,
    nowMs: number,
  ): readonly PeerSession[] {
    const waits = sessions.map(({ key }) => this.#budgets.waitMs(key, isUrgent, nowMs));
    const ready = sessions.filter((_, position) => waits[position] === 0);
    if (ready.length === 0 && waits.length > 0) this.#wakeAt(nowMs + Math.min(...waits));
    return ready;
  }

  #wakeAt(atMs: number): void {
    if (this.#stopped || (this.#waking !== undefined && this.#waking.atMs <= atMs)) return;
    clearTimeout(this.#waking?.timer);
    const wake = (): void => {
      this.#waking = undefined;
      this.wake();
    };
    // Rounded up: a timer that rings too early would ring again and again.
    const timer = setTimeout(wake, Math.ceil(atMs - this.#deps.nowMs()));
    this.#waking = { atMs, timer: timer.unref() };
  }

  #send(session: PeerSession, ask: Ask): Attempt {
    this.#deps.metrics.count('request-sent');
    this.#budgets.noteAsked(session.key, this.#deps.nowMs());
    ask.options.onSent?.(session.key);
    const { promise: firstFrame, resolve: onFirstFrame } = Promise.withResolvers<void>();
    const { maxItems, maxBytes, options } = ask;
    const details = { maxItems, maxBytes, signal: options.signal, onFirstFrame };
    const done = session.request(ask.body, details).then((result) => {
      onFirstFrame();
      this.#note(session, ask, result);
      this.wake();
      return { session, result };
    });
    return { session, firstFrame, done };
  }

  #onInvalid(session: PeerSession): void {
    this.noteFault(session.key);
    this.#deps.report(session, 'answer-invalid');
  }

  /** Books how the peer did. */
  #note(session: PeerSession, ask: Ask, result: RequestResult): void {
    const { metrics, nowMs } = this.#deps;
    const performance = this.#rota.performance(session.key);
    if (result.ok) {
      metrics.count('request-answered');
      this.#budgets.noteAnswered(session.key, nowMs());
      performance.noteAnswer(result.timing, nowMs());
      // Its STATUS said that it has this, and then it had nothing.
      const isEmpty = !bringsSomething(result.answer);
      if (isEmpty && ask.body.type !== 'get-blocks' && ask.hasIt(session) === 'yes') {
        performance.noteFailure(nowMs());
      }
      return;
    }
    if (result.failure === 'aborted') return;
    this.#failed += 1;
    metrics.count(result.failure === 'timed-out' ? 'request-timed-out' : 'request-failed');
    // Who is busy rests for a moment, and is not taken for slow.
    if (result.failure === 'refused') this.#budgets.noteBusy(session.key, nowMs());
    else performance.noteFailure(nowMs());
  }

  #inFlight(): number {
    return this.#deps.sessions().reduce((sum, { inFlight }) => sum + inFlight, 0);
  }
}

function priorityOf({ options }: Ask): RequestPriority {
  return options.priority ?? 'background';
}

function isAble(session: PeerSession, ask: Ask, asked: ReadonlySet<PeerKey>): boolean {
  if (asked.has(session.key) || session.outbound?.ended !== false) return false;
  if (ask.options.only === true && session.key !== ask.options.peer) return false;
  return ask.hasIt(session) !== 'no';
}

/** False when the peer has nothing; one that says that the first item is too large has it. */
function bringsSomething({ items, complete }: Answer): boolean {
  return items.length > 0 || !complete;
}

/** True when `event` comes within the time. */
async function within(timeMs: number, event: Promise<void>): Promise<boolean> {
  const timeout = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => timeout.resolve(false), timeMs);
  timer.unref();
  const came = await Promise.race([event.then(() => true), timeout.promise]);
  clearTimeout(timer);
  return came;
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

/**
 * The cones of an answer, each ended by an item without bytes; undefined if the last one is not.
 */
function splitCones(items: readonly Uint8Array[]): Uint8Array[][] | undefined {
  const cones: Uint8Array[][] = [];
  let cone: Uint8Array[] = [];
  for (const item of items) {
    if (item.length > 0) cone.push(item);
    else {
      cones.push(cone);
      cone = [];
    }
  }
  return cone.length === 0 ? cones : undefined;
}

/** Who pruned it is not asked; who does not say that it has it, after those that do. */
function hasMilestone({ status }: PeerSession, index: number): 'yes' | 'maybe' | 'no' {
  if (status === undefined) return 'maybe';
  if (index <= status.prunedIndex) return 'no';
  return index <= status.solidIndex ? 'yes' : 'maybe';
}

/** An empty answer is an answer; silence from everyone is an error with its reason. */
function unanswered(failure: RequestFailure | undefined): NetworkError {
  if (failure === undefined) return new NetworkError('no-peers', 'no peer can be asked');
  if (failure === 'timed-out') return new NetworkError('timed-out', 'no peer answered in time');
  return new NetworkError('no-peers', `no peer answered: ${failure}`);
}
