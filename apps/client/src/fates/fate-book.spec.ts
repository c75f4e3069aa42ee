/**
 * What a sender is told of mails that a program handed in: which reports, once each whatever power
 * cut comes, not too many in an hour, and the keywords of the copy in Sent.
 */
import { describe, expect, it } from '@jest/globals';
import type { MailAddress } from '@tanglemail/mail/core/identity/address.ts';
import { SILENT_LOGGER } from '@tanglemail/tangle/io/logger.ts';
import { until } from '@tanglemail/tangle/io/testing/until.ts';
import { acknowledge, enter, finish, giveUp } from '../outbox/outbox-entry.ts';
import { OutboxRecords } from '../outbox/outbox-records.ts';
import type { Notify } from '../store/bridge-collections.ts';
import type { OutboxEntry } from '../store/outbox-collections.ts';
import {
  type Disk,
  memoryStore,
  type PowerCut,
  sealedMemoryStore,
} from '../testing/memory-store.ts';
import { NOW_MS, type Person, person, tangleWithoutNode } from '../testing/people.ts';
import { DELAY_MS } from './fate.ts';
import { FateBook, MAX_REPORTS_PER_HOUR } from './fate-book.ts';

const BOB = 'b0'.repeat(24) as MailAddress;
const REASON = { code: 'sub-address-unknown', detail: 'gone' };

interface World {
  readonly alice: Person;
  readonly records: OutboxRecords;
  readonly fates: FateBook;
  readonly isOff: () => boolean;
  /** Time passes. */
  pass(timeMs: number): void;
}

async function open(disk: Disk = new Map(), cut?: PowerCut): Promise<World> {
  let nowMs = NOW_MS;
  const { store, isOff } = memoryStore(disk, cut);
  const alice = await person(
    1,
    sealedMemoryStore(store),
    tangleWithoutNode(() => nowMs),
  );
  const records = new OutboxRecords({ ...alice, onChange: () => {} });
  await records.load();
  const fates = await FateBook.load({
    ...alice,
    outbox: records,
    logger: SILENT_LOGGER,
    onReport: () => {},
    onKeywords: () => {},
    gatherMs: 0,
  });
  fates.start();
  return { alice, records, fates, isOff, pass: (timeMs) => (nowMs += timeMs) };
}

interface Asked {
  readonly notify?: readonly Notify[];
  readonly isNotice?: boolean;
  readonly asksRead?: boolean;
}

/** Hands a mail to Bob in as the sender does; gives its number in the outbox. */
async function submit({ alice, records, fates }: World, subject: string, asked: Asked = {}) {
  const { notify, isNotice = false, asksRead = false } = asked;
  const messageId = `<${subject}@x>`;
  const raw = Buffer.from(`Subject: ${subject}\r\nMessage-ID: ${messageId}\r\n\r\ntext\r\n`);
  const sentKey = `sent:${subject}`;
  return alice.writes.run(async () => {
    const batch = alice.store.batch();
    const common = { isRegistered: false, hasAttachments: false, fromName: '', to: '' };
    const mail = { ...common, raw, messageKey: sentKey, receivedAtMs: NOW_MS, flags: ['\\Seen'] };
    const copy = alice.messages.deliver(batch, { ...mail, folder: 'Sent', subject, messageId });
    const entry = records.create({ to: BOB, sizeBytes: raw.length, messageId, subject });
    const accept = records.put(batch, [entry]);
    const apply = fates.note({
      hash: Buffer.from(subject).toString('hex'),
      isNotice,
      asksRead,
      isFull: true,
      wishes: new Map([[BOB, { notify }]]),
    })(batch, { sentKey, messageId, subject, entries: [entry] });
    await batch.write();
    copy.apply();
    apply();
    accept();
    return entry.id;
  });
}

const change = (
  { records }: World,
  id: number,
  step: (entry: OutboxEntry) => OutboxEntry,
): Promise<unknown> => records.update(id, step);
const fail = (world: World, id: number): Promise<unknown> =>
  change(world, id, (one) => giveUp(one, REASON, NOW_MS));
const subjects = ({ alice }: World): string[] =>
  alice.messages.list('INBOX', 999).map((one) => one.entry.subject);
const keywords = ({ alice }: World, subject: string): string[] =>
  (alice.messages.find(`sent:${subject}`)[0]?.entry.flags ?? []).filter((one) =>
    one.startsWith('$'),
  );

