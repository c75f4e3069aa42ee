/** What devices share beside mails: notes in any order and twice, power cuts at every write. */
import { afterEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { draftVersion } from '../drafts/draft-book.ts';
import type { Disk } from '../testing/memory-store.ts';
import { linkedDisk, meet, openOwnDevice, type OwnDevice } from '../testing/own-devices.ts';
import { NOW_MS, type Person, person } from '../testing/people.ts';
import { MAX_SHARED_DRAFT } from './draft-log.ts';

/** Some hundred whole stores are opened, on a machine that others use, too. */
const TEST_MS = 180_000;
const open: OwnDevice[] = [];
let nowMs = NOW_MS;

afterEach(async () => {
  for (const one of open.splice(0)) await one.manager.stop();
  nowMs = NOW_MS;
});

async function device(disk: Disk = new Map(), atWrite?: number): Promise<OwnDevice> {
  const cut = atWrite === undefined ? {} : { cut: { atWrite, isApplied: atWrite % 2 === 0 } };
  const one = await openOwnDevice({ disk, nowMs: () => nowMs, ...cut });
  open.push(one);
  return one;
}

/** `count` devices that know each other. */
async function devices(count: number): Promise<OwnDevice[]> {
  const first = await device();
  const all = [first];
  while (all.length < count) {
    const one = await device(await linkedDisk(first));
    all.push(one);
    await meet(...all);
  }
  return all;
}

const DRAFT = 'ab'.repeat(16);

function draftOf(text: string, size = 0): Uint8Array {
  const head = `Subject: ${text}\r\nMessage-ID: <d@x>\r\n\r\n${text}\r\n`;
  return new TextEncoder().encode(head.padEnd(size, '.'));
}

async function saveDraft(one: OwnDevice, raw: Uint8Array, id = DRAFT): Promise<void> {
  const version = await draftVersion(id, raw, nowMs);
  await one.change((batch) => one.drafts.save(batch, version));
}

const rule = (name: string) => ({
  name,
  isEnabled: true,
  when: { subject: [name] },
  actions: { markRead: true as const },
  isLast: false,
});

/** What a device shows of everything that is shared. */
function shown(one: OwnDevice): unknown {
  const { drafts, rules, ownSettings, addresses, contacts } = one;
  return {
    drafts: drafts
      .list()
      .map(({ draftId, mail }) => `${draftId} ${mail.entry.emailId}`)
      .toSorted(),
    rules: rules.list(),
    settings: ownSettings.get(),
    addresses: addresses.list(),
    invites: contacts.invites.list().map(({ id: _id, ...invite }) => invite),
    contacts: contacts.list().map(({ nextContactTag: _a, nextInviteTag: _b, ...rest }) => rest),
  };
}

function keysOf({ account }: Person) {
  const { account: own, identity } = account.keys;
  return { accountKey: own.publicKey, identityKey: identity.publicKey };
}

async function textOf(one: OwnDevice): Promise<string[]> {
  return one.drafts.list().map(({ mail }) => mail.entry.subject);
}

describe('a linked device has', () => {
  it('drafts, settings, profile, rules, invites, trust and sub-addresses of before', async () => {
    const first = await device();
    const bob = await person(2);
    await saveDraft(first, draftOf('half a letter'));
    await first.ownSettings.set({ profileName: 'Alice', contactsOnly: true, stampBits: 7 });
    await first.change((batch) => first.rules.replace(batch, [rule('bills')]));
    await first.contacts.invite(new Uint8Array(32).fill(5), 'Carol', nowMs);
    await first.addresses.add('shop');
    await first.addresses.revoke('shop');
    const keys = keysOf(bob);
    await first.contacts.add(bob.account.address, { name: 'Bob', note: 'chess', nowMs });
    await first.contacts.learnKeys(bob.account.address, keys, nowMs);
    await first.contacts.change(bob.account.address, (known) =>
      known === undefined
        ? undefined
        : { ...known, verified: { atMs: nowMs, identityKey: known.identityKey ?? '' } },
    );
    const second = await device(await linkedDisk(first));
    await meet(first, second);
    expect(shown(second)).toEqual(shown(first));
    expect(await textOf(second)).toEqual(['half a letter']);
    expect(second.ownSettings.get()).toMatchObject({ profileName: 'Alice', contactsOnly: true });
    expect(second.addresses.isLive('shop')).toBe(false);
    expect(second.contacts.get(bob.account.address)?.verified?.atMs).toBe(nowMs);
  });
});

describe('changes at the same time', () => {
  it('of different settings both hold; of one, the same holds on both', async () => {
    const [one, two] = (await devices(2)) as [OwnDevice, OwnDevice];
    await one.ownSettings.set({ profileName: 'A', stampBits: 3 });
    await two.ownSettings.set({ profileName: 'B', maxMail: 1_000_000 });
    await meet(one, two);
    expect(one.ownSettings.get()).toEqual(two.ownSettings.get());
    expect(one.ownSettings.get()).toMatchObject({ stampBits: 3, maxMail: 1_000_000 });
  });

  it('a sub-address that one revokes stays revoked, whatever the other says of it', async () => {
    const [one, two] = (await devices(2)) as [OwnDevice, OwnDevice];
    await one.addresses.add('shop');
    await meet(one, two);
    await one.addresses.revoke('shop');
    for (let stampBits = 1; stampBits < 5; stampBits++) {
      await two.addresses.setPolicy('shop', { stampBits });
    }
    await meet(one, two);
    expect([one, two].map((each) => each.addresses.isLive('shop'))).toEqual([false, false]);
    expect(shown(one)).toEqual(shown(two));
    // Opened again it has another key, and the old ending does not touch it.
    await two.addresses.add('shop');
    await meet(one, two);
    expect([one, two].map((each) => each.addresses.isLive('shop'))).toEqual([true, true]);
  });

  it('an invite that one ends stays ended, though the other saw it used', async () => {
    const [one, two] = (await devices(2)) as [OwnDevice, OwnDevice];
    await one.contacts.invite(new Uint8Array(32).fill(5), 'Carol', nowMs);
    await meet(one, two);
    const [invite] = two.contacts.invites.list();
    const { address } = (await person(3)).account;
    await one.contacts.invites.revoke(one.contacts.invites.list()[0]?.id ?? '', nowMs);
    await two.change((batch) =>
      two.contacts.invites.noteUse(batch, invite?.id ?? '', address, nowMs),
    );
    await meet(one, two);
    expect(shown(one)).toEqual(shown(two));
    expect(two.contacts.invites.list()[0]).toMatchObject({ usedBy: address, revokedAtMs: nowMs });
    expect(two.tags.isWatched(`invite:${invite?.id}`)).toBe(false);
  });

  it('invites that a removed device knows end with it on all others', async () => {
    const [one, two, lost] = (await devices(3)) as [OwnDevice, OwnDevice, OwnDevice];
    await lost.contacts.invite(new Uint8Array(32).fill(5), 'Carol', nowMs);
    await one.contacts.invite(new Uint8Array(32).fill(6), 'Dave', nowMs);
    await meet(one, two, lost);
    await one.manager.remove(lost.log.own.id);
    await one.contacts.invite(new Uint8Array(32).fill(7), 'Erin', nowMs);
    await meet(one, two);
    for (const { contacts, tags } of [one, two]) {
      const invites = contacts.invites
        .list()
        .map(({ id, name, revokedAtMs }) => [name, revokedAtMs, tags.isWatched(`invite:${id}`)]);
      expect(new Set(invites)).toEqual(
        new Set([
          ['Carol', nowMs, false],
          ['Dave', nowMs, false],
          ['Erin', undefined, true],
        ]),
      );
    }
  });

  it('a key change that one device saw is a warning on both, until either accepts', async () => {
    const [one, two] = (await devices(2)) as [OwnDevice, OwnDevice];
    const [bob, evil] = [await person(2), await person(3)];
    const { address } = bob.account;
    await one.contacts.add(address, { name: 'Bob', nowMs });
    await one.contacts.learnKeys(address, keysOf(bob), nowMs);
    await meet(one, two);
    await one.contacts.learnKeys(address, keysOf(evil), nowMs);
    await meet(one, two);
    expect(two.contacts.get(address)?.keyChange).toBeDefined();
    await two.contacts.change(address, (known) => {
      const { keyChange: _accepted, ...rest } = known ?? { address };
      return rest as NonNullable<typeof known>;
    });
    await meet(one, two);
    expect(one.contacts.get(address)?.keyChange).toBeUndefined();
  });
});

describe('a draft', () => {
  it('that grows too large is on its own device alone, and no older text is anywhere', async () => {
    const [one, two] = (await devices(2)) as [OwnDevice, OwnDevice];
    await saveDraft(one, draftOf('small'));
    await meet(one, two);
    expect(await textOf(two)).toEqual(['small']);
    await saveDraft(one, draftOf('fits', MAX_SHARED_DRAFT));
    await meet(one, two);
    expect(await textOf(two)).toEqual(['fits']);
    await saveDraft(one, draftOf('large', MAX_SHARED_DRAFT + 1));
    await meet(one, two);
    expect(await textOf(one)).toEqual(['large']);
    expect(await textOf(two)).toEqual([]);
    // The large one is no older than what the log says of it, also after a restart.
    const again = await device(one.disk);
    expect(await textOf(again)).toEqual(['large']);
    await saveDraft(again, draftOf('small again'));
    await meet(again, two);
    expect(await textOf(two)).toEqual(['small again']);
  });

  it('that is too large is kept beside one that another device saved meanwhile', async () => {
    const [one, two] = (await devices(2)) as [OwnDevice, OwnDevice];
    await saveDraft(one, draftOf('small'));
    await meet(one, two);
    await saveDraft(one, draftOf('large', MAX_SHARED_DRAFT + 1));
    for (const text of ['a', 'b', 'c']) await saveDraft(two, draftOf(text));
    await meet(one, two);
    expect((await textOf(one)).toSorted()).toEqual(['c', 'large']);
    expect(await textOf(two)).toEqual(['c']);
  });

  it('that was deleted, or thrown away in a mail program, does not come back', async () => {
    const [one, two] = (await devices(2)) as [OwnDevice, OwnDevice];
    const other = 'cd'.repeat(16);
    await saveDraft(one, draftOf('one'));
    await saveDraft(one, draftOf('two'), other);
    await meet(one, two);
    await two.change((batch) => two.drafts.delete(batch, DRAFT));
    const mail = two.drafts.get(other)?.mail.id ?? '';
    await two.change((batch) => two.messages.expunge(batch, [mail]).apply);
    await meet(one, two);
    const again = [await device(one.disk), await device(two.disk)];
    for (const each of [one, two, ...again]) expect(await textOf(each)).toEqual([]);
  });
});

describe('rules', () => {
  it('that are too many for an operation stay with their device', async () => {
    const [one, two] = (await devices(2)) as [OwnDevice, OwnDevice];
    await two.change((batch) => two.rules.replace(batch, [rule('mine')]));
    await meet(one, two);
    const many = Array.from({ length: 200 }, (_, at) => rule(`${at}`.padStart(100, '-')));
    await one.change((batch) => one.rules.replace(batch, many));
    await meet(one, two);
    expect(one.rules.list()).toHaveLength(200);
    expect(two.rules.list()).toEqual([rule('mine')]);
  });
});

/** One change of something that is shared, by its number. */
async function act(one: OwnDevice, action: number): Promise<void> {
  const { addresses, contacts, ownSettings } = one;
  const label = `l${action % 2}`;
  const [invite] = contacts.invites.list();
  switch (action % 8) {
    case 0:
      return saveDraft(one, draftOf(`text ${action}`), `${action % 3}`.repeat(32));
    case 1:
      return void (await ownSettings.set({ profileName: `name ${action}` }));
    case 2:
      return one.change((batch) => one.rules.replace(batch, [rule(`r${action}`)]));
    case 3:
      return contacts.invite(crypto.getRandomValues(new Uint8Array(32)), `i${action}`, nowMs);
    case 4:
      return void (invite && (await contacts.invites.revoke(invite.id, nowMs).catch(() => {})));
    case 5:
      return void (await addresses.add(label).catch(() => {}));
    case 6:
      return void (await addresses.revoke(label).catch(() => {}));
    default: {
      const { draftId } = one.drafts.list()[0] ?? {};
      if (draftId !== undefined) await one.change((batch) => one.drafts.delete(batch, draftId));
    }
  }
}

const actions = fc.array(fc.tuple(fc.nat(2), fc.nat(63)), { minLength: 4, maxLength: 16 });

describe('three devices', () => {
  it(
    'show the same, whatever they do and in whatever order and how often they hear it',
    async () => {
      await fc.assert(
        fc.asyncProperty(actions, fc.infiniteStream(fc.nat()), async (list, chance) => {
          const all = await devices(3);
          for (const [who, what] of list) {
            nowMs += 1_000;
            await act(all[who] as OwnDevice, what);
            if (what % 5 === 0) await all[who]?.told();
          }
          for (const from of all) {
            const told = [...(await from.told())];
            const notes = [...told, ...told.slice(0, 2)]
              .map((note) => ({ note, at: chance.next().value ?? 0 }))
              .toSorted((a, b) => a.at - b.at);
            for (const { note } of notes) for (const to of all) await to.take(note);
          }
          await meet(...all);
          expect(shown(all[1] as OwnDevice)).toEqual(shown(all[0] as OwnDevice));
          expect(shown(all[2] as OwnDevice)).toEqual(shown(all[0] as OwnDevice));
          for (const one of open.splice(0)) await one.manager.stop();
        }),
        { numRuns: 6 },
      );
    },
    TEST_MS,
  );
});

describe('power cut at every write', () => {
  it(
    'of the device that changes, and of the one that hears it: nothing is half done',
    async () => {
      const [one, two] = (await devices(2)) as [OwnDevice, OwnDevice];
      const [oneBefore, twoBefore] = [new Map(one.disk), new Map(two.disk)];
      const steps = [0, 1, 2, 3, 5, 8, 4, 6];
      for (let atWrite = 0; ; atWrite++) {
        const disk = new Map(oneBefore);
        let broken = 0;
        const cut = await device(disk, atWrite).catch(() => undefined);
        for (const step of steps) await act(cut as OwnDevice, step).catch(() => broken++);
        await cut?.told().catch(() => broken++);
        const back = await device(disk);
        const other = await device(new Map(twoBefore));
        await meet(back, other);
        expect(shown(other)).toEqual(shown(back));
        if (cut !== undefined && broken === 0) break;
      }
      for (const step of steps) await act(one, step);
      const notes = await one.told();
      for (let atWrite = 0; ; atWrite++) {
        const disk = new Map(twoBefore);
        let broken = 0;
        const cut = await device(disk, atWrite).catch(() => undefined);
        for (const note of notes) await cut?.take(note).catch(() => broken++);
        const isWhole = cut !== undefined && broken === 0 && cut.writeCount() <= atWrite;
        const back = await device(disk);
        for (const note of notes) await back.take(note);
        expect(shown(back)).toEqual(shown(one));
        if (isWhole) break;
      }
    },
    TEST_MS,
  );
});
