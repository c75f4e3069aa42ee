/**
 * Bounds work that is dear: so many at once, so many that wait for a place, and the next is turned
 * away. Used for proofs here and for routes by api/limits.ts. Spec: docs/spec/11-node-api.md.
 */

export interface GateOptions {
  readonly maxActive: number;
  /** Those who wait for a place, in the order in which they came. */
  readonly maxWaiting: number;
}

/** Gives the place back; later calls do nothing. */
export type Release = () => void;

/** All places are taken and enough wait: come again later. */
export class BusyError extends Error {
  override readonly name = 'BusyError';
}

export class WorkGate {
  readonly #options: GateOptions;
  readonly #waiting: (() => void)[] = [];
  #active = 0;

  constructor(options: GateOptions) {
    this.#options = options;
  }

  get active(): number {
    return this.#active;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Resolves when there is a place; undefined when too many wait already. */
  async enter(): Promise<Release | undefined> {
    const { maxActive, maxWaiting } = this.#options;
    if (this.#active >= maxActive) {
      if (this.#waiting.length >= maxWaiting) return undefined;
      // Whoever leaves hands over its place, so that nobody gets in between.
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
    } else this.#active += 1;
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      const next = this.#waiting.shift();
      if (next === undefined) this.#active -= 1;
      else next();
    };
  }

  /** Runs `work` in a place. Throws BusyError when too many wait. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    const release = await this.enter();
    if (release === undefined) throw new BusyError('too much dear work at once');
    try {
      return await work();
    } finally {
      release();
    }
  }
}
