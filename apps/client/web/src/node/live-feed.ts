/**
 * What happens in the tangle, as the node's event socket tells it: one socket for the page, opened
 * again with growing pauses. Screens look at the latest blocks; a drawing hears every event.
 * Spec: docs/spec/11-node-api.md, "Events".
 */
import type {
  BlockEventDto,
  ConfirmedMilestoneDto,
} from '@tanglemail/tangle/io/node-client/event-dto.ts';
import type { BlockMetadataDto, MilestoneDto } from '@tanglemail/tangle/io/node-client/dto.ts';
import { pauseMs } from '../daemon/events.ts';
import { LatestBlocks } from './latest-blocks.ts';

const EVENTS_PATH = '/api/events/v1';
/** The page is drawn again at most this often, whatever comes. */
const TELL_MS = 500;

/** Milestones before the newest that a drawing begins with: about a minute. */
const REPLAYED = 12;
const READY_TOPIC = '$ready';

export type TangleEvent =
  | { readonly topic: 'blocks'; readonly data: BlockEventDto }
  | { readonly topic: 'block-metadata/referenced'; readonly data: BlockMetadataDto }
  | { readonly topic: 'milestones'; readonly data: MilestoneDto }
  | { readonly topic: 'milestones/confirmed'; readonly data: ConfirmedMilestoneDto }
  | {
      readonly topic: typeof READY_TOPIC;
      readonly data: { readonly topic: string; readonly index: number };
    };

/** Those that can be asked for again, in the order within a milestone. */
const CONFIRMED_TOPICS = [
  'block-metadata/referenced',
  'milestones',
  'milestones/confirmed',
] as const satisfies readonly TangleEvent['topic'][];

/** A drawing: hears every event, the last milestones first. */
export interface TangleListener {
  /** What follows was in part before now; told at the start and after each new connection. */
  begin(isReplay: boolean): void;
  take(event: TangleEvent, nowMs: number): void;
}

/** What screens see; another object after each change. */
export interface LiveState {
  readonly isConnected: boolean;
  readonly blocks: LatestBlocks['rows'];
  readonly milestone: LatestBlocks['milestone'];
}

export class LiveFeed {
  readonly #latest = new LatestBlocks();
  readonly #watchers = new Set<() => void>();
  readonly #listeners = new Set<TangleListener>();
  #state: LiveState = { isConnected: false, blocks: [], milestone: undefined };
  #timer: ReturnType<typeof setTimeout> | undefined;
  #socket: WebSocket | undefined;
  #failures = 0;
  #isConnected = false;
  /** Of the newest confirmed milestone; undefined until the node has told it on this socket. */
  #latestIndex: number | undefined;

  readonly state = (): LiveState => this.#state;

  /** Tells when the state is another; gives what ends it. */
  readonly watch = (watcher: () => void): (() => void) => {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  };

  /** Every event, as it comes; gives what ends it. */
  subscribe(listener: TangleListener): () => void {
    this.#listeners.add(listener);
    if (this.#latestIndex !== undefined) this.#follow(this.#latestIndex);
    return () => this.#listeners.delete(listener);
  }

  open(): void {
    const socket = new WebSocket(`${location.origin.replace(/^http/, 'ws')}${EVENTS_PATH}`);
    this.#socket = socket;
    socket.addEventListener('open', () => {
      this.#failures = 0;
      this.#isConnected = true;
      socket.send(JSON.stringify({ op: 'subscribe', topic: 'blocks' }));
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

  /** Asks for what is confirmed: from now on, or from a little before where something draws. */
  #follow(latestIndex: number): void {
    const isReplay = this.#listeners.size > 0;
    for (const listener of this.#listeners) listener.begin(isReplay);
    const since = isReplay ? { since: Math.max(0, latestIndex - REPLAYED) } : {};
    for (const topic of CONFIRMED_TOPICS) {
      this.#socket?.send(JSON.stringify({ op: 'subscribe', topic, ...since }));
    }
  }

  #receive(text: string): void {
    const event = JSON.parse(text) as TangleEvent;
    const nowMs = Date.now();
    switch (event.topic) {
      case 'blocks':
        this.#latest.addBlock(event.data, nowMs);
        break;
      case 'block-metadata/referenced':
        this.#latest.addMetadata(event.data);
        break;
      case 'milestones/confirmed':
        this.#latest.addMilestone(event.data);
        this.#latestIndex = event.data.index;
        break;
      case READY_TOPIC:
        if (event.data.topic !== 'blocks') break;
        this.#latestIndex = event.data.index;
        this.#follow(event.data.index);
        return;
      default:
        break;
    }
    for (const listener of this.#listeners) listener.take(event, nowMs);
    this.#change();
  }

  #reopen(): void {
    this.#isConnected = false;
    this.#latestIndex = undefined;
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
