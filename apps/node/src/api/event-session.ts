/**
 * One event socket: its topics, its place in the chain of confirmed milestones, and its send
 * buffer. Topics about confirmed things wait for a slow reader, because they can be read again from
 * the store; live ones would pile up, so a reader that lags is told so and closed. On one socket
 * everything of a milestone comes before anything of the next, and `milestones/confirmed` last.
 * Spec: docs/spec/11-node-api.md, "Events".
 */
import {
  ERROR_TOPIC,
  LAGGING_TOPIC,
  PRUNED_TOPIC,
  READY_TOPIC,
  type Topic,
} from '@tanglemail/tangle/io/node-client/event-dto.ts';
import type { ConfirmedTopic, PointTopic } from '../query/confirmed-feed.ts';

/** The members of a `ws` socket that a session uses. */
export interface EventSocket {
  readonly bufferedAmount: number;
  readonly readyState: number;
  send(text: string): void;
  close(code: number, reason: string): void;
}

/** Where confirmed things are read; `ConfirmedFeed` is one. */
export interface EventFeed {
  readonly latestIndex: number;
  readonly prunedIndex: number;
  eventsAt(index: number, topic: ConfirmedTopic): Iterator<unknown>;
  eventsSince(topic: PointTopic, since: number, until: number): Iterable<unknown>;
}

/** Why the node ends a socket; the closed set is the label of a metric. */
export const SOCKET_ENDS = ['lagging', 'failed', 'rate', 'full', 'address', 'silent'] as const;
export type SocketEnd = (typeof SOCKET_ENDS)[number];

export interface EventSessionDeps {
  readonly feed: EventFeed;
  /** Runs a stretch of a long replay when it is this session's turn. */
  replay(stretch: () => void): Promise<void>;
  /** Bytes that may wait for this reader; falls when all readers together hold much. */
  maxBuffered(): number;
  /** The store failed: the session ends. */
  onError(error: unknown): void;
  onEnd(reason: SocketEnd): void;
}

/** Topics of one socket. Bounds memory and the work per event. */
export const MAX_TOPICS = 256;
/** Bytes below which the next confirmed event is sent. */
export const RESUME_BELOW = 64 << 10;
/** Milestones of a replay in one stretch: other work gets a turn after it. */
const MILESTONES_PER_STRETCH = 64;
/** A reader that is nearer to the newest milestone just follows. */
const FOLLOWING = 4;
/** Pauses before looking again at a full buffer. */
const FIRST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 1_000;
const OPEN = 1;
/** WebSocket close code "try again later". */
const TRY_AGAIN = 1013;

interface Subscription {
  readonly name: string;
  readonly topic: ConfirmedTopic;
  /** The milestone that is due next. */
  next: number;
  /** The replay ends with this milestone; undefined when that has been told. */
  readyAt: number | undefined;
}

/** What is being sent of one milestone. */
interface Passage {
  readonly index: number;
  readonly left: Subscription[];
  events: Iterator<unknown> | undefined;
}

export class EventSession {
  /** Names of the live topics. */
  readonly live = new Set<string>();
  readonly #socket: EventSocket;
  readonly #deps: EventSessionDeps;
  readonly #confirmed = new Map<string, Subscription>();
  #passage: Passage | undefined;
  #pumping = false;

  constructor(socket: EventSocket, deps: EventSessionDeps) {
    this.#socket = socket;
    this.#deps = deps;
  }

  get topics(): number {
    return this.live.size + this.#confirmed.size;
  }

  has(topic: string): boolean {
    return this.live.has(topic) || this.#confirmed.has(topic);
  }

  get bufferedAmount(): number {
    return this.#socket.bufferedAmount;
  }

  /**
   * Begins with what is confirmed from now on, or after milestone `since`. Answers `$ready` when
   * everything up to an index is sent. False when the socket has as many topics as it may.
   */
  subscribe(name: string, topic: Topic, since: number | undefined): boolean {
    if (!this.has(name) && this.topics >= MAX_TOPICS) return false;
    const latest = this.#deps.feed.latestIndex;
    if (topic.way === 'live') {
      this.live.add(name);
      this.send(READY_TOPIC, { topic: name, index: latest });
      return true;
    }
    const from = since === undefined ? latest : Math.min(since, latest);
    const isPoint = topic.way === 'point';
    const next = (isPoint ? latest : from) + 1;
    this.#confirmed.set(name, { name, topic, next, readyAt: isPoint ? undefined : latest });
    if (isPoint) this.#sendPast(name, topic, from, latest);
    else if (next > latest) this.#tellReady(this.#confirmed.get(name));
    this.onConfirmed();
    return true;
  }

  unsubscribe(name: string): void {
    this.live.delete(name);
    this.#confirmed.delete(name);
  }

  /** Refuses a request. */
  refuse(code: string, topic?: string): void {
    this.send(ERROR_TOPIC, topic === undefined ? { code } : { code, topic });
  }

  /** Sends one event, or closes a socket whose buffer is full. */
  send(topic: string, data: unknown): void {
    this.sendText(JSON.stringify({ topic, data }));
  }

