/**
 * Waiting that can be ended early, for the client's recurring work.
 */

/** Waits `timeMs`, until `signal`, or until the function given to `onStart` is called. */
export async function pause(
  timeMs: number,
  signal: AbortSignal,
  onStart?: (wake: () => void) => void,
): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, timeMs);
    signal.addEventListener('abort', end, { once: true });
    onStart?.(end);
  });
}

/** A rest that others can end. */
export class Bell {
  #hasRung = false;
  #wake: (() => void) | undefined;

  /** Ends the rest of whoever waits; without one, the next rest ends at once. */
  ring(): void {
    this.#hasRung = true;
    this.#wake?.();
  }

  /** Waits `timeMs`, until the bell rings or has rung since the last rest, or until `signal`. */
  async rest(timeMs: number, signal: AbortSignal): Promise<void> {
    if (!this.#hasRung) {
      await pause(timeMs, signal, (wake) => {
        this.#wake = wake;
      });
    }
    this.#hasRung = false;
  }
}