describe('reports of a mail', () => {
  it('go from its way to its reader when all was asked for, each once', async () => {
    const world = await open();
    const id = await submit(world, 'm', { notify: ['SUCCESS'], asksRead: true });
    await until(() => keywords(world, 'm').includes('$Queued'));
    const delivery = { bondId: '05', endpoint: 'x', state: 'stored' as const };
    await change(world, id, (one) => {
      return enter({ ...one, deliveries: [delivery] }, 'stored', NOW_MS, '1/1');
    });
    await until(() => subjects(world).length === 1);
    await change(world, id, (one) => acknowledge(one, 'fetched', NOW_MS));
    await until(() => subjects(world).length === 2);
    await change(world, id, (one) => acknowledge(one, 'read', NOW_MS));
    await until(() => subjects(world).length === 3);
    expect(subjects(world)).toEqual(['Read: m', 'Delivered: m', 'On its way: m']);
    expect(keywords(world, 'm')).toEqual(['$Read']);
    await world.fates.stop();
  });

  it('are of failures and delays alone when nothing was asked, and none of notices', async () => {
    const world = await open();
    const late = await submit(world, 'late');
    const never = await submit(world, 'never', { notify: ['NEVER'] });
    const notice = await submit(world, 'notice', { isNotice: true });
    const read = await submit(world, 'read');
    await change(world, read, (one) => acknowledge(one, 'read', NOW_MS));
    for (const id of [never, notice]) await fail(world, id);
    world.pass(DELAY_MS);
    await world.fates.tick();
    await until(() => subjects(world).length === 1);
    await world.fates.tick();
    await fail(world, late);
    await until(() => subjects(world).length === 2);
    expect(subjects(world)).toEqual(['Not delivered: late', 'Delayed: late']);
    expect(keywords(world, 'never')).toEqual(['$Failed']);
    await world.fates.stop();
  });

  it('answer the mail, bring it back whole and cannot be answered', async () => {
    const world = await open();
    await fail(world, await submit(world, 'm'));
    await until(() => subjects(world).length === 1);
    const [report] = world.alice.messages.list('INBOX', 1);
    const text = Buffer.from(world.alice.messages.raw(report!.id) ?? []).toString('utf8');
    expect(text).toMatch(/^Return-Path: <>\r\nAuto-Submitted: auto-replied\r\n/);
    expect(text).toContain('In-Reply-To: <m@x>\r\nReferences: <m@x>\r\n');
    expect(text).toContain('Action: failed\r\nStatus: 5.1.1\r\n');
    expect(text).toContain('Diagnostic-Code: x-tangle; sub-address-unknown (gone)\r\n');
    expect(text).toContain('Content-Type: message/rfc822\r\n');
    expect(text).toContain('Subject: m\r\nMessage-ID: <m@x>\r\n\r\ntext\r\n');
    await world.fates.stop();
  });

  it('are made once, whatever write the power cuts', async () => {
    // Opening writes, too; the cuts come behind that.
    const first = memoryStore(new Map());
    await person(1, sealedMemoryStore(first.store));
    const from = first.writes();
    let isWhole = false;
    for (let atWrite = from; !isWhole; atWrite++) {
      for (const isApplied of [false, true]) {
        const disk: Disk = new Map();
        const cut = await open(disk, { atWrite, isApplied });
        const failed = submit(cut, 'm').then((id) => fail(cut, id));
        await failed.catch(() => {});
        await until(() => cut.isOff() || subjects(cut).length === 1);
        isWhole = !cut.isOff();
        await cut.fates.stop();

        const again = await open(disk);
        const isThere = again.alice.messages.find('sent:m').length === 1;
        const [entry] = await again.records.list(9);
        if (entry !== undefined && entry.state !== 'failed') await fail(again, entry.id);
        // Mails take turns: what is told of this one comes behind whatever is told of the other.
        await fail(again, await submit(again, 'next'));
        await until(() => subjects(again).includes('Not delivered: next'));
        const told = subjects(again).filter((one) => one === 'Not delivered: m');
        expect([atWrite, isApplied, told.length]).toEqual([atWrite, isApplied, isThere ? 1 : 0]);
        expect(keywords(again, 'm')).toEqual(isThere ? ['$Failed'] : []);
        await again.fates.stop();
      }
    }
  });

  it('are bounded in an hour, and what waits comes in the next', async () => {
    const disk: Disk = new Map();
    const world = await open(disk);
    for (let at = 0; at < MAX_REPORTS_PER_HOUR + 5; at++) {
      await fail(world, await submit(world, `m${at}`));
    }
    await until(() => subjects(world).length === MAX_REPORTS_PER_HOUR);
    await world.fates.tick();
    await world.fates.stop();
    const again = await open(disk);
    again.pass(1_000);
    await until(() => keywords(again, `m${MAX_REPORTS_PER_HOUR + 4}`).includes('$Failed'));
    expect(subjects(again)).toHaveLength(MAX_REPORTS_PER_HOUR);
    again.pass(3_600_000);
    await until(async () => {
      await again.fates.tick();
      return subjects(again).length === MAX_REPORTS_PER_HOUR + 5;
    });
    await again.fates.stop();
  });

  it('knows the same mail again as long as it is asked, and forgets it in the end', async () => {
    const disk: Disk = new Map();
    const world = await open(disk);
    const id = await submit(world, 'm');
    await change(world, id, finish);
    await world.fates.stop();
    const again = await open(disk);
    const hash = Buffer.from('m').toString('hex');
    expect(again.fates.repeated(hash, NOW_MS - 1)).toBe('<m@x>');
    expect(again.fates.repeated(hash, NOW_MS)).toBeUndefined();
    expect(again.fates.repeated('00', NOW_MS - 1)).toBeUndefined();
    again.pass(61 * 86_400_000);
    await again.fates.tick();
    expect(again.fates.repeated(hash, 0)).toBeUndefined();
    await again.fates.stop();
  });
});