  /** The same with a message that many sockets get. */
  sendText(message: string): void {
    if (this.#socket.readyState !== OPEN) return;
    if (this.#socket.bufferedAmount > this.#deps.maxBuffered()) {
      this.#socket.send(JSON.stringify({ topic: LAGGING_TOPIC, data: {} }));
      this.end('lagging');
      return;
    }
    this.#socket.send(message);
  }

  /** Closes the socket: its reader may come again later. */
  end(reason: SocketEnd): void {
    if (!this.#isOpen()) return;
    this.#deps.onEnd(reason);
    this.#socket.close(TRY_AGAIN, reason);
  }

  /** A milestone was confirmed: sends it and those before it that are still due. */
  onConfirmed(): void {
    if (this.#confirmed.size > 0 && !this.#pumping) void this.#pump();
  }

  #sendPast(name: string, topic: PointTopic, since: number, latest: number): void {
    for (const event of this.#deps.feed.eventsSince(topic, since, latest)) this.send(name, event);
    this.send(READY_TOPIC, { topic: name, index: latest });
  }

  #tellReady(subscription: Subscription | undefined): void {
    if (subscription?.readyAt === undefined) return;
    this.send(READY_TOPIC, { topic: subscription.name, index: subscription.readyAt });
    subscription.readyAt = undefined;
  }

  async #pump(): Promise<void> {
    this.#pumping = true;
    let pauseMs = 0;
    // A reader often subscribes to several topics at once: they go on together.
    await pause(0);
    try {
      while (this.#isOpen() && (this.#passage !== undefined || this.#due() !== undefined)) {
        if (this.#socket.bufferedAmount > RESUME_BELOW) {
          await pause(pauseMs);
          pauseMs = Math.min(LONGEST_PAUSE_MS, Math.max(FIRST_PAUSE_MS, pauseMs * 2));
          continue;
        }
        pauseMs = 0;
        const behind = this.#deps.feed.latestIndex - (this.#passage?.index ?? this.#due() ?? 0);
        if (behind < FOLLOWING) this.#sendMilestones(1);
        else await this.#deps.replay(() => this.#sendMilestones(MILESTONES_PER_STRETCH));
      }
    } catch (error) {
      this.#deps.onError(error);
      this.end('failed');
    } finally {
      this.#pumping = false;
    }
  }

  #isOpen(): boolean {
    return this.#socket.readyState === OPEN;
  }

  /** The earliest milestone that some topic waits for; undefined when all are up to date. */
  #due(): number | undefined {
    let due = Infinity;
    for (const { next } of this.#confirmed.values()) due = Math.min(due, next);
    return due <= this.#deps.feed.latestIndex ? due : undefined;
  }

  /** Sends up to `count` milestones, less when the buffer is full. */
  #sendMilestones(count: number): void {
    for (let sent = 0; sent < count && this.#isOpen(); sent++) {
      this.#passage ??= this.#begin();
      if (this.#passage === undefined || !this.#sendPassage(this.#passage)) return;
      this.#passage = undefined;
    }
  }

  #begin(): Passage | undefined {
    const due = this.#due();
    if (due === undefined) return undefined;
    const { prunedIndex } = this.#deps.feed;
    const left = [...this.#confirmed.values()].filter(({ next }) => next === due);
    if (due <= prunedIndex) this.#skipPruned(left, due, prunedIndex);
    left.sort((a, b) => Number(a.topic.of === 'confirmed') - Number(b.topic.of === 'confirmed'));
    return { index: due, left: due <= prunedIndex ? [] : left, events: undefined };
  }

  /** Milestones that are gone here are passed over, and the reader hears of it. */
  #skipPruned(subscriptions: readonly Subscription[], from: number, to: number): void {
    for (const subscription of subscriptions) {
      this.send(PRUNED_TOPIC, { topic: subscription.name, from, to });
      subscription.next = to + 1;
      if ((subscription.readyAt ?? Infinity) <= to) this.#tellReady(subscription);
    }
  }

  /** False when the buffer is full before all of the milestone is sent. */
  #sendPassage(passage: Passage): boolean {
    for (let one = passage.left[0]; one !== undefined; one = passage.left[0]) {
      // Unsubscribed, or subscribed anew, since the milestone began.
      const isWanted = this.#confirmed.get(one.name) === one;
      passage.events ??= this.#deps.feed.eventsAt(passage.index, one.topic);
      if (isWanted && !this.#sendEvents(one.name, passage.events)) return false;
      passage.left.shift();
      passage.events = undefined;
      one.next = passage.index + 1;
      if (passage.index === one.readyAt && isWanted) this.#tellReady(one);
    }
    return true;
  }

  /** False when the buffer is full before the last event. */
  #sendEvents(name: string, events: Iterator<unknown>): boolean {
    for (let event = events.next(); event.done !== true; event = events.next()) {
      this.send(name, event.value);
      if (this.#socket.bufferedAmount > RESUME_BELOW) return false;
    }
    return true;
  }
}

/** At first only until what was written has left. */
async function pause(ms: number): Promise<void> {
  await new Promise<void>((resolve) => {
    if (ms === 0) setImmediate(resolve);
    else setTimeout(resolve, ms);
  });
}
