/**
 * How a leader sets the load term of the proof of work: up while more comes than the network can
 * take, down again when it is over. What every node checks of it (one bit per milestone, never
 * above the ceiling) is in rules.ts; this is the choice within that. Path: the validator → here →
 * build.ts. Spec: docs/spec/14-load.md, "Difficulty".
 */
import { MAX_CONE } from '../params/limits.ts';
import type { NetworkParams } from '../params/networks.ts';

/** What a leader sees when it makes a milestone. */
export interface LoadFacts {
  /** Solid blocks that no milestone has referenced, before this one. */
  readonly waitingBlocks: number;
  /** Share of the node's intake queues that is in use, in items or bytes: 0–1. */
  readonly queueFill: number;
  /** Time that the last milestone took to build, check and write, in milliseconds. */
  readonly confirmMs: number;
}

/** Waiting blocks, queues and time that count as full: a pressure of 1. */
const FULL = { waitingBlocks: MAX_CONE / 4, queueFill: 0.5, intervalShare: 0.75 } as const;
/** Below this pressure it is calm; between it and 1 nothing changes. */
const CALM_BELOW = 0.25;
/** Milestone intervals of pressure before a bit more: one burst that fits is no flood. */
const RAISE_AFTER = 2;
/** Intervals between two raises: senders have to mine anew before the last one shows. */
const RAISE_PAUSE = 3;
/** Intervals of calm before each bit less. A heartbeat is as long: an idle network comes down. */
const LOWER_AFTER = 10;

/** How near the network is to what it can take: 1 is full, whichever of the three is fullest. */
export function pressureOf(
  facts: LoadFacts,
  params: Pick<NetworkParams, 'milestoneIntervalMs'>,
): number {
  return Math.max(
    facts.waitingBlocks / FULL.waitingBlocks,
    facts.queueFill / FULL.queueFill,
    facts.confirmMs / (params.milestoneIntervalMs * FULL.intervalShare),
  );
}

/**
 * Chooses the load term of one milestone after the other. Time is that of the milestones. A leader
 * that starts anew begins without a memory: the first change comes a little later.
 */
export class LoadControl {
  readonly #params: Pick<NetworkParams, 'powLoadBitsMax' | 'milestoneIntervalMs'>;
  /** Since when it has been so without a break; undefined while it is not. */
  #pressedSinceMs: number | undefined;
  #calmSinceMs: number | undefined;
  #raisedMs = -Infinity;

  constructor(params: Pick<NetworkParams, 'powLoadBitsMax' | 'milestoneIntervalMs'>) {
    this.#params = params;
  }

  /**
   * The load term of the milestone at `timestampMs` on one with `loadBits`: the same, one more or
   * one less, from 0 to the network's ceiling. Changes nothing here: call `made` once it is final.
   */
  choose(loadBits: number, timestampMs: number, facts: LoadFacts): number {
    const { powLoadBitsMax, milestoneIntervalMs } = this.#params;
    const pressure = pressureOf(facts, this.#params);
    const lasts = (since: number | undefined, intervals: number): boolean =>
      since !== undefined && timestampMs - since >= intervals * milestoneIntervalMs;
    if (pressure >= 1 && lasts(this.#pressedSinceMs, RAISE_AFTER)) {
      const isDue = timestampMs - this.#raisedMs >= RAISE_PAUSE * milestoneIntervalMs;
      return isDue ? Math.min(loadBits + 1, powLoadBitsMax) : loadBits;
    }
    if (pressure < CALM_BELOW && lasts(this.#calmSinceMs, LOWER_AFTER)) {
      return Math.max(loadBits - 1, 0);
    }
    return loadBits;
  }

  /** Remembers a milestone that became final with this term on one with `loadBits`. */
  made(loadBits: number, chosen: number, timestampMs: number, facts: LoadFacts): void {
    const pressure = pressureOf(facts, this.#params);
    this.#pressedSinceMs = pressure >= 1 ? (this.#pressedSinceMs ?? timestampMs) : undefined;
    this.#calmSinceMs = pressure < CALM_BELOW ? (this.#calmSinceMs ?? timestampMs) : undefined;
    if (chosen > loadBits) this.#raisedMs = timestampMs;
    // The next bit less needs a calm of its own.
    if (chosen < loadBits) this.#calmSinceMs = timestampMs;
  }
}
