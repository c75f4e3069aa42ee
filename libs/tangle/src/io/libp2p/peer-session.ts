/**
 * What a node holds about one connected peer: its connection, the stream for our own requests, its
 * last STATUS, when it was heard last, and counters. requester.ts and responder.ts work on it;
 * sync-service.ts makes and ends it. Spec: docs/spec/07-gossip.md, "Request protocol".
 */
import { encodeFrame } from '../../core/codec/frame.ts';
import type { AnswerType, Frame, SyncStatus } from '../../core/codec/frame.ts';
import type { FrameChannel } from './frame-channel.ts';
import type { Answer } from './answer.ts';
import { AnswerCollector } from './answer.ts';
import type { AnswerTiming } from './peer-performance.ts';
import type { PeerCounters, PeerId, PeerKey } from './types.ts';

/** Why a request brought no answer. */
export type RequestFailure = 'timed-out' | 'refused' | 'ended' | 'invalid' | 'aborted';

export type RequestResult =
  | { readonly ok: true; readonly answer: Answer; readonly timing: AnswerTiming }
  | { readonly ok: false; readonly failure: RequestFailure };

/** A request without its id, which the session adds. */
export type RequestBody =
  | { readonly type: 'get-blocks'; readonly ids: Extract<Frame, { type: 'get-blocks' }>['ids'] }
  | { readonly type: 'get-milestones'; readonly fromIndex: number; readonly count: number }
  | { readonly type: 'get-cones'; readonly fromIndex: number; readonly count: number }
  | { readonly type: 'get-cone'; readonly index: number; readonly skip: number }
  | Omit<Extract<Frame, { type: 'get-consensus' }>, 'requestId'>;

export interface RequestDetails {
  /** Items of the longest answer that is taken. */
  readonly maxItems: number;
  /** Bytes of these items; 4 MiB unless said otherwise. */
  readonly maxBytes?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called when the answer begins. */
  readonly onFirstFrame?: () => void;
}

const ANSWER_OF = {
  'get-blocks': 'blocks',
  'get-milestones': 'milestones',
  'get-cones': 'cones',
  'get-cone': 'blocks',
  'get-consensus': 'consensus',
} as const satisfies Record<RequestBody['type'], AnswerType>;

interface Pending {
  readonly expects: AnswerType;
  readonly collector: AnswerCollector;
  readonly startedMs: number;
  /** When the first frame came. */
  firstMs: number | undefined;
  /** When silence becomes too long. */
  idleMs: number;
  readonly onFirstFrame: (() => void) | undefined;
  readonly settle: (result: RequestResult) => void;
}

export interface RequestTimes {
  readonly requestTimeoutMs: number;
  readonly answerTimeoutMs: number;
  readonly minAnswerBytesPerSecond: number;
  readonly nowMs: () => number;
}

/** Requests in a row without an answer after which a peer counts as dead. */
const MAX_TIMEOUTS_IN_A_ROW = 3;

export class PeerSession {
  readonly key: PeerKey;
  readonly peerId: PeerId;
  readonly connectedMs: number;
  readonly counters: PeerCounters = {
    packsReceived: 0,
    blocksReceived: 0,
    milestonesReceived: 0,
    rejected: 0,
    requestsSent: 0,
    requestsTimedOut: 0,
    requestsServed: 0,
    bytesServed: 0,
  };
  status: SyncStatus | undefined;
  /** When anything arrived last, on the owner's clock. */
  heardMs: number;
  /** The stream for our requests and our STATUS; undefined while it is being opened. */
  outbound: FrameChannel | undefined;
  /** The stream on which the peer asks. */
  inbound: FrameChannel | undefined;
  readonly #times: RequestTimes;
  readonly #pending = new Map<number, Pending>();
  #nextRequestId = 1;
  #timeoutsInARow = 0;

  constructor(peerId: PeerId, times: RequestTimes) {
    this.peerId = peerId;
    this.key = peerId.toString();
    this.#times = times;
    this.connectedMs = Date.now();
    this.heardMs = times.nowMs();
  }

  /** Requests under way. */
  get inFlight(): number {
    return this.#pending.size;
  }

  get isDead(): boolean {
    return this.#timeoutsInARow >= MAX_TIMEOUTS_IN_A_ROW;
  }

