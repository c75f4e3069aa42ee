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
