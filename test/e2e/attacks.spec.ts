/**
 * Every attack of test/attack against real node processes, one after the other: meanwhile honest
 * blocks go on being confirmed on all nodes; afterwards the ledgers are equal, the memory is where
 * it was, nobody logged an error, and whoever broke a rule has been thrown out.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Attack, AttackOptions, AttackProgress, AttackReport } from '../attack/attack.ts';
import { DeadPeers } from '../attack/dead.ts';
import { DoubleSpend } from '../attack/double-spend.ts';
import { Eclipse } from '../attack/eclipse.ts';
import { Flood } from '../attack/flood.ts';
import { Liar } from '../attack/liar.ts';
import { Malformed, type BrokenKind } from '../attack/malformed.ts';
import { Parasite } from '../attack/parasite.ts';
import { Replay } from '../attack/replay.ts';
import { SlowLoris } from '../attack/slow-loris.ts';
import { Spam } from '../attack/spam.ts';
import { loopbackPeer, loopbackUrl, TargetError } from '../attack/target.ts';
import { LazyTips } from '../attack/tips-lazy.ts';
import { NotYet, until } from '../../tools/devnet/poll.ts';
import { LedgerAudit } from './testing/audit.ts';
import { HonestUser } from './testing/honest-user.ts';
import {
  confirmedIndex,
  milestonesOf,
  PrivateNetwork,
  reach,
  rssOf,
  type PrivateNode,
} from './testing/private-network.ts';
import { errorLines, healthy, metricOf } from './testing/small-market.ts';

const ATTACK_MAIN = fileURLToPath(new URL('../attack/main.ts', import.meta.url));
const SETUP_TIMEOUT_MS = 90_000;
const TEST_TIMEOUT_MS = 240_000;
const SUPPLY = 1_000_000_000n;
/** Growth of resident memory that one attack may leave behind, in bytes. */
const MAX_GROWTH = 256 << 20;
const BANS = 'tangle_network_events_total{event="peer-banned"}';
const PARAMS = { powBaseBits: 6, milestoneIntervalMs: 250, heartbeatMs: 1_500 };
/** The longest that an attack takes to do what it is for; a peer is given up after 20 s. */
const DONE_TIMEOUT_MS = 90_000;
const HONEST_BLOCKS = 6;
const HONEST_EVERY_MS = 300;
const HONEST_TIMEOUT_MS = 90_000;
const SEED = Number(process.env['E2E_SEED'] ?? '20261122');

let network: PrivateNetwork;
let validator: PrivateNode;
let follower: PrivateNode;
let user: HonestUser;

beforeAll(async () => {
  network = await PrivateNetwork.create('test-attacks', PARAMS);
  validator = await network.start({ name: 'validator', isValidator: true });
  const peers = [await network.addressOf('validator')];
  follower = await network.start({ name: 'follower', peers });
  await reach(follower, 1);
  const target = await network.targetOf(follower);
  user = await HonestUser.open(target, follower.client, [validator.client]);
}, SETUP_TIMEOUT_MS);

afterAll(async () => {
  await network?.close();
}, SETUP_TIMEOUT_MS);

/**
 * Attacks both nodes while the user works, until `isDone` holds, and holds everything to what must
 * stay true.
 */
async function withstand<A extends Attack>(
  create: (options: AttackOptions) => A,
  rate: number,
  isDone: (progress: AttackProgress, attack: A) => boolean | Promise<boolean>,
): Promise<AttackReport> {
  const nodes = [validator, follower];
  const before = await Promise.all(nodes.map(rssOf));
  const target = await network.targetOf(...nodes);
  const attack = create({ target, rate, seed: SEED });
  await attack.start();
  let report: AttackReport;
  try {
    await user.send(HONEST_BLOCKS, HONEST_EVERY_MS, HONEST_TIMEOUT_MS);
    await until('the attack has done what it is for', DONE_TIMEOUT_MS, async () => {
      const { progress } = attack;
      return (await isDone(progress, attack)) ? true : new NotYet(JSON.stringify(progress));
    });
  } finally {
    report = await attack.stop();
  }
  for (const node of nodes) await healthy(node);
  const { texts } = await milestonesOf(nodes);
  expect(new Set(texts).size).toBe(1);
  for (const [index, node] of nodes.entries()) {
    expect((await rssOf(node)) - (before[index] ?? 0)).toBeLessThan(MAX_GROWTH);
    expect(await errorLines(node)).toEqual([]);
  }
  return report;
}

function attackTool(...args: string[]) {
  const flags = ['--disable-warning=ExperimentalWarning', ATTACK_MAIN, ...args];
  // While it is waited for the runner cannot end the test.
  return spawnSync(process.execPath, flags, { encoding: 'utf8', timeout: 100_000 });
}

async function bansOf(...nodes: readonly PrivateNode[]): Promise<number> {
  const counts = await Promise.all(nodes.map((node) => metricOf(node, BANS)));
  return counts.reduce((sum, count) => sum + count, 0);
}

describe('the tool', () => {
  it.each(['http://192.0.2.1:80', 'https://127.0.0.1', 'http://localhost:1', 'http://127.0.0.1.x'])(
    'refuses %s',
    (url) => {
      expect(() => loopbackUrl(url)).toThrow(TargetError);
    },
  );

  it.each(['/ip4/192.0.2.1/tcp/1', '/dns4/localhost/tcp/1', '/ip4/127.0.0.1/udp/1/quic-v1'])(
    'refuses %s as a peer',
    (peer) => {
      expect(() => loopbackPeer(peer)).toThrow(TargetError);
    },
  );
});

