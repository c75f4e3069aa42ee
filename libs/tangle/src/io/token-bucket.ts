/**
 * A budget per second with a burst, for what one peer or one remote address may ask. Used by the
 * sync protocol (docs/spec/07-gossip.md, "Budgets") and the rate limit of the APIs.
 */
export class TokenBucket {
  readonly #perSecond: number;
  readonly #burst: number;
  #tokens: number;
  #updatedMs: number;

  /** `nowMs` comes from any clock; one that goes back earns nothing meanwhile. */
  constructor(perSecond: number, burst: number, nowMs: number) {
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#tokens = burst;
    this.#updatedMs = nowMs;
  }

  /** Takes `amount` if so much is left; `take(0)` asks whether anything is. */
  take(amount: number, nowMs: number): boolean {
    this.#earn(nowMs);
    if (this.#tokens < amount || this.#tokens <= 0) return false;
    this.#tokens -= amount;
    return true;
  }

  /** Milliseconds until `take(amount)` succeeds, if nobody takes anything meanwhile. */
  waitMs(amount: number, nowMs: number): number {
    this.#earn(nowMs);
    const missing = Math.min(amount, this.#burst) - this.#tokens;
    return missing <= 0 ? 0 : (missing / this.#perSecond) * 1_000;
  }

  /** Books what turned out to be needed, even below zero; later `take`s then wait. */
  charge(amount: number): void {
    this.#tokens -= amount;
  }

  #earn(nowMs: number): void {
    const earned = (Math.max(0, nowMs - this.#updatedMs) / 1_000) * this.#perSecond;
    this.#tokens = Math.min(this.#burst, this.#tokens + earned);
    this.#updatedMs = nowMs;
  }
}
