/**
 * A bell that loops wait for: rung when there may be something to do, with a time-out so that a
 * lost ring only costs time.
 */

export class Bell {
  #waiting = Promise.withResolvers<void>();

  /** Wakes everybody who waits now. */
  ring(): void {
    this.#waiting.resolve();
    this.#waiting = Promise.withResolvers<void>();
  }

  /** Resolves at the next ring, after `timeoutMs`, or when `signal` aborts. */
  async wait(timeoutMs: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const timeout = Promise.withResolvers<void>();
    const timer = setTimeout(timeout.resolve, timeoutMs);
    signal.addEventListener('abort', () => timeout.resolve(), { once: true });
    await Promise.race([this.#waiting.promise, timeout.promise]);
    clearTimeout(timer);
    timeout.resolve();
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
