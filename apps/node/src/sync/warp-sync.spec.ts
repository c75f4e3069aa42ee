/**
 * Catching up over real connections: a long history, a head that moves on, and peers that lie,
 * hang, are slow, or have pruned what is needed.
 */
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  it,
  jest,
} from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import { genesisMilestone } from '@tanglemail/tangle/core/milestone/genesis.ts';
import type { ConeList } from '@tanglemail/tangle/io/libp2p/types.ts';
import { until } from '@tanglemail/tangle/io/testing/until.ts';
import { writeKeyFile } from '../keys/key-file.ts';
import { startFalsePeer, type FalsePeer, type FalsePeerOptions } from '../testing/false-peer.ts';
import { copyChain, growChain } from '../testing/grown-chain.ts';
import { TestNetwork, testGenesis, VALIDATOR_KEY, type TestNode } from '../testing/test-network.ts';

const GENESIS = testGenesis();
const ROOT = genesisMilestone(GENESIS, nobleHasher);
/** Six windows and the restart between; SYNC_MILESTONES=5000 for more. */
const LONG = Number(process.env['SYNC_MILESTONES'] ?? 3_000);
const SHORT = 200;
const TEST_MS = 240_000;
/** What all waits of a test may take together: less than it, so that they say what did not come. */
const PATIENCE_MS = 200_000;
jest.setTimeout(TEST_MS);

const network = new TestNetwork();
const falsePeers: FalsePeer[] = [];
let flowing: { stop(): Promise<void> } | undefined;
let patientUntil = 0;
/** A history of 200 milestones with five blocks each. */
let short: string;

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'warp-sync-'));
  short = join(folder, 'short');
  await growChain(short, { genesis: GENESIS, milestones: SHORT, blocksPerMilestone: 5 });
}, TEST_MS);
afterAll(() => rm(join(short, '..'), { recursive: true }));
beforeEach(() => {
  patientUntil = performance.now() + PATIENCE_MS;
});
afterEach(async () => {
  try {
    await flowing?.stop();
  } finally {
    flowing = undefined;
    for (const peer of falsePeers.splice(0)) await peer.close();
    await network.closeAll();
  }
}, TEST_MS);

interface HistorianOptions {
  readonly validator?: boolean;
  readonly peers?: readonly string[];
}

/** A node that has seen a history already. */
async function historian(grown: string, options: HistorianOptions = {}): Promise<TestNode> {
  const folder = await network.folder();
  await copyChain(grown, folder);
  const { validator = false, peers = [] } = options;
  if (validator) await writeKeyFile(join(folder, 'validator.key'), VALIDATOR_KEY);
  const config = { gossip: { peers: [...peers] } };
  return await network.start({ validator, folder, config, acceptLostVotes: validator });
}

async function falsePeer(grown: string, options: FalsePeerOptions): Promise<FalsePeer> {
  const folder = await network.folder();
  await copyChain(grown, folder);
  const peer = await startFalsePeer(folder, ROOT, options);
  falsePeers.push(peer);
  return peer;
}

function newcomer(peers: readonly string[], folder?: string): Promise<TestNode> {
  const config = { gossip: { peers: [...peers] } };
  return network.start(folder === undefined ? { config } : { config, folder });
}

/** What a flow may take to end its last block. */
const FLOW_END_MS = 20_000;

/** Has a node issue blocks until the test ends; `stop` rejects when that failed before. */
function startFlow({ issuer }: TestNode, everyMs: number): { stop(): Promise<void> } {
  const [ending, late] = [new AbortController(), new AbortController()];
  const tag = Buffer.from('flow');
  const run = async (): Promise<void> => {
    for (let count = 0; !ending.signal.aborted; count++) {
      const data = Buffer.from(`flow ${count}`);
      await issuer.issue({ kind: 'tagged-data', tag, data }, { signal: late.signal });
      await sleep(everyMs);
    }
  };
  const outcome = run().then(
    () => undefined,
    (error: unknown) => ({ error }),
  );
  return {
    stop: async () => {
      ending.abort();
      const timer = setTimeout(() => late.abort(), FLOW_END_MS);
      const failure = await outcome;
      clearTimeout(timer);
      if (failure !== undefined) throw failure.error;
    },
  };
}

/** What is left of the test's patience: a busy machine needs more than the usual limit. */
const patienceMs = (): number => Math.max(0, Math.round(patientUntil - performance.now()));

async function eventually(condition: () => boolean | Promise<boolean>): Promise<void> {
  await until(condition, patienceMs());
}

