/**
 * One event socket: its topics, its place in the chain of confirmed milestones, and its send
 * buffer. Back-pressure: confirmed milestones wait for a slow reader (they can be read again from
 * the store); everything else would pile up, so a reader that lags is told so and closed. Spec:
 * docs/spec/11-node-api.md, "Events".
 */

/** The members of a `ws` socket that a session uses. */
export interface EventSocket {
  readonly bufferedAmount: number;
  readonly readyState: number;
  send(text: string): void;
  close(code: number, reason: string): void;
}

/** One line of `milestones/confirmed`. */
export interface MilestoneSummary {
  readonly index: number;
  readonly milestoneId: string;
  readonly timestampMs: number;
  /** Newly referenced blocks, and the transactions among them that did and did not apply. */
  readonly blocks: number;
  readonly applied: number;
  readonly conflicting: number;
}

export interface EventSessionDeps {
  /** Undefined above the latest confirmed milestone, or when the store no longer has it. */
  summaryAt(index: number): Promise<MilestoneSummary | undefined>;
  latestIndex(): number;
  /** The store failed: the session ends. */
  onError(error: unknown): void;
}

export const CONFIRMED_TOPIC = 'milestones/confirmed';
/** Topics of one socket. Bounds memory and the work per event. */
export const MAX_TOPICS = 256;
/** Bytes that may wait for a slow reader before it is closed. */
export const MAX_BUFFERED = 1 << 20;
/** Bytes below which the next confirmed milestone is sent. */
const RESUME_BELOW = 64 << 10;
const POLL_MS = 50;
/** Old milestones that are sent before other work gets a turn: a reader may ask for millions. */
const MILESTONES_PER_TURN = 64;
const OPEN = 1;
/** WebSocket close code "try again later". */
const TRY_AGAIN = 1013;

export class EventSession {
  readonly topics = new Set<string>();
  readonly #socket: EventSocket;
  readonly #deps: EventSessionDeps;
  #next = 0;
  #pumping = false;

  constructor(socket: EventSocket, deps: EventSessionDeps) {
    this.#socket = socket;
    this.#deps = deps;
  }

  /** False when the socket has as many topics as it may. `since`: the last index it has seen. */
  subscribe(topic: string, since: number | undefined): boolean {
    if (!this.topics.has(topic) && this.topics.size >= MAX_TOPICS) return false;
    this.topics.add(topic);
    if (topic !== CONFIRMED_TOPIC) return true;
    const latest = this.#deps.latestIndex();
    this.#next = since === undefined ? latest + 1 : Math.min(since, latest) + 1;
    void this.#pump();
    return true;
  }

  unsubscribe(topic: string): void {
    this.topics.delete(topic);
  }

  /** Sends one event, or closes a socket whose buffer is full. */
  send(topic: string, data: unknown): void {
    if (this.#socket.readyState !== OPEN) return;
    if (this.#socket.bufferedAmount > MAX_BUFFERED) {
      this.#socket.send(JSON.stringify({ topic: '$lagging', data: {} }));
      this.#socket.close(TRY_AGAIN, 'lagging');
      return;
    }
    this.#socket.send(JSON.stringify({ topic, data }));
  }

  /** A milestone was confirmed: sends it and those before it that are still due. */
  onConfirmed(): void {
    if (this.topics.has(CONFIRMED_TOPIC)) void this.#pump();
  }

  async #pump(): Promise<void> {
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      for (let turn = 1; this.#isPumpOpen() && this.#next <= this.#deps.latestIndex(); turn++) {
        if (this.#socket.bufferedAmount > RESUME_BELOW) {
          await new Promise((resolve) => setTimeout(resolve, POLL_MS));
          continue;
        }
        // The store answers without waiting, so nothing else would run in between.
        if (turn % MILESTONES_PER_TURN === 0) await new Promise(setImmediate);
        const index = this.#next;
        const summary = await this.#deps.summaryAt(index);
        if (this.#next !== index) continue;
        this.#next += 1;
        if (summary !== undefined && this.#isPumpOpen()) this.send(CONFIRMED_TOPIC, summary);
      }
    } catch (error) {
      this.#deps.onError(error);
      this.#socket.close(TRY_AGAIN, 'failed');
    } finally {
      this.#pumping = false;
    }
  }

  #isPumpOpen(): boolean {
    return this.#socket.readyState === OPEN && this.topics.has(CONFIRMED_TOPIC);
  }
}
