/**
 * When the milestone of a view is due and when the view is given up. Path: `simplex.ts`.
 * Spec: docs/spec/15-consensus.md §7.
 */
import type { NetworkParams } from '../params/networks.ts';

/** Times the longest that a message between honest validators is expected to take. */
const TIMEOUT_DELTAS = 3;

export class Pacemaker {
  readonly #params: Pick<NetworkParams, 'milestoneIntervalMs' | 'heartbeatMs'>;
  readonly #deltaMs: number;
  #enteredMs = 0;
  #waitingSinceMs: number | undefined;
  #timerMs = Infinity;

  constructor(params: Pick<NetworkParams, 'milestoneIntervalMs' | 'heartbeatMs'>, deltaMs: number) {
    this.#params = params;
    this.#deltaMs = deltaMs;
  }

  /** When the view is given up, or what was said is sent again. */
  get timerMs(): number {
    return this.#timerMs;
  }

  /** A view begins; `parentMs` is the time of the milestone that its own will stand on. */
  enter(parentMs: number, nowMs: number): void {
    this.#enteredMs = nowMs;
    if (this.#waitingSinceMs !== undefined) {
      this.#waitingSinceMs = Math.min(this.#waitingSinceMs, nowMs);
    }
    this.#setTimer(parentMs);
  }

  /** Blocks began to wait, or none waits any more. @returns whether that changed. */
  setWaiting(isWaiting: boolean, nowMs: number): boolean {
    if (isWaiting === (this.#waitingSinceMs !== undefined)) return false;
    this.#waitingSinceMs = isWaiting ? nowMs : undefined;
    return true;
  }

  /** The due time of the same view has changed. */
  retime(parentMs: number): void {
    this.#setTimer(parentMs);
  }

  /** The timer fired: what was said is sent again after another delta. */
  again(nowMs: number): void {
    this.#timerMs = nowMs + this.#deltaMs;
  }

  /** When the milestone may be made. A clock that is behind waits no longer than one pause. */
  dueMs(parentMs: number): number {
    const { milestoneIntervalMs, heartbeatMs } = this.#params;
    const pauseMs = this.#waitingSinceMs === undefined ? heartbeatMs : milestoneIntervalMs;
    return Math.min(parentMs + pauseMs, this.#enteredMs + pauseMs);
  }

  /** Three deltas after the milestone is due, or after the block came that made it due. */
  #setTimer(parentMs: number): void {
    const fromMs = Math.max(this.#enteredMs, this.dueMs(parentMs), this.#waitingSinceMs ?? 0);
    this.#timerMs = fromMs + TIMEOUT_DELTAS * this.#deltaMs;
  }
}
