/**
 * Waiting for the daemon to get somewhere.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { ClientError } from '../client-error.ts';

const POLL_MS = 250;

/** Asks until there is an answer. Throws ClientError `wait-over` after `timeoutMs`. */
export async function waitUntil<T>(
  ask: () => Promise<T | undefined>,
  timeoutMs: number,
): Promise<T> {
  const endMs = Date.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() >= endMs) throw new ClientError('wait-over', `after ${timeoutMs / 1_000} s`);
    await sleep(POLL_MS);
  }
}
