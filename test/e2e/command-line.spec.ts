/**
 * Mistakes of the person who starts a node or a provider, with the real programs: one sentence that
 * says what is wrong, the right exit code, and never a stack trace.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { chmodSync, copyFileSync, cpSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { once } from 'node:events';
import { type Program, tryCommand } from '../../tools/devnet/processes.ts';
import {
  freePorts,
  nodeArgs,
  type Ports,
  providerArgs,
  SmallNetwork,
  startVictim,
  type Victim,
} from './testing/small-market.ts';

const SETUP_TIMEOUT_MS = 60_000;
const USAGE = 2;
const FAILED = 1;

let network: SmallNetwork;
let other: SmallNetwork;
let node: Victim;
let provider: Victim;
let taken: Server;
let takenPort: number;
let free: Ports;

beforeAll(async () => {
  [network, other] = await Promise.all([
    SmallNetwork.create('test-mine'),
    SmallNetwork.create('test-other'),
  ]);
  const [ofNode, ofProvider] = [await freePorts(), await freePorts()];
  free = await freePorts();
  node = await startVictim(
    network,
    'tangle-node',
    ofNode,
    nodeArgs(network, ofNode, network.at('node')),
  );
  const args = providerArgs(network, ofProvider, network.at('provider'), node.url);
  provider = await startVictim(network, 'tangle-provider', ofProvider, args);
  for (const name of ['node', 'provider']) {
    cpSync(network.at(name), network.at(`${name}-copy`), { recursive: true });
  }
  taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  takenPort = (taken.address() as { port: number }).port;
  writeFileSync(network.at('broken.json'), '{"api":');
  writeFileSync(network.at('list.json'), '[]');
  writeFileSync(network.at('unknown.json'), '{"api":{"prot":1}}');
  writeFileSync(network.at('genesis-broken.json'), '{"name":"test-x"}');
  copyFileSync(network.at('validator.key'), network.at('open-node.key'));
  copyFileSync(network.at('provider.key'), network.at('open-provider.key'));
  for (const name of ['node', 'provider']) chmodSync(network.at(`open-${name}.key`), 0o644);
}, SETUP_TIMEOUT_MS);

afterAll(async () => {
  taken?.close();
  await provider?.process.stop();
  await node?.process.stop();
  await Promise.all([network?.remove(), other?.remove()]);
}, SETUP_TIMEOUT_MS);

/** Arguments of a second process that would start if nothing were wrong. */
const second = {
  'tangle-node': (name: string) => nodeArgs(network, free, network.at(name)),
  'tangle-provider': (name: string) => providerArgs(network, free, network.at(name), node.url),
};

/** The same with a flag that is wrong. */
const secondWith = (program: keyof typeof second, ...flags: string[]): string[] => [
  ...second[program]('second'),
  ...flags,
];

/** What a mistake leads to; the last of two equal flags counts, so a case only adds its own. */
interface Mistake {
  readonly name: string;
  readonly args: () => string[];
  readonly code: number;
  readonly says: RegExp;
}

const COMMON: readonly Mistake[] = [
  { name: 'no such command', args: () => ['dance'], code: USAGE, says: /unknown command 'dance'/ },
  {
    name: 'no such flag',
    args: () => ['start', '--api-prot', '1'],
    code: USAGE,
    says: /unknown option '--api-prot'/,
  },
  {
    name: 'a flag without its value',
    args: () => ['start', '--api-port'],
    code: USAGE,
    says: /argument missing/,
  },
  {
    name: 'a value of the wrong kind',
    args: () => ['start', '--api-port', 'many'],
    code: USAGE,
    says: /api\.port \(from --api-port\) is "many": expected/,
  },
  {
    name: 'a value out of range',
    args: () => ['start', '--api-port', '65536'],
    code: USAGE,
    says: /api\.port \(from --api-port\) is 65536: expected/,
  },
  {
    name: 'a configuration that is not there',
    args: () => ['start', '--config', network.at('nothing.json')],
    code: USAGE,
    says: /cannot read the configuration file .*nothing\.json/,
  },
  {
    name: 'a configuration that is no JSON',
    args: () => ['start', '--config', network.at('broken.json')],
    code: USAGE,
    says: /broken\.json is not valid JSON/,
  },
  {
    name: 'a configuration that is no object',
    args: () => ['start', '--config', network.at('list.json')],
    code: USAGE,
    says: /list\.json does not hold a JSON object/,
  },
  {
    name: 'a key that does not exist',
    args: () => ['start', '--config', network.at('unknown.json')],
    code: USAGE,
    says: /api\.prot \(from .*unknown\.json\) is 1: expected no such key/,
  },
  {
    name: 'no genesis document',
    args: () => ['start', '--genesis-file', network.at('nothing.json')],
    code: USAGE,
    says: /cannot read the genesis document .*nothing\.json/,
  },
  {
    name: 'a genesis document that is none',
    args: () => ['start', '--genesis-file', network.at('genesis-broken.json')],
    code: USAGE,
    says: /genesis-broken\.json is no genesis document/,
  },
];

