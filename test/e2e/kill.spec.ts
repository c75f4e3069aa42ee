/**
 * The network of `npm start` under kill -9: each process in turn dies without warning at a random
 * moment while mail and money are under way, and is started again. Nothing that was shown as taken,
 * confirmed or stored is lost or doubled, and no token appears or vanishes. The seed of a failing
 * case stands in its name; `E2E_SEED` adds an offset, for other moments.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { blockIdOf } from '@tanglemail/tangle/core/codec/block.ts';
import type { TransactionId } from '@tanglemail/tangle/core/codec/ids.ts';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import { NotYet, until } from '../../tools/devnet/poll.ts';
import { SUPPLY } from '../../tools/devnet/setup.ts';
import { sha256 } from '../../tools/devnet/stage.ts';
import { LedgerAudit } from './testing/audit.ts';
import { Chance } from './testing/chance.ts';
import {
  attachedAt,
  copiesAtBob,
  fetchOverKill,
  importOverKill,
  killClient,
  recall,
  send,
} from './testing/client-kills.ts';
import {
  playSeed,
  rentAnew,
  hasArrived,
  settledOutbox,
  type Shown,
  soleChannel,
  VICTIMS,
} from './testing/kills.ts';
import { appendOverKill, found } from './testing/imap-kills.ts';
import { Rig } from './testing/rig.ts';

const SETUP_TIMEOUT_MS = 120_000;
const SEED_TIMEOUT_MS = 120_000;
const SETTLE_TIMEOUT_MS = 60_000;
const SEEDS = 20;
const RENT_SEEDS = 8;

const offset = Number(process.env['E2E_SEED'] ?? '0');
const seeds = Array.from({ length: SEEDS }, (_, at) => offset + at);
const cases = seeds.map((seed) => [VICTIMS[seed % VICTIMS.length] ?? 'node-1', seed] as const);

let rig: Rig | undefined;
let audits: readonly [LedgerAudit, LedgerAudit];

function theRig(): Rig {
  if (rig === undefined) throw new Error('the network did not start');
  return rig;
}

beforeAll(async () => {
  rig = await Rig.open();
  await rig.befriend();
  await rig.devnet.stop('faucet');
  audits = [new LedgerAudit(rig.stage.node1), new LedgerAudit(rig.stage.node2)];
}, SETUP_TIMEOUT_MS);

afterAll(async () => {
  await rig?.close();
}, SETUP_TIMEOUT_MS);

describe('a network of which one process is killed', () => {
  it.each(cases)(
    'loses nothing: %s, seed %i',
    async (victim, seed) => {
      const { stage } = theRig();
      const shown = await playSeed(stage, victim, new Chance(seed), seed);
      await expectMailKept(shown);
      await expectPaymentsKept(shown);
      const { totals, milestones } = await audited();
      expect(totals).toEqual([SUPPLY, SUPPLY]);
      expect(milestones[0]).toBe(milestones[1]);
    },
    SEED_TIMEOUT_MS,
  );
});

describe('a recipient who ends a rental and rents again while a process is killed', () => {
  it.each(cases.filter(([victim]) => victim !== 'alice').slice(0, RENT_SEEDS))(
    'locks no deposit and loses none: %s, seed %i',
    async (victim, seed) => {
      const { stage } = theRig();
      await rentAnew(stage, victim, new Chance(seed));
      expect(await soleChannel(stage)).toMatch(/^[0-9a-f]{68}$/);
      const { totals, milestones } = await audited();
      expect(totals).toEqual([SUPPLY, SUPPLY]);
      expect(milestones[0]).toBe(milestones[1]);
    },
    SEED_TIMEOUT_MS,
  );
});

describe('a client that is killed', () => {
  const chance = new Chance(offset);

  it(
    'sends what is scheduled or rests once and not before its time, and takes back the other',
    async () => {
      const { stage } = theRig();
      const sendAtMs = Date.now() + 3_000;
      const scheduled = await send(stage, 'scheduled', { sendAtMs });
      const resting = await send(stage, 'resting', { undoSeconds: 2 });
      const undone = await send(stage, 'undone', { undoSeconds: 600 });
      await killClient(stage, 'alice');
      expect(await recall(stage, undone)).toBe('recalled');
      expect(await attachedAt(stage, scheduled)).toBeGreaterThanOrEqual(sendAtMs);
      await attachedAt(stage, resting);
      await send(stage, 'after it');
      expect(await copiesAtBob(stage, 'undone', 'after it')).toBe(0);
      expect(await copiesAtBob(stage, 'resting')).toBe(1);
      expect(await copiesAtBob(stage, 'scheduled')).toBe(1);
    },
    SEED_TIMEOUT_MS,
  );

  it(
    'has each mail of an import once, when it is repeated',
    async () => {
      const ids = await importOverKill(theRig().stage, 'Archive', 600, chance);
      const wanted = Array.from({ length: 600 }, (_, at) => `<import-${at}@x>`);
      expect(ids.toSorted()).toEqual(wanted.toSorted());
    },
    SEED_TIMEOUT_MS,
  );

  it(
    'keeps what a mail program was told: mails by their UIDs, flags and what was removed',
    async () => {
      const { stage } = theRig();
      const promised = await appendOverKill(stage, chance);
      const { uidValidity, kept, flagged } = await found(stage);
      expect(uidValidity).toBe(promised.uidValidity);
      const last = Math.max(...promised.kept.keys());
      const lost = [...promised.kept].filter(([uid, subject]) =>
        // Of the last one the removal may have been asked for and done, without an answer.
        promised.removed.has(uid) || (uid === last && !kept.has(uid))
          ? kept.has(uid)
          : kept.get(uid) !== subject,
      );
      expect(lost).toEqual([]);
      const there = [...promised.flagged].filter((uid) => kept.has(uid));
      expect(there.filter((uid) => !flagged.has(uid))).toEqual([]);
      // One more may be there whose answer did not come; none is there twice.
      const mails = [...kept.values()].filter((one) => one.startsWith('mail '));
      expect(new Set(mails).size).toBe(mails.length);
    },
    SEED_TIMEOUT_MS,
  );

  it(
    'goes on with a large mail, byte for byte, and shows it once',
    async () => {
      const { stage } = theRig();
      // Not from the seed: that takes seconds, in which idle connections end unnoticed.
      const attachment = randomBytes(6_000_000);
      await send(stage, 'large', { attachment });
      expect(await sha256(await fetchOverKill(stage, 'large'))).toBe(await sha256(attachment));
      expect(await copiesAtBob(stage, 'large')).toBe(1);
    },
    SEED_TIMEOUT_MS,
  );
});

/** Alice's client stands by what it showed, and bob has each mail once, byte for byte. */
async function expectMailKept(shown: Shown): Promise<void> {
  const { alice, bob } = theRig().stage;
  const items = await settledOutbox(theRig().stage);
  const byId = new Map(items.map((item) => [item.id, item]));
  for (const [messageId, outboxId] of shown.taken) {
    const item = byId.get(outboxId);
    expect(item).toMatchObject({ messageId });
    expect(item !== undefined && hasArrived(item)).toBe(true);
  }
  for (const [outboxId, milestoneIndex] of shown.confirmed) {
    expect(byId.get(outboxId)).toMatchObject({ milestoneIndex, proofChecked: true });
  }
  const wanted = items.map((item) => item.messageId).toSorted();
  const arrived = await until('bob has every mail', SETTLE_TIMEOUT_MS, async () => {
    await bob.sync();
    const inbox = await bob.messages('INBOX');
    const missing = wanted.filter((id) => !inbox.some((one) => one.messageId === id));
    return missing.length === 0 ? inbox : new NotYet(`${missing.join(', ')} are missing`);
  });
  expect(arrived.map((one) => one.messageId).toSorted()).toEqual(wanted);
  const sent = new Map((await alice.messages('Sent')).map((one) => [one.messageId, one.id]));
  for (const { id, messageId, from } of arrived) {
    if (!shown.taken.has(messageId)) continue;
    expect(from).toMatchObject({ verified: true });
    const [theirs, ours] = [await alice.raw(sent.get(messageId) ?? ''), await bob.raw(id)];
    expect(await sha256(ours)).toBe(await sha256(theirs));
  }
}