const indexOf = ({ node }: TestNode) => node.query.confirmedIndex;
const addressesOf = (...peers: (TestNode | FalsePeer)[]) =>
  peers.flatMap((peer) => ('node' in peer ? peer.node : peer.network).addresses());

/** Changes every cone of an answer. */
const changed = (change: (cone: readonly Uint8Array[]) => readonly Uint8Array[]) => {
  return ({ cones, isTooLarge }: ConeList) => ({ cones: cones.map(change), isTooLarge });
};

describe('a node that is thousands of milestones behind', () => {
  const long = (): string => join(short, '..', 'long');
  beforeAll(async () => {
    const chain = { milestones: LONG, blocksPerMilestone: 3, blocksEvery: 3 };
    await growChain(long(), { genesis: GENESIS, ...chain });
  }, TEST_MS);

  it(
    'catches up while the head moves on, over a restart, in spite of a liar and a slow peer',
    async () => {
      const validator = await historian(long(), { validator: true });
      const first = await historian(long(), { peers: addressesOf(validator) });
      const liar = await falsePeer(long(), { cones: changed((cone) => cone.slice(0, -1)) });
      const slow = await falsePeer(long(), { delayMs: 4_000 });
      const peers = addressesOf(validator, first, liar, slow);
      flowing = startFlow(validator, 1_000);

      const before = await newcomer(peers);
      await eventually(() => indexOf(before) > LONG / 3);
      await before.close();
      const stoppedAt = indexOf(before);
      const after = await newcomer(peers, before.folder);
      expect(indexOf(after)).toBeGreaterThanOrEqual(stoppedAt);
      await eventually(() => indexOf(after) > LONG && indexOf(after) >= indexOf(validator) - 1);

      expect(liar.asked.cones).toBeGreaterThan(0);
      for (const { node } of [validator, first]) {
        // However fast it asks, nobody takes it for a flood.
        const told = node.query.peers().find(({ id }) => addressesOf(after)[0]?.endsWith(id));
        expect(told).toMatchObject({ connected: true, points: 0 });
      }
      expect((await after.client.health()).healthy).toBe(true);
      const { blockId } = await after.issuer.issueAndConfirm(
        { kind: 'tagged-data', tag: Buffer.from('late'), data: Buffer.from('here I am') },
        { timeoutMs: patienceMs() },
      );
      const metadata = await validator.client.blockMetadata(blockId);
      expect(metadata.referencedByMilestoneIndex).toBeGreaterThan(LONG);
    },
    TEST_MS,
  );
});

describe('false peers', () => {
  it('that change cones are asked no more, and nothing of theirs is kept', async () => {
    const foreign = await foreignBlock();
    const liars = [
      await falsePeer(short, { cones: changed((cone) => cone.slice(0, -1)) }),
      await falsePeer(short, { cones: changed((cone) => [...cone, foreign]) }),
      await falsePeer(short, { cones: changed((cone) => cone.toReversed()) }),
      await falsePeer(short, { cones: changed(() => [foreign]) }),
    ];
    const late = await newcomer(addressesOf(...liars));
    await eventually(() => liars.some(({ asked }) => asked.cones > 0));
    await historian(short, { peers: addressesOf(late) });
    await eventually(() => indexOf(late) === SHORT);
    const blocks = await late.client.milestoneBlocks(SHORT);
    expect(blocks).toHaveLength(5);
    const id = nobleHasher.blake2b256(foreign);
    await expect(late.client.block(Buffer.from(id).toString('hex') as never)).rejects.toThrow();
  });

  it('that send milestones out of order, or never answer, stop nobody', async () => {
    const shuffled = await falsePeer(short, { milestones: (items) => items.toReversed() });
    const hung = await falsePeer(short, { delayMs: Number.POSITIVE_INFINITY });
    const late = await newcomer(addressesOf(shuffled, hung));
    await eventually(() => shuffled.asked.milestones > 0 && hung.asked.milestones > 0);
    expect(indexOf(late)).toBe(0);
    await historian(short, { peers: addressesOf(late) });
    await eventually(() => indexOf(late) === SHORT);
  });

  it('that claim a milestone they cannot show keep a validator from nothing', async () => {
    const honest = await historian(short);
    const liar = await falsePeer(short, { status: { latestIndex: 900_000, solidIndex: 900_000 } });
    const validator = await historian(short, {
      validator: true,
      peers: addressesOf(honest, liar),
    });
    await eventually(() => indexOf(honest) > SHORT + 2);
    expect(validator.node.query.info().status.latestMilestone.index).toBeLessThan(900_000);
    expect((await validator.client.health()).healthy).toBe(true);
    const told = validator.node.query.peers().find(({ id }) => id === liar.network.key);
    expect(told?.points).toBeGreaterThan(0);
    expect(liar.asked.milestones).toBe(1);
  });
});

