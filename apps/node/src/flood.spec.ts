/**
 * A validator with two peers over real connections and a user at its API. One peer never stops: on
 * a thread of its own it offers many times what the node can take, and before it somebody has left
 * more blocks than a milestone can take. Every block of the other peer and of the user is confirmed
 * while the flood goes on, none of them waits behind the flood, and memory stays bounded. Spec:
 * docs/spec/14-load.md; the same without clocks: core/tips/flood.spec.ts.
 */
import { afterEach, describe, expect, it } from '@jest/globals';
import { blockIdOf } from '@tanglemail/tangle/core/codec/block.ts';
import type { BlockId } from '@tanglemail/tangle/core/codec/ids.ts';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import { genesisMilestone } from '@tanglemail/tangle/core/milestone/genesis.ts';
import { bestHasher } from '@tanglemail/tangle/io/accel/hasher.ts';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { mutePeer, testBlock } from './testing/flood-peer.ts';
import { startFlood } from './testing/start-flood.ts';
import { TestNetwork, testGenesis, until, type TestNode } from './testing/test-network.ts';

/**
 * The difficulty never rises, so nothing but the queues holds the flood off; and milestones come as
 * seldom as on real networks, so that a slow machine too brings more than they take.
 */
const GENESIS = {
  ...testGenesis(),
  params: { ...testGenesis().params, powLoadBitsMax: 0, milestoneIntervalMs: 1_000 },
};
const { params } = GENESIS;
const { networkId } = genesisMilestone(GENESIS, nobleHasher);
/** Blocks that wait when the flood begins, if the node takes so many: more than MAX_CONE. */
const BACKLOG = 45_000;
const FLOOD_MS = 10_000;
const PAUSE_MS = 150;
/** The flood offers at least so many times what the node takes of it. */
const FACTOR = 5;
/** Over half the gossip queue, 4,096 blocks, waits in the flood's line at any time. */
const MAX_OVERTAKEN = 1_024;
/** Bytes that a flood of ten seconds may add, in MiB: 14-load, section 1. */
const MAX_GROWTH_MIB = 192;
const deps = { networkId, params, hasher: await bestHasher() };
const network = new TestNetwork();
const stops: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
  await network.closeAll();
});

/** Leaves blocks on the same few parents until there are `BACKLOG` or the node takes no more. */
async function fill({ node }: TestNode): Promise<void> {
  const parents = node.selectTips();
  for (let made = 0; made < BACKLOG; made += 256) {
    const blocks = Array.from({ length: 256 }, (_, i) => testBlock('old', made + i, parents, deps));
    const outcomes = await Promise.all(blocks.map((block) => node.submitBlock(block, '10.0.0.1')));
    if (outcomes.some(({ ok }) => !ok)) return;
  }
}

/** Blocks that became solid, in their order: how many came between a look and a block. */
class Arrivals {
  count = 0;
  readonly #from = new Map<BlockId, number>();
  readonly overtaken: number[] = [];

  constructor({ node }: TestNode) {
    node.events.on('solid', (blocks) => {
      for (const { blockId } of blocks) {
        const from = this.#from.get(blockId);
        if (from !== undefined) this.overtaken.push(this.count - from);
        this.count += 1;
      }
    });
  }

  expect(id: BlockId): void {
    this.#from.set(id, this.count);
  }
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** What this thread's heap and buffers hold that is not garbage, in MiB. */
function heldMiB(): number {
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return (heapUsed + arrayBuffers) / 2 ** 20;
}

async function isConfirmed({ client }: TestNode, id: BlockId): Promise<boolean> {
  const metadata = await client.blockMetadata(id).catch(() => undefined);
  return metadata?.referencedByMilestoneIndex !== undefined;
}

function medianOf(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >>> 1] ?? Number.NaN;
}

/** So long the last blocks may take on a busy machine, while the flood goes on. */
const PATIENCE_MS = 90_000;

describe('a flood from one peer', () => {
  it('keeps nobody else from confirmation, and fills no memory', async () => {
    const one = await network.start({ validator: true, genesis: GENESIS });
    const { node } = one;
    const quiet = await mutePeer(node.addresses(), networkId);
    stops.push(() => quiet.stop());
    await quiet.start();
    await until(() => quiet.peers().length > 0);
    await fill(one);
    const flood = startFlood({ addresses: node.addresses(), networkId, params });
    stops.push(() => flood.stop());
    await until(() => {
      flood.name(node.selectTips());
      return flood.offered() > 5_000;
    });
    const arrivals = new Arrivals(one);
    const heldBefore = heldMiB();
    const offeredBefore = flood.offered();
    const ids: BlockId[] = [];
    for (const endMs = performance.now() + FLOOD_MS; performance.now() < endMs;) {
      flood.name(node.selectTips());
      const published = testBlock('quiet', ids.length, node.selectTips(), deps);
      const submitted = testBlock('user', ids.length, node.selectTips(), deps);
      ids.push(blockIdOf(published, deps.hasher), blockIdOf(submitted, deps.hasher));
      for (const id of ids.slice(-2)) arrivals.expect(id);
      quiet.publishBlock(published);
      await one.client.submitBlock(submitted);
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
    const growthMiB = heldMiB() - heldBefore;
    const waiting = new Set(ids);
    for (const endMs = performance.now() + PATIENCE_MS; waiting.size > 0;) {
      flood.name(node.selectTips());
      for (const id of waiting) if (await isConfirmed(one, id)) waiting.delete(id);
      if (performance.now() > endMs) break;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
    expect([...waiting]).toEqual([]);
    const offered = flood.offered() - offeredBefore;
    expect(arrivals.overtaken).toHaveLength(ids.length);
    expect(medianOf(arrivals.overtaken)).toBeLessThan(MAX_OVERTAKEN);
    expect(offered / (arrivals.count - ids.length)).toBeGreaterThan(FACTOR);
    expect(growthMiB).toBeLessThan(MAX_GROWTH_MIB);
  }, 240_000);
});
