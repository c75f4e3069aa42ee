/**
 * The event socket of a node: subscriptions that survive broken connections. After a reconnect
 * every topic is subscribed again, those about confirmed things from the last index that is known
 * to be complete, so that a consumer misses none; one that brings several events of a milestone may
 * bring some of them twice. Events are hints that something happened; facts are fetched and proven.
 * Spec: docs/spec/11-node-api.md, "Events".
 */
import { WebSocket } from 'ws';
import { errorFields, SILENT_LOGGER } from '../logger.ts';
import type { Logger } from '../logger.ts';
import {
  eventMessageDto,
  eventSchema,
  indexOfEvent,
  LAGGING_TOPIC,
  parseTopic,
  PRUNED_TOPIC,
  prunedEventDto,
  READY_TOPIC,
  readyEventDto,
} from './event-dto.ts';
import type { EventData, EventRequestDto, EventTopic } from './event-dto.ts';

export interface NodeEventsOptions {
  /** `ws://…/api/events/v1` or wss. */
  readonly url: string;
  readonly logger?: Logger;
  /** First and greatest pause between two connection attempts; default 500 ms and 30 s. */
  readonly minBackoffMs?: number;
  readonly maxBackoffMs?: number;
  /** A connection that is silent so long after a ping is dead; default 15 s. */
  readonly pingIntervalMs?: number;
}

type Handler = (data: unknown) => void;

interface Subscription {
  readonly handlers: Set<Handler>;
  /** Last index of which everything was seen, for topics that can be resumed. */
  since: number | undefined;
}

const MAX_MESSAGE_BYTES = 1 << 20;
const HANDSHAKE_TIMEOUT_MS = 10_000;

export class NodeEvents {
  readonly #options: Required<NodeEventsOptions>;
  readonly #subscriptions = new Map<string, Subscription>();
  #socket: WebSocket | undefined;
  #failures = 0;
  #alive = false;
  #closed = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #ping: ReturnType<typeof setInterval> | undefined;

