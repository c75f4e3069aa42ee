/** Notices in the System folder: each once as long as its reason lasts, in any program's reach. */
import { describe, expect, it } from '@jest/globals';
import {
  type Disk,
  memoryStore,
  type PowerCut,
  sealedMemoryStore,
} from '../testing/memory-store.ts';
import { NOW_MS, type Person, person, tangleWithoutNode } from '../testing/people.ts';
import type { NoticeFacts, RentalFacts } from './notice.ts';
import { NoticeKeeper, SYSTEM_FOLDER } from './notice-keeper.ts';

const NOW_SECONDS = NOW_MS / 1_000;
const DAY = 86_400;
const RENTAL: RentalFacts = {
  bondId: '05',
  endpoint: 'https://p.example',
  lastSyncAt: NOW_SECONDS,
  paid: 1_000n,
  channelEndsAt: NOW_SECONDS + 90 * DAY,
};
const QUIET: NoticeFacts = {
  nowSeconds: NOW_SECONDS,
  rentals: [RENTAL],
  walletBalance: 0n,
  deposit: 500n,
  credit: 100n,
  devices: [],
  keyChanges: [],
  restored: undefined,
  lateMails: 0,
};

interface World {
  readonly alice: Person;
  /** A look while this is so, some time later. */
  readonly look: (facts: Partial<NoticeFacts>, laterMs?: number) => Promise<number>;
  readonly subjects: () => string[];
}

async function open(disk: Disk = new Map(), cut?: PowerCut): Promise<World> {
  let nowMs = NOW_MS;
  let present: NoticeFacts = QUIET;
  const store = sealedMemoryStore(memoryStore(disk, cut).store);
  const alice = await person(
    1,
    store,
    tangleWithoutNode(() => nowMs),
  );
  const keeper = new NoticeKeeper({ ...alice, facts: async () => present, onNotice: () => {} });
  return {
    alice,
    look: async (facts, laterMs = 0) => {
      nowMs += laterMs;
      present = { ...QUIET, ...facts };
      return keeper.look();
    },
    subjects: () => {
      const folder = alice.messages.findFolder(SYSTEM_FOLDER);
      const mails = folder === undefined ? [] : alice.messages.list(folder.id, 99);
      return mails.map((one) => one.entry.subject);
    },
  };
}

describe('a notice', () => {
  it('is not there while all is well, nor its folder', async () => {
    const world = await open();
    expect(await world.look({})).toBe(0);
    expect(world.alice.messages.findFolder(SYSTEM_FOLDER)).toBeUndefined();
  });

  it('tells each thing once, over restarts, and again when it comes back after a day', async () => {
    const disk: Disk = new Map();
    const world = await open(disk);
    const away = { rentals: [{ ...RENTAL, lastSyncAt: NOW_SECONDS - 2 * DAY }] };
    expect(await world.look(away)).toBe(1);
    expect(await world.look({ ...away, lateMails: 2 })).toBe(1);
    const again = await open(disk);
    expect(await again.look({ ...away, lateMails: 3 })).toBe(0);
    expect(again.subjects()).toEqual([
      '2 of your mails wait to be delivered',
      'A storage provider does not answer',
    ]);
    expect(await again.look({})).toBe(0);
    expect(await again.look({ lateMails: 1 })).toBe(0);
    expect(await again.look({}, DAY * 1_000)).toBe(0);
    expect(await again.look({ lateMails: 1 })).toBe(1);
  });

  it('warns 14, 3 and 1 days before what is paid ends, unless the wallet renews it', async () => {
    const world = await open();
    const channelEndsAt = NOW_SECONDS + 90 * DAY;
    const endsIn = (days: number) => {
      const nowSeconds = channelEndsAt - days * DAY;
      return { nowSeconds, rentals: [{ ...RENTAL, channelEndsAt, lastSyncAt: nowSeconds }] };
    };
    const counts: number[] = [];
    for (const days of [15, 14, 13, 3, 2, 1]) counts.push(await world.look(endsIn(days)));
    expect(counts).toEqual([0, 1, 0, 1, 0, 1]);
    expect(await world.look({ ...endsIn(1), walletBalance: 500n }, DAY * 1_000)).toBe(0);
    expect(await world.look({ rentals: [{ ...RENTAL, paid: 99n }] })).toBe(1);
    expect(world.subjects()[0]).toBe('No funds for your mailbox');
  });

  it('is of devices that were linked since, of keys, and of a beginning anew', async () => {
    const world = await open();
    const phone = { id: 'aa'.repeat(16), name: 'phone' };
    const tablet = { id: 'bb'.repeat(16), name: 'tablet' };
    expect(await world.look({ devices: [phone], restored: 'words' })).toBe(1);
    const keyChanges = [{ address: 'tmt1x', name: 'Bob', atMs: 1 }];
    expect(await world.look({ devices: [phone, tablet], restored: 'words', keyChanges })).toBe(2);
    expect(world.subjects().toSorted()).toEqual([
      'Another device belongs to your account: tablet',
      'Other keys of Bob',
      'Your account is here again',
    ]);
  });

  it('can be deleted, and its folder called otherwise', async () => {
    const { alice, look, subjects } = await open();
    await look({ lateMails: 1 });
    const { id } = alice.messages.findFolder(SYSTEM_FOLDER)!;
    const batch = alice.store.batch();
    alice.messages.expunge(batch, [`${id}.1`]);
    alice.messages.renameFolder(batch, id, 'Notes' as never)();
    await batch.write();
    expect(await look({ lateMails: 1 })).toBe(0);
    expect(await look({ lateMails: 1, restored: 'backup' })).toBe(1);
    expect(subjects()).toEqual([]);
    expect(alice.messages.list(id, 9).map((one) => one.entry.subject)).toEqual([
      'Your account is here again',
    ]);
  });

  it('is told once, whichever write the power cuts', async () => {
    const opening = memoryStore();
    await person(1, sealedMemoryStore(opening.store));
    for (const isApplied of [false, true]) {
      const disk: Disk = new Map();
      const cut = await open(disk, { atWrite: opening.writes(), isApplied });
      await expect(cut.look({ lateMails: 1 })).rejects.toThrow('the power went');
      const again = await open(disk);
      await again.look({ lateMails: 1 });
      expect(again.subjects()).toHaveLength(1);
    }
  });
});
