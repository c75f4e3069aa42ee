/**
 * Runs in a browser: the checks of a light client by the core and noble as they stand, timed by the
 * clock. Posts its rows to the program that served it (main.ts).
 */
import { nobleHasher } from '../../../libs/tangle/src/core/crypto/blake2b.ts';
import { nobleVerifier } from '../../../libs/tangle/src/core/crypto/ed25519-strict.ts';
import { checks, limits, type LightFixture } from '../light/checks.ts';

const ROUNDS = 7;
const ROUND_MS = 150;

/** One row: medians of the rounds, in µs, and the median of their ratios. */
export interface BrowserRow {
  readonly name: string;
  readonly value: number;
  readonly limit: number;
  readonly ratio: number;
}

/** µs of one call over one round, which lasts many ticks of a browser's coarse clock. */
function timed(run: () => unknown): number {
  const start = performance.now();
  let [calls, now] = [0, start];
  while (now - start < ROUND_MS) {
    for (let i = 0; i < 4; i++) run();
    calls += 4;
    now = performance.now();
  }
  return ((now - start) * 1_000) / calls;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >>> 1] ?? Number.NaN;
}

async function main(): Promise<void> {
  const fixture = (await (await fetch('/fixture.json')).json()) as LightFixture;
  const crypto = { hasher: nobleHasher, verifier: nobleVerifier };
  const bare = limits(fixture, crypto);
  const rows = checks(fixture, crypto).map(({ name, run, limit }): BrowserRow => {
    timed(run);
    const rounds = Array.from({ length: ROUNDS }, () => {
      const value = timed(run);
      return { value, limit: timed(bare[limit.of]) * limit.count };
    });
    return {
      name: `${name} / ${limit.count} bare`,
      value: median(rounds.map((round) => round.value)),
      limit: median(rounds.map((round) => round.limit)),
      ratio: median(rounds.map((round) => round.value / round.limit)),
    };
  });
  await fetch('/rows', { method: 'POST', body: JSON.stringify(rows) });
}

try {
  await main();
} catch (error) {
  await fetch('/failed', { method: 'POST', body: String(error) });
}
