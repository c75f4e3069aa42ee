/** `$MDNSent`: what a program has asked its user about is not answered again by the client. */
import { expect, it } from '@jest/globals';
import type { LetterId } from '@tanglemail/mail/core/letter/content.ts';
import { SILENT_LOGGER } from '@tanglemail/tangle/io/logger.ts';
import { dueReceiptKeyOf, dueReceipts } from '../store/outbox-collections.ts';
import { person } from '../testing/people.ts';
import { ReceiptBook } from './receipt-book.ts';

it('a program that sets it silences the client, which would have told the sender', async () => {
  const bob = await person(2);
  const alice = await person(1);
  const sender = alice.account.address;
  const letterId = '1d'.repeat(16) as LetterId;
  const settings = { ask: true, delivery: 'never', read: true, delaySeconds: 0 } as const;
  const notes: unknown[] = [];
  const outbox = {
    enqueueNote: (_batch: unknown, note: unknown) => {
      notes.push(note);
      return Object.assign(() => undefined as never, { id: 1 });
    },
    waitingNote: () => undefined,
    acknowledge: () => () => {},
  };
  const state = { state: 'accepted' } as never;
  const deps = { ...bob, logger: SILENT_LOGGER, outbox, contacts: { get: () => state } };
  const book = new ReceiptBook(settings, deps);
  const wish = { sender, senderState: 'accepted' as const, letterId };
  expect(book.promisesRead(wish)).toBe(true);
  expect(book.promisesRead({ ...wish, senderState: 'requested' })).toBe(false);

  const key = dueReceiptKeyOf(bob.store, sender, letterId);
  const messageKey = `${sender}:${letterId}`;
  const flags = (added: string[]): Promise<void> =>
    bob.writes.run(async () => {
      const batch = bob.store.batch();
      book.changed(batch, { kind: 'flags', origin: 'local', messageKey, added, removed: [] });
      await batch.write();
    });
  const file = async (): Promise<void> => {
    const batch = bob.store.batch();
    book.filed(batch, { ...wish, receiptSecret: new Uint8Array(32) });
    await batch.write();
  };
  await file();
  await flags(['\\Flagged']);
  expect(bob.store.get(dueReceipts, key)).toMatchObject({ isSeen: false });
  await flags(['$MDNSent']);
  expect(bob.store.get(dueReceipts, key)).toBeUndefined();
  await flags(['\\Seen']);
  await bob.writes.run(async () => {});
  expect(notes).toEqual([]);
  // The same without it: here the client speaks.
  await file();
  await flags(['\\Seen']);
  await bob.writes.run(async () => {});
  expect(notes).toHaveLength(1);
});
