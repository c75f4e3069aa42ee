/**
 * Makes what a local network needs before its processes start: ports, keys, genesis, settings,
 * accounts. Keys, genesis and accounts come from the programs' own commands, so that those are
 * proven too. Every step is skipped when its result is there, so that an interrupted first start
 * goes on. Before: network.ts; after: processes.ts.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import { networkIdOf, parseGenesisJson } from '@tanglemail/tangle/core/codec/genesis.ts';
import {
  type ClientRole,
  type Layout,
  type NetworkFile,
  type Role,
  writeSecret,
  writeWhole,
} from './layout.ts';
import { freePort } from './ports.ts';
import { DevnetError, runCommand, runJson } from './processes.ts';

/** The port that each listener has when nothing else uses it. */
const DEFAULT_PORTS = {
  'node-1-api': 14_265,
  'node-2-api': 14_266,
  'node-1-gossip': 15_600,
  'node-2-gossip': 15_601,
  'node-1-metrics': 9_311,
  'node-2-metrics': 9_313,
  'faucet-api': 14_275,
  'provider-api': 14_280,
  'provider-metrics': 9_312,
  'alice-api': 14_290,
  'bob-api': 14_291,
} as const;

export type PortName = keyof typeof DEFAULT_PORTS;
export type Ports = Readonly<Record<PortName, number>>;

/** All tokens of the network, in base units; the faucet has them at first. */
export const SUPPLY = 1_000_000_000_000n;

const HOST = '127.0.0.1';

/**
 * Chooses the ports: those of the earlier start, else from `from` on, else the usual ones; where
 * one is taken, the next that is free.
 */
export async function choosePorts(
  known: NetworkFile | undefined,
  from: number | undefined,
): Promise<Ports> {
  const taken = new Set<number>();
  const chosen: Partial<Record<PortName, number>> = {};
  for (const [name, usual] of Object.entries(DEFAULT_PORTS) as [PortName, number][]) {
    const wanted = known?.ports[name] ?? from ?? usual;
    const port = await freePort(wanted, taken);
    if (known !== undefined && name === 'provider-api' && port !== wanted) {
      throw new DevnetError(
        `port ${wanted} is taken, but the provider’s offer on the tangle names it: ` +
          'end the program that uses it, or start over with `npm start -- --fresh`',
      );
    }
    taken.add(port);
    chosen[name] = port;
  }
  return chosen as Ports;
}

export function urlOf(ports: Ports, name: PortName): string {
  return `http://${HOST}:${ports[name]}`;
}

/** What the key files of the network say. */
export interface Identities {
  readonly networkName: string;
  readonly networkId: bigint;
  /** Multiaddresses by node, with the peer id. */
  readonly gossip: Readonly<Record<'node-1' | 'node-2', string>>;
}

/** Makes keys and genesis. `params` change parameters of the devnet preset. */
export async function makeNetwork(
  layout: Layout,
  ports: Ports,
  params: Readonly<Record<string, number>>,
): Promise<Identities> {
  for (const role of ['node-1', 'node-2', 'faucet', 'provider'] as const) {
    mkdirSync(layout.folder(role), { recursive: true });
  }
  const providerKey = providerKeyFile(layout);
  const [peer1, peer2] = await Promise.all([
    peerId(layout, 'node-1'),
    peerId(layout, 'node-2'),
    makeGenesis(layout, params),
    makeFile(providerKey, () => runCommand('tangle-provider', ['init', '--key-file', providerKey])),
  ]);
  const genesis = parseGenesisJson(readFileSync(layout.genesisFile, 'utf8'));
  if (!genesis.ok) throw new DevnetError(`${layout.genesisFile} is no genesis document`);
  return {
    networkName: genesis.value.name,
    networkId: networkIdOf(genesis.value, nobleHasher),
    gossip: {
      'node-1': `/ip4/${HOST}/tcp/${ports['node-1-gossip']}/p2p/${peer1}`,
      'node-2': `/ip4/${HOST}/tcp/${ports['node-2-gossip']}/p2p/${peer2}`,
    },
  };
}

async function makeGenesis(
  layout: Layout,
  params: Readonly<Record<string, number>>,
): Promise<void> {
  const validatorKey = validatorKeyFile(layout);
  const faucetKey = faucetKeyFile(layout);
  await Promise.all([makeKey(validatorKey), makeKey(faucetKey)]);
  const changes = Object.entries(params).flatMap(([name, value]) => [
    '--param',
    `${name}=${value}`,
  ]);
  await makeFile(layout.genesisFile, () =>
    runJson('tangle-node', [
      'tools',
      'genesis',
      '--json',
      '--name',
      'devnet-local',
      '--committee',
      validatorKey,
      '--output',
      `${faucetKey}:${SUPPLY}`,
      '--out',
      layout.genesisFile,
      ...changes,
    ]),
  );
}

