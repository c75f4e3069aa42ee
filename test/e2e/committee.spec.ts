/**
 * Four validators and a node behind them as real processes, and what happens to operators: one is
 * killed, hangs, loses its disk or has a wrong clock; too many are away; all lose their power. No
 * index ever has two milestones, what was confirmed stays, and it goes on when three are back.
 * Seven validators: committee-seven.spec.ts; cut connections: committee-partition.spec.ts.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Address } from '@tanglemail/tangle/core/codec/ids.ts';
import { NotYet, until } from '../../tools/devnet/poll.ts';
import { CommitteeProcesses, type Member } from './testing/committee-processes.ts';
import {
  ChainBook,
  goOn,
  hears,
  indexesOf,
  restOf,
  sendBlock,
  tells,
  votesAt,
  WAIT_MS,
  walletOf,
} from './testing/committee-watch.ts';
import { errorLines, healthy, metricOf } from './testing/small-market.ts';

const TEST_TIMEOUT_MS = 180_000;
/** A dozen milestone intervals, and longer than two views without a leader take. */
const STILL_MS = 6_000;
/** The others make ten milestones meanwhile. */
const FROZEN_MS = 5_000;
const MINUTES_10_MS = 600_000;
const SEATS = [0, 1, 2, 3];
const FOLLOWER = 4;
const VICTIM = 3;
const ALICE = 'a'.repeat(64) as Address;

let committee: CommitteeProcesses;
let book: ChainBook;
/** What alice was paid. */
let paid = 0n;

beforeAll(async () => {
  committee = await CommitteeProcesses.create({ seats: 4, followers: 1 });
  book = await ChainBook.open(committee.genesis);
  await committee.start();
}, TEST_TIMEOUT_MS);

afterAll(async () => {
  await committee?.close();
}, TEST_TIMEOUT_MS);

function without(...away: readonly number[]): Member[] {
  return committee.running.filter(({ at }) => !away.includes(at));
}

/** Pays alice through the follower, and waits until all of these know that it is final. */
async function pay(members: readonly Member[], amount: bigint): Promise<void> {
  const { wallet } = walletOf(committee.at(FOLLOWER), committee.genesis);
  const { secretKey } = committee.rich;
  const outputs = [{ kind: 'basic', amount, address: ALICE }] as const;
  await wallet.sendTransaction({ from: [secretKey], outputs: [...outputs] });
  paid += amount;
  await expectPaid(members);
}

/** Each of them proves that alice has what she was paid. */
async function expectPaid(members: readonly Member[]): Promise<void> {
  for (const member of members) {
    const { wallet } = walletOf(member, committee.genesis);
    await until(`alice has ${paid} at member ${member.at}`, WAIT_MS, async () => {
      const balance = await wallet.balance(ALICE);
      return balance === paid ? true : new NotYet(`${balance}`);
    });
  }
}

/** What is wrong with the chains of all that run, in words: nothing, if they are one. */
async function chainFaults(options: { isWhole?: boolean } = {}): Promise<string[]> {
  const { height, wrong } = await book.compare(committee.running, options);
  return height > 0 ? wrong : ['somebody has no milestone'];
}

/** One that was away is level with the others, and its votes reach them. */
async function expectBack(at: number): Promise<void> {
  await goOn(committee.running, 2);
  const observer = without(at)[0];
  if (observer !== undefined) await hears(observer, at);
  await healthy(committee.at(at));
}

/** No milestone comes for many intervals though a block waits, and health says so. */
async function expectStandstill(): Promise<void> {
  await sendBlock(committee.at(FOLLOWER), committee.genesis);
  const { stood, stand } = await restOf(committee.running, STILL_MS);
  expect(stand).toEqual(stood);
  for (const member of committee.running) {
    await tells(member, /^no milestone for [0-9]+ s though blocks wait$/);
  }
}

function logOf(at: number): string {
  return readFileSync(join(committee.folder, 'logs', `node-${at}.log`), 'utf8');
}

/** What a member logs from here on. */
function listen(at: number): () => string {
  const { length } = logOf(at);
  return () => logOf(at).slice(length);
}

