/**
 * A validator with two peers over real connections: one floods it with thousands of valid blocks at
 * once, the other sends a few. Every block of the latter is confirmed while the flood goes on.
 * Spec: docs/spec/14-load.md.
 */
import { afterEach, describe, expect, it } from '@jest/globals';
import { generateKeyPair } from '@libp2p/crypto/keys';
import {
  blockIdOf,
  encodeBlock,
  encodeBlockWithoutNonce,
} from '@tanglemail/tangle/core/codec/block.ts';
import type { BlockId } from '@tanglemail/tangle/core/codec/ids.ts';
import type { Payload } from '@tanglemail/tangle/core/codec/payload.ts';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import { powDifficulty, powDigest, searchNonce } from '@tanglemail/tangle/core/block/pow.ts';
import { genesisMilestone } from '@tanglemail/tangle/core/milestone/genesis.ts';
import { bestHasher } from '@tanglemail/tangle/io/accel/hasher.ts';
import { TangleNetwork } from '@tanglemail/tangle/io/libp2p/network.ts';
import { SILENT_LOGGER } from '@tanglemail/tangle/io/logger.ts';
import { TEST_PARAMS, TestNetwork, testGenesis, until } from './testing/test-network.ts';

const FLOOD = 6_000;
const HONEST = 40;
const { networkId } = genesisMilestone(testGenesis(), nobleHasher);
const hasher = await bestHasher();
const network = new TestNetwork();
const peers: TangleNetwork[] = [];
afterEach(async () => {
  for (const peer of peers.splice(0)) await peer.stop();
  await network.closeAll();
});

/** A peer that publishes and has nothing to tell. */
async function rawPeer(of: readonly string[]): Promise<TangleNetwork> {
  const status = { solidIndex: 0, latestIndex: 0, prunedIndex: 0, peers: 1 };
  const peer = new TangleNetwork(
    {
      networkId,
      listen: ['/ip4/127.0.0.1/tcp/0'],
      peers: [...of],
      privateKey: await generateKeyPair('Ed25519'),
    },
    {
      onPack: () => Promise.resolve('ignore'),
      onMilestone: () => Promise.resolve('ignore'),
      getBlocks: () => Promise.resolve([]),
      getMilestones: () => Promise.resolve([]),
      getCone: () => Promise.resolve([]),
      getCones: () => Promise.resolve({ cones: [], isTooLarge: false }),
      status: () => status,
    },
    { logger: SILENT_LOGGER },
  );
  peers.push(peer);
  await peer.start();
  await until(() => peer.peers().length > 0);
  return peer;
}

/** A valid block with its number and sender in it. */
function blockOf(sender: string, number: number, parents: readonly BlockId[]): Uint8Array {
  const data = Buffer.from(`${sender} ${number}`);
  const payload: Payload = { kind: 'tagged-data', tag: Buffer.from(sender), data };
  const block = { version: 1, networkId, parents, payload } as const;
  const unmined = encodeBlockWithoutNonce(block);
  const bits = powDifficulty(unmined.length + 8, TEST_PARAMS, 0);
  const nonce = searchNonce(powDigest(unmined, hasher), bits, 0n, 1_000_000, hasher);
  if (nonce === undefined) throw new Error('a few bits are found in a million tries');
  return encodeBlock({ ...block, nonce });
}

describe('a flood from one peer', () => {
  it('keeps no block of another peer from confirmation', async () => {
    const one = await network.start({ validator: true });
    const { node } = one;
    const [loud, quiet] = [await rawPeer(node.addresses()), await rawPeer(node.addresses())];
    const parents = node.selectTips();
    const flood = Array.from({ length: FLOOD }, (_, i) => blockOf('loud', i, parents));
    let floodSent = 0;
    const sendFlood = (count: number): void => {
      for (; floodSent < Math.min(count, FLOOD); floodSent += 1) {
        loud.publishBlock(flood[floodSent] as Uint8Array);
      }
    };
    const ids: BlockId[] = [];
    for (let i = 0; i < HONEST; i += 1) {
      sendFlood(((i + 1) * FLOOD) / (HONEST / 2));
      const bytes = blockOf('quiet', i, node.selectTips());
      ids.push(blockIdOf(bytes, hasher));
      quiet.publishBlock(bytes);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    const confirmed = new Set<BlockId>();
    await until(async () => {
      for (const id of ids) {
        const metadata = await one.client.blockMetadata(id).catch(() => undefined);
        if (metadata?.referencedByMilestoneIndex !== undefined) confirmed.add(id);
      }
      return confirmed.size === ids.length;
    });
    expect([confirmed.size, floodSent]).toEqual([HONEST, FLOOD]);
  }, 120_000);
});
