/**
 * What happens in the tangle, as the node's event socket tells it: one socket for the page, opened
 * again with growing pauses. Screens look at the latest blocks; a drawing hears every event.
 * Spec: docs/spec/11-node-api.md, "Events".
 */
import type {
  BlockEventDto,
  ConfirmedMilestoneDto,
} from '@tanglemail/tangle/io/node-client/event-dto.ts';
import type { BlockMetadataDto } from '@tanglemail/tangle/io/node-client/dto.ts';
import { pauseMs } from '../daemon/events.ts';
import { LatestBlocks } from './latest-blocks.ts';

const EVENTS_PATH = '/api/events/v1';
/** The page is drawn again at most this often, whatever comes. */
const TELL_MS = 500;

export type TangleEvent =
  | { readonly topic: 'blocks'; readonly data: BlockEventDto }
  | { readonly topic: 'block-metadata/referenced'; readonly data: BlockMetadataDto }
  | { readonly topic: 'milestones/confirmed'; readonly data: ConfirmedMilestoneDto };

const TOPICS: readonly TangleEvent['topic'][] = [
  'blocks',
  'block-metadata/referenced',
  'milestones/confirmed',
];

/** What screens see; another object after each change. */
export interface LiveState {
  readonly isConnected: boolean;
  readonly blocks: LatestBlocks['rows'];
  readonly milestone: LatestBlocks['milestone'];
}

export class LiveFeed {
  readonly #latest = new LatestBlocks();
  readonly #watchers = new Set<() => void>();
  readonly #listeners = new Set<(event: TangleEvent) => void>();
  #state: LiveState = { isConnected: false, blocks: [], milestone: undefined };
  #timer: ReturnType<typeof setTimeout> | undefined;
  #socket: WebSocket | undefined;
  #failures = 0;
  #isConnected = false;

  readonly state = (): LiveState => this.#state;

  /** Tells when the state is another; gives what ends it. */
  readonly watch = (watcher: () => void): (() => void) => {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  };

  /** Every event, as it comes; gives what ends it. */
  subscribe(listener: (event: TangleEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  open(): void {
    const socket = new WebSocket(`${location.origin.replace(/^http/, 'ws')}${EVENTS_PATH}`);
    this.#socket = socket;
    socket.addEventListener('open', () => {
      this.#failures = 0;
      this.#isConnected = true;
      for (const topic of TOPICS) socket.send(JSON.stringify({ op: 'subscribe', topic }));
      this.#change();
    });
    socket.addEventListener('message', ({ data }) => this.#receive(String(data)));
    socket.addEventListener('close', () => this.#reopen());
  }

  close(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.close();
  }

  #receive(text: string): void {
    const event = JSON.parse(text) as TangleEvent;
    if (event.topic === 'blocks') this.#latest.addBlock(event.data, Date.now());
    else if (event.topic === 'block-metadata/referenced') this.#latest.addMetadata(event.data);
    else if (event.topic === 'milestones/confirmed') this.#latest.addMilestone(event.data);
    else return;
    for (const listener of this.#listeners) listener(event);
    this.#change();
  }

  #reopen(): void {
    this.#isConnected = false;
    this.#change();
    if (this.#socket === undefined) return;
    setTimeout(() => this.open(), pauseMs(this.#failures, Math.random()));
    this.#failures += 1;
  }

  #change(): void {
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      const { rows: blocks, milestone } = this.#latest;
      this.#state = { isConnected: this.#isConnected, blocks, milestone };
      for (const watcher of this.#watchers) watcher();
    }, TELL_MS);
  }
}
