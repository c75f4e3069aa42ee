/**
 * Goal 9: a whole node that takes blocks from one peer over the loopback, each in a process of its
 * own, against what its parts cost alone: the way of a block from bytes to the store, and a bare
 * network part that receives the same packs. CPU of the node's process; blocks per second of the
 * clock stand beside it, because they are what an operator sees.
 */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { generateKeyPair } from '@libp2p/crypto/keys';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { configOf } from '../../apps/node/src/config/schema.ts';
import { TangleNode } from '../../apps/node/src/node.ts';
import type { GenesisMilestone } from '../../libs/tangle/src/core/milestone/genesis.ts';
import { bestHasher } from '../../libs/tangle/src/io/accel/hasher.ts';
import { bestVerifier } from '../../libs/tangle/src/io/accel/verifier.ts';
import { TangleNetwork } from '../../libs/tangle/src/io/libp2p/network.ts';
import { SILENT_LOGGER } from '../../libs/tangle/src/io/logger.ts';
import { atLeast, type Bench, type BenchContext, type Goal, type Measurement } from './bench.ts';
import { encodeBlocks } from './block-file.ts';
import { benchGenesis, envelopes, genesisDocument, makeBlocks, smallData } from './feed.ts';
import type { PayloadMaker } from './feed.ts';
import { inline, IntakeNode } from './intake-node.ts';
import { median } from './measure.ts';

const PEER = fileURLToPath(new URL('./09-peer.ts', import.meta.url));
/** Blocks that the peer may be ahead: fewer packs than a node validates of one peer at once. */
const WINDOW = 512;
/** Share of the blocks that is measured: gossip may lose some; nobody asks for the last ones. */
const MEASURED = 0.9;
/** A round that takes longer has lost something for good. */
const GIVE_UP_MS = 60_000;

interface Cost {
  /** CPU of all threads per block, in microseconds. */
  readonly cpu: number;
  /** Blocks per second of the clock. */
  readonly perSecond: number;
}

interface Feed {
  readonly file: string;
  readonly genesis: GenesisMilestone;
  readonly blocks: readonly Uint8Array[];
}

/** Runs the peer; `use` gets its address and a function that gives it leave to send. */
async function withPeer(
  { file, genesis }: Feed,
  use: (address: string, allow: (count: number) => void) => Promise<void>,
): Promise<void> {
  const flags = ['--disable-warning=ExperimentalWarning', PEER, file, `${genesis.networkId}`];
  const child: ChildProcessWithoutNullStreams = spawn(process.execPath, flags);
  child.stderr.pipe(process.stderr);
  try {
    const [address] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
    await use(address, (count) => child.stdin.write(`${count}\n`));
  } finally {
    child.stdin.end();
    if (child.exitCode === null) await once(child, 'exit');
  }
}

/** Counts up to `count` and measures from the first to the last. */
class Meter {
  readonly done: Promise<void>;
  readonly #count: number;
  readonly #allow: (count: number) => void;
  readonly #finish: () => void;
  #seen = 0;
  #cpu = process.cpuUsage();
  #startedMs = performance.now();
  #cost: Cost | undefined;

