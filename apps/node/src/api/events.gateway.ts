/**
 * The event socket: `{"op":"subscribe","topic":…,"since"?}` in, `{"topic":…,"data":…}` out.
 * Delivery and back-pressure are event-session.ts, what confirmed topics tell is confirmed-feed.ts;
 * here are the sockets, their limits, and who gets what happens now.
 * Spec: docs/spec/11-node-api.md, "Events".
 */
import { Inject, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  type OnGatewayConnection,
  type OnGatewayDisconnect,
} from '@nestjs/websockets';
import type { IncomingMessage } from 'node:http';
import type { MilestoneRefDto } from '@tanglemail/tangle/io/node-client/dto.ts';
import {
  eventRequestDto,
  EVENTS_PATH,
  parseTopic,
} from '@tanglemail/tangle/io/node-client/event-dto.ts';
import { errorFields } from '@tanglemail/tangle/io/logger.ts';
import { addressBehind, remoteOf } from '@tanglemail/tangle/io/shell/rate-limit.ts';
import { SocketRoom } from '@tanglemail/tangle/io/shell/socket-room.ts';
import { TokenBucket } from '@tanglemail/tangle/io/token-bucket.ts';
import type { WebSocket } from 'ws';
import type { NodeEventMap } from '../events.ts';
import type { TangleNode } from '../node.ts';
import { WorkGate } from '../query/work-gate.ts';
import { EventSession, RESUME_BELOW, type SocketEnd } from './event-session.ts';
import { NODE } from './tokens.ts';

/** Bytes of one message from a client. */
const MAX_MESSAGE = 4_096;
/** Requests of one socket per second and at once: enough to take up all topics after a break. */
const REQUESTS_PER_SECOND = 50;
const REQUESTS_BURST = 600;
/** Bytes that may wait for one reader of live topics, while all readers together are below this. */
const MAX_BUFFERED = 1 << 20;
const MAX_BUFFERED_BY_ALL = 64 << 20;
/** Replays run one stretch at a time, with a pause in which everything else runs. */
const REPLAY_PAUSE_MS = 1;
const REPLAYS = { maxActive: 1, maxWaiting: Infinity };

interface Member {
  readonly session: EventSession;
  readonly requests: TokenBucket;
}

