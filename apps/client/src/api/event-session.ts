/**
 * One event socket: whether it has shown the token yet, and its send buffer. A reader that lags is
 * told so and closed; it fetches the facts by the API and connects again.
 * Spec: docs/spec/41-client-api.md, "Events".
 */

/** The members of a `ws` socket that a session uses. */
export interface EventSocket {
  readonly bufferedAmount: number;
  readonly readyState: number;
  send(text: string): void;
  close(code: number, reason: string): void;
}

/** Bytes that may wait for a slow reader before it is closed. */
export const MAX_BUFFERED = 1 << 20;
const OPEN = 1;
/** WebSocket close codes: "try again later", and ours for "the token is wrong". */
const TRY_AGAIN = 1013;
export const UNAUTHORIZED = 4401;

export class EventSession {
  readonly #socket: EventSocket;
  #isOpen = false;

  constructor(socket: EventSocket) {
    this.#socket = socket;
  }

  /** True once the token was shown. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** From now on events are sent. */
  open(): void {
    this.#isOpen = true;
    this.send('$ready', {});
  }

  /** Ends a session that did not show the token. */
  refuse(): void {
    this.#socket.close(UNAUTHORIZED, 'unauthorized');
  }

  /** Sends one event to a reader that may have it, or closes a socket whose buffer is full. */
  send(topic: string, data: unknown): void {
    if (!this.#isOpen || this.#socket.readyState !== OPEN) return;
    if (this.#socket.bufferedAmount > MAX_BUFFERED) {
      this.#socket.send(JSON.stringify({ topic: '$lagging', data: {} }));
      this.#socket.close(TRY_AGAIN, 'lagging');
      return;
    }
    this.#socket.send(JSON.stringify({ topic, data }));
  }
}
