/**
 * Four seats over many short epochs, while nodes are stopped and started, write snapshots, prune.
 */
import { afterEach, describe, expect, it } from '@jest/globals';
import { CommitteeNetwork } from './testing/committee-network.ts';
import { TestNetwork, until, type TestNode } from './testing/test-network.ts';

const network = new TestNetwork();
afterEach(() => network.closeAll(), 60_000);

const TEST_MS = 240_000;
/** How often the seat is restarted; a longer run plays fifty. */
const RESTARTS = Number(process.env['COMMITTEE_RESTARTS'] ?? 5);
const EPOCH = 8;
const SEATS = [0, 1, 2, 3];

async function expectNoEvidence(net: CommitteeNetwork): Promise<void> {
  await net.stop();
  for (const seat of SEATS) expect(await net.evidence(seat)).toEqual([]);
}

describe('a seat that is restarted again and again', () => {
  it(
    'never contradicts itself, and keeps nobody from going on',
    async () => {
      const net = new CommitteeNetwork(network, { seats: 4, params: { epochLength: EPOCH } });
      await net.start();
      net.users();
      await net.allSpeak();
      await net.goesOn(2);
      for (let round = 0; round < RESTARTS; round += 1) {
        await net.stop([1]);
        // Now at once, now when the others are a little ahead.
        if (round % 2 === 0) await net.goesOn(2);
        await net.start([1]);
        await net.goesOn(1 + (round % 3));
      }
      // Its votes count: without it and one more there is no quorum.
      await net.stop([2]);
      await net.goesOn(2);
      expect(await net.forks()).toEqual([]);
      await expectNoEvidence(net);
    },
    TEST_MS + RESTARTS * 20_000,
  );
});

/** A full snapshot whose last milestone is not the last of its epoch. */
async function snapshotInEpoch({ node }: TestNode) {
  for (;;) {
    const made = await node.snapshots.makeNow('full');
    if ((made.targetIndex + 1) % EPOCH !== 0) return made;
    await until(() => node.query.confirmedIndex > made.targetIndex + 1);
  }
}

describe('epochs of eight milestones', () => {
  it(
    'follow each other, with snapshots, pruning, and a follower that starts in the midst of one',
    async () => {
      const net = new CommitteeNetwork(network, {
        seats: 4,
        params: { epochLength: EPOCH, belowMaxDepth: 4 },
        config: { snapshot: { enabled: false } },
      });
      await net.start();
      net.users();
      await until(() => net.height >= 2 * EPOCH);
      const [keeper] = net.running as [TestNode];
      const { path, targetIndex } = await snapshotInEpoch(keeper);
      await net.goesOn(2 * EPOCH);
      const prunedTo = await keeper.node.pruner.pruneTo(1_000_000);
      expect(prunedTo).toBeGreaterThan(EPOCH);
      const config = { snapshot: { enabled: false, from: [path] } };
      const follower = await net.follower({ config });
      expect(follower.node.query.prunedIndex).toBe(targetIndex);
      await net.goesOn(EPOCH);
      await until(() => follower.node.query.confirmedIndex >= net.height);
      // It is in the epoch of the others, and hears their votes.
      const last = await net.milestone(follower, follower.node.query.confirmedIndex);
      expect(last.header.epoch).toBeGreaterThanOrEqual(4);
      const { registry } = follower.node.metrics;
      const heard = /^tangle_agreement_seat_votes_total\{seat="\d"\} [1-9]/m;
      await until(async () => heard.test(await registry.metrics()));
      expect(await net.forks()).toEqual([]);
      await expectNoEvidence(net);
    },
    TEST_MS,
  );
});
