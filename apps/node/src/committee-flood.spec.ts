/**
 * A flood that reaches one seat of a committee which tolerates no fault, or its only other members'
 * neighbour: that seat holds back most of the flood, so what it names the others do not have, and
 * all of them must follow it. Spec: docs/spec/14-load.md, docs/spec/15-consensus.md §5.
 */
import { afterEach, describe, expect, it } from '@jest/globals';
import { blockIdOf } from '@tanglemail/tangle/core/codec/block.ts';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import { CommitteeNetwork } from './testing/committee-network.ts';
import { testBlock } from './testing/flood-peer.ts';
import { startFlood } from './testing/start-flood.ts';
import { TestNetwork, until } from './testing/test-network.ts';

const network = new TestNetwork();
afterEach(() => network.closeAll(), 60_000);

/** Blocks that are offered before anything is looked at: many milestones' worth. */
const OFFERED = 5_000;
const MILESTONES = 6;
/** The difficulty never rises, so nothing but the queues holds the flood off. */
const PARAMS = { powLoadBitsMax: 0, milestoneIntervalMs: 500 };

describe('a flood at one seat', () => {
  it.each([2, 3])(
    'of %i, who all are needed, keeps none of them from going on',
    async (seats) => {
      const net = new CommitteeNetwork(network, { seats, params: PARAMS });
      await net.start();
      await net.goesOn(1);
      const { params } = net.genesis;
      const { networkId } = net.root;
      const { node: flooded } = net.at(0);
      const flood = startFlood({ addresses: flooded.addresses(), networkId, params });
      network.onClose(() => flood.stop());
      const name = setInterval(() => flood.name(flooded.selectTips()), 50);
      network.onClose(() => clearInterval(name));
      await until(() => flood.offered() > OFFERED);
      const before = flood.offered();
      const { node, client } = net.at(seats - 1);
      const bytes = testBlock('user', 0, node.selectTips(), {
        networkId,
        params,
        hasher: nobleHasher,
      });
      await client.submitBlock(bytes);
      await net.goesOn(MILESTONES);
      const id = blockIdOf(bytes, nobleHasher);
      await until(async () => {
        const metadata = await client.blockMetadata(id);
        return metadata.referencedByMilestoneIndex !== undefined;
      });
      expect(flood.offered()).toBeGreaterThan(before);
      expect(await net.forks()).toEqual([]);
    },
    180_000,
  );
});