/** Mistakes that only show when a process starts, the same for both programs. */
function started(program: keyof typeof second): readonly Mistake[] {
  const name = program.slice('tangle-'.length);
  const withFlags = (...flags: string[]) => secondWith(program, ...flags);
  const keyFlag = program === 'tangle-node' ? '--validator-key-file' : '--key-file';
  return [
    {
      name: 'the folder of a running process',
      args: () => second[program](name),
      code: FAILED,
      says: /another process has this folder open/,
    },
    {
      name: 'the folder of another network',
      args: () => withFlags('--data-dir', network.at(`${name}-copy`), ...theirs(program)),
      code: USAGE,
      says: /this folder belongs to another network/,
    },
    {
      name: 'a folder that is a file',
      args: () => withFlags('--data-dir', network.at('genesis.json')),
      code: FAILED,
      says: /the disk or the folder refused a read or a write: .*genesis\.json/,
    },
    {
      name: 'a port in use',
      args: () => withFlags('--api-port', `${takenPort}`),
      code: USAGE,
      says: /the address 127\.0\.0\.1:\d+ is in use by another process/,
    },
    {
      name: 'a port of metrics in use',
      args: () => withFlags('--metrics-port', `${takenPort}`),
      code: USAGE,
      says: /the address 127\.0\.0\.1:\d+ is in use by another process/,
    },
    {
      name: 'an address of another machine',
      args: () => withFlags('--api-host', '192.0.2.1'),
      code: USAGE,
      says: /the address 192\.0\.2\.1:\d+ is not this machine’s/,
    },
    {
      name: 'a key that others can read',
      args: () => withFlags(keyFlag, network.at(`open-${name}.key`)),
      code: USAGE,
      says: /others can read the key file .*chmod 600/,
    },
  ];
}

/** The flags of the other network, whose validator's key has a seat there. */
function theirs(program: Program): string[] {
  const genesis = ['--genesis-file', other.at('genesis.json')];
  if (program === 'tangle-provider') return genesis;
  return [...genesis, '--validator-key-file', other.at('validator.key')];
}

const OF_NODE: readonly Mistake[] = [
  {
    name: 'a gossip port in use',
    args: () => secondWith('tangle-node', '--gossip-listen', `/ip4/127.0.0.1/tcp/${takenPort}`),
    code: USAGE,
    says: /gossip\.listen is .*expected free addresses of this machine/,
  },
  {
    name: 'a validator without a seat',
    args: () => secondWith('tangle-node', '--validator-key-file', other.at('validator.key')),
    code: USAGE,
    says: /the validator’s key has no seat in the committee/,
  },
  {
    name: 'a peer without its id',
    args: () => secondWith('tangle-node', '--gossip-peers', '/ip4/127.0.0.1/tcp/1'),
    code: USAGE,
    says: /gossip\.peers \(from --gossip-peers\) is .*expected/,
  },
];

const OF_PROVIDER: readonly Mistake[] = [
  {
    name: 'no key file',
    args: () => secondWith('tangle-provider', '--key-file', network.at('nothing.key')),
    code: USAGE,
    says: /cannot read the key file .*nothing\.key: there is no such file/,
  },
  {
    name: 'a key file that exists already',
    args: () => ['init', '--key-file', network.at('provider.key')],
    code: USAGE,
    says: /cannot create .*provider\.key: the file exists already/,
  },
  {
    name: 'an offer that contradicts itself',
    args: () => secondWith('tangle-provider', '--offer-min-ttl', '100', '--offer-max-ttl', '10'),
    code: USAGE,
    says: /offer\.maxTtl contradicts another setting of the offer/,
  },
  {
    name: 'a provider that does not answer',
    args: () => ['status', '--url', `http://127.0.0.1:${free.api}`],
    code: USAGE,
    says: /cannot reach http:\/\/127\.0\.0\.1:\d+/,
  },
];

/** What the program said: exit code, and its sentences without what commander adds in brackets. */
async function said(program: Program, { args, says }: Mistake) {
  const { code, out, err } = await tryCommand(program, args());
  const lines = err.split('\n').filter((line) => line !== '' && !line.startsWith('('));
  const fits = lines.map((line) => /^(?:tangle-[a-z]+|error): /.test(line) && says.test(line));
  return { code, sentences: fits.every(Boolean) ? lines.length : lines, trace: traceIn(out + err) };
}

/** The first line of a stack trace. */
function traceIn(text: string): string | undefined {
  return /^\s+at .*$/m.exec(text)?.[0];
}

describe.each([
  ['tangle-node', OF_NODE],
  ['tangle-provider', OF_PROVIDER],
] as const)('%s', (program, own) => {
  it.each([...COMMON, ...started(program), ...own])('$name', async (mistake) => {
    const expected = { code: mistake.code, sentences: 1, trace: undefined };
    expect(await said(program, mistake)).toEqual(expected);
  });
});
