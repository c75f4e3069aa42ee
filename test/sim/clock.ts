/**
 * The virtual clock: a heap of events, run in the order of their time and, for equal times, of
 * their making. Nothing here looks at the real time. Spec: docs/spec/15-consensus.md §10.
 */

interface Event {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

export class VirtualClock {
  readonly #heap: Event[] = [];
  #nowMs: number;
  #made = 0;
  #ran = 0;

  constructor(startMs: number) {
    this.#nowMs = startMs;
  }

  /** Virtual time, whole milliseconds. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** Events run so far. */
  get ran(): number {
    return this.#ran;
  }

  /** Runs `run` after `delayMs`, rounded to whole milliseconds. */
  after(delayMs: number, run: () => void): void {
    const atMs = this.#nowMs + Math.max(0, Math.round(delayMs));
    this.#heap.push({ atMs, order: this.#made++, run });
    this.#rise(this.#heap.length - 1);
  }

  /** Runs what is due up to `untilMs`, or until `isDone` says so after an event. */
  runUntil(untilMs: number, isDone: () => boolean = () => false): void {
    for (let next = this.#heap[0]; next !== undefined; next = this.#heap[0]) {
      if (next.atMs > untilMs) break;
      this.#takeFirst();
      this.#nowMs = next.atMs;
      this.#ran += 1;
      next.run();
      if (isDone()) return;
    }
    this.#nowMs = Math.max(this.#nowMs, untilMs);
  }

  #takeFirst(): void {
    const last = this.#heap.pop();
    if (last === undefined || this.#heap.length === 0) return;
    this.#heap[0] = last;
    this.#sink();
  }

  #rise(from: number): void {
    const heap = this.#heap;
    for (let at = from; at > 0;) {
      const above = (at - 1) >> 1;
      if (isBefore(heap[above]!, heap[at]!)) return;
      [heap[at], heap[above]] = [heap[above]!, heap[at]!];
      at = above;
    }
  }

  #sink(): void {
    const heap = this.#heap;
    for (let at = 0; ;) {
      let first = at;
      for (const child of [2 * at + 1, 2 * at + 2]) {
        if (child < heap.length && isBefore(heap[child]!, heap[first]!)) first = child;
      }
      if (first === at) return;
      [heap[at], heap[first]] = [heap[first]!, heap[at]!];
      at = first;
    }
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
