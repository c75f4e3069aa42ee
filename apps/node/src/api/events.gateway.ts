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
import { SocketRoom } from '@tanglemail/tangle/io/shell/socket-room.ts';
import type { WebSocket } from 'ws';
import type { ConfirmedMilestone } from '../confirmation/confirmation-engine.ts';
import type { TangleNode } from '../node.ts';
import { EventSession } from './event-session.ts';
import { NODE } from './tokens.ts';

/** Bytes of one message from a client. */
const MAX_MESSAGE = 4_096;

@WebSocketGateway({ path: EVENTS_PATH, maxPayload: MAX_MESSAGE })
export class EventsGateway
  implements
    OnGatewayConnection<WebSocket>,
    OnGatewayDisconnect<WebSocket>,
    OnModuleInit,
    OnModuleDestroy
{
  readonly #node: TangleNode;
  readonly #room: SocketRoom<EventSession>;
  readonly #unsubscribe: (() => void)[] = [];

  constructor(@Inject(NODE) node: TangleNode) {
    this.#node = node;
    this.#room = new SocketRoom(node.config.api.maxSockets);
    node.metrics.rows.apiSockets.onCollect((gauge) => gauge.set(this.#room.size));
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
    this.#room.open();
  }

  onModuleDestroy(): void {
    this.#room.close();
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
  }

  handleConnection(socket: WebSocket): void {
    const { query } = this.#node;
    const deps = {
      summaryAt: async (index: number) => await query.milestoneSummary(index),
      latestIndex: () => query.confirmedIndex,
      onError: (error: unknown) => this.#onError(error),
    };
    this.#room.enter(socket, () => new EventSession(socket, deps));
  }

  handleDisconnect(socket: WebSocket): void {
    this.#room.leave(socket);
  }

  /** Every message of a client comes here: see the parser in create-api.ts. */
  @SubscribeMessage('message')
  onMessage(@ConnectedSocket() socket: WebSocket, @MessageBody() message: unknown): void {
    const session = this.#room.memberOf(socket);
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
    for (const session of this.#room.members()) session.onConfirmed();
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
    for (const session of this.#room.members()) {
      for (const topic of session.topics) topics.add(topic);
    }
    return topics;
  }

  #publish(topic: string, data: unknown): void {
    for (const session of this.#room.members()) {
      if (session.topics.has(topic)) session.send(topic, data);
    }
  }
}