describe('the command', () => {
  it('ends with a sentence when it is pointed elsewhere, or at no known attack', () => {
    const genesis = ['--genesis', network.network.at('genesis.json')];
    const foreign = attackTool('spam', '--node', 'http://192.0.2.1:14265', ...genesis);
    expect(foreign).toMatchObject({ status: 2 });
    expect(foreign.stderr).toContain('nothing else is attacked');
    const unknown = attackTool('nuke', ...genesis);
    expect(unknown).toMatchObject({ status: 2 });
    expect(unknown.stderr).toMatch(/there are: spam, tips-lazy, .*eclipse/);
  });

  it('attacks and reports with its seed', () => {
    const { ports } = follower;
    const peer = `/ip4/127.0.0.1/tcp/${ports.gossip}`;
    const where = ['--node', follower.url, '--peer', peer];
    const how = ['--rate', '20', '--seconds', '1', '--seed', '7', '--via', 'api,gossip'];
    const genesis = ['--genesis', network.network.at('genesis.json')];
    const { status, stdout } = attackTool('spam', ...where, ...how, ...genesis);
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ attack: 'spam', seed: 7, refused: {} });
  });
});

describe('nodes under attack go on confirming, and are well afterwards', () => {
  it(
    'spam that breaks no rule',
    async () => {
      await withstand(
        (options) => new Spam({ ...options, routes: ['api', 'gossip'], funds: network.funds }),
        150,
        ({ accepted }) => accepted > 100,
      );
    },
    TEST_TIMEOUT_MS,
  );

  it(
    'lazy tips in parallel',
    async () => {
      await withstand(
        (options) => new LazyTips(options),
        100,
        ({ sent }) => sent > 100,
      );
    },
    TEST_TIMEOUT_MS,
  );

  it(
    'a parasite chain that is published late',
    async () => {
      await withstand(
        (options) => new Parasite(options),
        150,
        ({ events }) => (events['chain-shown'] ?? 0) > 0,
      );
    },
    TEST_TIMEOUT_MS,
  );

  it.each<BrokenKind>(['blocks', 'packs', 'milestones', 'frames', 'posts'])(
    'malformed %s',
    async (kind) => {
      const bansBefore = await bansOf(validator, follower);
      const isBanned = async ({ events }: AttackProgress): Promise<boolean> =>
        (events['peer-thrown-out'] ?? 0) > 0 && (await bansOf(validator, follower)) > bansBefore;
      const report = await withstand(
        (options) => new Malformed({ ...options, funds: network.funds, kinds: [kind] }),
        40,
        kind === 'posts' ? ({ sent }) => sent > 40 : isBanned,
      );
      expect(report.events['broken-block-taken']).toBeUndefined();
    },
    TEST_TIMEOUT_MS,
  );

  it(
    'replays of what everybody knows',
    async () => {
      await withstand(
        (options) => new Replay(options),
        80,
        ({ sent }) => sent > 100,
      );
    },
    TEST_TIMEOUT_MS,
  );

  it(
    'liars about how far they are and what they have',
    async () => {
      await withstand(
        (options) => new Liar(options),
        5,
        ({ events }) => (events['peer-let-in'] ?? 0) > 0,
      );
    },
    TEST_TIMEOUT_MS,
  );

  it(
    'slow loris in handshakes, frames, requests and sockets',
    async () => {
      await withstand(
        (options) => new SlowLoris(options),
        80,
        ({ sent }) => sent > 200,
      );
    },
    TEST_TIMEOUT_MS,
  );

  it(
    'dead peers that stay connected, until they are given up',
    async () => {
      const report = await withstand(
        (options) => new DeadPeers(options),
        1,
        (_progress, { connected }) => connected === 0,
      );
      expect(report.events).toMatchObject({ died: 3, 'thrown-out': 3 });
    },
    TEST_TIMEOUT_MS,
  );

  it(
    'a crowd of peers from one address',
    async () => {
      await withstand(
        (options) => new Eclipse(options),
        2,
        ({ events }) => (events['peer-let-in'] ?? 0) > 0,
      );
      const peers = await follower.client.peers();
      expect(peers.some((peer) => peer.static)).toBe(true);
    },
    TEST_TIMEOUT_MS,
  );

  it(
    'a flood of ten times what they can take',
    async () => {
      await withstand(
        (options) => new Flood(options),
        5_000,
        ({ sent }) => sent > 2_000,
      );
    },
    TEST_TIMEOUT_MS,
  );

  it(
    'a storm of double spends, in which each output is spent once',
    async () => {
      await withstand(
        (options) => new DoubleSpend({ ...options, funds: network.funds }),
        40,
        ({ accepted }) => accepted > 10,
      );
      const index = Math.min(await confirmedIndex(validator), await confirmedIndex(follower));
      for (const { client } of [validator, follower]) {
        const audit = new LedgerAudit(client);
        await audit.follow(index);
        expect(audit.total).toBe(SUPPLY);
      }
    },
    TEST_TIMEOUT_MS,
  );
});
