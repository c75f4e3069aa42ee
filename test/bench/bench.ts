/**
 * What a benchmark is and what it reports. A goal is a ratio to a limit that the same run measured,
 * because machines are shared and noisy; docs/performance.md names every limit.
 */

/** A bound that a measurement has to keep, such as `ratio >= 0.7`. */
export interface Goal {
  readonly of: 'ratio' | 'value';
  readonly relation: '>=' | '<=';
  readonly bound: number;
}

/** One row of the table. */
export interface Measurement {
  readonly name: string;
  readonly value: number;
  /** Of `value` and `limit`. */
  readonly unit: string;
  /** What the part that cannot be saved reached in the same run; null where a goal is absolute. */
  readonly limit: number | null;
  /** Median of the rounds' ratios, so it may differ a little from that of the two medians. */
  readonly ratio: number | null;
  /** Null for a row that only explains another. */
  readonly goal: Goal | null;
}

export interface BenchContext {
  /** A few rounds on little data: shows that all runs, says little about speed. */
  readonly quick: boolean;
  readonly seed: number;
  /** Measured rounds of each contender. */
  readonly rounds: number;
  /** An empty folder of this run, removed at its end. */
  folder(): Promise<string>;
}

export interface Bench {
  /** The word by which the command line selects it. */
  readonly name: string;
  /** Number of the goal in docs/performance.md. */
  readonly goal: number;
  run(context: BenchContext): Promise<Measurement[]>;
}

export function atLeast(bound: number): Goal {
  return { of: 'ratio', relation: '>=', bound };
}

export function atMost(bound: number): Goal {
  return { of: 'ratio', relation: '<=', bound };
}

export function valueAtMost(bound: number): Goal {
  return { of: 'value', relation: '<=', bound };
}

export function goalText({ of, relation, bound }: Goal): string {
  return `${of} ${relation} ${bound}`;
}

/** Whether a row keeps its goal; undefined for a row without one. */
export function isMet({ goal, ratio, value }: Measurement): boolean | undefined {
  if (goal === null) return undefined;
  const measured = goal.of === 'ratio' ? ratio : value;
  if (measured === null) return undefined;
  return goal.relation === '>=' ? measured >= goal.bound : measured <= goal.bound;
}
