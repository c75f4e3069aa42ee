/**
 * What operators of other networks suffered, played with real node processes on one busy network:
 * partitions, dead and hung peers, slow disks, wrong clocks, cut snapshots, two final milestones
 * of one index. The rest of the list: crash.spec.ts, full-disk.spec.ts, attacks.spec.ts.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { copyFileSync, readFileSync, statSync, truncateSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { decodeMilestone, encodeMilestone } from '@tanglemail/tangle/core/codec/milestone.ts';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import { signMilestone } from '@tanglemail/tangle/core/milestone/build.ts';
import { assembleCertificate } from '@tanglemail/tangle/core/milestone/certificate.ts';
import { NotYet, until } from '../../tools/devnet/poll.ts';
import { runCommand } from '../../tools/devnet/processes.ts';
import { CutProxy } from '../attack/cut-proxy.ts';
import { AttackPeer } from '../attack/peer.ts';
import { Spam } from '../attack/spam.ts';
import type { Target } from '../attack/target.ts';
import { HonestUser } from './testing/honest-user.ts';
import {
  confirmedIndex,
  milestonesOf,
  PrivateNetwork,
  reach,
  type NodePlan,
  type PrivateNode,
} from './testing/private-network.ts';
import { errorLines, healthy } from './testing/small-market.ts';

const SETUP_TIMEOUT_MS = 90_000;
const TEST_TIMEOUT_MS = 180_000;
const WAIT_MS = 90_000;
/** Many milestone intervals. */
const REST_MS = 2_000;
/** Quick milestones, so that there are hundreds soon; blocks still live for a minute. */
const PARAMS = {
  powBaseBits: 4,
  milestoneIntervalMs: 100,
  heartbeatMs: 1_500,
  belowMaxDepth: 600,
};
const FAR_BEHIND = 400;
const RATE = 30;
const MINUTES_3_MS = 180_000;
/** Only the peers that a test names. */
const ALONE = { 'gossip-max-peers': '0' };

let network: PrivateNetwork;
let validator: PrivateNode;
let follower: PrivateNode;
let proxy: CutProxy;
let target: Target;
let load: Spam | undefined;

beforeAll(async () => {
  network = await PrivateNetwork.create('test-operators', PARAMS);
  validator = await network.start({ name: 'validator', isValidator: true, flags: ALONE });
  proxy = await CutProxy.open(validator.ports.gossip);
  const peers = [await through(proxy, 'validator')];
  follower = await network.start({ name: 'follower', peers, flags: ALONE });
  target = await network.targetOf(validator);
  load = new Spam({ target, rate: RATE, seed: 1, routes: ['api'], funds: network.funds });
  await load.start();
  await reach(follower, 3);
}, SETUP_TIMEOUT_MS);

afterAll(async () => {
  await load?.stop();
  await proxy?.close();
  await network?.close();
}, SETUP_TIMEOUT_MS);

/** The address of a node, behind a proxy. */
async function through({ port }: CutProxy, name: string): Promise<string> {
  return (await network.addressOf(name)).replace(/tcp\/[0-9]+/, `tcp/${port}`);
}

async function peerIdOf(name: string): Promise<string> {
  return (await network.addressOf(name)).split('/').at(-1) ?? '';
}

/** Waits until `node` has, or has no more, the peer of this name. */
async function seesPeer(node: PrivateNode, name: string, wanted: boolean): Promise<void> {
  const id = await peerIdOf(name);
  const what = `${node.plan.name} ${wanted ? 'sees' : 'gives up'} ${name}`;
  await until(what, WAIT_MS, async () => {
    const peers = await node.client.peers();
    const sees = peers.some((peer) => peer.id === id);
    return sees === wanted ? true : new NotYet(`${peers.length} peers`);
  });
}

/** Where a node stands once it has taken in what had reached it before it was cut off. */
async function restingIndex(node: PrivateNode): Promise<number> {
  return await until(`${node.plan.name} stands still`, WAIT_MS, async () => {
    const index = await confirmedIndex(node);
    await sleep(REST_MS);
    return (await confirmedIndex(node)) === index ? index : new NotYet(`at ${index}`);
  });
}

/** All of them hold the same milestone, whose state root each has computed. */
async function expectOneLedger(...nodes: readonly PrivateNode[]): Promise<void> {
  const { texts } = await milestonesOf(nodes, WAIT_MS);
  expect(new Set(texts).size).toBe(1);
}

