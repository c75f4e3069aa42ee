import { describe, expect, it } from '@jest/globals';
import { ClockWatch } from './clock-watch.ts';

const MINUTES = 60_000;

/** A watch that has seen `count` milestones, `paceMs` apart by their times and `stepMs` for us. */
function watched(offMs: number, { count = 8, paceMs = 1_000, stepMs = 1_000 } = {}) {
  const watch = new ClockWatch(5_000);
  for (let i = 0; i < count; i += 1) {
    const timestampMs = 1_000_000_000 + i * paceMs;
    const wallMs = 1_000_000_050 + i * stepMs + offMs;
    watch.note({ timestampMs, wallMs, steadyMs: i * stepMs });
  }
  const last = count - 1;
  const nowOf = (setMs = 0) => ({
    wallMs: 1_000_000_050 + last * stepMs + offMs + setMs,
    steadyMs: last * stepMs,
  });
  return (setMs?: number): number => watch.leadMs(nowOf(setMs));
}

describe('clock watch', () => {
  it('says nothing while the clock is right or nothing was seen', () => {
    expect(watched(0)()).toBe(0);
    expect(watched(3_000)()).toBe(0);
    expect(new ClockWatch(5_000).leadMs({ wallMs: 0, steadyMs: 0 })).toBe(0);
  });

  it('sees a clock that is ten minutes behind with the first milestone', () => {
    expect(watched(-10 * MINUTES, { count: 1 })()).toBe(-10 * MINUTES + 50);
  });

  it('sees a clock that is ten minutes ahead once milestones come in their own time', () => {
    expect(watched(10 * MINUTES, { count: 3 })()).toBe(0);
    expect(watched(10 * MINUTES, { count: 4 })()).toBe(10 * MINUTES + 50);
    expect(watched(10 * MINUTES, { paceMs: 10_000, stepMs: 10_000 })()).toBe(10 * MINUTES + 50);
  });

  it('does not take a node that catches up for one with a wrong clock', () => {
    expect(watched(10 * MINUTES, { paceMs: 10_000, stepMs: 20 })()).toBe(0);
  });

  it('sees at once that the clock was set, right or wrong', () => {
    expect(watched(10 * MINUTES)(-10 * MINUTES)).toBe(0);
    expect(watched(-10 * MINUTES)(10 * MINUTES)).toBe(0);
    expect(watched(0)(10 * MINUTES)).toBe(10 * MINUTES + 50);
  });
});