@WebSocketGateway({ path: EVENTS_PATH, maxPayload: MAX_MESSAGE })
export class EventsGateway
  implements
    OnGatewayConnection<WebSocket>,
    OnGatewayDisconnect<WebSocket>,
    OnModuleInit,
    OnModuleDestroy
{
  readonly #node: TangleNode;
  readonly #room: SocketRoom<Member>;
  /** Who listens to a live topic. */
  readonly #listeners = new Map<string, Set<EventSession>>();
  readonly #replays = new WorkGate(REPLAYS);
  readonly #unsubscribe: (() => void)[] = [];
  #maxBuffered = MAX_BUFFERED;

  constructor(@Inject(NODE) node: TangleNode) {
    this.#node = node;
    const { maxSockets, maxSocketsPerAddress: maxPerRemote } = node.config.api;
    const onRefused = (reason: SocketEnd): void => this.#onEnd(reason);
    this.#room = new SocketRoom({ maxSockets, maxPerRemote, onRefused });
    node.metrics.rows.apiSockets.onCollect((gauge) => gauge.set(this.#room.size));
  }

  onModuleInit(): void {
    const { events } = this.#node;
    this.#unsubscribe.push(
      events.on('solid', (blocks) => this.#onSolid(blocks)),
      events.on('latest', (milestone) => this.#onLatest(milestone)),
      events.on('confirmed', () => this.#onConfirmed()),
    );
    this.#room.open();
  }

  onModuleDestroy(): void {
    this.#room.close();
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
  }

  handleConnection(socket: WebSocket, request: IncomingMessage): void {
    const remote = remoteOf(addressBehind(request, this.#node.config.api.trustedProxies));
    this.#room.enter(socket, () => this.#memberOf(socket), remote);
  }

  handleDisconnect(socket: WebSocket): void {
    const member = this.#room.memberOf(socket);
    this.#room.leave(socket);
    if (member === undefined) return;
    const { session } = member;
    for (const topic of session.live) this.#listen(session, topic, false);
  }

  /** Every message of a client comes here: see the parser in create-api.ts. */
  @SubscribeMessage('message')
  onMessage(@ConnectedSocket() socket: WebSocket, @MessageBody() message: unknown): void {
    const member = this.#room.memberOf(socket);
    if (member === undefined) return;
    const { session, requests } = member;
    if (!requests.take(1, performance.now())) {
      session.refuse('rate-limited');
      session.end('rate');
      return;
    }
    const request = eventRequestDto.safeParse(message);
    const topic = request.success ? parseTopic(request.data.topic) : undefined;
    if (!request.success || topic === undefined) {
      session.refuse('request-malformed');
      return;
    }
    const { op, topic: name, since } = request.data;
    if (topic.way === 'live') this.#listen(session, name, op === 'subscribe');
    if (op === 'unsubscribe') session.unsubscribe(name);
    else if (!session.subscribe(name, topic, since)) {
      if (topic.way === 'live') this.#listen(session, name, false);
      session.refuse('too-many-topics', name);
    }
  }

  #memberOf(socket: WebSocket): Member {
    const session = new EventSession(socket, {
      feed: this.#node.feed,
      replay: (stretch) => this.#replay(stretch),
      maxBuffered: () => this.#maxBuffered,
      onError: (error) => this.#onError(error),
      onEnd: (reason) => this.#onEnd(reason),
    });
    const nowMs = performance.now();
    return { session, requests: new TokenBucket(REQUESTS_PER_SECOND, REQUESTS_BURST, nowMs) };
  }

  async #replay(stretch: () => void): Promise<void> {
    await this.#replays.run(async () => {
      stretch();
      await new Promise((resolve) => setTimeout(resolve, REPLAY_PAUSE_MS));
    });
  }

  #listen(session: EventSession, topic: string, isWanted: boolean): void {
    const sessions = this.#listeners.get(topic) ?? new Set();
    if (isWanted) this.#listeners.set(topic, sessions.add(session));
    else if (sessions.delete(session) && sessions.size === 0) this.#listeners.delete(topic);
  }

  #onSolid(blocks: NodeEventMap['solid']): void {
    if (this.#listeners.size === 0) return;
    this.#weigh();
    const wantsTags = [...this.#listeners.keys()].some((topic) => topic.startsWith(TAG_PREFIX));
    for (const { blockId, kind, parents } of blocks) {
      const event = { blockId, kind: kind ?? 'none', parents };
      this.#publish('blocks', event);
      if (kind !== null) this.#publish(`blocks/${kind}`, event);
      if (!wantsTags || kind !== 'tagged-data') continue;
      const tag = this.#node.query.tagOf(blockId);
      if (tag !== undefined) this.#publish(`${TAG_PREFIX}${tag}`, event);
    }
  }

  #onLatest(milestone: MilestoneRefDto): void {
    this.#weigh();
    this.#publish('milestones/latest', milestone);
  }

  #onConfirmed(): void {
    this.#weigh();
    for (const { session } of this.#room.members()) session.onConfirmed();
  }

  #publish(topic: string, data: unknown): void {
    const sessions = this.#listeners.get(topic);
    if (sessions === undefined) return;
    const message = JSON.stringify({ topic, data });
    for (const session of sessions) session.sendText(message);
  }

  /** When readers together hold much back, each may hold back less. */
  #weigh(): void {
    let bytes = 0;
    for (const { session } of this.#room.members()) bytes += session.bufferedAmount;
    this.#maxBuffered = bytes > MAX_BUFFERED_BY_ALL ? RESUME_BELOW : MAX_BUFFERED;
  }

  #onError(error: unknown): void {
    this.#node.logger.error(errorFields(error), 'an event could not be read from the store');
  }

  #onEnd(reason: SocketEnd): void {
    this.#node.metrics.rows.apiSocketsEnded.inc({ reason });
  }
}

const TAG_PREFIX = 'blocks/tagged-data/';