describe('four validators', () => {
  it(
    'agree on milestones, and a payment is final on all nodes',
    async () => {
      await goOn(committee.running, 2);
      await pay(committee.running, 1_000n);
      expect(await chainFaults()).toEqual([]);
      for (const member of committee.running) await healthy(member);
    },
    TEST_TIMEOUT_MS,
  );

  it(
    'go on when one is killed, which catches up and votes when it is back',
    async () => {
      await committee.kill([VICTIM]);
      await goOn(committee.running, 4);
      await pay(committee.running, 2_000n);
      await committee.start([VICTIM]);
      await expectBack(VICTIM);
      await expectPaid(committee.running);
      expect(await chainFaults()).toEqual([]);
    },
    TEST_TIMEOUT_MS,
  );

  it(
    'go on while one hangs, which catches up and votes when it goes on',
    async () => {
      const { process: hung } = committee.at(VICTIM);
      process.kill(hung.pid, 'SIGSTOP');
      const others = without(VICTIM);
      const frozen = sleep(FROZEN_MS);
      await goOn(others, 4);
      await pay(others, 3_000n);
      await frozen;
      process.kill(hung.pid, 'SIGCONT');
      await expectBack(VICTIM);
      expect(await chainFaults()).toEqual([]);
    },
    TEST_TIMEOUT_MS,
  );

  it(
    'stand still without two and say so, and go on when one of them is back',
    async () => {
      await committee.kill([2, VICTIM]);
      await expectStandstill();
      expect(await chainFaults()).toEqual([]);
      await committee.start([2]);
      await goOn(committee.running, 3);
      await committee.start([VICTIM]);
      await expectBack(VICTIM);
      expect(await chainFaults()).toEqual([]);
      for (const member of committee.running) await healthy(member);
    },
    TEST_TIMEOUT_MS,
  );

  it(
    'lose nothing when all are killed at once',
    async () => {
      expect(await chainFaults()).toEqual([]);
      const shown = await indexesOf(committee.running);
      await committee.kill();
      await committee.start();
      const kept = await indexesOf(committee.running);
      for (const [at, index] of shown.entries()) expect(kept[at]).toBeGreaterThanOrEqual(index);
      await goOn(committee.running, 3);
      expect(await chainFaults()).toEqual([]);
      await expectPaid(committee.running);
      for (const at of SEATS) await hears(committee.at((at + 1) % SEATS.length), at);
    },
    TEST_TIMEOUT_MS,
  );

  it(
    'take one back whose disk was lost: it listens first, and votes when that is safe',
    async () => {
      await committee.kill([VICTIM]);
      await committee.wipe(VICTIM);
      const log = listen(VICTIM);
      await committee.start([VICTIM]);
      await expectBack(VICTIM);
      expect(log()).toMatch(/"reason":"log-(missing|behind)"[^\n]*"this seat keeps silent/);
      expect(log()).toContain('this seat speaks from here on');
      await expectPaid(committee.running);
      expect(await chainFaults()).toEqual([]);
    },
    TEST_TIMEOUT_MS,
  );

  it(
    'stand still when two have lost their disks, until the operators accept that',
    async () => {
      const lost = [2, VICTIM];
      await committee.kill(lost);
      for (const at of lost) await committee.wipe(at);
      await committee.start(lost);
      for (const at of lost)
        await tells(committee.at(at), /^the seat is silent: log-(missing|behind)$/);
      await expectStandstill();
      await committee.kill(lost);
      await committee.start(lost, { args: ['--accept-lost-votes'] });
      await goOn(committee.running, 3);
      for (const at of lost) await expectBack(at);
      expect(await chainFaults()).toEqual([]);
    },
    TEST_TIMEOUT_MS,
  );

  it.each([MINUTES_10_MS, -MINUTES_10_MS])(
    'go on with a clock that is off by %i ms, whose node follows and says so',
    async (ms) => {
      await committee.kill([VICTIM]);
      const clock = new URL(`./testing/shift-clock.ts?ms=${ms}`, import.meta.url).href;
      await committee.start([VICTIM], { nodeFlags: ['--import', clock] });
      await goOn(committee.running, 5);
      await pay(committee.running, 4_000n);
      const where = ms > 0 ? 'ahead of' : 'behind';
      const wrong = committee.at(VICTIM);
      await tells(wrong, new RegExp(`^this machine’s clock is [0-9]+ s ${where} the network$`));
      for (const member of without(VICTIM)) await healthy(member);
      expect(await chainFaults()).toEqual([]);
    },
    TEST_TIMEOUT_MS,
  );

  it(
    'take one back whose clock was set right',
    async () => {
      await committee.kill([VICTIM]);
      await committee.start([VICTIM]);
      await expectBack(VICTIM);
      expect(await chainFaults()).toEqual([]);
    },
    TEST_TIMEOUT_MS,
  );

  it('have not contradicted themselves, logged no error, and stop when asked', async () => {
    expect(await chainFaults({ isWhole: true })).toEqual([]);
    for (const member of committee.running) {
      for (const kind of ['proposals', 'votes']) {
        const series = `tangle_agreement_evidence_total{kind="${kind}"}`;
        expect([member.at, kind, await metricOf(member, series)]).toEqual([member.at, kind, 0]);
      }
      expect(await errorLines(member)).toEqual([]);
    }
    expect(await votesAt(committee.at(0), 1)).toBeGreaterThan(0);
    const ends = committee.running.map(async ({ at }) => await committee.stop(at));
    expect(new Set(await Promise.all(ends))).toEqual(new Set(['status 0']));
  });
});

describe('a validator that is alone', () => {
  it('does not start without its votes, and says what to do', async () => {
    const one = await CommitteeProcesses.create({ seats: 1 });
    try {
      await one.start();
      await goOn(one.running, 2);
      await one.kill();
      rmSync(join(one.dataDir(0), 'votes.log'));
      await expect(one.start()).rejects.toThrow(/ended with status 2/);
      const log = readFileSync(join(one.folder, 'logs', 'node-0.log'), 'utf8');
      expect(log).toMatch(/^tangle-node: .*votes.log .* --accept-lost-votes$/m);
      await one.start([0], { args: ['--accept-lost-votes'] });
      await goOn(one.running, 2);
    } finally {
      await one.close();
    }
  });
});
