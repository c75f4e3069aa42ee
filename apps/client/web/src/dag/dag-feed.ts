/**
 * From the events of the node's socket to the store of the visualizer. Pure: the page opens the
 * socket, subscribes to DAG_TOPICS and passes on what comes with the time at which it came. What is
 * not understood is left alone: a picture has no use for half an event. Next: dag-store.ts.
 * Spec: docs/spec/11-node-api.md, "Events".
 */
import { decodeMilestone } from '@tanglemail/tangle/core/codec/milestone.ts';
import { hexToBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import type {
  BlockEventDto,
  ConfirmedMilestoneDto,
} from '@tanglemail/tangle/io/node-client/event-dto.ts';
import type { BlockMetadataDto, MilestoneDto } from '@tanglemail/tangle/io/node-client/dto.ts';
import type { DagStore } from './dag-store.ts';
import type { Rates } from './rates.ts';

/** What to subscribe to; the last three take a `since`, which fills the picture from the past. */
export const DAG_TOPICS = [
  'blocks',
  'block-metadata/referenced',
  'milestones',
  'milestones/confirmed',
] as const;

/** A milestone's blocks that had not come by themselves; more are not shown. */
const MAX_EARLIER = 10_000;
/** What the blocks of a milestone are spread over when the one before it is not known. */
const USUAL_STEP_MS = 5_000;

export interface FeedMessage {
  readonly topic: string;
  readonly data: unknown;
}

interface Earlier {
  readonly blockId: string;
  readonly parents: readonly string[];
  readonly state: 'confirmed' | 'conflict';
}

export class DagFeed {
  readonly #store: DagStore;
  readonly #rates: Rates;
  /** Referenced blocks that were solid before the page listened, parents before children. */
  #earlier: Earlier[] = [];
  #isReplay = false;
  #lastMilestoneMs: number | undefined;

  constructor(store: DagStore, rates: Rates) {
    this.#store = store;
    this.#rates = rates;
  }

  /** After each connection, before its first message: whether it asked for what it has missed. */
  begin(isReplay: boolean): void {
    this.#isReplay = isReplay;
    this.#earlier = [];
  }

  take({ topic, data }: FeedMessage, nowMs: number): void {
    if (typeof data !== 'object' || data === null) return;
    switch (topic) {
      case 'blocks':
        return this.#onBlock(data, nowMs);
      case 'block-metadata/referenced':
        return this.#onReferenced(data, nowMs);
      case 'milestones':
        return this.#onMilestone(data, nowMs);
      case 'milestones/confirmed':
        return this.#onConfirmed(data, nowMs);
      case '$ready':
        if ((data as { topic?: unknown }).topic === 'milestones/confirmed') this.#isReplay = false;
        return undefined;
      default:
        return undefined;
    }
  }

  #onBlock({ blockId, parents }: Partial<BlockEventDto>, nowMs: number): void {
    if (typeof blockId !== 'string') return;
    const before = this.#store.received;
    this.#store.add({ id: blockId, atMs: nowMs, parents: idsOf(parents) });
    this.#rates.received(nowMs, this.#store.received - before);
  }

  #onReferenced(metadata: Partial<BlockMetadataDto>, nowMs: number): void {
    const { blockId, parents, ledgerInclusionState } = metadata;
    if (typeof blockId !== 'string') return;
    const state: Earlier['state'] =
      ledgerInclusionState === 'conflicting' ? 'conflict' : 'confirmed';
    const known = this.#store.get(blockId);
    if (known === undefined) {
      const earlier = { blockId, parents: idsOf(parents), state };
      if (this.#earlier.length < MAX_EARLIER) this.#earlier.push(earlier);
      return;
    }
    const isFirst = known.state === 'tip' || known.state === 'pending';
    this.#store.add({ id: blockId, atMs: known.atMs, parents: idsOf(parents) });
    this.#store.settle(blockId, state);
    if (isFirst && !this.#isReplay) this.#rates.confirmed(nowMs, nowMs - known.atMs);
  }

  #onMilestone({ milestoneId, index, timestampMs, bytes }: Partial<MilestoneDto>, nowMs: number) {
    if (typeof milestoneId !== 'string' || !isWhole(index)) return;
    const atMs = this.#timeOf(timestampMs, nowMs);
    this.#store.add({ id: milestoneId, atMs, index, parents: parentsIn(bytes) });
  }

  /** The end of a milestone: now it is known when its earlier blocks came, about. */
  #onConfirmed({ timestampMs }: Partial<ConfirmedMilestoneDto>, nowMs: number): void {
    const atMs = this.#timeOf(timestampMs, nowMs);
    const lastMs = this.#lastMilestoneMs ?? atMs - USUAL_STEP_MS;
    const stepMs = Math.max(0, atMs - lastMs) / (this.#earlier.length + 1);
    for (const [at, { blockId, parents, state }] of this.#earlier.entries()) {
      const cameMs = Math.round(atMs - stepMs * (this.#earlier.length - at));
      this.#store.add({ id: blockId, atMs: cameMs, parents });
      this.#store.settle(blockId, state);
    }
    this.#earlier = [];
    this.#lastMilestoneMs = atMs;
  }

  /** When a milestone came: now, or in a replay by its own time, which is never ahead of ours. */
  #timeOf(timestampMs: unknown, nowMs: number): number {
    return this.#isReplay && isWhole(timestampMs) ? Math.min(timestampMs, nowMs) : nowMs;
  }
}

function isWhole(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function idsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
}

/** The roots of a milestone's cone; none when the bytes cannot be read. */
function parentsIn(hex: unknown): readonly string[] {
  if (typeof hex !== 'string' || !/^(?:[0-9a-f]{2})+$/.test(hex)) return [];
  const milestone = decodeMilestone(hexToBytes(hex));
  return milestone.ok ? milestone.value.body.parents : [];
}
