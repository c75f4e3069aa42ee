/**
 * A draft that is sent, sent later, or taken back, with the power going at every write: the mail is
 * a draft or on its way, never neither and never both, and it arrives at most once.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { emailText } from '../account/account.ts';
import { configOf } from '../config/schema.ts';
import { DraftBook } from '../drafts/draft-book.ts';
import type { Disk, PowerCut } from '../testing/memory-store.ts';
import { OutboxBench, type Sender } from '../testing/outbox-bench.ts';
import { until } from '../testing/small-tangle.ts';
import { DraftDesk } from './draft-desk.ts';
import { MailSender, type MailSenderParts } from './mail-sender.ts';
import { OutboxActions, type OutboxActionsParts } from './outbox-actions.ts';

let bench: OutboxBench;

beforeAll(async () => {
  bench = await OutboxBench.start();
});

afterAll(() => bench.tangle.stop());

afterEach(() => bench.rest());

/** More than the time in which a mail can be undone. */
const LATER_MS = 61_000;
const LIMIT_MS = 300_000;
/** Taken, its time has come, sealed. */
const FIRST_WRITES = 3;

interface Desk extends Sender {
  readonly drafts: DraftDesk;
  readonly mails: MailSender;
  readonly actions: OutboxActions;
}

/** Alice's drafts and outbox over a disk. */
async function open(disk: Disk, cut?: PowerCut): Promise<Desk> {
  const sender = await bench.sender(disk, cut === undefined ? {} : { cut });
  const { alice, outbox } = sender;
  const drafts = await DraftBook.load(alice.store, alice.messages);
  const config = configOf({ send: { undoSeconds: 60 } });
  // Her only device: nobody else has to get copies.
  const devices = { copies: { upload: () => {} } };
  const parts = { ...alice, outbox, config, mailbox: { drafts }, devices };
  const given = parts as unknown as MailSenderParts & OutboxActionsParts;
  return {
    ...sender,
    drafts: new DraftDesk(given),
    mails: new MailSender(given),
    actions: new OutboxActions(given),
  };
}

/**
 * Runs `play` with the power going at each of its writes up to `most`, and `check`s what a restart
 * finds.
 */
async function atEveryWrite(
  before: (desk: Desk) => Promise<void>,
  play: (desk: Desk) => Promise<void>,
  check: (after: Desk, received: () => Promise<string[]>) => Promise<void>,
  most = Number.POSITIVE_INFINITY,
): Promise<number> {
  let atWrite = 0;
  for (let isOver = false; !isOver && atWrite < most; atWrite += 1) {
    for (const isApplied of [false, true]) {
      await bench.renew();
      const sofar = bench.blocksSoFar();
      const disk: Disk = new Map();
      const first = await open(disk);
      await before(first);
      await first.outbox.stop();
      const cut = await open(disk, { atWrite, isApplied });
      await play(cut).catch(() => undefined);
      await cut.outbox.stop();
      isOver = !cut.isOff();
      const after = await open(disk);
      await check(after, async () => {
        bench.tangle.aheadMs = LATER_MS;
        after.outbox.start();
        await bench.allDone(after);
        return bench.received(sofar);
      });
      await bench.rest();
    }
  }
  return atWrite;
}

const input = (subject: string) => ({
  to: [emailText(bench.bob.account)],
  cc: [],
  bcc: [],
  subject,
  text: 'Hello.',
});

async function onlyDraft({ drafts }: Desk): Promise<string> {
  const [draft] = await drafts.list();
  if (draft === undefined) throw new Error('no draft');
  return draft.id;
}

/** Waits until everything has been sent, or the power has gone. */
async function settled({ outbox, isOff }: Desk): Promise<void> {
  await until(async () => isOff() || (await outbox.list(9)).every((one) => one.isDone));
}

const countOf = ({ alice }: Desk, folder: 'Sent' | 'Drafts'): number =>
  alice.messages.list(folder, 99).length;

describe('a draft that is sent', () => {
  it(
    'is a draft or a mail, whatever write the power goes at',
    async () => {
      const writes = await atEveryWrite(
        async (desk) => void (await desk.drafts.save(input('plan'))),
        async (desk) => {
          await desk.drafts.send(await onlyDraft(desk));
        },
        async (after, received) => {
          const isSent = after.outbox.get(1) !== undefined;
          expect([countOf(after, 'Drafts'), countOf(after, 'Sent')]).toEqual(
            isSent ? [0, 1] : [1, 0],
          );
          expect(await received()).toEqual(isSent ? ['plan'] : []);
        },
      );
      expect(writes).toBeGreaterThan(1);
    },
    LIMIT_MS,
  );
});

describe('a scheduled mail', () => {
  it(
    'leaves once at its time, whatever write the power goes at',
    async () => {
      const writes = await atEveryWrite(
        async () => {},
        async (desk) => {
          desk.outbox.start();
          const sendAtMs = bench.tangle.access.clock.nowMs() + 60_000;
          await desk.mails.send({ ...input('later'), sendAtMs });
          expect(desk.outbox.get(1)?.state).toBe('scheduled');
          bench.tangle.aheadMs = LATER_MS;
          desk.outbox.start();
          await settled(desk);
        },
        async (after, received) => {
          const isTaken = after.outbox.get(1) !== undefined;
          expect(countOf(after, 'Sent')).toBe(isTaken ? 1 : 0);
          expect(await received()).toEqual(isTaken ? ['later'] : []);
        },
        // The steps behind these are those of any mail: outbox.spec.ts.
        FIRST_WRITES,
      );
      expect(writes).toBe(FIRST_WRITES);
    },
    LIMIT_MS,
  );
});

describe('a mail that is taken back', () => {
  it('is a draft again with all it had, in one write', async () => {
    const desk = await open(new Map());
    desk.outbox.start();
    await desk.mails.send({ ...input('regretted'), text: 'One\nTwo' });
    const answer = await desk.actions.recall('1', { scope: 'message' });
    const draft = await desk.drafts.get(answer.draftId ?? '');
    expect(draft).toMatchObject({ ...input('regretted'), text: 'One\nTwo' });
    expect([countOf(desk, 'Drafts'), countOf(desk, 'Sent')]).toEqual([1, 0]);
    await desk.drafts.send(draft.id);
    expect([countOf(desk, 'Drafts'), countOf(desk, 'Sent')]).toEqual([0, 1]);
  });

  it('is sent as its composer chooses', async () => {
    const desk = await open(new Map());
    const { id } = await desk.drafts.save({ ...input('later'), text: 'Text' });
    const sendAtMs = Date.now() + 86_400_000;
    await desk.drafts.send(id, { sendAtMs, registered: true });
    const [entry] = await desk.outbox.list(1, undefined);
    expect(entry).toMatchObject({ notBeforeMs: sendAtMs, isRegistered: true });
  });

  it(
    'lies in Sent or in Drafts, whatever write the power goes at',
    async () => {
      const writes = await atEveryWrite(
        async (desk) => void (await desk.mails.send(input('mind'))),
        async (desk) => void (await desk.actions.recall('1', { scope: 'message' })),
        async (after, received) => {
          const isBack = after.outbox.get(1)?.state === 'recalled';
          expect([countOf(after, 'Drafts'), countOf(after, 'Sent')]).toEqual(
            isBack ? [1, 0] : [0, 1],
          );
          expect(await received()).toEqual(isBack ? [] : ['mind']);
        },
      );
      expect(writes).toBeGreaterThan(1);
    },
    LIMIT_MS,
  );
});
