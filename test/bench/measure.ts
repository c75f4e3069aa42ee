/**
 * Measures contenders in interleaved rounds (A B A B …) in CPU time, so that what else the machine
 * does meets all of them alike, and gives medians.
 */

/** CPU time of one operation in microseconds. */
export interface Cost {
  /** On the calling thread. */
  readonly thread: number;
  /** On all threads of the process: workers, the store's compaction, garbage collection. */
  readonly process: number;
}

export interface Contender {
  /** Before each round, not measured. */
  prepare?(): Promise<void>;
  /** One round; returns how many operations it did. */
  run(): number | Promise<number>;
  /** After each round, not measured. */
  finish?(): Promise<void>;
}

export type Costs<K extends string> = Readonly<Record<K, readonly Cost[]>>;

/** Runs every contender once to warm up, then `rounds` times in turn. */
export async function interleave<K extends string>(
  rounds: number,
  contenders: Readonly<Record<K, Contender>>,
): Promise<Costs<K>> {
  const names = Object.keys(contenders) as K[];
  const costs = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<K, Cost[]>;
  for (let round = -1; round < rounds; round++) {
    for (const name of names) {
      const cost = await measure(contenders[name]);
      if (round >= 0) costs[name].push(cost);
    }
  }
  return costs;
}

async function measure(contender: Contender): Promise<Cost> {
  await contender.prepare?.();
  const thread = process.threadCpuUsage();
  const whole = process.cpuUsage();
  const operations = await contender.run();
  const threadUsed = process.threadCpuUsage(thread);
  const wholeUsed = process.cpuUsage(whole);
  await contender.finish?.();
  return {
    thread: (threadUsed.user + threadUsed.system) / operations,
    process: (wholeUsed.user + wholeUsed.system) / operations,
  };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >>> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** Microseconds per operation of a contender and of its limit, and the rounds' median ratio. */
export interface Comparison {
  readonly value: number;
  readonly limit: number;
  /** Cost of the contender ÷ cost of the limit: 1 is as cheap as can be. */
  readonly costRatio: number;
  /** Its inverse: the share of the limit's speed. */
  readonly speedRatio: number;
}

export function compare(
  contender: readonly Cost[],
  limit: readonly Cost[],
  of: keyof Cost,
): Comparison {
  const ratios = contender.map((cost, round) => cost[of] / (limit[round]?.[of] ?? Number.NaN));
  const costRatio = median(ratios);
  return {
    value: median(contender.map((cost) => cost[of])),
    limit: median(limit.map((cost) => cost[of])),
    costRatio,
    speedRatio: 1 / costRatio,
  };
}

/** Operations in a second of CPU time from microseconds per operation. */
export function perSecond(microseconds: number): number {
  return 1_000_000 / microseconds;
}

/** CPU clocks may count in ticks of 4 ms, so a round lasts many of them. */
const ROUND_MS = 150;
const QUICK_ROUND_MS = 10;
const CALLS_BETWEEN_LOOKS = 64;

/**
 * Calls `one` over and over for one round, so many times between two looks at the clock. The last
 * results are kept, as a caller would keep them; else the compiler may leave most of the work out.
 */
export function repeat(
  quick: boolean,
  one: () => unknown,
  callsBetweenLooks = CALLS_BETWEEN_LOOKS,
): Contender {
  const kept: unknown[] = Array.from({ length: callsBetweenLooks }, () => undefined);
  const roundMs = quick ? QUICK_ROUND_MS : ROUND_MS;
  return {
    run: () => {
      const end = performance.now() + roundMs;
      let calls = 0;
      while (performance.now() < end) {
        for (let i = 0; i < callsBetweenLooks; i++) kept[i] = one();
        calls += callsBetweenLooks;
      }
      return calls;
    },
  };
}
