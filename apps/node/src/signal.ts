/**
 * A bell that loops wait for: rung when there may be something to do, with a time-out so that a
 * lost ring only costs time.
 */

export class Bell {
  readonly #waiting = new Set<() => void>();

  /** How many wait now. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Wakes everybody who waits now. */
  ring(): void {
    for (const wake of this.#waiting) wake();
  }

  /**
   * Resolves at the next ring, after `timeoutMs`, or when `signal` aborts. Leaves nothing behind:
   * loops wait several times a second for as long as the process runs.
   */
  async wait(timeoutMs: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = (): void => resolve();
    this.#waiting.add(wake);
    const timer = setTimeout(wake, timeoutMs);
    signal.addEventListener('abort', wake, { once: true });
    await promise;
    clearTimeout(timer);
    signal.removeEventListener('abort', wake);
    this.#waiting.delete(wake);
  }
}

/** Runs one task after the other; a task that fails does not stop the next. */
export class Serial {
  #tail: Promise<unknown> = Promise.resolve();

  run<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(task);
    this.#tail = result.catch(() => undefined);
    return result;
  }
}
