/**
 * Tells when mail has come: the event socket of the daemon while there is one, a look every half
 * minute while there is none. Before: daemon-port.ts; after: the daemon's event socket.
 * Spec: docs/spec/41-client-api.md, "Events".
 */
import { WebSocket } from 'ws';
import { EVENTS_PATH } from '../../api/dto.ts';
import { socketPathOf } from '../socket-fetch.ts';
import type { DaemonFile } from '../daemon-link.ts';

function eventsUrl({ api }: DaemonFile): string {
  const path = socketPathOf(api);
  if (path !== undefined) return `ws+unix:${path}:${EVENTS_PATH}`;
  return `${api.replace(/^http/, 'ws')}${EVENTS_PATH}`;
}

/** Bytes of one event. */
const MAX_EVENT = 65_536;
const HANDSHAKE_MS = 10_000;
/** Topics after which a list of mails may be another one. */
const TOPICS: ReadonlySet<unknown> = new Set(['inbox', 'mailbox']);

export interface WatchTimes {
  /** How often it says so on its own while no socket is open. */
  readonly pollMs: number;
  /** Wait before the second attempt to connect; doubled up to `maxBackoffMs`. */
  readonly minBackoffMs: number;
  readonly maxBackoffMs: number;
  /** Events within this time are one change. */
  readonly gatherMs: number;
}

export const WATCH_TIMES: WatchTimes = {
  pollMs: 30_000,
  minBackoffMs: 1_000,
  maxBackoffMs: 60_000,
  gatherMs: 100,
};

export class EventWatch {
  readonly #where: () => Promise<DaemonFile>;
  readonly #listener: () => void;
  readonly #times: WatchTimes;
  readonly #poll: NodeJS.Timeout;
  #socket: WebSocket | undefined;
  #retry: NodeJS.Timeout | undefined;
  #gathering: NodeJS.Timeout | undefined;
  #failures = 0;
  #isReady = false;
  #wasReady = false;
  #isClosed = false;

  /** `where` is asked anew for each attempt: a daemon that starts again has another token. */
  constructor(where: () => Promise<DaemonFile>, listener: () => void, times = WATCH_TIMES) {
    this.#where = where;
    this.#listener = listener;
    this.#times = times;
    this.#poll = setInterval(() => {
      if (!this.#isReady) this.#changed();
    }, times.pollMs);
    void this.#connect();
  }

  close(): void {
    this.#isClosed = true;
    clearInterval(this.#poll);
    clearTimeout(this.#retry);
    clearTimeout(this.#gathering);
    this.#socket?.terminate();
  }

  async #connect(): Promise<void> {
    let file: DaemonFile;
    try {
      file = await this.#where();
    } catch {
      // No daemon runs now: whoever asks it for something is told, here it is only waited for.
      this.#again();
      return;
    }
    if (this.#isClosed) return;
    const socket = new WebSocket(eventsUrl(file), {
      maxPayload: MAX_EVENT,
      handshakeTimeout: HANDSHAKE_MS,
      perMessageDeflate: false,
      followRedirects: false,
    });
    this.#socket = socket;
    socket.on('open', () => socket.send(JSON.stringify({ token: file.token })));
    socket.on('message', (data) => {
      if (Buffer.isBuffer(data)) this.#take(topicOf(data.toString('utf8')));
    });
    // What an error means is told by the close that follows.
    socket.on('error', () => {});
    socket.on('close', () => this.#again());
  }

  #take(topic: unknown): void {
    if (topic === '$ready') {
      this.#failures = 0;
      this.#isReady = true;
      // What came while nobody listened.
      if (this.#wasReady) this.#changed();
      this.#wasReady = true;
    } else if (TOPICS.has(topic)) this.#changed();
  }

  #again(): void {
    this.#isReady = false;
    this.#socket = undefined;
    if (this.#isClosed) return;
    const { minBackoffMs, maxBackoffMs } = this.#times;
    const delayMs = Math.min(maxBackoffMs, minBackoffMs * 2 ** this.#failures);
    this.#failures = Math.min(this.#failures + 1, 16);
    this.#retry = setTimeout(() => void this.#connect(), delayMs);
  }

  #changed(): void {
    if (this.#isClosed) return;
    this.#gathering ??= setTimeout(() => {
      this.#gathering = undefined;
      this.#listener();
    }, this.#times.gatherMs);
  }
}

function topicOf(text: string): unknown {
  try {
    const event: unknown = JSON.parse(text);
    return typeof event === 'object' && event !== null && 'topic' in event
      ? event.topic
      : undefined;
  } catch {
    return undefined;
  }
}
