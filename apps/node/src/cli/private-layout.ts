/**
 * The files of a private network: genesis, keys, one settings file per node, settings of a faucet
 * and of Prometheus, and network.json, which says what there is. Written once; a folder that has a
 * network.json is only read. Path: private-network.ts → here.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { genesisToJson, networkIdOf, type Genesis } from '@tanglemail/tangle/core/codec/genesis.ts';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import { NETWORK_PRESETS } from '@tanglemail/tangle/core/params/networks.ts';
import { errorCode } from '@tanglemail/tangle/io/error-code.ts';
import { UsageError } from '@tanglemail/tangle/io/shell/terminal.ts';
import { z } from 'zod';
import type { NodeConfigInput } from '../config/schema.ts';
import { generateKeyPair, writeKeyFile, type KeyPair } from '../keys/key-file.ts';

const plannedNode = z.strictObject({
  name: z.string(),
  /** Where its settings, keys, data and log are. */
  folder: z.string(),
  configFile: z.string(),
  logFile: z.string(),
  api: z.string(),
  metrics: z.string(),
  /** What other nodes put into `gossip.peers`. */
  gossip: z.string(),
  /** Whether it has a seat in the committee of the genesis. */
  isValidator: z.boolean(),
  /** The key with which it validates, if it has one. */
  validatorKey: z.string().optional(),
});

const privateNetwork = z.strictObject({
  name: z.string(),
  networkId: z.string(),
  genesisFile: z.string(),
  nodes: z.array(plannedNode).min(1),
  /** Every node has a key and a bond, and bonds elect the committee. */
  bonded: z.boolean().default(false),
});

/** One node of the network. */
export type PlannedNode = z.infer<typeof plannedNode>;
/** What network.json says. */
export type PrivateNetwork = z.infer<typeof privateNetwork>;

export interface LayoutOptions {
  /** Absolute path. */
  readonly folder: string;
  readonly nodes: number;
  readonly validators: number;
  readonly bonded: boolean;
  /** The ports of a new network are the next free ones from here on. */
  readonly portsFrom: number;
}

const HOST = '127.0.0.1';
const NAME = 'devnet-private';
/** All tokens, which the faucet's key owns. */
const SUPPLY = 1_000_000_000_000n;
/** What each node of a bonded network bonds, and the least that counts there. */
export const PRIVATE_BOND = 1_000_000_000n;
/** Milestones of a term there: the first election comes after some minutes. */
const BONDED_EPOCH = 30;
const MAX_PORT = 65_535;

/** Reads the network of a folder, or makes one there. Throws UsageError. */
export async function openLayout(
  options: LayoutOptions,
): Promise<{ readonly network: PrivateNetwork; readonly isNew: boolean }> {
  const file = join(options.folder, 'network.json');
  const known = await readFile(file, 'utf8').catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  });
  if (known === undefined) {
    const network = await makeNetwork(options);
    // The last file: whatever is interrupted before it is made anew in another folder.
    await writeJson(file, network);
    return { network, isNew: true };
  }
  const parsed = privateNetwork.safeParse(jsonOrNothing(known));
  if (!parsed.success) throw new UsageError(`${file} is not what this command wrote`);
  return { network: parsed.data, isNew: false };
}

/** The settings of a node as they stand in its file. */
export async function readSettings(file: string): Promise<unknown> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new UsageError(`cannot read the settings ${file}`, { cause });
  });
  const settings = jsonOrNothing(text);
  if (settings === undefined) throw new UsageError(`${file} is not valid JSON`);
  return settings;
}