  constructor(count: number, allow: (count: number) => void) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.done = promise;
    this.#finish = resolve;
    this.#count = Math.floor(count * MEASURED);
    this.#allow = allow;
  }

  start(): void {
    this.#cpu = process.cpuUsage();
    this.#startedMs = performance.now();
    this.#allow(WINDOW);
  }

  add(blocks: number): void {
    this.#seen += blocks;
    this.#allow(this.#seen + WINDOW);
    if (this.#seen < this.#count || this.#cost !== undefined) return;
    const used = process.cpuUsage(this.#cpu);
    const seconds = (performance.now() - this.#startedMs) / 1_000;
    this.#cost = { cpu: (used.user + used.system) / this.#seen, perSecond: this.#seen / seconds };
    this.#finish();
  }

  async cost(): Promise<Cost> {
    const late = AbortSignal.timeout(GIVE_UP_MS);
    const failed = once(late, 'abort').then(() => {
      throw new Error(`${this.#seen} of ${this.#count} blocks came`);
    });
    await Promise.race([this.done, failed]);
    if (this.#cost === undefined) throw new Error('the meter has finished');
    return this.#cost;
  }
}

/** The whole node. */
async function measureNode(context: BenchContext, feed: Feed): Promise<Cost> {
  const dataDir = await context.folder();
  let cost: Cost | undefined;
  await withPeer(feed, async (address, allow) => {
    const config = configOf({
      dataDir,
      gossip: { listen: ['/ip4/127.0.0.1/tcp/0'], peers: [address] },
      metrics: { enabled: false },
    });
    const genesis = genesisDocument(1);
    const node = await TangleNode.open({ config, genesis, logger: SILENT_LOGGER });
    const meter = new Meter(feed.blocks.length, allow);
    node.events.on('solid', (solid) => meter.add(solid.length));
    await node.start();
    await subscribed(() => node.query.peers().length > 0);
    meter.start();
    cost = await meter.cost();
    await node.stop();
  });
  if (cost === undefined) throw new Error('the node was measured');
  return cost;
}

/** A network part that accepts every pack and does nothing with it. */
async function measureNetwork(feed: Feed): Promise<Cost> {
  let cost: Cost | undefined;
  await withPeer(feed, async (address, allow) => {
    const meter = new Meter(feed.blocks.length, allow);
    const network = new TangleNetwork(
      {
        networkId: feed.genesis.networkId,
        listen: ['/ip4/127.0.0.1/tcp/0'],
        peers: [address],
        privateKey: await generateKeyPair('Ed25519'),
      },
      {
        onPack: (blocks) => {
          meter.add(blocks.length);
          return Promise.resolve('accept');
        },
        onMilestone: () => Promise.resolve('ignore'),
        onConsensus: () => Promise.resolve('ignore'),
        getBlocks: () => Promise.resolve([]),
        getMilestones: () => Promise.resolve([]),
        getCone: () => Promise.resolve([]),
        getCones: () => Promise.resolve({ cones: [], isTooLarge: false }),
        getConsensus: () => Promise.resolve([]),
        status: () => ({ solidIndex: 0, latestIndex: 0, prunedIndex: 0, peers: 1 }),
      },
      { logger: SILENT_LOGGER },
    );
    await network.start();
    await subscribed(() => network.peers().length > 0);
    meter.start();
    cost = await meter.cost();
    await network.stop();
  });
  if (cost === undefined) throw new Error('the network part was measured');
  return cost;
}

/** Waits for the peer, and for its gossip stream, which opens soon after. */
async function subscribed(isConnected: () => boolean): Promise<void> {
  const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
  while (!isConnected()) await pause(20);
  await pause(2_000);
}

/** The way from bytes to the store, without network. */
async function measureIntake(context: BenchContext, { genesis, blocks }: Feed): Promise<Cost> {
  const folder = await context.folder();
  const verifier = inline(await bestVerifier());
  const node = await IntakeNode.open({ folder, genesis, hasher: await bestHasher(), verifier });
  const before = process.cpuUsage();
  const startedMs = performance.now();
  await node.takeIn(blocks);
  const used = process.cpuUsage(before);
  const seconds = (performance.now() - startedMs) / 1_000;
  await node.close();
  const count = blocks.length;
  return { cpu: (used.user + used.system) / count, perSecond: count / seconds };
}

async function measureKind(
  context: BenchContext,
  kind: string,
  payloadOf: PayloadMaker,
): Promise<Measurement[]> {
  const hasher = await bestHasher();
  const genesis = benchGenesis(1, hasher);
  // Below what a node takes from one source while no milestone comes: SHARED_UNREFERENCED.
  const count = context.quick ? 2_048 : 9_600;
  const { networkId } = genesis;
  const blocks = makeBlocks(count, networkId, payloadOf, { seed: context.seed, hasher });
  const file = join(await context.folder(), 'blocks');
  await writeFile(file, encodeBlocks(blocks));
  const feed = { file, genesis, blocks };
  const rounds = context.quick ? 1 : 3;
  const [nodes, parts]: [Cost[], number[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    const intake = await measureIntake(context, feed);
    const network = await measureNetwork(feed);
    parts.push(intake.cpu + network.cpu);
    nodes.push(await measureNode(context, feed));
  }
  const cpu = median(nodes.map((cost) => cost.cpu));
  const predicted = median(parts);
  const goal: Goal = atLeast(0.5);
  const floor: Goal = { of: 'value', relation: '>=', bound: 1_000 };
  const clock = median(nodes.map((cost) => cost.perSecond));
  const shared = { unit: 'blocks/CPU s', limit: 1e6 / predicted, ratio: predicted / cpu };
  return [
    { name: `node, one peer / its parts, ${kind}`, value: 1e6 / cpu, ...shared, goal },
    {
      name: `  … by the clock, ${kind}`,
      value: clock,
      unit: 'blocks/s',
      limit: null,
      ratio: null,
      goal: floor,
    },
  ];
}

export const node: Bench = {
  name: 'node',
  goal: 9,
  run: async (context) => [
    ...(await measureKind(context, '2 KiB envelopes', envelopes(2_048))),
    ...(await measureKind(context, '350 B data', smallData)),
  ],
};
