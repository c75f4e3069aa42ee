/** Mails follow the decision about their sender, whatever a power cut leaves. */
import { describe, expect, it } from '@jest/globals';
import { SILENT_LOGGER } from '@tanglemail/tangle/io/logger.ts';
import { until } from '@tanglemail/tangle/io/testing/until.ts';
import { FOLDER } from '../messages/folder-name.ts';
import { sealMail } from '../testing/letters.ts';
import {
  type Disk,
  memoryStore,
  type PowerCut,
  sealedMemoryStore,
} from '../testing/memory-store.ts';
import { NOW_MS, type Person, person } from '../testing/people.ts';
import { forgotten } from './contact-book.ts';
import { RequestSorter } from './request-sorter.ts';

const open = (disk: Disk, cut?: PowerCut): Promise<Person> =>
  person(2, sealedMemoryStore(memoryStore(disk, cut).store));
const sorterOf = (who: Person): RequestSorter =>
  new RequestSorter({ ...who, logger: SILENT_LOGGER });
const places = ({ messages }: Person): Record<string, number> =>
  Object.fromEntries(
    [FOLDER.Requests, FOLDER.INBOX, FOLDER.Junk, FOLDER.Trash].map((folder) => [
      folder,
      messages.list(folder, 99).length,
    ]),
  );

/** Bob's disk with two mails of Alice's and one of Carol's in Requests. */
async function asked(): Promise<{ disk: Disk; alice: Person; carol: Person }> {
  const disk: Disk = new Map();
  const [alice, bob, carol] = [await person(1), await open(disk), await person(3)];
  for (const from of [alice, alice, carol])
    await bob.intake.take((await sealMail(from, bob)).bytes);
  return { disk, alice, carol };
}

describe('RequestSorter', () => {
  it('moves what was decided, in one write for each folder, and leaves the rest', async () => {
    const { disk, alice, carol } = await asked();
    const bob = await open(disk);
    const sorter = sorterOf(bob);
    expect(await sorter.settle()).toBe(0);
    await bob.contacts.add(alice.account.address, { name: 'Alice', nowMs: NOW_MS });
    expect(await sorter.settle()).toBe(2);
    expect(places(bob)).toMatchObject({ [FOLDER.Requests]: 1, [FOLDER.INBOX]: 2 });
    await bob.contacts.change(carol.account.address, (known) => known && forgotten(known));
    expect(await sorter.settle()).toBe(1);
    expect(places(bob)).toMatchObject({ [FOLDER.Requests]: 0, [FOLDER.Trash]: 1 });
  });

  it('is woken by a decision made here, not by another device’s', async () => {
    const { disk, alice, carol } = await asked();
    const bob = await open(disk);
    const sorter = sorterOf(bob);
    const blocked = { ...bob.contacts.get(carol.account.address)!, state: 'blocked' as const };
    const batch = bob.store.batch();
    const apply = bob.contacts.put(batch, blocked, 'remote');
    await batch.write();
    apply();
    sorter.wake();
    await bob.writes.run(async () => {});
    expect(places(bob)[FOLDER.Requests]).toBe(3);
    // Writing to somebody accepts it.
    await sealMail(bob, alice);
    sorter.wake();
    await until(async () => places(bob)[FOLDER.INBOX] === 2);
  });

  it('ends up the same after a power cut at any write', async () => {
    for (let atWrite = 0; atWrite < 2; atWrite += 1) {
      for (const isApplied of [false, true]) {
        const { disk, alice } = await asked();
        const cut = await open(disk, { atWrite, isApplied });
        let isConfirmed = false;
        try {
          await cut.contacts.add(alice.account.address, { name: 'Alice', nowMs: NOW_MS });
          isConfirmed = true;
          await sorterOf(cut).settle();
        } catch {
          // The power went.
        }
        const bob = await open(disk);
        await sorterOf(bob).settle();
        const isAccepted = bob.contacts.get(alice.account.address)?.state === 'accepted';
        expect([isConfirmed && !isAccepted, isAccepted]).toEqual([false, atWrite > 0 || isApplied]);
        const inbox = isAccepted ? 2 : 0;
        expect(places(bob)).toMatchObject({
          [FOLDER.Requests]: 3 - inbox,
          [FOLDER.INBOX]: inbox,
        });
      }
    }
  });
});
