/**
 * Ledger time as the provider's own node shows it, and how far it lags behind the wall clock. Money
 * deadlines use ledger time only. Before: feed/feed.ts. After: every desk.
 */
import type { Clock } from '@tanglemail/tangle/core/ports.ts';
import type { MarketTimes } from '@tanglemail/mail/core/market/constants.ts';
import { refuseWith } from './refused.ts';

/** A final milestone that the feed has worked off. */
export interface LedgerPoint {
  readonly index: number;
  /** 64 hex digits. */
  readonly milestoneId: string;
  readonly timestampMs: number;
}

export class LedgerClock {
  readonly #clock: Clock;
  readonly #times: MarketTimes;
  #point: LedgerPoint | undefined;

  constructor(clock: Clock, times: MarketTimes) {
    this.#clock = clock;
    this.#times = times;
  }

  get point(): LedgerPoint | undefined {
    return this.#point;
  }

  /** Unix seconds of the last milestone; 0 before the first. */
  get time(): number {
    return Math.floor((this.#point?.timestampMs ?? 0) / 1_000);
  }

  advance(point: LedgerPoint): void {
    this.#point = point;
  }

  /** Seconds between the last milestone and the wall clock, never negative. */
  lagSeconds(): number {
    if (!this.#point) return Number.MAX_SAFE_INTEGER;
    return Math.max(0, (this.#clock.nowMs() - this.#point.timestampMs) / 1_000);
  }

  get isSynced(): boolean {
    return this.lagSeconds() <= this.#times.maxLedgerLag;
  }

  /** Refuses with `ledger-unsynced`: nothing is sold on a ledger that may have moved on. */
  requireSynced(): void {
    if (!this.isSynced) refuseWith('ledger-unsynced');
  }
}
