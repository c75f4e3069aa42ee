/**
 * Virtual time for whole programs: their `setTimeout` waits in a queue, and weeks pass as fast as
 * the work in them is done. Everything else of the process stays as it is; what really takes time
 * (a socket to a provider) is waited for before the next alarm rings.
 */
import { setImmediate as turn } from 'node:timers/promises';

interface Alarm {
  readonly atMs: number;
  readonly order: number;
  readonly ring: () => void;
}

/** Rounds of the event loop without work after which nothing more comes by itself. */
const QUIET_TURNS = 3;

export class VirtualTime {
  nowMs: number;
  readonly #alarms = new AlarmHeap();
  #order = 0;
  #underWay = 0;

  constructor(startMs: number) {
    this.nowMs = startMs;
  }

  /** Calls `ring` in so many milliseconds; the function given back takes it off the queue. */
  after(waitMs: number, ring: () => void): () => void {
    let isOver = false;
    const once = (): void => {
      if (!isOver) ring();
    };
    this.#order += 1;
    const atMs = this.nowMs + Math.max(0, waitMs);
    this.#alarms.push({ atMs, order: this.#order, ring: once });
    return () => {
      isOver = true;
    };
  }

  /** Counts work that goes on outside this process's own promises, such as a request. */
  async during<T>(work: Promise<T>): Promise<T> {
    this.#underWay += 1;
    try {
      return await work;
    } finally {
      this.#underWay -= 1;
    }
  }

  /** Lets everything run that needs no alarm. */
  async settle(): Promise<void> {
    for (let quiet = 0; quiet < QUIET_TURNS; quiet += 1) {
      await turn();
      if (this.#underWay > 0) quiet = -1;
    }
  }

  /** Rings every alarm up to `untilMs`, in order, each after all before it has settled. */
  async run(untilMs: number): Promise<void> {
    await this.settle();
    for (;;) {
      const next = this.#alarms.peek();
      if (next === undefined || next.atMs > untilMs) break;
      this.#alarms.pop();
      this.nowMs = Math.max(this.nowMs, next.atMs);
      next.ring();
      await this.settle();
    }
    this.nowMs = Math.max(this.nowMs, untilMs);
  }

  /** Puts this time under the process's timers until the function given back is called. */
  install(): () => void {
    const real = { setTimeout: globalThis.setTimeout, clearTimeout: globalThis.clearTimeout };
    const virtual = (ring: (...args: unknown[]) => void, waitMs = 0, ...args: unknown[]) =>
      new VirtualTimer(this, () => ring(...args), waitMs);
    globalThis.setTimeout = virtual as never;
    globalThis.clearTimeout = (timer: unknown) => {
      if (timer instanceof VirtualTimer) timer.close();
      else real.clearTimeout(timer as never);
    };
    return () => Object.assign(globalThis, real);
  }
}

/** What programs do with the answer of `setTimeout`. */
class VirtualTimer {
  readonly #time: VirtualTime;
  readonly #ring: () => void;
  readonly #waitMs: number;
  #cancel: () => void;

  constructor(time: VirtualTime, ring: () => void, waitMs: number) {
    this.#time = time;
    this.#ring = ring;
    this.#waitMs = waitMs;
    this.#cancel = time.after(waitMs, ring);
  }

  close(): this {
    this.#cancel();
    return this;
  }

  refresh(): this {
    this.#cancel();
    this.#cancel = this.#time.after(this.#waitMs, this.#ring);
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  hasRef(): boolean {
    return false;
  }
}

/** The alarm that rings first is on top; of two at one time, the one that was set first. */
class AlarmHeap {
  readonly #items: Alarm[] = [];

  peek(): Alarm | undefined {
    return this.#items[0];
  }

  push(alarm: Alarm): void {
    const items = this.#items;
    let at = items.push(alarm) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#isBefore(at, parent)) return;
      this.#swap(at, parent);
      at = parent;
    }
  }

  pop(): Alarm | undefined {
    const items = this.#items;
    const top = items[0];
    const last = items.pop();
    if (last === undefined || items.length === 0) return top;
    items[0] = last;
    for (let at = 0; ;) {
      const children = [2 * at + 1, 2 * at + 2].filter((one) => one < items.length);
      const first = children.toSorted((a, b) => (this.#isBefore(a, b) ? -1 : 1))[0];
      if (first === undefined || !this.#isBefore(first, at)) return top;
      this.#swap(at, first);
      at = first;
    }
  }

  #isBefore(one: number, other: number): boolean {
    const [a, b] = [this.#items[one], this.#items[other]];
    if (a === undefined || b === undefined) return false;
    return a.atMs === b.atMs ? a.order < b.order : a.atMs < b.atMs;
  }

  #swap(one: number, other: number): void {
    const [a, b] = [this.#items[one], this.#items[other]];
    if (a === undefined || b === undefined) return;
    this.#items[one] = b;
    this.#items[other] = a;
  }
}
