/**
 * Runs the benchmarks: `npm run bench`, `npm run bench -- codec pow`, `--quick`, `--json`.
 * Goals, limits and the last results: docs/performance.md.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Bench, BenchContext, Measurement } from './bench.ts';
import { ingest } from './01-ingest.ts';
import { signatures } from './02-signatures.ts';
import { portable } from './03-portable.ts';
import { codec } from './04-codec.ts';
import { mutants } from './04-mutants.ts';
import { pow } from './05-pow.ts';
import { store } from './06-store.ts';
import { gossip } from './07-gossip.ts';
import { sync } from './08-sync.ts';
import { node } from './09-node.ts';
import { milestone } from './10-milestone.ts';
import { speculation } from './10-speculation.ts';
import { letter } from './12-letter.ts';
import { provider } from './13-provider.ts';
import { memory } from './14-memory.ts';
import { crash } from './15-crash.ts';
import { stateTree } from './16-state-tree.ts';
import { lightClient } from './17-light-client.ts';
import { finality } from './18-finality.ts';
import { filter } from './19-filter.ts';
import { search } from './20-search.ts';
import { scan } from './22-scan.ts';
import { parcel } from './21-parcel.ts';
import { mailPrograms } from './23-mail-programs.ts';
import { formatJson, formatTable, machineLine } from './report.ts';

const BENCHES: readonly Bench[] = [
  ingest,
  signatures,
  portable,
  codec,
  mutants,
  pow,
  store,
  gossip,
  sync,
  node,
  milestone,
  speculation,
  letter,
  provider,
  memory,
  lightClient,
  filter,
  search,
  parcel,
  scan,
];
/** Minutes, or gigabytes: only when they are named. */
const LONG: readonly Bench[] = [crash, stateTree, finality, mailPrograms];
const SEED = 20_261_122;
const ROUNDS = 7;
const QUICK_ROUNDS = 2;

/** The benches named, in the table's order; all but the long ones when none is named. */
function select(names: readonly string[]): readonly Bench[] {
  const all = [...BENCHES, ...LONG];
  const known = new Set(all.map(({ name }) => name));
  const unknown = names.filter((name) => !known.has(name));
  if (unknown.length > 0) {
    throw new Error(`no benchmark ${unknown.join(', ')}; there are: ${[...known].join(', ')}`);
  }
  return names.length === 0 ? BENCHES : all.filter(({ name }) => names.includes(name));
}

async function runAll(benches: readonly Bench[], quick: boolean, json: boolean): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), 'tanglemail-bench-'));
  const context: BenchContext = {
    quick,
    seed: SEED,
    rounds: quick ? QUICK_ROUNDS : ROUNDS,
    folder: () => mkdtemp(join(root, 'run-')),
  };
  const all: Measurement[] = [];
  try {
    for (const bench of benches) {
      if (!json) console.error(`goal ${bench.goal}: ${bench.name} …`);
      const measurements = await bench.run(context);
      if (json) for (const one of measurements) console.log(formatJson(one));
      all.push(...measurements);
    }
  } finally {
    await rm(root, { recursive: true, force: true });
  }
  if (!json) console.log(`\n${formatTable(all)}\n\n${machineLine()}`);
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean' }, quick: { type: 'boolean' } },
});
await runAll(select(positionals), values.quick ?? false, values.json ?? false);
