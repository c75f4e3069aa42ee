/**
 * Answers what peers ask: bounded per peer by requests per second, by bytes per second and by
 * requests at once; answers leave in frames of 64 KiB, each of which waits for the peer to read.
 * Before: frame-channel.ts; after: the handlers of `apps/node`.
 * Spec: docs/spec/07-gossip.md, "Request protocol".
 */
import {
  ANSWER_FRAME_SIZE,
  encodeFrame,
  MAX_ANSWER_SIZE,
  MAX_CONSENSUS_ANSWER,
  MAX_CONSENSUS_ANSWER_ITEMS,
  MAX_FRAME_ITEMS,
} from '../../core/codec/frame.ts';
import type { AnswerEnd, AnswerType, Frame } from '../../core/codec/frame.ts';
import { errorFields } from '../logger.ts';
import type { Logger } from '../logger.ts';
import type { FrameChannel } from './frame-channel.ts';
import type { PeerSession } from './peer-session.ts';
import { TokenBucket } from '../token-bucket.ts';
import { withinTime } from '../within-time.ts';
import type { NetworkHandlers, NetworkLimits, NetworkMetrics, PeerKey } from './types.ts';
import type { Finding } from './verdicts.ts';

type Request = Extract<
  Frame,
  { type: 'get-blocks' | 'get-milestones' | 'get-cones' | 'get-cone' | 'get-consensus' }
>;

const ANSWER_OF = {
  'get-blocks': 'blocks',
  'get-milestones': 'milestones',
  'get-cones': 'cones',
  'get-cone': 'blocks',
  'get-consensus': 'consensus',
} as const satisfies Record<Request['type'], AnswerType>;

export interface ResponderDeps {
  readonly handlers: Pick<
    NetworkHandlers,
    'getBlocks' | 'getMilestones' | 'getCone' | 'getCones' | 'getConsensus'
  >;
  readonly report: (session: PeerSession, finding: Finding) => void;
  readonly logger: Logger;
  readonly metrics: NetworkMetrics;
  readonly nowMs: () => number;
}

interface Budget {
  readonly requests: TokenBucket;
  readonly bytes: TokenBucket;
  serving: number;
}

/** Budgets outlive connections, so that reconnecting does not refill them; so many are kept. */
const MAX_BUDGETS = 1_024;
/** Answers that one peer may draw at once while half of all places are taken. */
const CROWDED_PLACES = 2;

export class Responder {
  readonly #limits: NetworkLimits;
  readonly #deps: ResponderDeps;
  readonly #budgets = new Map<PeerKey, Budget>();
  readonly #stop = new AbortController();
  #serving = 0;

  constructor(limits: NetworkLimits, deps: ResponderDeps) {
    this.#limits = limits;
    this.#deps = deps;
  }

  /** Requests that are being answered. */
  get serving(): number {
    return this.#serving;
  }

  /** Takes a frame of the peer's stream; false when it has no place there. */
  onFrame(session: PeerSession, channel: FrameChannel, frame: Frame): boolean {
    if (frame.type === 'status') {
      session.status = frame.status;
      return true;
    }
    if (!isRequest(frame)) return false;
    const budget = this.#budget(session.key);
    if (!this.#admit(session, budget)) {
      this.#deps.metrics.count('request-refused');
      channel.send(encodeFrame({ type: 'error', requestId: frame.requestId, reason: 'busy' }));
      return true;
    }
    void this.#serve(session, budget, channel, frame);
    return true;
  }

  /** Ends the answers under way. */
  stop(): void {
    this.#stop.abort();
  }

