/** The leader's load term: its bounds, its calm, and a flood that it turns away. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { MAX_CONE } from '../params/limits.ts';
import { NETWORK_PRESETS } from '../params/networks.ts';
import { LoadControl, pressureOf, type LoadFacts } from './load.ts';
import { checkMilestoneOptions } from './rules.ts';

const PARAMS = NETWORK_PRESETS.main;
const INTERVAL = PARAMS.milestoneIntervalMs;
const facts = (waitingBlocks: number, more: Partial<LoadFacts> = {}): LoadFacts => ({
  waitingBlocks,
  queueFill: 0,
  confirmMs: 0,
  ...more,
});

/** Milestones one interval apart; returns the load term after each. */
function run(control: LoadControl, waiting: readonly number[], start = 0, first = 0): number[] {
  let load = start;
  return waiting.map((blocks, step) => {
    const atMs = (first + step) * INTERVAL;
    const chosen = control.choose(load, atMs, facts(blocks));
    control.made(load, chosen, atMs, facts(blocks));
    load = chosen;
    return load;
  });
}

const many = (count: number, blocks: number): number[] =>
  Array.from({ length: count }, () => blocks);

describe('pressure', () => {
  it('is 1 when the fullest of blocks, queues and time is full', () => {
    expect(pressureOf(facts(MAX_CONE / 4), PARAMS)).toBe(1);
    expect(pressureOf(facts(0, { queueFill: 0.5 }), PARAMS)).toBe(1);
    expect(pressureOf(facts(0, { confirmMs: 750 }), PARAMS)).toBe(1);
    expect(pressureOf(facts(100, { queueFill: 0.1 }), PARAMS)).toBeCloseTo(0.2);
  });
});

describe('load control', () => {
  it('ignores one burst that the next milestones take up', () => {
    expect(Math.max(...run(new LoadControl(PARAMS), [0, 15_000, 6_000, 0, 0, 9_000, 0]))).toBe(0);
  });

  it('raises by a bit every three intervals while the pressure lasts, up to the ceiling', () => {
    const loads = run(new LoadControl(PARAMS), many(40, 8_000));
    expect(loads.slice(0, 9)).toEqual([0, 0, 1, 1, 1, 2, 2, 2, 3]);
    expect(loads.at(-1)).toBe(PARAMS.powLoadBitsMax);
  });

  it('keeps the term between calm and full, and lowers it by a bit per ten calm intervals', () => {
    const control = new LoadControl(PARAMS);
    expect(new Set(run(control, many(50, 3_000), 4))).toEqual(new Set([4]));
    const loads = run(control, many(41, 100), 4, 50);
    expect(
      loads.map((load, step) => (load === loads[step - 1] ? '' : `${step}:${load}`)).join(' '),
    ).toMatch(/^0:4 +10:3 +20:2 +30:1 +40:0$/);
  });

  it('comes down by a bit with each heartbeat of an idle network', () => {
    const control = new LoadControl(PARAMS);
    let load = 3;
    const loads = [0, 1, 2, 3].map((beat) => {
      const atMs = beat * PARAMS.heartbeatMs;
      const chosen = control.choose(load, atMs, facts(0));
      control.made(load, chosen, atMs, facts(0));
      return (load = chosen);
    });
    expect(loads).toEqual([3, 2, 1, 0]);
  });

  it('does not count a milestone that failed', () => {
    const control = new LoadControl(PARAMS);
    for (let at = 0; at < 10; at += 1)
      expect(control.choose(0, at * INTERVAL, facts(9_000))).toBe(0);
  });

  it('never makes a milestone that the rules refuse', () => {
    const step = fc.record({
      waitingBlocks: fc.nat(100_000),
      queueFill: fc.double({ min: 0, max: 1, noNaN: true }),
      confirmMs: fc.nat(3_000),
      passMs: fc.integer({ min: 1, max: 20_000 }),
      isFinal: fc.boolean(),
    });
    const start = fc.nat(PARAMS.powLoadBitsMax);
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100, size: 'max' }), start, (script, first) => {
        const control = new LoadControl(PARAMS);
        let [load, nowMs] = [first, 0];
        for (const { passMs, isFinal, ...seen } of script) {
          nowMs += passMs;
          const chosen = control.choose(load, nowMs, seen);
          const options = chosen === 0 ? {} : { powLoadBits: chosen };
          expect(checkMilestoneOptions(options, load, PARAMS)).toMatchObject({ ok: true });
          if (!isFinal) continue;
          control.made(load, chosen, nowMs, seen);
          load = chosen;
        }
      }),
    );
  });
});

/**
 * A flood of hashes per second that mines at the difficulty asked for, beside honest senders. The
 * network takes `capacity` blocks per interval, oldest first.
 */
function flood(hashesPerInterval: number, intervals: number, capacity: number) {
  const control = new LoadControl(PARAMS);
  let [load, waiting, worst] = [0, 0, 0];
  const loads: number[] = [];
  for (let step = 0; step < intervals; step += 1) {
    const isFlood = step < intervals / 2;
    const spam = isFlood ? hashesPerInterval / 2 ** (PARAMS.powBaseBits + load) : 0;
    waiting += Math.round(spam) + 50;
    const atMs = step * INTERVAL;
    const seen = facts(waiting);
    const chosen = control.choose(load, atMs, seen);
    control.made(load, chosen, atMs, seen);
    load = chosen;
    worst = Math.max(worst, waiting);
    waiting = Math.max(0, waiting - capacity);
    loads.push(load);
  }
  return { loads, worst, waiting };
}

describe('a flood', () => {
  const CAPACITY = 4_000;
  /** Ten times what the network takes: 40,000 blocks per interval at the base difficulty. */
  const HASHES = 40_000 * 2 ** PARAMS.powBaseBits;

  it('is turned away: the backlog stops growing and is worked off while the flood goes on', () => {
    const { loads, worst, waiting } = flood(HASHES, 200, CAPACITY);
    expect(Math.max(...loads)).toBeGreaterThanOrEqual(4);
    expect(Math.max(...loads)).toBeLessThanOrEqual(PARAMS.powLoadBitsMax);
    // Raised every three intervals: 40,000 + … until 2^4 times the work brings 2,500 an interval.
    expect(worst).toBeLessThan(300_000);
    expect(waiting).toBe(0);
    expect(loads.at(-1)).toBe(0);
  });

  it('does not make the term swing: no bit comes back within ten intervals', () => {
    const { loads } = flood(HASHES, 400, CAPACITY);
    const lowered = loads.flatMap((load, step) => (load < (loads[step - 1] ?? 0) ? [step] : []));
    const pauses = lowered.slice(1).map((step, at) => step - (lowered[at] ?? 0));
    expect(pauses.length).toBeGreaterThan(2);
    expect(Math.min(...pauses)).toBeGreaterThanOrEqual(10);
  });
});
