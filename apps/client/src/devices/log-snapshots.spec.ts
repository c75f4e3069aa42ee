/** A device that was away for 90 days, with the others compacting and its notes gone. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { FOLDER } from '../messages/folder-name.ts';
import { linkedDisk, meet, openOwnDevice, type OwnDevice } from '../testing/own-devices.ts';
import { NOW_MS } from '../testing/people.ts';
import type { Disk, PowerCut } from '../testing/memory-store.ts';

const DAY_MS = 86_400_000;
/** Some 90 days of two devices, and a device that is opened again after each of its writes. */
const TEST_MS = 120_000;
const open: OwnDevice[] = [];
let nowMs = NOW_MS;

afterEach(async () => {
  for (const one of open.splice(0)) await one.manager.stop();
  nowMs = NOW_MS;
});

async function device(disk: Disk = new Map(), cut?: PowerCut): Promise<OwnDevice> {
  const options = { disk, nowMs: () => nowMs, ...(cut === undefined ? {} : { cut }) };
  const one = await openOwnDevice(options);
  open.push(one);
  return one;
}

async function arrive(one: OwnDevice, name: string): Promise<void> {
  await one.change(
    (batch) =>
      one.messages.deliver(batch, {
        folder: FOLDER.INBOX,
        raw: new TextEncoder().encode(`Subject: ${name}\r\n\r\nHi.\r\n`),
        messageKey: `sender:${name}`,
        receivedAtMs: nowMs,
        flags: [],
        isRegistered: false,
        hasAttachments: false,
        fromName: '',
        to: '',
        subject: name,
        messageId: '',
      }).apply,
  );
  await one.manager.settle();
}

async function flag(one: OwnDevice, change: 'add' | 'remove', ...flags: string[]): Promise<void> {
  const ids = one.messages.find('sender:m').map((mail) => mail.id);
  await one.change((batch) => one.messages.flagAll(batch, ids, change, flags));
}

const flagsOf = ({ messages }: OwnDevice): readonly string[] =>
  messages.find('sender:m').flatMap((mail) => mail.entry.flags);
const nameOf = ({ ownSettings }: OwnDevice): string => ownSettings.get().profileName;

/** What was told so far is gone: no provider keeps a note for 90 days. */
async function lose(...all: OwnDevice[]): Promise<Uint8Array[][]> {
  const told: Uint8Array[][] = [];
  for (const one of all) told.push([...(await one.told())]);
  return told;
}

/** 90 days of two devices: each day they say what they saw, meet and compact. */
async function live(one: OwnDevice, two: OwnDevice): Promise<void> {
  for (let day = 0; day < 90; day++) {
    nowMs += DAY_MS;
    await one.ownSettings.set({ profileName: `day ${day}` });
    await flag(two, day % 2 === 0 ? 'add' : 'remove', '\\Flagged');
    for (const each of [one, two]) await each.selfNotes.refresh();
    await meet(one, two);
  }
}

/** Hands over only what each tells from now on. */
async function meetAgain(before: Uint8Array[][], ...all: OwnDevice[]): Promise<void> {
  const had = before.map((told) => told.length);
  for (let isNew = true; isNew;) {
    isNew = false;
    for (const [at, from] of all.entries()) {
      const told = [...(await from.told())].slice(had[at] ?? 0);
      had[at] = (had[at] ?? 0) + told.length;
      isNew ||= told.length > 0;
      for (const note of told) for (const to of all) if (to !== from) await to.take(note);
    }
  }
}

describe('a device that is back after 90 days', () => {
  it(
    'gets a snapshot when it was linked and lay in a drawer, and power cuts do not matter',
    async () => {
      const one = await device();
      await arrive(one, 'm');
      await flag(one, 'add', '$Old', '\\Seen');
      const two = await device(await linkedDisk(one));
      await arrive(two, 'm');
      await meet(one, two);
      // Linked now, and not started before three months are over.
      const drawer = await linkedDisk(one);
      await flag(one, 'remove', '$Old');
      await live(one, two);
      expect(one.log.log.operations.size).toBeLessThan(40);
      const gone = await lose(one, two);
      const three = await device(drawer);
      await arrive(three, 'm');
      expect(flagsOf(three).toSorted()).toEqual(['$Old', '\\Seen']);
      await three.selfNotes.refresh();
      const asked = await three.told();
      for (const each of [one, two]) for (const note of asked) await each.take(note);
      const answers = (await lose(one, two)).map((told, at) => told.slice(gone[at]?.length));
      // One of the two answers, not both.
      const parts = answers.map((told) => told.filter((note) => note[2] === 3).length);
      expect(parts.map((each) => each > 0)).toEqual([true, false]);
      const before = new Map(drawer);
      for (let atWrite = 0; ; atWrite++) {
        const disk = new Map(before);
        let broken = 0;
        const cut = await device(disk, { atWrite, isApplied: atWrite % 2 === 0 }).catch(
          () => undefined,
        );
        for (const note of answers.flat()) await cut?.take(note).catch(() => broken++);
        const isWhole = cut !== undefined && broken === 0 && cut.writeCount() <= atWrite;
        const back = await device(disk);
        for (const note of answers.flat()) await back.take(note);
        expect([nameOf(back), flagsOf(back)]).toEqual([nameOf(one), flagsOf(one)]);
        if (isWhole) break;
      }
      await meetAgain(gone, one, two, three);
      const [dots] = [one, two, three].map((each) => [...each.log.log.heads.keys()].toSorted());
      for (const each of [two, three]) {
        expect([nameOf(each), flagsOf(each)]).toEqual([nameOf(one), flagsOf(one)]);
        expect([...each.log.log.heads.keys()].toSorted()).toEqual(dots);
      }
      // From now on it is one of them: what any says, all hear.
      await three.ownSettings.set({ profileName: 'from the drawer' });
      await meet(one, two, three);
      expect([one, two].map(nameOf)).toEqual(['from the drawer', 'from the drawer']);
    },
    TEST_MS,
  );

  it(
    'is told everything again when the others knew of it: nothing was dropped that it lacks',
    async () => {
      const one = await device();
      await arrive(one, 'm');
      const two = await device(await linkedDisk(one));
      const three = await device(await linkedDisk(one));
      for (const each of [two, three]) await arrive(each, 'm');
      await meet(one, two, three);
      await live(one, two);
      const gone = await lose(one, two, three);
      await three.selfNotes.refresh();
      await meetAgain(gone, one, two, three);
      nowMs += DAY_MS;
      await three.selfNotes.refresh();
      await meetAgain(gone, one, two, three);
      expect([nameOf(three), flagsOf(three)]).toEqual([nameOf(one), flagsOf(one)]);
    },
    TEST_MS,
  );

  it(
    'is told by the others what a removed device had written',
    async () => {
      const one = await device();
      const two = await device(await linkedDisk(one));
      const three = await device(await linkedDisk(one));
      await meet(one, two, three);
      await two.ownSettings.set({ profileName: 'of a lost phone' });
      await meet(one, two);
      await one.manager.remove(two.log.own.id);
      const gone = await lose(one, two, three);
      await three.selfNotes.refresh();
      await meetAgain([gone[0] ?? [], gone[2] ?? []], one, three);
      nowMs += DAY_MS;
      await three.selfNotes.refresh();
      await meetAgain([gone[0] ?? [], gone[2] ?? []], one, three);
      expect(nameOf(three)).toBe('of a lost phone');
      expect(three.log.view().removed.has(two.log.own.id)).toBe(true);
    },
    TEST_MS,
  );
});
