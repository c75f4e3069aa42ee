/**
 * Goal 11: how long until a milestone, and a value transfer in it, is final at every validator, and
 * what the votes on it cost. Committees of 4 and 10 as whole nodes, each a process, over the
 * loopback, against the bare hops and syncs that lie on the way; of 4 to 32 seats in the simulator,
 * where hops take the time of the internet. One of 4 under load shows what confirmation takes then.
 */
import { bestHasher } from '../../libs/tangle/src/io/accel/hasher.ts';
import { bestVerifier } from '../../libs/tangle/src/io/accel/verifier.ts';
import {
  atMost,
  valueAtMost,
  type Bench,
  type BenchContext,
  type Goal,
  type Measurement,
} from './bench.ts';
import { bareHopMs, bareSyncMs } from './finality/limits.ts';
import { measureFinality, type Finality, type Load } from './finality/network.ts';
import { simulateFinality } from './finality/world.ts';
import { median } from './measure.ts';

/** Proposal, votes to notarize, votes to finalize. */
const HOPS = 3;
/** Leader's log; blocks and log of a voter; log of who finalizes; the batch. */
const SYNCS = 5;
const LIGHT = { blocksPerSecond: 8, transfersPerSecond: 8 };
const HEAVY_BLOCKS = 300;
const SIMULATED = [4, 10, 16, 32];

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

function plain(name: string, value: number, unit: string, goal: Goal | null = null): Measurement {
  return { name, value, unit, limit: null, ratio: null, goal };
}

function against(name: string, value: number, limit: number): Measurement {
  return { name, value, limit, unit: 'ms', ratio: value / limit, goal: null };
}

function costRows(found: Finality): Measurement[] {
  return [
    plain('  … messages of all seats per milestone', found.said, ''),
    plain('  … their bytes', found.saidBytes, 'B'),
    plain('  … of them received by one node', found.heardBytes, 'B'),
    plain(
      `  … main thread of a node per milestone of ${Math.round(found.blocks)} blocks`,
      found.mainThreadMs,
      'ms',
    ),
    plain('  … all its threads', found.processMs, 'ms'),
    plain('  … views nullified in the run', found.nullified, ''),
  ];
}

async function overSockets(context: BenchContext, load: Load): Promise<Measurement[]> {
  const folder = await context.folder();
  const bare = async (): Promise<number> =>
    HOPS * (await bareHopMs()) + SYNCS * (await bareSyncMs(folder));
  const before = await bare();
  const found = await measureFinality(context, load);
  const limit = (before + (await bare())) / 2;
  const { seats } = load;
  const goal = seats === 4 ? valueAtMost(2_000) : null;
  const { transfers, proposals } = found;
  return [
    plain(`finality, ${seats} nodes: transfer final at all, median`, median(transfers), 'ms', goal),
    plain('  … 99 of 100 within', quantile(transfers, 0.99), 'ms'),
    against('  … proposal to final at all / bare hops and syncs', median(proposals), limit),
    against('  … 99 of 100 within', quantile(proposals, 0.99), limit),
    ...costRows(found),
  ];
}

async function underLoad(context: BenchContext, load: Load): Promise<Measurement[]> {
  const found = await measureFinality(context, load);
  const { seats, blocksPerSecond, seconds } = load;
  const all = [...found.others, ...found.transfers];
  const goal = valueAtMost(3_000);
  return [
    plain(
      `finality, ${seats} nodes, ${blocksPerSecond} blocks/s for ${seconds} s: 99 of 100 within`,
      quantile(all, 0.99),
      'ms',
      goal,
    ),
    plain('  … median', median(all), 'ms'),
    plain('  … final, of those asked for', all.length / seconds, 'blocks/s'),
    plain('  … refused', found.refused, 'blocks'),
    plain('  … proposal to final at all, median', median(found.proposals), 'ms'),
    plain('  … 99 of 100 within', quantile(found.proposals, 0.99), 'ms'),
    ...costRows(found),
  ];
}

async function simulated({ quick, seed }: BenchContext): Promise<Measurement[]> {
  const crypto = { hasher: await bestHasher(), verifier: await bestVerifier() };
  const rows: Measurement[] = [];
  for (const seats of quick ? SIMULATED.slice(0, 1) : SIMULATED) {
    const runMs = quick ? 3_000 : 20_000;
    const found = await simulateFinality({ seats, runMs, seed }, crypto);
    const value = median(found.waits);
    const limit = 2.5 * HOPS * found.hopMs + found.intervalMs;
    rows.push(
      {
        name: `finality, ${seats} seats simulated: final at all / 2.5 × 3 hops + interval`,
        value,
        limit,
        unit: 'ms',
        ratio: value / limit,
        goal: atMost(1),
      },
      plain('  … 99 of 100 within', quantile(found.waits, 0.99), 'ms'),
      plain('  … messages of all seats per milestone', found.said, ''),
      plain('  … their bytes', found.saidBytes, 'B'),
      plain('  … signatures that one seat checks', found.signatures, ''),
      plain('  … thread time of one seat', found.threadMs, 'ms'),
    );
  }
  return rows;
}

async function run(context: BenchContext): Promise<Measurement[]> {
  const { quick } = context;
  const seconds = quick ? 5 : 30;
  const rows = await overSockets(context, { seats: 4, ...LIGHT, seconds });
  if (!quick) {
    rows.push(...(await overSockets(context, { seats: 10, ...LIGHT, seconds })));
    const heavy = { seats: 4, blocksPerSecond: HEAVY_BLOCKS, transfersPerSecond: 8, seconds: 60 };
    rows.push(...(await underLoad(context, heavy)));
  }
  return [...rows, ...(await simulated(context))];
}

export const finality: Bench = { name: 'finality', goal: 11, run };