/** A node that is started for one test, with the validator as its peer. */
async function startExtra(plan: NodePlan): Promise<PrivateNode> {
  const peers = [await network.addressOf('validator')];
  return await network.start({ peers, ...plan, flags: { ...ALONE, ...plan.flags } });
}

function preload(file: string): string[] {
  return ['--import', new URL(file, import.meta.url).href];
}

describe('what operators suffered elsewhere', () => {
  it(
    'partition and heal: what was sent on the small side is confirmed after it',
    async () => {
      proxy.cut();
      await seesPeer(follower, 'validator', false);
      const user = await HonestUser.open(target, follower.client, [validator.client]);
      const sending = user.send(5, 100, WAIT_MS);
      const before = await restingIndex(follower);
      await reach(validator, before + 20, WAIT_MS);
      expect(await confirmedIndex(follower)).toBe(before);
      proxy.heal();
      expect((await sending).length).toBe(5);
      await expectOneLedger(validator, follower);
      await healthy(follower);
    },
    TEST_TIMEOUT_MS,
  );

  it(
    'connected though dead: a stopped process is given up, and catches up when it goes on',
    async () => {
      const sleeper = await startExtra({ name: 'sleeper' });
      await reach(sleeper, await confirmedIndex(validator), WAIT_MS);
      await seesPeer(validator, 'sleeper', true);
      process.kill(sleeper.process.pid, 'SIGSTOP');
      const user = await HonestUser.open(target, validator.client, [follower.client]);
      await user.send(5, 200, WAIT_MS);
      await seesPeer(validator, 'sleeper', false);
      process.kill(sleeper.process.pid, 'SIGCONT');
      await expectOneLedger(validator, follower, sleeper);
      await healthy(sleeper);
      expect(await sleeper.process.stop()).toBe('stopped');
    },
    TEST_TIMEOUT_MS,
  );

  it(
    'stuck sync: peers that promise everything and answer nothing hold nobody up',
    async () => {
      const late = await CutProxy.open(validator.ports.gossip);
      late.cut();
      const peers = [await through(late, 'validator')];
      const node = await startExtra({ name: 'late', peers });
      const index = await confirmedIndex(validator);
      let asked = 0;
      const status = { solidIndex: index, latestIndex: index, prunedIndex: 0, peers: 3 };
      const hung = await Promise.all(
        [1, 2].map(() =>
          AttackPeer.connect(target, `/ip4/127.0.0.1/tcp/${node.ports.gossip}`, {
            status: () => status,
            onRequest: ({ type }) => void (asked += type === 'status' ? 0 : 1),
          }),
        ),
      );
      try {
        await until('the hung peers are asked', WAIT_MS, () =>
          Promise.resolve(asked > 0 ? true : new NotYet('not yet')),
        );
        late.heal();
        await reach(node, index, WAIT_MS);
        await expectOneLedger(validator, node);
        await healthy(node);
      } finally {
        await Promise.all(hung.map((peer) => peer.stop()));
        await late.close();
      }
      expect(await node.process.stop()).toBe('stopped');
    },
    TEST_TIMEOUT_MS,
  );

  it(
    `${FAR_BEHIND} milestones behind on a slow disk`,
    async () => {
      await reach(validator, FAR_BEHIND, WAIT_MS);
      // From here on the network has the pace of a real one.
      await load?.stop();
      load = undefined;
      const nodeFlags = preload('./testing/slow-disk.ts');
      const slow = await startExtra({ name: 'slow', nodeFlags });
      await reach(slow, await confirmedIndex(validator), WAIT_MS);
      await expectOneLedger(validator, slow);
      await healthy(slow);
      expect(await errorLines(slow)).toEqual([]);
      expect(await slow.process.stop()).toBe('stopped');
    },
    TEST_TIMEOUT_MS,
  );

  it.each([MINUTES_3_MS, -MINUTES_3_MS])(
    'a clock that is off by %i ms: the node follows, serves its users, and says what is wrong',
    async (ms) => {
      const name = ms > 0 ? 'ahead' : 'behind';
      const nodeFlags = preload(`./testing/shift-clock.ts?ms=${ms}`);
      const node = await startExtra({ name, nodeFlags });
      await reach(node, await confirmedIndex(validator), WAIT_MS);
      const user = await HonestUser.open(target, node.client, [validator.client]);
      expect((await user.send(3, 100, WAIT_MS)).length).toBe(3);
      await expectOneLedger(validator, node);
      const { reasons } = await node.client.health();
      expect(reasons).toEqual([expect.stringMatching(/clock is [0-9]+ s (ahead of|behind) the/)]);
      expect(await errorLines(node)).toEqual([]);
      expect(await node.process.stop()).toBe('stopped');
    },
    TEST_TIMEOUT_MS,
  );

  it(
    'snapshot file truncated: refused in a sentence, passed over where a whole one is named',
    async () => {
      const whole = network.network.at('whole.snapshot');
      const cut = network.network.at('cut.snapshot');
      const genesis = ['--genesis-file', network.network.at('genesis.json')];
      const place = ['--data-dir', network.network.at('late'), ...genesis];
      await runCommand('tangle-node', ['tools', 'snapshot', 'export', '--out', whole, ...place]);
      copyFileSync(whole, cut);
      truncateSync(cut, Math.floor(statSync(whole).size * 0.7));
      const refused = startExtra({ name: 'cut', args: ['--snapshot-from', cut] });
      await expect(refused).rejects.toThrow(/ended with status 1/);
      const log = readFileSync(network.network.at('logs/cut.log'), 'utf8');
      expect(log).toMatch(/^tangle-node: .*snapshot/m);
      expect(log).not.toMatch(/^\s+at /m);
      const args = ['--snapshot-from', cut, '--snapshot-from', whole];
      const node = await startExtra({ name: 'cut', args });
      await expectOneLedger(validator, node);
      await healthy(node);
      expect(await node.process.stop()).toBe('stopped');
    },
    TEST_TIMEOUT_MS,
  );

  it(
    'two proposals by one leader: two final milestones of one index halt a node for good',
    async () => {
      const twin = await twinOf(follower);
      const peer = await AttackPeer.connect(target, `/ip4/127.0.0.1/tcp/${follower.ports.gossip}`, {
        onRequest: () => undefined,
      });
      try {
        await peer.publish('milestones', twin.bytes);
        await until('the follower halts', WAIT_MS, async () => {
          const { healthy: isWell, reasons } = await follower.client.health();
          return !isWell && /confirmation stopped: two different final/.test(reasons.join())
            ? true
            : new NotYet(reasons.join());
        });
      } finally {
        await peer.stop();
      }
      const halted = await confirmedIndex(follower);
      expect((await errorLines(follower)).join()).toContain('FORK');
      expect(await follower.process.stop()).toBe('stopped');
      const again = await network.start(follower.plan);
      const { reasons } = await again.client.health();
      expect(reasons.join()).toMatch(/confirmation stopped: two different final/);
      expect(await confirmedIndex(again)).toBe(halted);
      expect(await again.process.stop()).toBe('stopped');
      const folder = ['--data-dir', follower.dataDir];
      const genesis = ['--genesis-file', network.network.at('genesis.json')];
      const evidence = ['tools', 'db', 'evidence', ...folder, ...genesis];
      const kept = (await runCommand('tangle-node', evidence)).matchAll(
        /^([0-9]+) [0-9a-f]{64}$/gm,
      );
      const indexes = [...kept].map(([, index]) => Number(index));
      expect(indexes).toEqual([twin.index, twin.index]);
    },
    TEST_TIMEOUT_MS,
  );
});

/** Another milestone of the index of the last one, with a good certificate of the only seat. */
async function twinOf(node: PrivateNode): Promise<{ index: number; bytes: Uint8Array }> {
  const decoded = decodeMilestone(await node.client.milestone('latest'));
  if (!decoded.ok) throw new Error(decoded.code);
  const { body } = decoded.value;
  const header = { ...decoded.value.header, timestampMs: decoded.value.header.timestampMs + 1 };
  const { networkId } = target;
  const seat = { networkId, seat: 0, secretKey: network.seatKey };
  const certificate = assembleCertificate(
    [signMilestone(header, 'finalize', seat, nobleHasher)],
    1,
  );
  if (certificate === undefined) throw new Error('one seat is a quorum of one');
  return { index: header.index, bytes: encodeMilestone({ header, body, certificate }) };
}
