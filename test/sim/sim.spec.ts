/**
 * The simulation in short: seeds that must hold, the same trace for the same seed, and proof that
 * the checkers can fail. Longer runs: `npm run sim`.
 */
import { describe, expect, it } from '@jest/globals';
import { hashWasmBackend, sodiumBackend } from '@tanglemail/tangle/io/accel/hasher.ts';
import { readFileSync } from 'node:fs';
import { fastSigning, realSigning } from './signing.ts';
import { readRuns } from './regressions.ts';
import { shrink } from './shrink.ts';
import type { SimOptions, SimTools } from './setup.ts';
import { simulate, type SimResult } from './world.ts';

const hasher = (await sodiumBackend()) ?? (await hashWasmBackend());
const tools: SimTools = { hasher, signing: fastSigning() };

function play(options: Partial<SimOptions> & { seed: number }): SimResult {
  return simulate({ nodes: 4, ...options }, tools);
}

/** Rules that the first of these seeds to fail breaks. */
function firstBroken(seeds: readonly number[], options: Partial<SimOptions>): string[] {
  for (const seed of seeds) {
    const rules = play({ seed, ...options }).violations.map(({ rule }) => rule);
    if (rules.length > 0) return rules;
  }
  return [];
}

describe('a simulated network', () => {
  it('keeps every rule, whatever happens', () => {
    for (const [nodes, seeds] of [
      [4, [101, 102, 103, 104, 105, 106]],
      [7, [107]],
      [1, [108]],
    ] as const) {
      for (const seed of seeds) {
        const { violations, milestones } = play({ seed, nodes });
        expect({ seed, violations }).toEqual({ seed, violations: [] });
        expect(milestones).toBeGreaterThan(20);
      }
    }
  });

  it('keeps them through power cuts every two seconds', () => {
    for (const seed of [1, 6, 729]) {
      const { violations, faults } = play({ seed, isStormy: true });
      expect({ seed, violations }).toEqual({ seed, violations: [] });
      expect(faults['lost-writes']).toBeGreaterThan(0);
    }
  });

  it('keeps them when machines lose their votes, or all they had', () => {
    const lost = new Set<string>();
    for (const seed of [104, 155]) {
      const { violations, faults } = play({ seed });
      expect({ seed, violations }).toEqual({ seed, violations: [] });
      for (const name of ['wipe-all', 'wipe-votes']) if (name in faults) lost.add(name);
    }
    expect(lost.size).toBe(2);
  });

  it('keeps them when relays exchange bodies, which everybody refuses', () => {
    const { violations, faults } = play({ seed: 146 });
    expect(violations).toEqual([]);
    expect(faults['garbled-proposal']).toBeGreaterThan(0);
    expect(faults['garbled-milestone']).toBeGreaterThan(0);
    const refused = Object.keys(faults).filter((name) => name.startsWith('refused-'));
    expect(refused).toEqual(['refused-milestone-root']);
  });

  it('keeps more seats without votes than it bears from contradicting themselves', () => {
    for (const seed of [7, 9]) {
      const { violations, faults } = play({ seed, isStormy: true, byzantine: 1, wiped: 2 });
      expect({ seed, violations }).toEqual({ seed, violations: [] });
      expect(faults['wipe-votes']).toBeGreaterThan(0);
    }
  });

  it('keeps them while bonds elect other committees', () => {
    const happened = new Set<string>();
    for (const seed of [9, 11, 12]) {
      const { violations, faults } = play({ seed, isElecting: true });
      expect({ seed, violations }).toEqual({ seed, violations: [] });
      expect(faults['committee-change']).toBeGreaterThan(0);
      for (const name of Object.keys(faults)) happened.add(name);
    }
    for (const name of ['bond', 'bond-theft', 'slash', 'top-up', 'unbond', 'wipe-all']) {
      expect(happened).toContain(name);
    }
  });

  it('leaves no block behind that only nodes without a seat hold', () => {
    const { violations, healMs } = play({ seed: 1010, isElecting: true, isStormy: true });
    expect(violations).toEqual([]);
    // Until the block is too old it takes 34 s.
    expect(healMs).toBeLessThan(20_000);
  });

  it('keeps them for the seeds that once failed', () => {
    const text = readFileSync(new URL('regressions.txt', import.meta.url), 'utf8');
    for (const run of readRuns(text)) {
      const { seed, violations } = play(run);
      expect({ seed, violations }).toEqual({ seed, violations: [] });
    }
  });

  it('gives the same trace for the same seed, and another for another', () => {
    const digest = (seed: number): string => play({ seed, phaseMs: 8_000 }).digest;
    expect(digest(7)).toBe(digest(7));
    expect(digest(7)).not.toBe(digest(8));
    const elected = { seed: 7, isElecting: true, phaseMs: 8_000 };
    expect(play(elected).digest).toBe(play(elected).digest);
    expect(play(elected).digest).not.toBe(digest(7));
  });

  it('runs with real signatures too', () => {
    const real = { hasher, signing: realSigning() };
    const { violations, milestones } = simulate({ seed: 3, nodes: 1, phaseMs: 3_000 }, real);
    expect(violations).toEqual([]);
    expect(milestones).toBeGreaterThan(5);
  });
});

describe('the checkers', () => {
  it('find a conflict when f + 1 seats are byzantine', () => {
    expect(firstBroken([4, 5, 6], { byzantine: 2 })).toContain('one-final-milestone');
  });

  it('find a conflict when votes are not synced', () => {
    const options = { isStormy: true, measures: { syncsVotes: false, guardsSilence: false } };
    const rules = firstBroken([6], options);
    expect(rules).toContain('view-decided-once');
  });

  it('find a conflict when seats speak that have lost their votes', () => {
    const options = { isStormy: true, byzantine: 1, wiped: 2, measures: { guardsSilence: false } };
    const rules = [7, 9].flatMap((seed) => firstBroken([seed], options));
    expect(rules).toContain('view-decided-once');
  });

  it('find a node that stays behind when it takes any body for a milestone', () => {
    expect(firstBroken([140], { measures: { checksBodies: false } })).toContain('convergence');
  });

  it('find a standstill when cones are not synced with the vote', () => {
    const options = { isStormy: true, measures: { syncsCones: false } };
    expect(firstBroken([3, 4, 5], options)).toContain('progress');
  });

  it('find a standstill when gossip takes what is said again for a duplicate', () => {
    expect(firstBroken([5], { measures: { variesRepeats: false } })).toContain('progress');
  });

  it('fail again after shortening, with no more faults than before', () => {
    const options = { seed: 5, nodes: 4, byzantine: 2 };
    const failed = simulate(options, tools);
    const shortest = shrink(options, failed, tools);
    expect(shortest.violations.length).toBeGreaterThan(0);
    expect(shortest.scheduled).toBeLessThanOrEqual(failed.scheduled);
  });
});
