/** Receipts that are false, and receipts over power cuts, without the rest of the client. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  decodeReceiptNote,
  encodeReceiptNote,
  type LetterReceipt,
} from '@tanglemail/mail/core/letter/receipt-note.ts';
import { SILENT_LOGGER } from '@tanglemail/tangle/io/logger.ts';
import { configOf } from '../config/schema.ts';
import { descriptorOf, sealMail } from '../testing/letters.ts';
import type { Disk, PowerCut } from '../testing/memory-store.ts';
import { OutboxBench, type Sender } from '../testing/outbox-bench.ts';
import { until } from '../testing/small-tangle.ts';
import { ReceiptBook } from './receipt-book.ts';

let bench: OutboxBench;

beforeAll(async () => {
  bench = await OutboxBench.start();
});

afterAll(() => bench.tangle.stop());

beforeEach(() => bench.renew());

afterEach(() => bench.rest());

/** Alice with a book of receipts beside her outbox, which gives and takes them. */
async function withBook(
  disk: Disk,
  cut?: PowerCut,
): Promise<{ readonly from: Sender; readonly book: ReceiptBook }> {
  const from = await bench.sender(disk, cut === undefined ? {} : { cut });
  const { alice, outbox } = from;
  const settings = configOf({ receipts: { read: true } }).receipts;
  const { store, writes, contacts, tangle } = alice;
  const deps = { store, writes, contacts, tangle, outbox, logger: SILENT_LOGGER };
  const book = new ReceiptBook(settings, deps);
  alice.intake.onReceiptWanted((batch, wish) => book.filed(batch, wish));
  alice.messages.observe((batch, change) => book.changed(batch, change));
  return { from, book };
}

async function acceptBob({ alice }: Sender): Promise<void> {
  const facts = { name: 'Bob', nowMs: bench.tangle.access.clock.nowMs() };
  await alice.contacts.add(bench.bob.account.address, facts);
}

describe('a false receipt', () => {
  it('changes nothing: another secret, another letter, another person', async () => {
    const { from, book } = await withBook(new Map());
    from.outbox.start();
    const entry = await bench.send(from, 'untouched', { wantsReceipt: true });
    await bench.allDone(from);
    const letterId = entry.letterId as LetterReceipt['letterId'];
    const [envelope] = bench.tangle.confirmedEnvelopes(new Set()).slice(-1);
    const taken: Uint8Array[] = [];
    bench.bob.intake.onReceiptWanted((_batch, { receiptSecret }) => {
      taken.push(receiptSecret);
      return () => {};
    });
    await bench.bob.intake.take(envelope ?? new Uint8Array());
    const [secret] = taken;
    if (secret === undefined) throw new Error('the letter asks for no receipt');
    const wrong = new Uint8Array(32).fill(9);
    const tell = async (body: Uint8Array, sender = bench.bob.account.address): Promise<void> => {
      await from.alice.writes.run(async () => {
        const batch = from.alice.store.batch();
        const apply = book.take(batch, { sender, body } as never);
        await batch.write();
        apply();
      });
    };
    await tell(encodeReceiptNote([{ kind: 'fetched', letterId, secret: wrong }]));
    const other = '00'.repeat(16) as typeof letterId;
    await tell(encodeReceiptNote([{ kind: 'read', letterId: other, secret }]));
    const genuine = encodeReceiptNote([{ kind: 'fetched', letterId, secret }]);
    await tell(genuine, from.alice.account.address);
    await tell(Uint8Array.of(0xc3));
    expect(from.outbox.get(entry.id)?.state).toBe('confirmed');
    await tell(genuine);
    expect(from.outbox.get(entry.id)?.state).toBe('fetched');
  });
});

describe('a power cut', () => {
  /** Receipts that Bob has been given since `before`, as `kind letterId`. */
  async function given(before: Set<never>): Promise<string[]> {
    const receipts: string[] = [];
    bench.bob.notes.on(0xc3, (_batch, { body }) => {
      const decoded = decodeReceiptNote(body);
      const list = decoded.ok ? decoded.value : [];
      return () => receipts.push(...list.map((one) => `${one.kind} ${one.letterId}`));
    });
    for (const bytes of bench.tangle.confirmedEnvelopes(before)) await bench.bob.intake.take(bytes);
    return receipts.toSorted();
  }

  /** Alice takes Bob's letter, reads it, and gives her receipts, as far as the power lasts. */
  async function live(disk: Disk, bytes: Uint8Array, cut?: PowerCut): Promise<boolean> {
    const { from, book } = await withBook(disk, cut);
    const { alice, outbox, isOff } = from;
    outbox.start();
    await book.start();
    try {
      await alice.intake.take(bytes);
      await alice.writes.run(async () => {
        const batch = alice.store.batch();
        const [mail] = alice.messages.list('INBOX', 1);
        const change = alice.messages.flag(batch, mail?.id ?? '', 'add', ['\\Seen']);
        await batch.write();
        change?.apply();
      });
      bench.tangle.aheadMs += 3_000;
      await alice.writes.run(async () => {});
      outbox.start();
      const isDone = async (): Promise<boolean> =>
        (await outbox.list(9, undefined, true)).every((one) => one.isDone);
      await until(async () => isOff() || (await isDone()));
    } catch (error) {
      if (!isOff()) throw error;
    }
    await outbox.stop();
    return isOff();
  }

  it('at any write: the message and its receipts are given, each kind once', async () => {
    let wasCut = true;
    for (let atWrite = 0; wasCut; atWrite += 1) {
      for (const isApplied of [false, true]) {
        await bench.renew();
        const disk: Disk = new Map();
        const first = await withBook(disk);
        await acceptBob(first.from);
        await first.from.outbox.stop();
        const to = first.from.alice;
        const sealFor = descriptorOf(to);
        const { bytes, letterId } = await sealMail(bench.bob, to, { wantsReceipt: true, sealFor });
        const before = bench.blocksSoFar();
        wasCut = await live(disk, bytes, { atWrite, isApplied });
        await live(disk, bytes);
        const facts = `write ${atWrite}, applied ${isApplied}`;
        const wanted = [`fetched ${letterId}`, `read ${letterId}`];
        expect([facts, await given(before)]).toEqual([facts, wanted]);
      }
    }
  }, 120_000);
});