  #admit(session: PeerSession, budget: Budget): boolean {
    const nowMs = this.#deps.nowMs();
    if (!budget.requests.take(1, nowMs)) {
      this.#deps.report(session, 'request-flood');
      return false;
    }
    return budget.serving < this.#places() && budget.bytes.take(0, nowMs);
  }

  /** Answers that one peer may draw at once: few while many peers ask, none beyond the bound. */
  #places(): number {
    const { maxInFlightPerPeer, maxServing } = this.#limits;
    if (this.#serving >= maxServing) return 0;
    return this.#serving * 2 >= maxServing ? CROWDED_PLACES : maxInFlightPerPeer;
  }

  #budget(peer: PeerKey): Budget {
    const old = this.#budgets.get(peer);
    if (old !== undefined) return old;
    const nowMs = this.#deps.nowMs();
    const { requestsPerSecond, requestsBurst, answerBytesPerSecond, answerBytesBurst } =
      this.#limits;
    const budget: Budget = {
      requests: new TokenBucket(requestsPerSecond, requestsBurst, nowMs),
      bytes: new TokenBucket(answerBytesPerSecond, answerBytesBurst, nowMs),
      serving: 0,
    };
    this.#budgets.set(peer, budget);
    if (this.#budgets.size > MAX_BUDGETS) this.#forgetIdle();
    return budget;
  }

  #forgetIdle(): void {
    for (const [peer, budget] of this.#budgets) {
      if (budget.serving > 0) continue;
      this.#budgets.delete(peer);
      return;
    }
  }

  async #serve(
    session: PeerSession,
    budget: Budget,
    channel: FrameChannel,
    request: Request,
  ): Promise<void> {
    budget.serving += 1;
    this.#serving += 1;
    try {
      const answer = await this.#load(request);
      const bytes = await this.#send(channel, request, answer.items, answer.end);
      // What was read from the disk and found too large cost as much as a whole answer.
      const isTooLarge = answer.end === 'cut' && answer.items.length === 0;
      budget.bytes.charge(isTooLarge ? MAX_ANSWER_SIZE : bytes);
      session.counters.requestsServed += 1;
      session.counters.bytesServed += bytes;
      this.#deps.metrics.count('request-served');
    } catch (error) {
      // A peer that went away or reads too slowly, or our own store: never the process's end.
      this.#deps.logger.debug({ peer: session.key, ...errorFields(error) }, 'request not answered');
      if (!channel.ended) this.#refuse(channel, request, error);
    } finally {
      budget.serving -= 1;
      this.#serving -= 1;
    }
  }

  #refuse(channel: FrameChannel, request: Request, error: unknown): void {
    // Half an answer cannot be taken back: a slow reader loses the stream.
    if (error instanceof AnswerSendError) channel.abort('answer not read in time');
    else
      channel.send(encodeFrame({ type: 'error', requestId: request.requestId, reason: 'failed' }));
  }

  async #load(request: Request): Promise<{ items: Uint8Array[]; end: AnswerEnd }> {
    const { handlers } = this.#deps;
    switch (request.type) {
      case 'get-blocks':
        return cutToLimit(await handlers.getBlocks(request.ids), MAX_ANSWER_SIZE);
      case 'get-milestones': {
        const items = await handlers.getMilestones(request.fromIndex, request.count);
        return cutToLimit(items.slice(0, request.count), MAX_ANSWER_SIZE);
      }
      case 'get-cones': {
        const { fromIndex, count } = request;
        const found = await handlers.getCones(fromIndex, count, MAX_ANSWER_SIZE);
        return { items: joinCones(found.cones), end: found.isTooLarge ? 'cut' : 'complete' };
      }
      case 'get-consensus': {
        const { epoch, views, ids } = request;
        const items = await handlers.getConsensus(epoch, views, ids);
        const answered = items.slice(0, MAX_CONSENSUS_ANSWER_ITEMS);
        // There is no rest to ask for: the agreement repeats what is still needed.
        return { items: cutToLimit(answered, MAX_CONSENSUS_ANSWER).items, end: 'complete' };
      }
      default: {
        const items = await handlers.getCone(request.index, request.skip, MAX_ANSWER_SIZE);
        return cutToLimit(items, MAX_ANSWER_SIZE);
      }
    }
  }

  async #send(
    channel: FrameChannel,
    request: Request,
    items: readonly Uint8Array[],
    end: AnswerEnd,
  ): Promise<number> {
    const type = ANSWER_OF[request.type];
    let bytes = 0;
    try {
      await withinTime(this.#limits.answerTimeoutMs, [this.#stop.signal], async (signal) => {
        for (const part of framesOf(items, end)) {
          const frame = encodeFrame({ type, requestId: request.requestId, ...part });
          bytes += frame.length;
          await channel.sendWithDrain(frame, signal);
        }
      });
    } catch (error) {
      throw new AnswerSendError(error);
    }
    return bytes;
  }
}

class AnswerSendError extends Error {
  constructor(cause: unknown) {
    super('answer not sent', { cause });
    this.name = 'AnswerSendError';
  }
}

function isRequest(frame: Frame): frame is Request {
  return Object.hasOwn(ANSWER_OF, frame.type);
}

const CONE_END = new Uint8Array();

/** Cones one after the other, each ended by an item without bytes. */
function joinCones(cones: readonly (readonly Uint8Array[])[]): Uint8Array[] {
  const items: Uint8Array[] = [];
  for (const cone of cones) {
    for (const block of cone) items.push(block);
    items.push(CONE_END);
  }
  return items;
}

function cutToLimit(
  items: readonly Uint8Array[],
  maxBytes: number,
): { items: Uint8Array[]; end: AnswerEnd } {
  let bytes = 0;
  const kept: Uint8Array[] = [];
  for (const item of items) {
    bytes += item.length;
    if (bytes > maxBytes) return { items: kept, end: 'cut' };
    kept.push(item);
  }
  return { items: kept, end: 'complete' };
}

/** Splits an answer into frames of about 64 KiB; an empty answer is one empty frame. */
function* framesOf(
  items: readonly Uint8Array[],
  end: AnswerEnd,
): Generator<{ end: AnswerEnd; items: Uint8Array[] }> {
  let frame: Uint8Array[] = [];
  let bytes = 0;
  for (const item of items) {
    const full = frame.length === MAX_FRAME_ITEMS || bytes + item.length > ANSWER_FRAME_SIZE;
    if (full && frame.length > 0) {
      yield { end: 'more', items: frame };
      frame = [];
      bytes = 0;
    }
    frame.push(item);
    bytes += item.length;
  }
  yield { end, items: frame };
}
