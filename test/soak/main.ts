/**
 * Runs a soak: `node test/soak/main.ts --minutes 60 --rate 500 --disk-mib 512 --out soak.jsonl`.
 * Writes a JSON object for each ten seconds, at the end a table and what was checked; the exit
 * status is 1 when a check failed. Ctrl-C ends the load early, the checks still run.
 */
import { appendFileSync, writeFileSync } from 'node:fs';
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { soak } from './soak.ts';
import { checksOf, tableOf } from './verdict.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '60' },
    rate: { type: 'string', default: '500' },
    seed: { type: 'string' },
    /** Size at which the nodes prune; 0 leaves the default. */
    'disk-mib': { type: 'string', default: '512' },
    'sample-seconds': { type: 'string', default: '10' },
    out: { type: 'string', default: 'soak.jsonl' },
    /** Further flags of both nodes, each as `name=value`. */
    set: { type: 'string', multiple: true, default: [] },
  },
});

const maxDiskBytes = Number(values['disk-mib']) * (1 << 20);
const pruning: Record<string, string> =
  maxDiskBytes === 0 ? {} : { 'pruning-max-size-bytes': `${maxDiskBytes}` };
const flags = Object.fromEntries(values.set.map((text) => text.split('=', 2) as [string, string]));
const seed = values.seed === undefined ? randomInt(2 ** 31) : Number(values.seed);
const interrupt = new AbortController();
process.once('SIGINT', () => interrupt.abort());
process.once('SIGTERM', () => interrupt.abort());

console.error(`soak of ${values.minutes} min at ${values.rate} blocks/s, seed ${seed}`);
writeFileSync(values.out, '');
const result = await soak(
  {
    minutes: Number(values.minutes),
    rate: Number(values.rate),
    seed,
    flags: { ...pruning, ...flags },
    sampleMs: Number(values['sample-seconds']) * 1_000,
    write: (line) => appendFileSync(values.out, `${JSON.stringify(line)}\n`),
  },
  interrupt.signal,
);
const checks = checksOf(result, maxDiskBytes === 0 ? undefined : maxDiskBytes);
console.log(tableOf(result));
for (const { name, ok, found } of checks) console.log(`${ok ? 'ok  ' : 'FAIL'}  ${name}: ${found}`);
process.exitCode = checks.every(({ ok }) => ok) ? 0 : 1;
