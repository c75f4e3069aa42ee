/**
 * The push socket: a session's token in, hints of new mail out. Sockets are bounded in all, for
 * each address and for each mailbox; readers that lag or answer no ping are closed. Before:
 * push/push-desk.ts. Spec: docs/spec/34-provider-api.md, section "Push".
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
import { errorFields } from '@tanglemail/tangle/io/logger.ts';
import { addressBehind, remoteOf } from '@tanglemail/tangle/io/shell/rate-limit.ts';
import { SocketRoom } from '@tanglemail/tangle/io/shell/socket-room.ts';
import {
  MAX_PUSH_MESSAGE,
  PUSH_CLOSE,
  PUSH_LOGIN,
  PUSH_PATH,
  type PushTopic,
} from '@tanglemail/mail/io/provider/push-dto.ts';
import type { WebSocket } from 'ws';
import type { PushEnd } from '../metrics.ts';
import type { Provider } from '../provider.ts';
import type { PushReader } from '../push/push-desk.ts';
import { Refused } from '../refused.ts';
import { PROVIDER } from './tokens.ts';

/** A socket that has shown no token by then is closed. */
const LOGIN_MS = 5_000;
/** Bytes that may wait for a reader: some thousand hints, which it could have read at once. */
const MAX_BUFFERED = 65_536;
const OPEN = 1;

interface Member {
  readonly deadline: NodeJS.Timeout;
  hasShown: boolean;
  leave: (() => void) | undefined;
}

@WebSocketGateway({ path: PUSH_PATH, maxPayload: MAX_PUSH_MESSAGE })
export class PushGateway
  implements
    OnGatewayConnection<WebSocket>,
    OnGatewayDisconnect<WebSocket>,
    OnModuleInit,
    OnModuleDestroy
{
  readonly #provider: Provider;
  readonly #room: SocketRoom<Member>;

  constructor(@Inject(PROVIDER) provider: Provider) {
    this.#provider = provider;
    const { maxSockets, maxSocketsPerAddress: maxPerRemote } = provider.config.api.push;
    const onRefused = (reason: PushEnd): void => this.#count(reason);
    this.#room = new SocketRoom({ maxSockets, maxPerRemote, onRefused });
  }

  onModuleInit(): void {
    this.#room.open();
  }

  onModuleDestroy(): void {
    this.#room.close();
    for (const { deadline } of this.#room.members()) clearTimeout(deadline);
  }

  handleConnection(socket: WebSocket, request: IncomingMessage): void {
    const remote = remoteOf(addressBehind(request, this.#provider.config.api.trustedProxies));
    const refuse = (): void => this.#end(socket, 'unauthorized', PUSH_CLOSE.unauthorized);
    const memberOf = (): Member => ({
      deadline: setTimeout(refuse, LOGIN_MS),
      hasShown: false,
      leave: undefined,
    });
    this.#room.enter(socket, memberOf, remote);
  }

  handleDisconnect(socket: WebSocket): void {
    const member = this.#room.memberOf(socket);
    this.#room.leave(socket);
    clearTimeout(member?.deadline);
    member?.leave?.();
  }

  /** Every message of a reader comes here: see the parser in create-api.ts. */
  @SubscribeMessage('message')
  async onMessage(
    @ConnectedSocket() socket: WebSocket,
    @MessageBody() message: unknown,
  ): Promise<void> {
    const member = this.#room.memberOf(socket);
    if (member === undefined || member.hasShown) return;
    member.hasShown = true;
    clearTimeout(member.deadline);
    const shown = PUSH_LOGIN.safeParse(message);
    try {
      const { sessions, push } = this.#provider;
      const mailboxId = sessions.mailboxOf(`Bearer ${shown.success ? shown.data.token : ''}`);
      const leave = await push.enter(mailboxId, this.#readerOf(socket));
      if (leave === undefined) this.#end(socket, 'mailbox', PUSH_CLOSE.later);
      // The socket may have gone while the day was paid for.
      else if (this.#room.memberOf(socket) !== member) leave();
      else {
        member.leave = leave;
        this.#send(socket, 'ready');
      }
    } catch (error) {
      this.#refuse(socket, error);
    }
  }

  #refuse(socket: WebSocket, error: unknown): void {
    if (!(error instanceof Refused)) {
      this.#provider.logger.error(errorFields(error), 'a push socket failed');
      this.#end(socket, 'failed', PUSH_CLOSE.later);
    } else if (error.refusal.code === 'balance-insufficient') {
      this.#end(socket, 'unpaid', PUSH_CLOSE.payment);
    } else this.#end(socket, 'unauthorized', PUSH_CLOSE.unauthorized);
  }

  #readerOf(socket: WebSocket): PushReader {
    return {
      send: (topic) => this.#send(socket, topic),
      endUnpaid: () => this.#end(socket, 'unpaid', PUSH_CLOSE.payment),
    };
  }

  #send(socket: WebSocket, topic: PushTopic): void {
    if (socket.readyState !== OPEN) return;
    if (socket.bufferedAmount > MAX_BUFFERED) this.#end(socket, 'lagging', PUSH_CLOSE.later);
    else {
      socket.send(JSON.stringify({ topic }));
      this.#provider.metrics.table.pushHints.inc({ topic });
    }
  }

  #end(socket: WebSocket, reason: PushEnd, code: number): void {
    socket.close(code, reason);
    this.#count(reason);
  }

  #count(reason: PushEnd): void {
    this.#provider.metrics.table.pushEnds.inc({ reason });
  }
}
