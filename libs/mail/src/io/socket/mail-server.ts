/**
 * Listens for mail programs: plain connections, which may become encrypted, and connections that
 * are so from the start. Bounds how many there are and how long each may say nothing. What a
 * connection says is a session's business. Next: mail-socket.ts.
 */
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createSecureContext, createServer as createTlsServer } from 'node:tls';
import type { SecureContext } from 'node:tls';
import { MailSocket } from './mail-socket.ts';

/** Idle connections are looked for so often, or as often as the shorter limit. */
const WATCH_MS = 5_000;
/** A program that is told to leave has so long to go by itself. */
const LEAVE_MS = 2_000;

export interface MailServerLimits {
  readonly maxConnections: number;
  /** Until somebody has logged in. */
  readonly loginTimeoutMs: number;
  /** After that: RFC 3501 §5.4 wants 30 minutes at least, RFC 1939 §3 ten. */
  readonly idleTimeoutMs: number;
}

/** PEM texts. */
export interface TlsKey {
  readonly key: string;
  readonly cert: string;
}

/** A connection on which somebody logs in, for whoever may have to end it. */
export interface LoginConnection {
  readonly isOpen: boolean;
  /** Tells the program that its password is worth nothing any more, and ends the connection. */
  revoke(): Promise<void>;
}

/** Names and passwords; T is what they open. */
export interface ServerLogin<T> {
  /** Undefined for a wrong name or password. */
  login(user: string, password: string, connection: LoginConnection): Promise<T | undefined>;
}

/** Why a connection is ended from this side. */
export type LeaveReason = 'idle' | 'revoked' | 'shutdown';

/** What a session is to the server. */
export interface MailConversation {
  readonly isLoggedIn: boolean;
  receive(chunk: Uint8Array): Promise<void>;
  /** Says why it ends, and ends the connection. */
  leave(reason: LeaveReason): Promise<void>;
  /** The connection is gone. */
  close(): void;
}

export interface MailServerDeps {
  /** A session for a new connection; it says its greeting by itself. */
  readonly converse: (socket: MailSocket, self: LoginConnection) => MailConversation;
  /** What a program is told that finds no place, with its line break. */
  readonly fullText: string;
  /** Milliseconds that only grow. */
  readonly nowMs: () => number;
}

interface Connection {
  readonly mailSocket: MailSocket;
  readonly conversation: MailConversation;
  heardMs: number;
}

export class MailServer {
  readonly #limits: MailServerLimits;
  readonly #deps: MailServerDeps;
  readonly #servers: Server[] = [];
  readonly #open = new Set<Connection>();
  #context: SecureContext | undefined;
  #watch: NodeJS.Timeout | undefined;

  constructor(limits: MailServerLimits, deps: MailServerDeps) {
    this.#limits = limits;
    this.#deps = deps;
  }

  get connections(): number {
    return this.#open.size;
  }

  /** The key for STARTTLS and for what is encrypted from the start; call it before listening. */
  setKey(key: TlsKey): void {
    this.#context = createSecureContext({ ...key, minVersion: 'TLSv1.2' });
  }

  /** Gives the port. Rejects when it is taken. */
  async listen(host: string, port: number): Promise<number> {
    return this.#start(
      createServer((socket) => this.#accept(socket)),
      host,
      port,
    );
  }

  /** As `listen`, for connections that are encrypted from the start. */
  async listenSecure(host: string, port: number, key: TlsKey): Promise<number> {
    const server = createTlsServer({ ...key, minVersion: 'TLSv1.2' });
    server.on('secureConnection', (socket) => this.#accept(socket));
    return this.#start(server, host, port);
  }

  async #start(server: Server, host: string, port: number): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, () => {
        server.off('error', reject);
        resolve();
      });
    });
    this.#servers.push(server);
    const { loginTimeoutMs, idleTimeoutMs } = this.#limits;
    const watchMs = Math.min(WATCH_MS, loginTimeoutMs, idleTimeoutMs);
    this.#watch ??= setInterval(() => this.#leaveIdle(), watchMs).unref();
    return (server.address() as AddressInfo).port;
  }

  #accept(socket: Socket): void {
    socket.setNoDelay(true);
    if (this.#open.size >= this.#limits.maxConnections) {
      socket.on('error', () => {});
      socket.end(this.#deps.fullText);
      return;
    }
    const context = this.#context;
    const mailSocket = new MailSocket(
      socket,
      context === undefined ? undefined : () => context,
      async (chunk) => {
        connection.heardMs = this.#deps.nowMs();
        await connection.conversation.receive(chunk);
      },
    );
    const conversation = this.#deps.converse(
      mailSocket,
      this.#loginOn(() => connection),
    );
    const connection: Connection = { mailSocket, conversation, heardMs: this.#deps.nowMs() };
    this.#open.add(connection);
    socket.once('close', () => {
      this.#open.delete(connection);
      conversation.close();
    });
  }

  #loginOn(of: () => Connection): LoginConnection {
    const isOpen = (): boolean => this.#open.has(of());
    return {
      get isOpen() {
        return isOpen();
      },
      revoke: async () => this.#leave(of(), 'revoked'),
    };
  }

  #leaveIdle(): void {
    const nowMs = this.#deps.nowMs();
    const { loginTimeoutMs, idleTimeoutMs } = this.#limits;
    for (const connection of this.#open) {
      const { conversation, heardMs } = connection;
      const limitMs = conversation.isLoggedIn ? idleTimeoutMs : loginTimeoutMs;
      if (nowMs - heardMs > limitMs) void this.#leave(connection, 'idle');
    }
  }

  async #leave(connection: Connection, reason: LeaveReason): Promise<void> {
    const { conversation, mailSocket } = connection;
    const timer = setTimeout(() => mailSocket.destroy(), LEAVE_MS);
    await conversation.leave(reason).catch(() => mailSocket.destroy());
    clearTimeout(timer);
    setTimeout(() => mailSocket.destroy(), LEAVE_MS).unref();
  }

  /** Takes no more connections, and ends those that are there. */
  async close(): Promise<void> {
    clearInterval(this.#watch);
    const closed = this.#servers.map(
      async (server) => await new Promise<void>((resolve) => server.close(() => resolve())),
    );
    await Promise.all([...this.#open].map((one) => this.#leave(one, 'shutdown')));
    for (const { mailSocket } of this.#open) mailSocket.destroy();
    await Promise.all(closed);
  }
}
