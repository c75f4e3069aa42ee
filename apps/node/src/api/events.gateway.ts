/**
 * The event socket: `{"op":"subscribe","topic":…,"since"?}` in, `{"topic":…,"data":…}` out.
 * Delivery and back-pressure are event-session.ts; here is who gets what.
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
import {
  eventRequestDto,
  EVENTS_PATH,
  eventSchema,
  type BlockEventDto,
  type OutputEventDto,
} from '@tanglemail/tangle/io/node-client/dto.ts';
import { errorFields } from '@tanglemail/tangle/io/logger.ts';
import type { WebSocket } from 'ws';
import type { ConfirmedMilestone } from '../confirmation/confirmation-engine.ts';
import type { TangleNode } from '../node.ts';
import { EventSession } from './event-session.ts';
import { NODE } from './tokens.ts';

/** Bytes of one message from a client. */
const MAX_MESSAGE = 4_096;
const PING_INTERVAL_MS = 30_000;
/** WebSocket close code "try again later". */
const TRY_AGAIN = 1013;

interface Member {
  readonly session: EventSession;
  alive: boolean;
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
  readonly #members = new Map<WebSocket, Member>();
  readonly #unsubscribe: (() => void)[] = [];
  #ping: NodeJS.Timeout | undefined;

  constructor(@Inject(NODE) node: TangleNode) {
    this.#node = node;
  }

  onModuleInit(): void {
    const { events } = this.#node;
    this.#unsubscribe.push(
      events.on('solid', (blocks) => {
        for (const { blockId, kind } of blocks) this.#onSolid({ blockId, kind: kind ?? 'none' });
      }),
      events.on('latest', (milestone) => this.#publish('milestones/latest', milestone)),
      events.on('confirmed', (confirmed) => this.#onConfirmed(confirmed)),
    );
    this.#ping = setInterval(() => this.#pingAll(), PING_INTERVAL_MS);
  }

  onModuleDestroy(): void {
    clearInterval(this.#ping);
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
  }

  handleConnection(socket: WebSocket): void {
    if (this.#members.size >= this.#node.config.api.maxSockets) {
      socket.close(TRY_AGAIN, 'too many sockets');
      return;
    }
    const { query } = this.#node;
    const session = new EventSession(socket, {
      summaryAt: async (index) => await query.milestoneSummary(index),
      latestIndex: () => query.confirmedIndex,
      onError: (error) => this.#onError(error),
    });
    const member: Member = { session, alive: true };
    socket.on('pong', () => {
      member.alive = true;
    });
    this.#members.set(socket, member);
  }

  handleDisconnect(socket: WebSocket): void {
    this.#members.delete(socket);
  }

  /** Every message of a client comes here: see the parser in create-api.ts. */
  @SubscribeMessage('message')
  onMessage(@ConnectedSocket() socket: WebSocket, @MessageBody() message: unknown): void {
    const session = this.#members.get(socket)?.session;
    if (session === undefined) return;
    const request = eventRequestDto.safeParse(message);
    if (!request.success || eventSchema(request.data.topic) === undefined) {
      session.send('$error', { code: 'request-malformed' });
      return;
    }
    const { op, topic, since } = request.data;
    if (op === 'unsubscribe') session.unsubscribe(topic);
    else if (!session.subscribe(topic, since)) session.send('$error', { code: 'too-many-topics' });
  }

  #onSolid(event: BlockEventDto): void {
    this.#publish('blocks', event);
  }

  #onConfirmed({ milestone, result }: ConfirmedMilestone): void {
    for (const { session } of this.#members.values()) session.onConfirmed();
    const wanted = this.#topics();
    for (const blockId of result.included) {
      const topic = `block-metadata/${blockId}`;
      if (!wanted.has(topic)) continue;
      this.#publishMetadata(topic, blockId).catch((error: unknown) => this.#onError(error));
    }
    const { index: milestoneIndex } = milestone.header;
    const changes = [
      ...result.diff.created.map((record) => ({ record, change: 'created' as const })),
      ...result.diff.consumed.map((record) => ({ record, change: 'consumed' as const })),
    ];
    for (const { record, change } of changes) {
      const event: OutputEventDto = { outputId: record.outputId, change, milestoneIndex };
      for (const address of this.#node.query.addressesOf(record.output)) {
        const topic = `outputs/address/${address}`;
        if (wanted.has(topic)) this.#publish(topic, event);
      }
    }
  }

  async #publishMetadata(
    topic: string,
    blockId: ConfirmedMilestone['result']['included'][number],
  ): Promise<void> {
    const metadata = await this.#node.query.blockMetadata(blockId);
    if (metadata !== undefined) this.#publish(topic, metadata);
  }

  #onError(error: unknown): void {
    this.#node.logger.error(errorFields(error), 'an event could not be read from the store');
  }

  #topics(): Set<string> {
    const topics = new Set<string>();
    for (const { session } of this.#members.values()) {
      for (const topic of session.topics) topics.add(topic);
    }
    return topics;
  }

  #publish(topic: string, data: unknown): void {
    for (const { session } of this.#members.values()) {
      if (session.topics.has(topic)) session.send(topic, data);
    }
  }

  /** A socket that answered no ping since the last one is dead. */
  #pingAll(): void {
    for (const [socket, member] of this.#members) {
      if (!member.alive) {
        socket.terminate();
        continue;
      }
      member.alive = false;
      socket.ping();
    }
  }
}
