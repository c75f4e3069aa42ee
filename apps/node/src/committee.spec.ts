// Four seats that agree, as whole nodes over the loopback.
import { afterEach, describe, expect, it } from '@jest/globals';
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import { CommitteeNetwork } from './testing/committee-network.ts';
import { pay, RICH_KEY, TestNetwork, testKey, until } from './testing/test-network.ts';

const network = new TestNetwork();
afterEach(() => network.closeAll(), 60_000);

const TEST_MS = 240_000;
const WAIT_MS = 60_000;
const ALICE = testKey(9);

const least = (indexes: readonly number[]): number => Math.min(...indexes);

/** All that run go on by `count` milestones from where the last of them stands. */
async function goesOn(net: CommitteeNetwork, count: number): Promise<void> {
  const target = Math.max(...net.indexes) + count;
  await until(() => least(net.indexes) >= target, WAIT_MS);
}

/** Milestones that all nodes have must be the same, each with a certificate of a quorum. */
async function expectSame(net: CommitteeNetwork): Promise<void> {
  const height = least(net.indexes);
  for (let index = 1; index <= height; index += 1) {
    const all = await Promise.all(net.running.map((node) => net.milestone(node, index)));
    const states = all.map(({ header }) => `${bytesToHex(header.stateRoot)} ${header.view}`);
    expect(new Set(states).size).toBe(1);
    for (const { certificate } of all) expect(certificate.signers.length).toBeGreaterThanOrEqual(3);
  }
}

describe('a committee of four', () => {
  it(
    'agrees on milestones, and a payment is final on all nodes',
    async () => {
      const net = new CommitteeNetwork(network, { seats: 4 });
      await net.start();
      const follower = await net.follower();
      await goesOn(net, 2);
      const sent = await follower.wallet.sendTransaction({
        from: [RICH_KEY.secretKey],
        outputs: [pay(ALICE.address, 7_000n)],
      });
      await until(() => least(net.indexes) >= sent.milestoneIndex, WAIT_MS);
      for (const { wallet } of net.running)
        expect(await wallet.balance(ALICE.address)).toBe(7_000n);
      await goesOn(net, 3);
      await until(() => follower.node.query.confirmedIndex >= least(net.indexes), WAIT_MS);
      await expectSame(net);
    },
    TEST_MS,
  );

  it(
    'goes on without one, stands still without two, and goes on when one is back',
    async () => {
      const net = new CommitteeNetwork(network, { seats: 4 });
      await net.start();
      await goesOn(net, 2);
      await net.stop([3]);
      await goesOn(net, 4);
      await net.stop([2]);
      // What was under way may still become final.
      await until(() => new Set(net.indexes).size === 1, WAIT_MS);
      const stood = net.indexes;
      const { heartbeatMs } = net.genesis.params;
      await new Promise((resolve) => setTimeout(resolve, 2 * heartbeatMs));
      expect(net.indexes).toEqual(stood);
      await net.start([2]);
      await goesOn(net, 3);
      await net.start([3]);
      await goesOn(net, 3);
      await expectSame(net);
    },
    TEST_MS,
  );

  it(
    'goes on after all were stopped, over an epoch’s end too',
    async () => {
      const net = new CommitteeNetwork(network, { seats: 4, params: { epochLength: 5 } });
      await net.start();
      await goesOn(net, 3);
      for (let round = 0; round < 2; round += 1) {
        const before = least(net.indexes);
        await net.stop();
        await net.start();
        expect(least(net.indexes)).toBeGreaterThanOrEqual(before);
        await goesOn(net, 4);
      }
      await expectSame(net);
    },
    TEST_MS,
  );
});
