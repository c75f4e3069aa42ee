/**
 * The daemon's events: one socket for the whole page, opened again with growing pauses. An event
 * says that something has changed; facts are fetched. After each new connection everything counts
 * as changed, since nobody knows what was missed. Spec: docs/spec/41-client-api.md, "Events".
 */
import type { ClientEventDto } from '../../../src/api/dto.ts';
import type { Api } from './api.ts';

const EVENTS_PATH = '/api/client/v1/events';
const FIRST_PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 30_000;

export type LiveEvent = ClientEventDto | { readonly topic: '$connected'; readonly data: object };
type Listener = (event: LiveEvent) => void;

/** The pause before the next try, with chance so that pages do not come all at once. */
export function pauseMs(failures: number, chance: number): number {
  const longest = Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** failures);
  return longest * (0.5 + chance / 2);
}

export class Events {
  readonly #api: Api;
  readonly #listeners = new Set<Listener>();
  readonly #watchers = new Set<() => void>();
  #socket: WebSocket | undefined;
  #failures = 0;
  #isConnected = false;

  constructor(api: Api) {
    this.#api = api;
  }

  get isConnected(): boolean {
    return this.#isConnected;
  }

  /** Gives what ends it. */
  subscribe(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Tells when the connection comes or goes; gives what ends it. */
  readonly watchConnection = (watcher: () => void): (() => void) => {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  };

  open(): void {
    const url = `${location.origin.replace(/^http/, 'ws')}${EVENTS_PATH}`;
    const socket = new WebSocket(url, this.#api.socketProtocols);
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => this.#receive(String(data)));
    socket.addEventListener('close', () => this.#reopen());
  }

  close(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.close();
  }

  #receive(text: string): void {
    const event = JSON.parse(text) as { topic: string; data: object };
    if (event.topic === '$ready') {
      this.#failures = 0;
      this.#setConnected(true);
      this.#tell({ topic: '$connected', data: {} });
    } else if (!event.topic.startsWith('$')) this.#tell(event as LiveEvent);
  }

  #reopen(): void {
    this.#setConnected(false);
    if (this.#socket === undefined) return;
    setTimeout(() => this.open(), pauseMs(this.#failures, Math.random()));
    this.#failures += 1;
  }

  #setConnected(isConnected: boolean): void {
    if (this.#isConnected === isConnected) return;
    this.#isConnected = isConnected;
    for (const watcher of this.#watchers) watcher();
  }

  #tell(event: LiveEvent): void {
    for (const listener of this.#listeners) listener(event);
  }
}