/** Every payment that alice's client took is applied, as both nodes say. */
async function expectPaymentsKept({ payments }: Shown): Promise<void> {
  const { node1, node2 } = theRig().stage;
  for (const { transactionId } of payments) {
    for (const node of [node1, node2]) {
      await until('the payment is applied', SETTLE_TIMEOUT_MS, async () => {
        const block = await node.includedBlock(transactionId as TransactionId);
        const { ledgerInclusionState } = await node.blockMetadata(blockIdOf(block, nobleHasher));
        return ledgerInclusionState === 'included' ? true : new NotYet(`${ledgerInclusionState}`);
      });
    }
  }
}

/**
 * Each node's own sum over all unspent outputs, and the same milestone as each has it, with the
 * state root that it has computed.
 */
async function audited(): Promise<{ totals: bigint[]; milestones: string[] }> {
  const latest = await Promise.all(audits.map((audit) => audit.latestIndex()));
  const index = Math.max(...latest);
  for (const audit of audits) {
    await until('the node catches up', SETTLE_TIMEOUT_MS, async () => {
      const at = await audit.latestIndex();
      return at >= index ? at : new NotYet(`milestone ${at} of ${index}`);
    });
    await audit.follow(index);
  }
  const milestones = await Promise.all(audits.map((audit) => audit.milestone()));
  return { totals: audits.map((audit) => audit.total), milestones };
}
