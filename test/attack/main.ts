/**
 * Attacks a node on this machine, to see how it stands it:
 * `node test/attack/main.ts spam --node http://127.0.0.1:14265 --peer /ip4/127.0.0.1/tcp/15600
 * --genesis genesis.json --rate 500 --seconds 30 --seed 7`. Prints a report as JSON.
 */
import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Attack, AttackOptions } from './attack.ts';
import { DeadPeers } from './dead.ts';
import { DoubleSpend } from './double-spend.ts';
import { Eclipse } from './eclipse.ts';
import { Flood } from './flood.ts';
import { Liar } from './liar.ts';
import { Malformed } from './malformed.ts';
import { Parasite } from './parasite.ts';
import { fundsOf, type Funds } from './payloads.ts';
import { Replay } from './replay.ts';
import { SlowLoris } from './slow-loris.ts';
import { Spam, type Route } from './spam.ts';
import { loadTarget, TargetError } from './target.ts';
import { LazyTips } from './tips-lazy.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    node: { type: 'string', multiple: true, default: ['http://127.0.0.1:14265'] },
    peer: { type: 'string', multiple: true, default: ['/ip4/127.0.0.1/tcp/15600'] },
    genesis: { type: 'string', default: 'genesis.json' },
    rate: { type: 'string', default: '100' },
    seconds: { type: 'string', default: '30' },
    seed: { type: 'string' },
    via: { type: 'string', default: 'api' },
    funds: { type: 'string' },
  },
});

/** The tokens of `--funds`, a key file. */
function funds(): Funds {
  const file = values.funds;
  if (file === undefined) throw new TargetError('this attack needs tokens: --funds rich.key');
  const { secretKey } = JSON.parse(readFileSync(file, 'utf8')) as { secretKey: string };
  return fundsOf(secretKey);
}

const ATTACKS: Readonly<Record<string, (options: AttackOptions) => Attack>> = {
  spam: (options) =>
    new Spam({
      ...options,
      ...(values.funds === undefined ? {} : { funds: funds() }),
      routes: values.via.split(',') as Route[],
    }),
  'tips-lazy': (options) => new LazyTips(options),
  parasite: (options) => new Parasite(options),
  'double-spend': (options) => new DoubleSpend({ ...options, funds: funds() }),
  malformed: (options) => new Malformed({ ...options, funds: funds() }),
  replay: (options) => new Replay(options),
  liar: (options) => new Liar(options),
  'slow-loris': (options) => new SlowLoris(options),
  dead: (options) => new DeadPeers(options),
  flood: (options) => new Flood(options),
  eclipse: (options) => new Eclipse(options),
};

async function run(name: string): Promise<void> {
  const create = ATTACKS[name];
  if (create === undefined) {
    throw new TargetError(`no attack "${name}"; there are: ${Object.keys(ATTACKS).join(', ')}`);
  }
  const seed = values.seed === undefined ? randomInt(2 ** 31) : Number(values.seed);
  const target = await loadTarget(values.node, values.peer, values.genesis);
  const attack = create({ target, rate: Number(values.rate), seed });
  console.error(`${name}, seed ${seed}, ${values.seconds} s`);
  await attack.start();
  await sleep(Number(values.seconds) * 1_000);
  console.log(JSON.stringify(await attack.stop(), undefined, 2));
}

try {
  await run(positionals[0] ?? '');
} catch (error) {
  if (!(error instanceof TargetError)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}