function validatorKeyFile(layout: Layout): string {
  return join(layout.folder('node-1'), 'validator.key');
}

function faucetKeyFile(layout: Layout): string {
  return join(layout.folder('faucet'), 'faucet.key');
}

function providerKeyFile(layout: Layout): string {
  return join(layout.folder('provider'), 'provider.key');
}

async function makeKey(path: string): Promise<void> {
  await makeFile(path, () => runJson('tangle-node', ['tools', 'keys', '--json', '--out', path]));
}

async function makeFile(path: string, make: () => Promise<unknown>): Promise<void> {
  if (!existsSync(path)) await make();
}

async function peerId(layout: Layout, role: 'node-1' | 'node-2'): Promise<string> {
  const key = join(layout.folder(role), 'peer.key');
  const answer = await runJson('tangle-node', ['tools', 'peer-id', '--json', '--key', key]);
  return z.object({ peerId: z.string() }).parse(answer).peerId;
}

/** Settings of one process, nested as in its file. */
export interface Settings {
  readonly [key: string]: unknown;
}

/** One machine asks for everybody here. */
const RATE_LIMIT = { perSecond: 10_000, burst: 10_000 };

/**
 * Writes the settings of nodes, faucet and provider; each knows its node and its ports. `changes`
 * go over what is usual.
 */
export function writeSettings(
  layout: Layout,
  ports: Ports,
  identities: Identities,
  changes: Partial<Record<Role, Settings>>,
): void {
  const settings: Partial<Record<Role, Settings>> = {
    'node-1': {
      ...nodeSettings(layout, ports, 'node-1'),
      validator: { keyFile: validatorKeyFile(layout) },
    },
    'node-2': nodeSettings(layout, ports, 'node-2', identities.gossip['node-1']),
    faucet: {
      genesisFile: layout.genesisFile,
      faucet: {
        keyFile: faucetKeyFile(layout),
        nodeUrl: urlOf(ports, 'node-1-api'),
        host: HOST,
        port: ports['faucet-api'],
      },
    },
    provider: {
      dataDir: join(layout.folder('provider'), 'store'),
      keyFile: providerKeyFile(layout),
      genesisFile: layout.genesisFile,
      node: { url: urlOf(ports, 'node-2-api') },
      api: {
        host: HOST,
        port: ports['provider-api'],
        realm: 'devnet',
        rateLimit: RATE_LIMIT,
      },
      metrics: { host: HOST, port: ports['provider-metrics'] },
      // Each main job pays anew into the same mailbox.
      offer: { maxBalance: '1000000000' },
    },
  };
  for (const [role, content] of Object.entries(settings) as [Role, Settings][]) {
    writeWhole(layout.configFile(role), merged(content, changes[role] ?? {}));
  }
}

function nodeSettings(
  layout: Layout,
  ports: Ports,
  role: 'node-1' | 'node-2',
  ...peers: readonly string[]
): Settings {
  return {
    dataDir: join(layout.folder(role), 'store'),
    genesisFile: layout.genesisFile,
    api: { host: HOST, port: ports[`${role}-api`], rateLimit: RATE_LIMIT },
    gossip: {
      listen: [`/ip4/${HOST}/tcp/${ports[`${role}-gossip`]}`],
      peers,
      keyFile: join(layout.folder(role), 'peer.key'),
    },
    metrics: { host: HOST, port: ports[`${role}-metrics`] },
  };
}

function isSettings(value: unknown): value is Settings {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function merged(base: Settings, changes: Settings): Settings {
  const result: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(changes)) {
    const known = result[key];
    result[key] = isSettings(known) && isSettings(value) ? merged(known, value) : value;
  }
  return result;
}

/** What a client's processes are started with. */
export interface ClientPlan {
  readonly nodeUrl: string;
  readonly port: number;
}

/** Alice uses the first node, Bob the second. */
export function clientPlan(ports: Ports, role: ClientRole): ClientPlan {
  return {
    nodeUrl: urlOf(ports, role === 'alice' ? 'node-1-api' : 'node-2-api'),
    port: ports[`${role}-api`],
  };
}

/**
 * Makes the account of a client under a passphrase of its own, which stays in a file. The words
 * that the command prints are not kept: whoever wants them asks the client.
 */
export async function makeAccount(layout: Layout, ports: Ports, role: ClientRole): Promise<void> {
  const dataDir = layout.folder(role);
  const passphraseFile = layout.passphraseFile(role);
  writeSecret(passphraseFile, randomBytes(18).toString('base64url'));
  await makeFile(join(dataDir, 'keystore.json'), () =>
    runJson('tanglemail', [
      '--data-dir',
      dataDir,
      '--json',
      'account',
      'create',
      '--passphrase-file',
      passphraseFile,
      '--node',
      clientPlan(ports, role).nodeUrl,
      '--genesis',
      layout.genesisFile,
    ]),
  );
}
