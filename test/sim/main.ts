/**
 * Plays seeds of the simulation: `npm run sim -- --seeds 100 --nodes 4`. Prints one line for each
 * seed that fails, shortened, then the rates, and as its last line a summary in JSON. The exit
 * status is 1 if a rule was broken. SIGINT and SIGTERM end a long run after the seed that it plays,
 * with the summary of what was played. Spec: docs/spec/15-consensus.md §10.
 */
import { hashWasmBackend, sodiumBackend } from '@tanglemail/tangle/io/accel/hasher.ts';
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { fastSigning, realSigning } from './signing.ts';
import { readRuns, type Run } from './regressions.ts';
import { shrink } from './shrink.ts';
import { Tally } from './tally.ts';
import type { SimOptions, SimTools } from './setup.ts';
import { simulate, type SimResult } from './world.ts';

const HELP = `Usage: npm run sim -- [options]
  --seeds N        seeds to play (20)
  --nodes K        seats of the committee (4)
  --first S        the first seed (1); "time" begins at the time of day
  --seed S         play one seed only
  --seconds T      go on with new seeds until so many seconds have passed
  --file PATH      play the lines "seed nodes [storm] [forgetful] [plain]
                   [elections] [epoch=N]" of a file
  --byzantine B    byzantine seats, exactly; up to f by default
  --faults F       only the first F faults of the schedule
  --storm          power cuts every two seconds instead of the seed's own faults
  --epoch N        milestones of an epoch (16); few of them try its end more often
  --elections      bonds elect the committees: three nodes more, epochs of 6 to 10 milestones
  --forgetful      f seats vote, and never say again what they said before a crash
  --wiped N        N seats lose their votes in each power cut of --storm, borne or not
  --plain          no wiped disks, and no relays that exchange bodies
  --unsynced-votes, --unsynced-cones, --same-repeats, --unguarded, --unchecked-bodies
                   leave a measure out
  --ed25519        real signatures
  --trace          print every event`;

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '20' },
    nodes: { type: 'string', default: '4' },
    first: { type: 'string', default: '1' },
    seed: { type: 'string' },
    seconds: { type: 'string' },
    file: { type: 'string' },
    byzantine: { type: 'string' },
    faults: { type: 'string' },
    storm: { type: 'boolean', default: false },
    epoch: { type: 'string' },
    elections: { type: 'boolean', default: false },
    forgetful: { type: 'boolean', default: false },
    wiped: { type: 'string' },
    plain: { type: 'boolean', default: false },
    'unsynced-votes': { type: 'boolean', default: false },
    'same-repeats': { type: 'boolean', default: false },
    'unsynced-cones': { type: 'boolean', default: false },
    unguarded: { type: 'boolean', default: false },
    'unchecked-bodies': { type: 'boolean', default: false },
    ed25519: { type: 'boolean', default: false },
    trace: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

/** A whole number of the command line. */
function whole(text: string, least = 0): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < least) throw new Error(`not a number: ${text}`);
  return number;
}

/** The seeds to play, with their number of nodes. */
function* runs(): Generator<Run> {
  const nodes = whole(values.nodes, 1);
  if (values.file !== undefined) {
    yield* readRuns(readFileSync(values.file, 'utf8'));
    return;
  }
  if (values.seed !== undefined) {
    yield { seed: whole(values.seed), nodes };
    return;
  }
  const first = values.first === 'time' ? Math.floor(Date.now() / 1_000) : whole(values.first);
  const untilMs = performance.now() + 1_000 * whole(values.seconds ?? '0');
  const count = values.seconds === undefined ? whole(values.seeds) : Infinity;
  for (let at = 0; at < count; at += 1) {
    if (values.seconds !== undefined && performance.now() > untilMs) return;
    yield { seed: first + at, nodes };
  }
}

/** Options that leave a measure out. */
const LEFT_OUT = [
  'unsynced-votes',
  'unsynced-cones',
  'same-repeats',
  'unguarded',
  'unchecked-bodies',
] as const;

