/** Waiting for a fact by asking for it again and again, never longer than a deadline. */
import { setTimeout as sleep } from 'node:timers/promises';
import { DevnetError } from './processes.ts';

const POLL_MS = 100;

/** The last thing that a poll saw, when it was not what is waited for. */
export class NotYet {
  readonly seen: string;

  constructor(seen: string) {
    this.seen = seen;
  }
}

/**
 * Asks until `ask` gives something other than a NotYet. A DevnetError ends the wait, because it
 * says that the fact will not come; any other error counts as not yet, because processes come and
 * go here, and at the deadline the last one is told.
 */
export async function until<T>(
  what: string,
  timeoutMs: number,
  ask: () => Promise<T | NotYet>,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  let last: unknown;
  for (;;) {
    try {
      const seen = await ask();
      if (!(seen instanceof NotYet)) return seen;
      last = seen.seen;
    } catch (error) {
      if (error instanceof DevnetError) throw error;
      last = error;
    }
    if (Date.now() > deadline) break;
    await sleep(POLL_MS);
  }
  const told = last instanceof Error ? last.message : String(last);
  throw new DevnetError(`${what}: not within ${timeoutMs / 1_000} s (last seen: ${told})`);
}
