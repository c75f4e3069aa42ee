/**
 * Prometheus metrics from a table: one row per metric, every label with its closed set of values,
 * so that no peer can make series. The table decides the types: a wrong label does not compile.
 * Path: a program's table (node-metrics.ts, …) → here → prom-client. Spec: docs/operating.md.
 */
import { collectDefaultMetrics, Counter, Gauge, Histogram } from 'prom-client';
import type { Registry } from 'prom-client';

/** Label name → all values that it can have. */
export type LabelSets = Readonly<Record<string, readonly string[]>>;

/** One row of a table. Names end in the base unit; those of counters in `_total`. */
export interface MetricRow {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly name: string;
  readonly help: string;
  readonly labels?: LabelSets;
  /** Upper bounds of a histogram's buckets, ascending, in the unit of the name. */
  readonly buckets?: readonly number[];
}

export type MetricTable = Readonly<Record<string, MetricRow>>;

type LabelsOf<R extends MetricRow> = R extends { readonly labels: infer L extends LabelSets }
  ? { readonly [K in keyof L]: L[K][number] }
  : undefined;

/** Arguments of a call: the labels first, if the metric has any. */
type Args<L, Rest extends unknown[]> = L extends undefined ? Rest : [labels: L, ...Rest];

export interface CounterMetric<L> {
  /** Adds `amount` ≥ 0, 1 by default. */
  inc(...args: Args<L, [amount?: number]>): void;
}

export interface GaugeMetric<L> {
  set(...args: Args<L, [value: number]>): void;
  /** Lets `read` set the gauge whenever somebody looks: for values that are at hand anyway. */
  onCollect(read: (gauge: GaugeMetric<L>) => void | Promise<void>): void;
}

export interface HistogramMetric<L> {
  /** `value` in the unit of the name: seconds, bytes, … */
  observe(...args: Args<L, [value: number]>): void;
}

type MetricOf<R extends MetricRow> = R['type'] extends 'counter'
  ? CounterMetric<LabelsOf<R>>
  : R['type'] extends 'gauge'
    ? GaugeMetric<LabelsOf<R>>
    : HistogramMetric<LabelsOf<R>>;

/** The metrics of a table, under the names of its rows. */
export type Metrics<T extends MetricTable> = { readonly [K in keyof T]: MetricOf<T[K]> };

/** Series that are shown as 0 from the start; a table with more combinations starts without. */
const MAX_ZEROED_SERIES = 256;

type LabelValues = Record<string, string>;

/** Registers all rows of `table` in `registry`. Throws when a name is taken. */
export function createMetrics<const T extends MetricTable>(
  registry: Registry,
  table: T,
): Metrics<T> {
  const metrics = Object.entries(table).map(([key, row]) => [key, createMetric(registry, row)]);
  return Object.fromEntries(metrics) as Metrics<T>;
}

/** Adds what prom-client knows of the process: memory, processor time, event loop lag, files. */
export function addProcessMetrics(registry: Registry): void {
  collectDefaultMetrics({ register: registry });
}

function createMetric(registry: Registry, row: MetricRow): unknown {
  const config = {
    name: row.name,
    help: row.help,
    labelNames: Object.keys(row.labels ?? {}),
    registers: [registry],
  };
  if (row.type === 'counter') return counterOf(new Counter(config), row.labels);
  if (row.type === 'gauge') return gaugeOf(config);
  return histogramOf(new Histogram({ ...config, buckets: [...(row.buckets ?? [])] }));
}

/** Splits the arguments of a call: labels come first where there are any. */
function split(args: readonly unknown[]): [labels: LabelValues, value: number | undefined] {
  const [first, second] = args;
  return typeof first === 'object'
    ? [first as LabelValues, second as number | undefined]
    : [{}, first as number | undefined];
}

function counterOf(counter: Counter, labels: LabelSets = {}): CounterMetric<undefined> {
  // A counter that appears with its first event hides that event from `rate()`.
  const combinations = combine(labels);
  if (combinations.length <= MAX_ZEROED_SERIES) {
    for (const values of combinations) counter.inc(values, 0);
  }
  return {
    inc(...args) {
      const [values, amount] = split(args);
      counter.inc(values, amount ?? 1);
    },
  };
}

function gaugeOf(config: ConstructorParameters<typeof Gauge>[0]): GaugeMetric<undefined> {
  let reader: ((metric: GaugeMetric<undefined>) => void | Promise<void>) | undefined;
  const gauge = new Gauge({ ...config, collect: () => reader?.(metric) });
  const metric: GaugeMetric<undefined> = {
    set(...args) {
      const [values, value] = split(args);
      gauge.set(values, value ?? 0);
    },
    onCollect(read) {
      reader = read;
    },
  };
  return metric;
}

function histogramOf(histogram: Histogram): HistogramMetric<undefined> {
  return {
    observe(...args) {
      const [values, value] = split(args);
      histogram.observe(values, value ?? 0);
    },
  };
}

/** All combinations of label values. */
function combine(labels: LabelSets): LabelValues[] {
  let combinations: LabelValues[] = [{}];
  for (const [name, values] of Object.entries(labels)) {
    const longer: LabelValues[] = [];
    for (const value of values) {
      for (const one of combinations) longer.push({ ...one, [name]: value });
    }
    combinations = longer;
    if (combinations.length > MAX_ZEROED_SERIES) break;
  }
  return combinations;
}
