/**
 * The seeded network between nodes: delay, loss, duplication, reordering, cuts in one or both
 * directions, and relays that exchange bodies. A message is what a node's shell sends over libp2p;
 * blocks, milestones and consensus messages travel as their real bytes.
 */
import type { BlockId, MilestoneId } from '@tanglemail/tangle/core/codec/ids.ts';
import type { VirtualClock } from './clock.ts';
import { garble } from './garble.ts';
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

/** A message that arrives; `isGarbled` if it is not what was sent. */
export type Deliver = (from: number, to: number, message: SimMessage, isGarbled: boolean) => void;

interface NetworkDeps {
  readonly clock: VirtualClock;
  readonly random: SeededRandom;
  /** Chance of relays alone, so that their number moves nothing else. */
  readonly relays: SeededRandom;
  readonly tally: Tally;
  readonly deliver: Deliver;
  /** Messages that take longer are counted as late. */
  readonly lateMs: number;
}

export class Network {
  readonly quality: LinkQuality = { ...GOOD_LINKS };
  /** Share of messages whose body a relay exchanges, if they have one. */
  garbledShare = 0;
  readonly #deps: NetworkDeps;
  readonly #cuts = new Set<string>();
  readonly #lastAtMs = new Map<string, number>();

  constructor(deps: NetworkDeps) {
    this.#deps = deps;
  }

  /** Nothing passes from `from` to `to` any more. */
  cut(from: number, to: number): void {
    this.#cuts.add(linkOf(from, to));
  }

  /** Every link works again, without loss or long delay. */
  heal(): void {
    this.#cuts.clear();
    Object.assign(this.quality, GOOD_LINKS);
    this.garbledShare = 0;
  }

  restore(from: number, to: number): void {
    this.#cuts.delete(linkOf(from, to));
  }

  send(from: number, to: number, message: SimMessage): void {
    const { random, tally } = this.#deps;
    if (this.#cuts.has(linkOf(from, to))) {
      tally.count('cut');
      return;
    }
    const { lossShare, twiceShare } = this.quality;
    if (random.chance(lossShare)) {
      tally.count('lost');
      return;
    }
    const isTwice = random.chance(twiceShare);
    if (isTwice) tally.count('duplicated');
    for (let copy = 0; copy < (isTwice ? 2 : 1); copy += 1) this.#carry(from, to, message);
  }

  #carry(from: number, to: number, message: SimMessage): void {
    const { clock, random, relays, tally, deliver, lateMs } = this.#deps;
    const link = linkOf(from, to);
    const delayMs = Math.round(DELAY_MS_MIN + random.next() ** 3 * this.quality.delayMsMax);
    const atMs = clock.nowMs + delayMs;
    const lastAtMs = this.#lastAtMs.get(link) ?? 0;
    if (atMs < lastAtMs) tally.count('reordered');
    if (delayMs > lateMs) tally.count('late');
    this.#lastAtMs.set(link, Math.max(atMs, lastAtMs));
    const isGarbled = this.garbledShare > 0 && relays.chance(this.garbledShare);
    const garbled = isGarbled ? garble(message, relays) : undefined;
    if (garbled !== undefined) tally.count(garbled.name);
    clock.after(delayMs, () =>
      deliver(from, to, garbled?.message ?? message, garbled !== undefined),
    );
  }
}

function linkOf(from: number, to: number): string {
  return `${from}>${to}`;
}
