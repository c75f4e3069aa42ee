/**
 * A signal that is aborted when another one is, or when a time is over. Kept by hand, because a
 * signal that the platform composes of others may be collected as garbage before it fires.
 */

export interface TimeLimit {
  readonly signal: AbortSignal;
  /** The time was over first. */
  isOver(): boolean;
  /** Lets go of timer and signal. */
  end(): void;
}

export function limitTime(timeoutMs: number, stop: AbortSignal): TimeLimit {
  const controller = new AbortController();
  let isOver = false;
  const abort = (): void => controller.abort();
  const timer = setTimeout(() => {
    isOver = true;
    abort();
  }, timeoutMs);
  stop.addEventListener('abort', abort, { once: true });
  if (stop.aborted) abort();
  return {
    signal: controller.signal,
    isOver: () => isOver,
    end: () => {
      clearTimeout(timer);
      stop.removeEventListener('abort', abort);
    },
  };
}