function jsonOrNothing(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function makeNetwork(options: LayoutOptions): Promise<PrivateNetwork> {
  const { folder, nodes, validators, bonded } = options;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const keys = Array.from({ length: bonded ? nodes : validators }, generateKeyPair);
  const [seats, faucet] = [keys.slice(0, validators), generateKeyPair()];
  const genesis = genesisOf(seats, faucet, bonded);
  const genesisFile = join(folder, 'genesis.json');
  await createFile(genesisFile, `${genesisToJson(genesis)}\n`);
  await writeKeyFile(join(folder, 'faucet.key'), faucet);
  const ports = await freePorts(options.portsFrom, nodes * 3);
  const planned: PlannedNode[] = [];
  for (let at = 0; at < nodes; at++) {
    const own = ports.slice(at * 3, at * 3 + 3);
    const node = await makeNode(folder, at, own, keys[at], planned);
    planned.push({ ...node, isValidator: at < validators });
  }
  const network: PrivateNetwork = {
    name: NAME,
    networkId: networkIdOf(genesis, nobleHasher).toString(16).padStart(16, '0'),
    genesisFile,
    nodes: planned,
    bonded,
  };
  await writeJson(join(folder, 'faucet.json'), faucetSettings(folder, network));
  await createFile(join(folder, 'prometheus.yml'), prometheusSettings(network));
  return network;
}

function genesisOf(seats: readonly KeyPair[], faucet: KeyPair, bonded: boolean): Genesis {
  const { devnet } = NETWORK_PRESETS;
  const electing = { validatorBondMin: PRIVATE_BOND, epochLength: BONDED_EPOCH };
  return {
    name: NAME,
    timestampMs: Date.now(),
    params: bonded ? { ...devnet, ...electing } : devnet,
    committee: seats.map(({ publicKey }) => publicKey),
    outputs: [{ address: faucet.address, amount: SUPPLY }],
  };
}

/** Each node dials those before it. */
async function makeNode(
  folder: string,
  at: number,
  [api = 0, gossip = 0, metrics = 0]: readonly number[],
  key: KeyPair | undefined,
  others: readonly PlannedNode[],
): Promise<Omit<PlannedNode, 'isValidator'>> {
  const { loadPeerKey, peerKeyText } = await import('@tanglemail/tangle/io/libp2p/peer-key.ts');
  const name = `node-${at + 1}`;
  const own = join(folder, name);
  const dataDir = join(own, 'data');
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const validatorKey = join(own, 'validator.key');
  if (key !== undefined) await writeKeyFile(validatorKey, key);
  const peerId = peerKeyText(await loadPeerKey(join(dataDir, 'peer.key')));
  const settings: NodeConfigInput = {
    dataDir,
    genesisFile: join(folder, 'genesis.json'),
    api: { host: HOST, port: api },
    gossip: {
      listen: [`/ip4/${HOST}/tcp/${gossip}`],
      peers: others.map((other) => other.gossip),
    },
    metrics: { host: HOST, port: metrics },
    ...(key === undefined ? {} : { validator: { keyFile: validatorKey } }),
  };
  const configFile = join(own, 'node.json');
  await writeJson(configFile, settings);
  return {
    name,
    folder: own,
    configFile,
    logFile: join(own, 'node.log'),
    api: `http://${HOST}:${api}`,
    metrics: `http://${HOST}:${metrics}/metrics`,
    gossip: `/ip4/${HOST}/tcp/${gossip}/p2p/${peerId}`,
    ...(key === undefined ? {} : { validatorKey }),
  };
}

function faucetSettings(folder: string, { genesisFile, nodes }: PrivateNetwork): NodeConfigInput {
  const nodeUrl = nodes[0]?.api ?? '';
  return { genesisFile, faucet: { keyFile: join(folder, 'faucet.key'), nodeUrl } };
}

function prometheusSettings({ nodes }: PrivateNetwork): string {
  const targets = nodes.map(({ metrics }) => `'${new URL(metrics).host}'`);
  return `# The nodes of this private network, for a Prometheus on this machine.
global:
  scrape_interval: 5s
  evaluation_interval: 5s
scrape_configs:
  - job_name: tangle-node
    static_configs:
      - targets: [${targets.join(', ')}]
`;
}

async function writeJson(file: string, content: unknown): Promise<void> {
  await createFile(file, `${JSON.stringify(content, undefined, 2)}\n`);
}

async function createFile(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
    throw new UsageError(
      `${file} exists, but this folder has no network.json: an earlier run was interrupted; ` +
        'give --out another folder, or remove this one',
      { cause: error },
    );
  }
}

/** The next `count` free TCP ports. */
async function freePorts(from: number, count: number): Promise<number[]> {
  const found: number[] = [];
  for (let port = from; port <= MAX_PORT && found.length < count; port++) {
    if (await isFree(port)) found.push(port);
  }
  if (found.length < count)
    throw new UsageError(`there are no ${count} free ports from ${from} on`);
  return found;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: HOST, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
