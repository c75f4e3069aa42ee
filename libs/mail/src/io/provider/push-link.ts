/**
 * A client's push socket at one provider: it logs in, listens for hints, and connects again with
 * growing, scattered pauses when the connection ends. A hint says that there is something to fetch;
 * what was missed meanwhile is found by the next look at the log. Before: the client's inbox.
 * Spec: docs/spec/34-provider-api.md, section "Push".
 */
import { WebSocket } from 'ws';
import { jsonOf } from '@tanglemail/tangle/io/json-text.ts';
import { errorFields, SILENT_LOGGER } from '@tanglemail/tangle/io/logger.ts';
import type { Logger } from '@tanglemail/tangle/io/logger.ts';
import { MAX_PUSH_MESSAGE, PUSH_CLOSE, PUSH_MESSAGE, PUSH_PATH } from './push-dto.ts';
import type { PushTopic } from './push-dto.ts';

export interface PushLinkOptions {
  /** Origin of the provider's API, http or https. */
  readonly baseUrl: string;
  /** A token of a fresh session. */
  readonly login: () => Promise<string>;
  /** `ready` comes after each connection: what was missed is to be looked for. */
  readonly onHint: (topic: PushTopic) => void;
  /** Hints came, and come no more until the next `ready`. */
  readonly onLost?: () => void;
  /** From 0 to below 1. */
  readonly random: () => number;
  readonly logger?: Logger;
  /** First and greatest pause between two attempts; default 1 s and 5 minutes. */
  readonly minBackoffMs?: number;
  readonly maxBackoffMs?: number;
  /** A connection that is silent so long after a ping is dead; default 45 s. */
  readonly pingIntervalMs?: number;
}

const HANDSHAKE_TIMEOUT_MS = 10_000;

export class PushLink {
  readonly #options: Required<PushLinkOptions>;
  #socket: WebSocket | undefined;
  #isReady = false;
  #isAlive = false;
  #isClosed = false;
  #failures = 0;
  #timer: NodeJS.Timeout | undefined;
  #ping: NodeJS.Timeout | undefined;

  constructor(options: PushLinkOptions) {
    this.#options = {
      logger: SILENT_LOGGER,
      onLost: () => undefined,
      minBackoffMs: 1_000,
      maxBackoffMs: 300_000,
      pingIntervalMs: 45_000,
      ...options,
    };
    void this.#connect();
  }

  /** Hints come. */
  get isReady(): boolean {
    return this.#isReady;
  }

  close(): void {
    this.#isClosed = true;
    this.#isReady = false;
    clearTimeout(this.#timer);
    clearInterval(this.#ping);
    this.#socket?.terminate();
    this.#socket = undefined;
  }

  async #connect(): Promise<void> {
    const { baseUrl, login, logger } = this.#options;
    let token: string;
    try {
      token = await login();
    } catch (error) {
      logger.debug(errorFields(error), 'no session for push');
      this.#retry();
      return;
    }
    if (this.#isClosed) return;
    const url = `${baseUrl.replace(/^http/, 'ws').replace(/\/+$/, '')}${PUSH_PATH}`;
    const socket = new WebSocket(url, {
      maxPayload: MAX_PUSH_MESSAGE,
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
      perMessageDeflate: false,
      followRedirects: false,
    });
    this.#socket = socket;
    socket.on('open', () => {
      this.#isAlive = true;
      socket.send(JSON.stringify({ token }));
      this.#ping = setInterval(() => this.#checkAlive(socket), this.#options.pingIntervalMs);
      this.#ping.unref();
    });
    socket.on('message', (data, isBinary) => {
      this.#isAlive = true;
      if (!isBinary && Buffer.isBuffer(data)) this.#onMessage(data.toString('utf8'));
    });
    socket.on('pong', () => {
      this.#isAlive = true;
    });
    socket.on('error', (error) => logger.debug(errorFields(error), 'a push socket failed'));
    socket.on('close', (code) => this.#onClose(socket, code));
  }

  #checkAlive(socket: WebSocket): void {
    if (!this.#isAlive) {
      socket.terminate();
      return;
    }
    this.#isAlive = false;
    socket.ping();
  }

  #onMessage(text: string): void {
    const parsed = PUSH_MESSAGE.safeParse(jsonOf(text));
    if (!parsed.success) return;
    const { topic } = parsed.data;
    if (topic === 'ready') {
      this.#isReady = true;
      this.#failures = 0;
    }
    if (this.#isReady) this.#options.onHint(topic);
  }

  #onClose(socket: WebSocket, code: number): void {
    if (socket !== this.#socket) return;
    clearInterval(this.#ping);
    this.#socket = undefined;
    const wasReady = this.#isReady;
    this.#isReady = false;
    if (wasReady) this.#options.onLost();
    // Without money for a day nothing gets better soon.
    this.#retry(code === PUSH_CLOSE.payment);
  }

  #retry(isHopeless = false): void {
    if (this.#isClosed) return;
    const { minBackoffMs, maxBackoffMs, random } = this.#options;
    const grown = Math.min(maxBackoffMs, minBackoffMs * 2 ** Math.min(this.#failures, 16));
    this.#failures += 1;
    // Many readers of one provider must not return at the same moment.
    const pauseMs = (isHopeless ? maxBackoffMs : grown) * (0.5 + random());
    this.#timer = setTimeout(() => void this.#connect(), pauseMs);
    this.#timer.unref();
  }
}
