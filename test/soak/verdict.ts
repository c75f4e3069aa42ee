/** What a soak shows: a table to read, and the checks that decide whether it was passed. */
import type { Quantiles, SoakResult, SoakSample } from './soak.ts';
import { growth, quantile, type Point } from './statistics.ts';

export interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly found: string;
}

const MIB = 1 << 20;
/** Growth of memory over the measured time that is noise: 64 MiB, or a tenth of it. */
const MAX_GROWTH_BYTES = 64 * MIB;
const MAX_GROWTH_SHARE = 0.1;
/** A run shorter than this says nothing about growth. */
const MIN_MINUTES_FOR_GROWTH = 15;
/** The share of a run in which caches fill and pruning begins. */
const WARM_UP_SHARE = 0.3;
/** The store may be larger than its limit while a round of pruning is under way. */
const MAX_DISK_FACTOR = 1.5;

type NodeName = 'validator' | 'follower';

function pointsOf(samples: readonly SoakSample[], of: (sample: SoakSample) => number): Point[] {
  return samples.map((sample) => ({ x: sample.seconds, y: of(sample) }));
}

function afterWarmUp(samples: readonly SoakSample[]): readonly SoakSample[] {
  return samples.slice(Math.floor(samples.length * WARM_UP_SHARE));
}

function mib(bytes: number): string {
  return `${(bytes / MIB).toFixed(1)} MiB`;
}

function ms(milliseconds: number): string {
  return `${milliseconds.toFixed(0)} ms`;
}

function memoryCheck(name: NodeName, samples: readonly SoakSample[]): Check {
  const points = pointsOf(afterWarmUp(samples), (sample) => sample[name].rssBytes);
  const grown = growth(points);
  const mean = points.reduce((sum, { y }) => sum + y, 0) / Math.max(1, points.length);
  const minutes = ((points.at(-1)?.x ?? 0) - (points[0]?.x ?? 0)) / 60;
  const isLongEnough = minutes >= MIN_MINUTES_FOR_GROWTH;
  const ok = !isLongEnough || grown <= Math.max(MAX_GROWTH_BYTES, mean * MAX_GROWTH_SHARE);
  const found = `${mib(grown)} in ${minutes.toFixed(1)} min at ${mib(mean)} on average`;
  const note = isLongEnough ? '' : ' (too short to judge)';
  return { name: `memory of the ${name} is flat`, ok, found: found + note };
}

function diskCheck(name: NodeName, samples: readonly SoakSample[], maxBytes: number): Check {
  const most = Math.max(...samples.map((sample) => sample[name].diskBytes));
  const pruned = samples.at(-1)?.[name].prunedIndex ?? 0;
  const found = `at most ${mib(most)} of ${mib(maxBytes)}, pruned up to milestone ${pruned}`;
  return { name: `disk of the ${name} is bounded`, ok: most <= maxBytes * MAX_DISK_FACTOR, found };
}

/** All checks; `maxDiskBytes` is the limit of pruning, undefined when it is off. */
export function checksOf(result: SoakResult, maxDiskBytes: number | undefined): Check[] {
  const { sent, confirmed, conflicting, merging, samples, report, errors } = result;
  const failures = samples.at(-1)?.apiFailures ?? 0;
  const names: NodeName[] = ['validator', 'follower'];
  return [
    {
      name: 'both ledgers are equal',
      ok: result.isSameLedger,
      found: `at milestone ${result.lastIndex}`,
    },
    {
      name: 'no honest block is lost',
      ok: sent + merging === confirmed && sent > 0,
      found: `${sent} sent, ${merging} merging blocks of the validator, ${confirmed} confirmed`,
    },
    {
      name: 'no honest transaction conflicts',
      ok: conflicting === 0,
      found: `${conflicting} conflicting`,
    },
    {
      name: 'the API answers',
      ok: failures === 0,
      found: `${failures} questions without an answer; refused: ${JSON.stringify(report.refused)}`,
    },
    {
      name: 'no error is logged',
      ok: errors.length === 0,
      found: `${errors.length} lines ${errors[0]?.slice(0, 200) ?? ''}`,
    },
    ...names.map((name) => memoryCheck(name, samples)),
    ...(maxDiskBytes === undefined
      ? []
      : names.map((name) => diskCheck(name, samples, maxDiskBytes))),
  ];
}

function latencyText({ count, p50, p99, max }: Quantiles): string {
  return `p50 ${ms(p50)}, p99 ${ms(p99)}, max ${ms(max)} of ${count}`;
}

/** The closing table. */
export function tableOf(result: SoakResult): string {
  const { samples, report, apiMs, confirmMs } = result;
  const warm = afterWarmUp(samples);
  const seconds = samples.at(-1)?.seconds ?? 1;
  const rows: [string, string][] = [
    ['blocks sent', `${result.sent} (${(report.sent / report.seconds).toFixed(1)} a second)`],
    ['blocks confirmed', `${result.confirmed}, conflicting ${result.conflicting}`],
    ['milestones', `${result.lastIndex} in ${seconds} s`],
    ['confirmation', latencyText(confirmMs)],
    ['API calls', latencyText(apiMs)],
  ];
  for (const name of ['validator', 'follower'] as const) {
    const of = (pick: (sample: SoakSample) => number): number[] => warm.map(pick);
    const rss = of((sample) => sample[name].rssBytes);
    const stalls = of((sample) => sample[name].stallSeconds * 1_000);
    const last = samples.at(-1)?.[name];
    rows.push(
      [`${name}: memory`, `p50 ${mib(quantile(rss, 0.5))}, max ${mib(quantile(rss, 1))}`],
      [`${name}: disk`, `${mib(last?.diskBytes ?? 0)} at the end`],
      [
        `${name}: stalls`,
        `longest of 10 s: p50 ${ms(quantile(stalls, 0.5))}, max ${ms(quantile(stalls, 1))}`,
      ],
      [`${name}: CPU`, `${(((last?.cpuSeconds ?? 0) / seconds) * 100).toFixed(0)} % of a core`],
      [`${name}: dropped from queues`, `${last?.dropped ?? 0}`],
    );
  }
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n');
}
