/**
 * Work under a limit of time that other signals may end earlier: requests, dials, proofs of work.
 *
 * `AbortSignal.any([signal, AbortSignal.timeout(ms)])` would be shorter, but cannot be relied on.
 * Nothing holds the signals that it joins: some versions of Node collect the time-out before its
 * time (nodejs/node issue 57736) or lose an abort that came just before a source was collected
 * (issue 65995), and then a request to a peer that never answers hangs for ever. Here the timer and
 * the listeners hold what they end.
 */
import { setMaxListeners } from 'node:events';

/**
 * Runs `task` with a signal that is aborted after `limitMs` milliseconds, with a `TimeoutError`, or
 * as soon as one of `others` is, with its reason. The signal means nothing once the task is over.
 */
export async function withinTime<T>(
  limitMs: number,
  others: readonly (AbortSignal | undefined)[],
  task: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const limit = new AbortController();
  const timer = setTimeout(() => {
    limit.abort(new DOMException(`not within ${limitMs} ms`, 'TimeoutError'));
  }, limitMs);
  const links = others.flatMap((other) => (other === undefined ? [] : [linkOf(other, limit)]));
  try {
    return await task(limit.signal);
  } finally {
    clearTimeout(timer);
    for (const unlink of links) unlink();
  }
}

/** Whether it was the time that ended a signal of {@link withinTime}. */
export function isTimeOver({ reason }: AbortSignal): boolean {
  return reason instanceof DOMException && reason.name === 'TimeoutError';
}

/** Has `limit` end with `other`; what this returns unlinks them. */
function linkOf(other: AbortSignal, limit: AbortController): () => void {
  const end = (): void => limit.abort(other.reason);
  if (other.aborted) end();
  // A lifetime ends as many tasks as there are: Node would take the eleventh for a leak.
  setMaxListeners(0, other);
  other.addEventListener('abort', end, { once: true });
  return () => other.removeEventListener('abort', end);
}