  /** Sends a request; always resolves. The time-outs run in `sweep`. */
  async request(body: RequestBody, details: RequestDetails): Promise<RequestResult> {
    const { maxItems, maxBytes, signal, onFirstFrame } = details;
    const channel = this.outbound;
    if (channel === undefined || channel.ended) return { ok: false, failure: 'ended' };
    const requestId = this.#nextRequestId;
    this.#nextRequestId = requestId === 0xffff_ffff ? 1 : requestId + 1;
    return await new Promise<RequestResult>((resolve) => {
      const onAbort = (): void => this.#settle(requestId, { ok: false, failure: 'aborted' });
      const nowMs = this.#times.nowMs();
      this.#pending.set(requestId, {
        expects: ANSWER_OF[body.type],
        collector: new AnswerCollector({
          maxItems,
          maxBytes,
          mayBeCutEmpty: body.type === 'get-cones',
        }),
        startedMs: nowMs,
        firstMs: undefined,
        onFirstFrame,
        idleMs: nowMs + this.#times.requestTimeoutMs,
        settle: (result) => {
          signal?.removeEventListener('abort', onAbort);
          resolve(result);
        },
      });
      signal?.addEventListener('abort', onAbort);
      this.counters.requestsSent += 1;
      channel.send(encodeFrame({ ...body, requestId }));
    });
  }

  /**
   * Takes a frame of an answer; false when it breaks the protocol. A frame for a request that has
   * timed out or was aborted is dropped: it was asked for.
   */
  onAnswer(frame: Frame): boolean {
    if (frame.type !== 'error' && !isAnswer(frame)) return false;
    const pending = this.#pending.get(frame.requestId);
    if (pending === undefined) return frame.requestId < this.#nextRequestId;
    if (frame.type === 'error') {
      this.#timeoutsInARow = 0;
      this.#settle(frame.requestId, { ok: false, failure: 'refused' });
      return true;
    }
    if (frame.type !== pending.expects) return this.#fail(frame.requestId);
    const nowMs = this.#times.nowMs();
    pending.idleMs = nowMs + this.#times.requestTimeoutMs;
    if (pending.firstMs === undefined) {
      pending.firstMs = nowMs;
      pending.onFirstFrame?.();
    }
    const progress = pending.collector.add({ items: frame.items, end: frame.end });
    if (progress === 'more') return true;
    if (progress === 'invalid') return this.#fail(frame.requestId);
    this.#timeoutsInARow = 0;
    const timing = {
      firstFrameMs: pending.firstMs - pending.startedMs,
      totalMs: nowMs - pending.startedMs,
      bytes: pending.collector.bytes,
    };
    this.#settle(frame.requestId, { ok: true, answer: progress, timing });
    return true;
  }

  /** Ends the requests whose time is over; returns how many. */
  sweep(): number {
    const nowMs = this.#times.nowMs();
    let timedOut = 0;
    for (const [requestId, pending] of this.#pending) {
      if (!this.#isLate(pending, nowMs)) continue;
      timedOut += 1;
      this.#timeoutsInARow += 1;
      this.counters.requestsTimedOut += 1;
      this.#settle(requestId, { ok: false, failure: 'timed-out' });
    }
    return timedOut;
  }

  /** The outbound stream ended: nothing of what is under way will be answered. */
  endRequests(): void {
    for (const requestId of this.#pending.keys()) {
      this.#settle(requestId, { ok: false, failure: 'ended' });
    }
  }

  /**
   * Silent for too long, too long in all, or so slow that it only holds its place: a peer that
   * sends a little now and then is never silent.
   */
  #isLate(pending: Pending, nowMs: number): boolean {
    const { requestTimeoutMs, answerTimeoutMs, minAnswerBytesPerSecond } = this.#times;
    const elapsedMs = nowMs - pending.startedMs;
    if (nowMs >= pending.idleMs || elapsedMs >= answerTimeoutMs) return true;
    const least = (minAnswerBytesPerSecond * elapsedMs) / 1_000;
    return elapsedMs >= requestTimeoutMs && pending.collector.bytes < least;
  }

  #fail(requestId: number): false {
    this.#settle(requestId, { ok: false, failure: 'invalid' });
    return false;
  }

  #settle(requestId: number, result: RequestResult): void {
    const pending = this.#pending.get(requestId);
    if (pending === undefined) return;
    this.#pending.delete(requestId);
    pending.settle(result);
  }
}

const ANSWERS: ReadonlySet<string> = new Set(Object.values(ANSWER_OF));

function isAnswer(frame: Frame): frame is Extract<Frame, { type: AnswerType }> {
  return ANSWERS.has(frame.type);
}
