/**
 * Tells whether this machine's clock is wrong, by the milestones. A milestone with a certificate
 * whose time lies in our future shows a clock that is behind. One that lies in our past may simply
 * be old; but while milestones come as fast as their own times say, the node is not catching up,
 * and what it is then behind them by is the clock's lead. Path: confirmation → here → health.
 * Spec: docs/spec/14-load.md, "A wrong clock".
 */

/** Milestones in a row that must come in their own time before their age counts. */
const LIVE_AFTER = 3;
/** How much the pause between two milestones may differ from that of their times. */
const PACE = { share: 0.5, ms: 2_000 } as const;

/** When a milestone became final here. */
export interface Sighting {
  /** The milestone's own time. */
  readonly timestampMs: number;
  /** This machine's clock. */
  readonly wallMs: number;
  /** A clock that nobody sets. */
  readonly steadyMs: number;
}

export class ClockWatch {
  readonly #toleranceMs: number;
  #last: Sighting | undefined;
  #live = 0;
  #leadMs: number | undefined;

  /** @param toleranceMs a lead or lag up to this is none; maxDriftMs of the network. */
  constructor(toleranceMs: number) {
    this.#toleranceMs = toleranceMs;
  }

  /** A milestone became final. */
  note(seen: Sighting): void {
    const last = this.#last;
    this.#last = seen;
    const pauseMs = last === undefined ? 0 : seen.steadyMs - last.steadyMs;
    const ownMs = last === undefined ? 0 : seen.timestampMs - last.timestampMs;
    const isLive =
      last !== undefined && Math.abs(pauseMs - ownMs) <= PACE.ms + PACE.share * pauseMs;
    this.#live = isLive ? this.#live + 1 : 0;
    const leadMs = seen.wallMs - seen.timestampMs;
    if (leadMs < 0 || this.#live >= LIVE_AFTER) this.#leadMs = leadMs;
    else this.#leadMs = undefined;
  }

  /**
   * By how much the clock leads (above zero) or lags (below), in milliseconds; 0 while it is right
   * or nothing can be said. `now` is the present: a clock that was set since is seen at once.
   */
  leadMs(now: Pick<Sighting, 'wallMs' | 'steadyMs'>): number {
    if (this.#last === undefined || this.#leadMs === undefined) return 0;
    const setMs = now.wallMs - this.#last.wallMs - (now.steadyMs - this.#last.steadyMs);
    const leadMs = this.#leadMs + setMs;
    return Math.abs(leadMs) > this.#toleranceMs ? leadMs : 0;
  }
}
