/**
 * The seeded network between nodes: delay, loss, duplication, reordering, cuts in one or both
 * directions. A message is what a node's shell sends over libp2p; blocks, milestones and consensus
 * messages travel as their real bytes.
 */
import type { BlockId, MilestoneId } from '@tanglemail/tangle/core/codec/ids.ts';
import type { VirtualClock } from './clock.ts';
import type { SeededRandom } from './random.ts';
import type { Tally } from './tally.ts';

/** A milestone with its certificate, and its cone in white-flag order. */
export interface RangeItem {
  readonly milestone: Uint8Array;
  readonly cone: readonly Uint8Array[];
}

export type SimMessage =
  | { readonly kind: 'block'; readonly bytes: Uint8Array }
  | { readonly kind: 'consensus'; readonly bytes: Uint8Array }
  | { readonly kind: 'status'; readonly index: number }
  | { readonly kind: 'want-blocks'; readonly ids: readonly BlockId[] }
  | { readonly kind: 'want-range'; readonly from: number }
  | { readonly kind: 'range'; readonly items: readonly RangeItem[] }
  | {
      readonly kind: 'want-consensus';
      readonly epoch: number;
      readonly views: readonly bigint[];
      readonly ids: readonly MilestoneId[];
    };

export interface LinkQuality {
  /** Share of messages that vanish. */
  lossShare: number;
  /** Share of messages that come twice. */
  twiceShare: number;
  /** The longest delay, milliseconds; most are far shorter. */
  delayMsMax: number;
}

export const GOOD_LINKS: Readonly<LinkQuality> = {
  lossShare: 0,
  twiceShare: 0,
  delayMsMax: 100,
};

const DELAY_MS_MIN = 2;

export class Network {
  readonly quality: LinkQuality = { ...GOOD_LINKS };
  readonly #clock: VirtualClock;
  readonly #random: SeededRandom;
  readonly #tally: Tally;
  readonly #cuts = new Set<string>();
  readonly #lastAtMs = new Map<string, number>();
  readonly #deliver: (from: number, to: number, message: SimMessage) => void;

  constructor(deps: {
    clock: VirtualClock;
    random: SeededRandom;
    tally: Tally;
    deliver: (from: number, to: number, message: SimMessage) => void;
  }) {
    this.#clock = deps.clock;
    this.#random = deps.random;
    this.#tally = deps.tally;
    this.#deliver = deps.deliver;
  }

  /** Nothing passes from `from` to `to` any more. */
  cut(from: number, to: number): void {
    this.#cuts.add(`${from}>${to}`);
  }

  /** Every link works again, without loss or long delay. */
  heal(): void {
    this.#cuts.clear();
    Object.assign(this.quality, GOOD_LINKS);
  }

  restore(from: number, to: number): void {
    this.#cuts.delete(`${from}>${to}`);
  }

  send(from: number, to: number, message: SimMessage): void {
    const link = `${from}>${to}`;
    if (this.#cuts.has(link)) {
      this.#tally.count('cut');
      return;
    }
    const { lossShare, twiceShare, delayMsMax } = this.quality;
    if (this.#random.chance(lossShare)) {
      this.#tally.count('lost');
      return;
    }
    const isTwice = this.#random.chance(twiceShare);
    if (isTwice) this.#tally.count('duplicated');
    for (let copy = 0; copy < (isTwice ? 2 : 1); copy += 1) {
      const delayMs = Math.round(DELAY_MS_MIN + this.#random.next() ** 3 * delayMsMax);
      const atMs = this.#clock.nowMs + delayMs;
      const lastAtMs = this.#lastAtMs.get(link) ?? 0;
      if (atMs < lastAtMs) this.#tally.count('reordered');
      this.#lastAtMs.set(link, Math.max(atMs, lastAtMs));
      this.#clock.after(delayMs, () => this.#deliver(from, to, message));
    }
  }
}
