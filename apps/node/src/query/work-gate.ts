/**
 * Bounds work that is dear: so many at once, so many that wait for a place, and the next is turned
 * away; one source may have a share of both. Used for proofs here and for routes by api/limits.ts.
 * Spec: docs/spec/11-node-api.md.
 */

export interface GateOptions {
  readonly maxActive: number;
  /** Those who wait for a place, in the order in which they came. */
  readonly maxWaiting: number;
  /** Places of one source; what it wants beyond them waits for its own. All unless given. */
  readonly maxActivePerSource?: number;
  /** Those of one source that wait. All unless given. */
  readonly maxWaitingPerSource?: number;
}

/** Gives the place back; later calls do nothing. */
export type Release = () => void;

/** All places are taken and enough wait: come again later. */
export class BusyError extends Error {
  override readonly name = 'BusyError';
}

interface Waiting {
  readonly source: string;
  readonly enter: () => void;
}

export class WorkGate {
  readonly #options: GateOptions;
  readonly #waiting: Waiting[] = [];
  /** Places by the source that holds them. */
  readonly #held = new Map<string, number>();
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

  /** Resolves when `source` has a place; undefined when too many wait already. */
  async enter(source = ''): Promise<Release | undefined> {
    if (this.#active < this.#options.maxActive && this.#mayHoldMore(source)) this.#take(source);
    else {
      if (!this.#mayWait(source)) return undefined;
      // Whoever leaves hands over its place, so that nobody gets in between.
      await new Promise<void>((enter) => {
        this.#waiting.push({ source, enter });
      });
    }
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#leave(source);
    };
  }

  #mayHoldMore(source: string): boolean {
    return (this.#held.get(source) ?? 0) < (this.#options.maxActivePerSource ?? Infinity);
  }

  #mayWait(source: string): boolean {
    const { maxWaiting, maxWaitingPerSource = Infinity } = this.#options;
    if (this.#waiting.length >= maxWaiting) return false;
    return this.#waiting.filter((one) => one.source === source).length < maxWaitingPerSource;
  }

  #take(source: string): void {
    this.#active += 1;
    this.#held.set(source, (this.#held.get(source) ?? 0) + 1);
  }

  /** The place goes to the first who waits and whose source does not hold its share already. */
  #leave(source: string): void {
    this.#active -= 1;
    const left = (this.#held.get(source) ?? 1) - 1;
    if (left === 0) this.#held.delete(source);
    else this.#held.set(source, left);
    const at = this.#waiting.findIndex((one) => this.#mayHoldMore(one.source));
    const [next] = at < 0 ? [] : this.#waiting.splice(at, 1);
    if (next === undefined) return;
    this.#take(next.source);
    next.enter();
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