  constructor(options: NodeEventsOptions) {
    this.#options = {
      logger: SILENT_LOGGER,
      minBackoffMs: 500,
      maxBackoffMs: 30_000,
      pingIntervalMs: 15_000,
      ...options,
    };
  }

  get connected(): boolean {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  /**
   * Calls `handler` for each event of `topic` until the returned function is called. `since` is the
   * last index that the caller has, for topics about confirmed things: later events are sent again.
   * A handler that throws is logged; it does not end the subscription.
   */
  subscribe<T extends EventTopic>(
    topic: T,
    handler: (data: EventData[T]) => void,
    since?: number,
  ): () => void {
    if (eventSchema(topic) === undefined) throw new RangeError('no such topic');
    const added: Handler = (data) => handler(data as EventData[T]);
    const known = this.#subscriptions.get(topic);
    if (known === undefined || since !== undefined) {
      const handlers = known?.handlers ?? new Set();
      this.#subscriptions.set(topic, { handlers: handlers.add(added), since });
      this.#send({ op: 'subscribe', topic, ...(since === undefined ? {} : { since }) });
    } else known.handlers.add(added);
    if (this.#socket === undefined && this.#timer === undefined) this.#connect();
    return () => this.#unsubscribe(topic, added);
  }

  /** The next event of `topic`; rejects with the signal's reason. */
  async next<T extends EventTopic>(topic: T, signal: AbortSignal): Promise<EventData[T]> {
    signal.throwIfAborted();
    return await new Promise((resolve, reject) => {
      const onAbort = (): void => {
        unsubscribe();
        reject(signal.reason as Error);
      };
      const unsubscribe = this.subscribe(topic, (data) => {
        unsubscribe();
        signal.removeEventListener('abort', onAbort);
        resolve(data);
      });
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  /** Ends the connection and all subscriptions. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    clearInterval(this.#ping);
    this.#subscriptions.clear();
    this.#socket?.terminate();
    this.#socket = undefined;
  }

  #unsubscribe(topic: string, handler: Handler): void {
    const subscription = this.#subscriptions.get(topic);
    if (subscription === undefined || !subscription.handlers.delete(handler)) return;
    if (subscription.handlers.size > 0) return;
    this.#subscriptions.delete(topic);
    this.#send({ op: 'unsubscribe', topic });
  }

  #send(request: EventRequestDto): void {
    if (this.connected) this.#socket?.send(JSON.stringify(request));
  }

  #connect(): void {
    this.#timer = undefined;
    if (this.#closed) return;
    const socket = new WebSocket(this.#options.url, {
      maxPayload: MAX_MESSAGE_BYTES,
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
      perMessageDeflate: false,
    });
    this.#socket = socket;
    socket.on('open', () => this.#onOpen(socket));
    socket.on('message', (data, isBinary) => {
      this.#alive = true;
      if (!isBinary && Buffer.isBuffer(data)) this.#onMessage(data.toString('utf8'));
    });
    socket.on('pong', () => {
      this.#alive = true;
    });
    socket.on('error', (error) => {
      this.#options.logger.debug(errorFields(error), 'event socket failed');
    });
    socket.on('close', () => this.#onClose(socket));
  }

  #onOpen(socket: WebSocket): void {
    if (socket !== this.#socket) return;
    this.#alive = true;
    this.#ping = setInterval(() => this.#checkAlive(socket), this.#options.pingIntervalMs);
    for (const [topic, { since }] of this.#subscriptions) {
      this.#send({ op: 'subscribe', topic, ...(since === undefined ? {} : { since }) });
    }
  }

  #checkAlive(socket: WebSocket): void {
    if (!this.#alive) {
      socket.terminate();
      return;
    }
    this.#alive = false;
    socket.ping();
  }

  #onClose(socket: WebSocket): void {
    if (socket !== this.#socket) return;
    clearInterval(this.#ping);
    this.#socket = undefined;
    if (this.#closed) return;
    const { minBackoffMs, maxBackoffMs } = this.#options;
    const pauseMs = Math.min(maxBackoffMs, minBackoffMs * 2 ** Math.min(this.#failures, 16));
    this.#failures += 1;
    // Many clients of one node must not return at the same moment.
    this.#timer = setTimeout(() => this.#connect(), pauseMs * (0.75 + Math.random() / 2));
  }

  #onMessage(text: string): void {
    const message = parseMessage(text);
    if (message === undefined) {
      this.#options.logger.debug({ length: text.length }, 'event message not understood');
      return;
    }
    this.#failures = 0;
    const { topic, data } = message;
    if (topic === LAGGING_TOPIC) {
      this.#options.logger.warn({}, 'event socket too slow, resuming');
      return;
    }
    if (topic === PRUNED_TOPIC) {
      const gap = prunedEventDto.safeParse(data);
      if (gap.success) this.#options.logger.warn(gap.data, 'the node has pruned these milestones');
      return;
    }
    if (topic === READY_TOPIC) this.#onReady(data);
    const subscription = this.#subscriptions.get(topic);
    if (subscription === undefined) return;
    const parsed = eventSchema(topic)?.safeParse(data);
    if (parsed?.success !== true) {
      this.#options.logger.debug({ topic }, 'event data not understood');
      return;
    }
    this.#remember(topic, subscription, parsed.data);
    for (const handler of subscription.handlers) this.#call(handler, parsed.data);
  }

  /** The node has sent everything of a topic up to an index. */
  #onReady(data: unknown): void {
    const ready = readyEventDto.safeParse(data);
    const subscription = ready.success && this.#subscriptions.get(ready.data.topic);
    if (!subscription || parseTopic(ready.data.topic)?.way === 'live') return;
    subscription.since = Math.max(subscription.since ?? 0, ready.data.index);
  }

  /**
   * A topic that can be resumed goes on from here after a reconnect. One event for each milestone
   * completes it; where there may be more, only the milestones before are complete.
   */
  #remember(topic: string, subscription: Subscription, data: unknown): void {
    const parsed = parseTopic(topic);
    const index = indexOfEvent(data);
    if (parsed === undefined || parsed.way === 'live' || index === undefined) return;
    const isWhole = parsed.of === 'confirmed' || parsed.of === 'milestones';
    const since = isWhole ? index : Math.max(0, index - 1);
    subscription.since = Math.max(subscription.since ?? 0, since);
  }

  #call(handler: Handler, data: unknown): void {
    try {
      handler(data);
    } catch (error) {
      this.#options.logger.error(errorFields(error), 'event handler failed');
    }
  }
}

function parseMessage(text: string): { topic: string; data?: unknown } | undefined {
  try {
    const parsed = eventMessageDto.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}
