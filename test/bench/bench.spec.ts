// The runner of the benchmarks: a small selection runs and prints what it promises, at any speed.
import { describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { atLeast, goalText, isMet, valueAtMost, type Measurement } from './bench.ts';
import { compare, interleave, median } from './measure.ts';
import { formatJson, formatTable } from './report.ts';

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url));

function bench(...words: string[]) {
  const flags = ['--disable-warning=ExperimentalWarning', MAIN, ...words];
  // While it is waited for the runner cannot end the test.
  return spawnSync(process.execPath, flags, { encoding: 'utf8', timeout: 100_000 });
}

const row: Measurement = {
  name: 'one',
  value: 3,
  limit: 4,
  unit: 'things',
  ratio: 0.75,
  goal: atLeast(0.7),
};

describe('the runner', () => {
  it('prints one JSON object per measurement of the benches named', () => {
    const { stdout, stderr, status } = bench('letter', '--json', '--quick');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const lines = stdout.trim().split('\n');
    expect(lines.length).toBeGreaterThan(0);
    for (const line of lines) {
      const parsed = JSON.parse(line) as Record<string, unknown>;
      expect(Object.keys(parsed)).toEqual(['name', 'value', 'unit', 'limit', 'ratio', 'goal']);
      expect(parsed['name']).toMatch(/^letter/);
      expect(parsed['value']).toBeGreaterThan(0);
    }
  });

  it('names the benches when one is unknown', () => {
    const { stderr, status } = bench('lettre');
    expect(status).not.toBe(0);
    expect(stderr).toMatch(/no benchmark lettre; there are: ingest, .*letter/);
  });
});

describe('a measurement', () => {
  it('keeps its goal or not, or has none', () => {
    expect(isMet(row)).toBe(true);
    expect(isMet({ ...row, ratio: 0.69 })).toBe(false);
    expect(isMet({ ...row, goal: valueAtMost(2) })).toBe(false);
    expect(isMet({ ...row, goal: null })).toBeUndefined();
    expect(goalText(valueAtMost(2))).toBe('value <= 2');
  });

  it('is a row of an aligned table and a line of JSON', () => {
    const [head = '', first = ''] = formatTable([row]).split('\n');
    expect(first.indexOf('things')).toBe(head.indexOf('unit'));
    expect(JSON.parse(formatJson(row))).toEqual({ ...row, goal: 'ratio >= 0.7' });
  });
});

describe('measuring', () => {
  it('runs contenders in turn, the first time unmeasured', async () => {
    const order: string[] = [];
    const contender = (name: string) => ({ run: () => order.push(name) });
    const costs = await interleave(2, { a: contender('a'), b: contender('b') });
    expect(order).toEqual(['a', 'b', 'a', 'b', 'a', 'b']);
    expect(costs.a).toHaveLength(2);
  });

  it('compares by the median of the ratios of each round', () => {
    const cost = (thread: number) => ({ thread, process: thread });
    const compared = compare([2, 30, 4].map(cost), [1, 10, 4].map(cost), 'thread');
    expect(compared).toEqual({ value: 4, limit: 4, costRatio: 2, speedRatio: 0.5 });
    expect(median([4, 1, 3, 2])).toBe(2.5);
  });
});
