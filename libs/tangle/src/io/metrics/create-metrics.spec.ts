// Metric tables: names, closed labels, what is exposed. Spec: docs/operating.md.
import { describe, expect, it } from '@jest/globals';
import { Registry } from 'prom-client';
import { addProcessMetrics, createMetrics } from './create-metrics.ts';
import type { MetricRow } from './create-metrics.ts';
import { NODE_METRICS } from './node-metrics.ts';

const TABLE = {
  letters: {
    type: 'counter',
    name: 'tangle_letters_total',
    help: 'Letters.',
    labels: { direction: ['in', 'out'] },
  },
  plain: { type: 'counter', name: 'tangle_plain_total', help: 'Plain.' },
  lines: { type: 'gauge', name: 'tangle_lines', help: 'Lines.', labels: { queue: ['a', 'b'] } },
  load: { type: 'gauge', name: 'tangle_load', help: 'Load.' },
  wait: { type: 'histogram', name: 'tangle_wait_seconds', help: 'Wait.', buckets: [0.1, 1] },
} as const;

/** The exposed samples, without comments. */
async function samples(registry: Registry): Promise<string[]> {
  const text = await registry.metrics();
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

describe('createMetrics', () => {
  it('counts by label and shows every combination from the start', async () => {
    const registry = new Registry();
    const { letters, plain } = createMetrics(registry, TABLE);
    letters.inc({ direction: 'in' });
    letters.inc({ direction: 'in' }, 4);
    plain.inc();
    plain.inc(2);
    expect(await samples(registry)).toEqual(
      expect.arrayContaining([
        'tangle_letters_total{direction="in"} 5',
        'tangle_letters_total{direction="out"} 0',
        'tangle_plain_total 3',
      ]),
    );
  });

  it('sets gauges, or reads them when somebody looks', async () => {
    const registry = new Registry();
    const { lines, load } = createMetrics(registry, TABLE);
    load.set(0.5);
    let length = 1;
    lines.onCollect((gauge) => {
      gauge.set({ queue: 'a' }, length);
      gauge.set({ queue: 'b' }, 0);
    });
    length = 7;
    expect(await samples(registry)).toEqual(
      expect.arrayContaining([
        'tangle_lines{queue="a"} 7',
        'tangle_lines{queue="b"} 0',
        'tangle_load 0.5',
      ]),
    );
  });

  it('observes into the buckets of the table', async () => {
    const registry = new Registry();
    const { wait } = createMetrics(registry, TABLE);
    wait.observe(0.5);
    expect(await samples(registry)).toEqual(
      expect.arrayContaining([
        'tangle_wait_seconds_bucket{le="0.1"} 0',
        'tangle_wait_seconds_bucket{le="1"} 1',
        'tangle_wait_seconds_sum 0.5',
      ]),
    );
  });

  it('adds what is known of the process', async () => {
    const registry = new Registry();
    addProcessMetrics(registry);
    expect(await registry.metrics()).toContain('process_cpu_user_seconds_total');
  });
});

describe('the table of the node', () => {
  const rows: MetricRow[] = Object.values(NODE_METRICS);

  it('has names of its own, with the base unit at the end', () => {
    const names = rows.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(names.filter((name) => !/^tangle_[a-z]+(_[a-z]+)*$/.test(name))).toEqual([]);
    const counters = rows.filter(({ type }) => type === 'counter');
    expect(counters.filter(({ name }) => !name.endsWith('_total'))).toEqual([]);
    const histograms = rows.filter(({ type }) => type === 'histogram');
    expect(histograms.filter(({ name }) => !/_(seconds|bytes|blocks)$/.test(name))).toEqual([]);
  });

  it('has ascending buckets for every histogram', () => {
    const isAscending = (buckets: readonly number[]): boolean =>
      buckets.length > 0 && buckets.every((one, i) => i === 0 || one > (buckets[i - 1] ?? one));
    const histograms = rows.filter(({ type }) => type === 'histogram');
    expect(histograms.filter(({ buckets }) => !isAscending(buckets ?? []))).toEqual([]);
  });

  it('can be exposed', async () => {
    const registry = new Registry();
    const metrics = createMetrics(registry, NODE_METRICS);
    metrics.blocksRefused.inc({ code: 'pow-insufficient' });
    metrics.confirmation.observe(0.02);
    const lines = await samples(registry);
    expect(lines).toContain('tangle_blocks_refused_total{code="pow-insufficient"} 1');
    expect(lines).toContain('tangle_milestone_confirmation_seconds_count 1');
  });
});