describe('peers that pruned what is needed', () => {
  it('are named in /health, and the node goes on when one comes that has it', async () => {
    const pruned = [
      await falsePeer(short, { status: { prunedIndex: 100 } }),
      await falsePeer(short, { status: { prunedIndex: 150 } }),
    ];
    const late = await newcomer(addressesOf(...pruned));
    await eventually(() => late.node.syncState.problem?.startsWith('all 2 peers') === true);
    const { reasons } = await late.client.health();
    expect(reasons.join('; ')).toContain('all 2 peers have pruned milestone 1');
    expect(reasons.join('; ')).toContain('start from a snapshot (snapshot.from)');
    const { sync } = (await late.client.info()).status;
    expect(sync).toMatchObject({ state: 'warping', behind: SHORT });
    expect(reasons).toContain(sync.problem);
    expect(pruned.map(({ asked }) => asked.cones)).toEqual([0, 0]);
    await historian(short, { peers: addressesOf(late) });
    await eventually(() => indexOf(late) === SHORT);
    const caughtUp = (await late.client.info()).status.sync;
    expect(caughtUp).toMatchObject({ state: 'following', behind: 0 });
    expect(caughtUp.problem).toBeUndefined();
  });
});

describe('two halves of a network', () => {
  it('come together when they are joined again', async () => {
    const validator = await historian(short, { validator: true });
    const left = await historian(short, { peers: addressesOf(validator) });
    const right = await historian(short);
    const farRight = await historian(short, { peers: addressesOf(right) });
    flowing = startFlow(left, 200);
    const { blockId } = await right.issuer.issue({
      kind: 'tagged-data',
      tag: Buffer.from('right'),
      data: Buffer.from('while apart'),
    });
    await eventually(() => indexOf(left) > SHORT + 15);
    // From here on heartbeats only: the block on the right must not fall below max depth.
    await flowing.stop();
    expect(indexOf(farRight)).toBe(SHORT);

    await historian(short, { peers: addressesOf(validator, farRight) });
    await eventually(() => indexOf(right) > SHORT + 15 && indexOf(farRight) > SHORT + 15);
    const confirmedIn = () =>
      validator.node.query.blockMetadata(blockId)?.referencedByMilestoneIndex ?? 0;
    await eventually(() => confirmedIn() > SHORT);
  });
});

describe('a fork', () => {
  it('halts a node, and halts it still after a restart', async () => {
    const [own, other] = [await network.folder(), await network.folder()];
    for (const [folder, dataBytes] of [
      [own, 10],
      [other, 20],
    ] as const) {
      await copyChain(short, folder);
      await growChain(folder, {
        genesis: GENESIS,
        milestones: 1,
        blocksPerMilestone: 1,
        dataBytes,
      });
    }
    const peer = await startFalsePeer(other, ROOT, { status: { latestIndex: 0, solidIndex: 0 } });
    falsePeers.push(peer);
    const before = await newcomer(addressesOf(peer), own);
    const isReached = () => peer.network.peers().some(({ subscribed }) => subscribed);
    await eventually(() => indexOf(before) === SHORT + 1 && isReached());
    await eventually(async () => {
      await peer.network.publishMilestone(peer.milestone(SHORT + 1)).catch(() => undefined);
      await sleep(100);
      return before.node.syncState.state === 'halted';
    });
    const reason = `confirmation stopped: two different final milestones have index ${SHORT + 1}`;
    await before.close();

    const after = await newcomer([], own);
    expect(after.node.syncState.state).toBe('halted');
    expect((await after.client.health()).reasons).toContain(reason);
  });
});

/** A block of the network that is in none of the histories. */
async function foreignBlock(): Promise<Uint8Array> {
  const folder = await mkdtemp(join(tmpdir(), 'warp-foreign-'));
  await growChain(folder, {
    genesis: GENESIS,
    milestones: 1,
    blocksPerMilestone: 1,
    dataBytes: 33,
  });
  const peer = await startFalsePeer(folder, ROOT, {});
  const [cone] = (await peer.cones(1)).cones;
  await peer.close();
  await rm(folder, { recursive: true });
  if (cone?.[0] === undefined) throw new Error('the history has a block');
  return cone[0];
}
