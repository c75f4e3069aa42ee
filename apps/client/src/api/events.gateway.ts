/**
 * The event socket: all events of the client to whoever shows the token, by a sub-protocol or as
 * the first message `{"token":…}`, and to pages that are signed in.
 * Spec: docs/spec/41-client-api.md, "Events".
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
import { SocketRoom } from '@tanglemail/tangle/io/shell/socket-room.ts';
import type { WebSocket } from 'ws';
import { z } from 'zod';
import { Access, checkOrigin, EVENTS_PROTOCOL, showsSecret } from './access.ts';
import { EVENTS_PATH } from './dto.ts';
import { EventSession } from './event-session.ts';
import type { ClientService } from './service.ts';
import { ACCESS, SERVICE } from './tokens.ts';

/** Bytes of one message from a reader: only the token is expected. */
const MAX_MESSAGE = 1_024;
/** Sockets at once; pages of one person are few. */
const MAX_SOCKETS = 64;
const AUTHENTICATION_MS = 5_000;

const tokenMessageDto = z.strictObject({ token: z.string().max(256) });

interface Member {
  readonly session: EventSession;
  readonly deadline: NodeJS.Timeout;
}

type Verdict = (isAllowed: boolean, status?: number, reason?: string) => void;

@WebSocketGateway({
  path: EVENTS_PATH,
  maxPayload: MAX_MESSAGE,
  verifyClient: ({ req }: { req: IncomingMessage }, verdict: Verdict): void => {
    const refusal = checkOrigin(req);
    if (refusal === undefined) verdict(true);
    else verdict(false, refusal.status, refusal.code);
  },
  handleProtocols: (offered: ReadonlySet<string>): string | false =>
    offered.has(EVENTS_PROTOCOL) && EVENTS_PROTOCOL,
})
export class EventsGateway
  implements
    OnGatewayConnection<WebSocket>,
    OnGatewayDisconnect<WebSocket>,
    OnModuleInit,
    OnModuleDestroy
{
  readonly #service: ClientService;
  readonly #access: Access;
  readonly #room = new SocketRoom<Member>(MAX_SOCKETS);
  #unsubscribe: (() => void) | undefined;

  constructor(@Inject(SERVICE) service: ClientService, @Inject(ACCESS) access: Access) {
    this.#service = service;
    this.#access = access;
  }

  onModuleInit(): void {
    this.#unsubscribe = this.#service.subscribe(({ topic, data }) => {
      for (const { session } of this.#room.members()) session.send(topic, data);
    });
    this.#room.open();
  }

  onModuleDestroy(): void {
    this.#room.close();
    this.#unsubscribe?.();
    for (const { deadline } of this.#room.members()) clearTimeout(deadline);
  }

  handleConnection(socket: WebSocket, request: IncomingMessage): void {
    const member = this.#room.enter(socket, () => {
      const session = new EventSession(socket);
      return { session, deadline: setTimeout(() => session.refuse(), AUTHENTICATION_MS) };
    });
    if (member === undefined || !showsSecret(request)) return;
    this.#authenticate(member, this.#access.permitsSocket(request));
  }

  handleDisconnect(socket: WebSocket): void {
    clearTimeout(this.#room.memberOf(socket)?.deadline);
    this.#room.leave(socket);
  }

  /** Every message of a reader comes here: see the parser in create-api.ts. */
  @SubscribeMessage('message')
  onMessage(@ConnectedSocket() socket: WebSocket, @MessageBody() message: unknown): void {
    const member = this.#room.memberOf(socket);
    if (member === undefined || member.session.isOpen) return;
    const parsed = tokenMessageDto.safeParse(message);
    const isKnown = parsed.success && this.#access.knowsToken(parsed.data.token);
    this.#authenticate(member, isKnown);
  }

  #authenticate({ session, deadline }: Member, isPermitted: boolean): void {
    clearTimeout(deadline);
    if (isPermitted) session.open();
    else session.refuse();
  }
}