function report(result: SimResult, options: SimOptions): void {
  const { byzantine, nodes, epochLength, wiped } = options;
  const { seed, violations, scheduled, digest } = result;
  for (const { atMs, rule, detail } of violations.slice(0, 3)) {
    process.stdout.write(`seed ${seed}: ${rule} at ${atMs} ms: ${detail}\n`);
  }
  const more = [
    options.isStormy && '--storm',
    options.isForgetful && '--forgetful',
    options.isPlain && '--plain',
    options.isElecting && '--elections',
    byzantine !== undefined && `--byzantine ${byzantine}`,
    wiped !== undefined && `--wiped ${wiped}`,
    epochLength !== undefined && `--epoch ${epochLength}`,
    ...LEFT_OUT.map((name) => values[name] && `--${name}`),
  ].flatMap((word) => (typeof word === 'string' ? [` ${word}`] : []));
  const first = `--seed ${seed} --nodes ${nodes} --faults ${scheduled}`;
  const again = `npm run sim -- ${first}${more.join('')}`;
  process.stdout.write(`  again: ${again}\n  trace ${digest.slice(0, 32)}\n`);
}

function optionsOf(run: Run): SimOptions {
  const { byzantine, epoch, faults, wiped } = values;
  return {
    ...run,
    ...(epoch === undefined ? {} : { epochLength: whole(epoch, 1) }),
    ...(byzantine === undefined ? {} : { byzantine: whole(byzantine) }),
    ...(faults === undefined ? {} : { faultsMax: whole(faults) }),
    isForgetful: values.forgetful || run.isForgetful === true,
    isStormy: values.storm || run.isStormy === true,
    isPlain: values.plain || run.isPlain === true,
    isElecting: values.elections || run.isElecting === true,
    ...(wiped === undefined ? {} : { wiped: whole(wiped) }),
    measures: {
      syncsVotes: !values['unsynced-votes'],
      syncsCones: !values['unsynced-cones'],
      variesRepeats: !values['same-repeats'],
      guardsSilence: !values.unguarded,
      checksBodies: !values['unchecked-bodies'],
    },
    ...(values.trace ? { print: (line: string) => process.stdout.write(`${line}\n`) } : {}),
  };
}

/** Whether somebody asked the run to end. */
function onceAsked(): () => boolean {
  let isAsked = false;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      isAsked = true;
    });
  }
  return () => isAsked;
}

async function playAll(tools: SimTools): Promise<boolean> {
  const isAsked = onceAsked();
  const startedMs = performance.now();
  const tally = new Tally();
  let [seeds, violations, events, milestones, slowestMs] = [0, 0, 0, 0, 0];
  for (const run of runs()) {
    // Signals are heard between two seeds.
    await new Promise(setImmediate);
    if (isAsked()) break;
    const options = optionsOf(run);
    const result = simulate(options, tools);
    seeds += 1;
    events += result.events;
    milestones += result.milestones;
    slowestMs = Math.max(slowestMs, result.healMs);
    tally.add(result.faults);
    if (values.trace) process.stdout.write(`trace ${result.digest}\n`);
    if (result.violations.length === 0) continue;
    violations += 1;
    report(values.trace ? result : shrink(options, result, tools), options);
  }
  const seconds = (performance.now() - startedMs) / 1_000;
  const rate = (count: number): string => (count / seconds).toFixed(1);
  process.stdout.write(
    `${rate(seeds)} seeds/s, ${rate(events)} events/s, ${milestones} milestones, ` +
      `slowest agreement after healing ${slowestMs} ms\n`,
  );
  process.stdout.write(`${JSON.stringify({ seeds, violations, events, faults: tally.counts })}\n`);
  return violations === 0;
}

if (values.help) {
  process.stdout.write(`${HELP}\n`);
} else {
  const hasher = (await sodiumBackend()) ?? (await hashWasmBackend());
  const isGood = await playAll({ hasher, signing: values.ed25519 ? realSigning() : fastSigning() });
  process.exitCode = isGood ? 0 : 1;
}
