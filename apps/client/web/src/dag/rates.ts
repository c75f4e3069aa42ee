/**
 * Blocks per second and how long blocks take to be confirmed, second by second, for the charts.
 * Pure; ten minutes are kept. Before: dag-feed.ts; after: rate-plot.tsx.
 */
import { medianOf } from './median.ts';

/** Seconds that are kept. */
export const KEPT_SECONDS = 600;
/** Confirmation times of one second that its median is made of. */
const MAX_LATENCIES = 256;
/** Blocks are counted over so many seconds: confirmations come a milestone at a time. */
const SMOOTH_SECONDS = 10;

interface Second {
  readonly second: number;
  received: number;
  confirmed: number;
  readonly latenciesMs: number[];
}

/** Columns of equal length, one row a second, oldest first. */
export interface RateSeries {
  /** Seconds since 1970. */
  readonly seconds: readonly number[];
  /** Blocks per second. */
  readonly received: readonly number[];
  readonly confirmed: readonly number[];
  /** Seconds from solid to confirmed, the median of those confirmed then; null while none was. */
  readonly confirmationSeconds: readonly (number | null)[];
}

export class Rates {
  readonly #seconds = new Map<number, Second>();
  #firstSecond: number | undefined;

  /** From now on silence counts as nothing received, not as nothing known. */
  begin(nowMs: number): void {
    this.#at(nowMs);
  }

  received(nowMs: number, count = 1): void {
    if (count > 0) this.#at(nowMs).received += count;
  }

  confirmed(nowMs: number, latencyMs: number): void {
    const second = this.#at(nowMs);
    second.confirmed++;
    if (second.latenciesMs.length < MAX_LATENCIES) second.latenciesMs.push(latencyMs);
  }

  /** The last whole seconds before `nowMs`, from the first on that anything was heard in. */
  series(nowMs: number, spanSeconds: number): RateSeries {
    const end = Math.floor(nowMs / 1_000);
    const span = Math.min(spanSeconds, KEPT_SECONDS);
    const first = Math.max(end - span, this.#firstSecond ?? end);
    const seconds = Array.from({ length: Math.max(0, end - first) }, (_, at) => first + at);
    const median = (second: number): number | null => {
      const found = medianOf(this.#seconds.get(second)?.latenciesMs ?? []);
      return found === undefined ? null : found / 1_000;
    };
    return {
      seconds,
      received: seconds.map((second) => this.#mean(second, 'received')),
      confirmed: seconds.map((second) => this.#mean(second, 'confirmed')),
      confirmationSeconds: seconds.map(median),
    };
  }

  #mean(second: number, what: 'received' | 'confirmed'): number {
    const first = Math.max(second - SMOOTH_SECONDS + 1, this.#firstSecond ?? second);
    let sum = 0;
    for (let at = first; at <= second; at++) sum += this.#seconds.get(at)?.[what] ?? 0;
    return sum / (second - first + 1);
  }

  #at(nowMs: number): Second {
    const second = Math.floor(nowMs / 1_000);
    this.#firstSecond = Math.min(second, this.#firstSecond ?? second);
    const known = this.#seconds.get(second);
    if (known !== undefined) return known;
    const fresh = { second, received: 0, confirmed: 0, latenciesMs: [] };
    this.#seconds.set(second, fresh);
    for (const old of this.#seconds.keys()) {
      if (this.#seconds.size <= KEPT_SECONDS + SMOOTH_SECONDS) break;
      this.#seconds.delete(old);
    }
    return fresh;
  }
}
