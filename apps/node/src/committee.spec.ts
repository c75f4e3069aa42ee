// Four seats that agree, as whole nodes over the loopback.
import { afterEach, describe, expect, it } from '@jest/globals';
import { decodeConsensusMessage } from '@tanglemail/tangle/core/codec/consensus.ts';
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import { CommitteeNetwork } from './testing/committee-network.ts';
import { mutePeer } from './testing/flood-peer.ts';
import {
  pay,
  RICH_KEY,
  TestNetwork,
  testKey,
  until,
  type TestNode,
} from './testing/test-network.ts';

const network = new TestNetwork();
afterEach(() => network.closeAll(), 60_000);

const TEST_MS = 240_000;
const WAIT_MS = 90_000;
const ALICE = testKey(9);

async function silentSeats({ client }: TestNode): Promise<number[]> {
  const { validators } = await client.info();
  return validators.filter(({ silent }) => silent).map(({ seat }) => seat);
}

describe('a committee of four', () => {
  it(
    'agrees on milestones, and a payment is final on all nodes',
    async () => {
      const net = new CommitteeNetwork(network, { seats: 4 });
      await net.start();
      const follower = await net.follower();
      await net.goesOn(2);
      const sent = await follower.wallet.sendTransaction({
        from: [RICH_KEY.secretKey],
        outputs: [pay(ALICE.address, 7_000n)],
      });
      await until(() => net.height >= sent.milestoneIndex, WAIT_MS);
      for (const { wallet } of net.running)
        expect(await wallet.balance(ALICE.address)).toBe(7_000n);
      net.users();
      await net.goesOn(3);
      await until(() => follower.node.query.confirmedIndex >= net.height, WAIT_MS);
      expect(await net.forks()).toEqual([]);
    },
    TEST_MS,
  );

  it(
    'goes on without one, stands still without two, and goes on when one is back',
    async () => {
      // A seat is called silent three heartbeats and ten deltas after its last vote.
      const net = new CommitteeNetwork(network, { seats: 4, params: { heartbeatMs: 1_000 } });
      await net.start();
      net.users();
      await net.allSpeak();
      await net.goesOn(2);
      await net.stop([3]);
      await net.goesOn(4);
      const follower = await net.follower();
      await net.stop([2]);
      const stood = await net.standsStill();
      // Whoever was away asks a node that only listens as well as any other.
      const view = BigInt(await net.viewOf(0));
      const late = await mutePeer(follower.node.addresses(), net.root.networkId);
      network.onClose(() => late.stop());
      await late.start();
      const votersOf = async (): Promise<number[]> => {
        // Nobody can be asked before the peers have told each other their topics.
        const asked = await late.requestConsensus(0, [view], []).catch(() => ({ items: [] }));
        const messages = asked.items.map(decodeConsensusMessage);
        return messages.flatMap((one) =>
          one.ok && one.value.type === 'vote' ? [one.value.vote.seat] : [],
        );
      };
      await until(async () => (await votersOf()).length > 0);
      const seats = await votersOf();
      expect(new Set(seats)).toEqual(new Set([0, 1]));
      // Each node tells who is missing, by the votes that it has heard.
      for (const one of [...net.running, follower]) {
        await until(async () => (await silentSeats(one)).join() === '2,3', WAIT_MS);
      }
      const { validators } = await net.at(0).client.info();
      expect(validators.map(({ own }) => own)).toEqual([true, false, false, false]);
      const keys = net.genesis.committee.map((key) => bytesToHex(key));
      expect(validators.map(({ publicKey }) => publicKey)).toEqual(keys);
      for (const { lastMilestoneIndex } of validators.slice(0, 2))
        expect(lastMilestoneIndex).toBeGreaterThanOrEqual(stood[0] ?? Infinity);
      expect(net.indexes).toEqual(stood);
      await net.start([2]);
      await net.goesOn(3);
      await net.start([3]);
      await net.goesOn(3);
      expect(await net.forks()).toEqual([]);
    },
    TEST_MS,
  );

  it(
    'goes on after all were stopped, over an epoch’s end too',
    async () => {
      const net = new CommitteeNetwork(network, { seats: 4, params: { epochLength: 5 } });
      await net.start();
      net.users();
      await net.goesOn(3);
      for (let round = 0; round < 2; round += 1) {
        const before = net.height;
        await net.stop();
        await net.start();
        expect(net.height).toBeGreaterThanOrEqual(before);
        await net.goesOn(4);
      }
      expect(await net.forks()).toEqual([]);
    },
    TEST_MS,
  );
});
