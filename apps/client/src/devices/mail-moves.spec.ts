/**
 * Moves, deletions, flags and folders that two and three devices change at the same time: all show
 * the same in the end, and no mail is lost.
 */
import { afterEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type FolderId, FOLDER, readFolderName } from '../messages/folder-name.ts';
import type { Disk } from '../testing/memory-store.ts';
import { linkedDisk, meet, openOwnDevice, type OwnDevice } from '../testing/own-devices.ts';
import { NOW_MS } from '../testing/people.ts';

const DAY_MS = 86_400_000;
/** Some hundred whole stores are opened, on a machine that others use, too. */
const TEST_MS = 180_000;
const open: OwnDevice[] = [];
let nowMs = NOW_MS;

afterEach(async () => {
  for (const one of open.splice(0)) await one.manager.stop();
  nowMs = NOW_MS;
});

async function device(disk: Disk = new Map()): Promise<OwnDevice> {
  const one = await openOwnDevice({ disk, nowMs: () => nowMs });
  open.push(one);
  return one;
}

async function devices(count: number): Promise<OwnDevice[]> {
  const first = await device();
  const all = [first];
  while (all.length < count) {
    all.push(await device(await linkedDisk(first)));
    await meet(...all);
  }
  return all;
}

/** The same mail reaches every device by itself. */
async function arrive(all: readonly OwnDevice[], name: string): Promise<void> {
  for (const one of all) {
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
  }
}

const idsOf = ({ messages }: OwnDevice, name: string): string[] =>
  messages.find(`sender:${name}`).map((one) => one.id);

async function move(one: OwnDevice, name: string, to: FolderId): Promise<void> {
  await one.change((batch) => one.messages.move(batch, idsOf(one, name), to).apply);
}

async function expunge(one: OwnDevice, name: string): Promise<void> {
  await one.change((batch) => one.messages.expunge(batch, idsOf(one, name)).apply);
}

async function flag(one: OwnDevice, name: string, change: 'add' | 'remove'): Promise<void> {
  await one.change((batch) => one.messages.flagAll(batch, idsOf(one, name), change, ['\\Flagged']));
}

async function create(one: OwnDevice, name: string, id?: FolderId): Promise<void> {
  const newId = (): FolderId => id ?? (crypto.randomUUID().replaceAll('-', '') as FolderId);
  await one.change((batch) => one.messages.createFolder(batch, readFolderName(name), newId).apply);
}

async function rename(one: OwnDevice, id: FolderId, name: string): Promise<void> {
  await one.change((batch) => one.messages.renameFolder(batch, id, readFolderName(name)));
}

async function drop(one: OwnDevice, id: FolderId): Promise<void> {
  await one.change((batch) => one.messages.deleteFolder(batch, id));
}

const folderId = (digit: string): FolderId => digit.repeat(32) as FolderId;
const [F, G] = [folderId('1'), folderId('2')];

/** Every folder with its name, and every mail with its folders and flags. */
function shown({ messages }: OwnDevice) {
  const folders = messages.folders().map(({ id, name }) => `${id} ${name}`);
  const mails = [...messages.all()].map(
    ({ folderId: id, entry }) => `${entry.subject} in ${id}: ${entry.flags.toSorted().join(' ')}`,
  );
  return { folders, mails: mails.toSorted() };
}

async function converge(...all: OwnDevice[]): Promise<void> {
  await meet(...all);
  for (const one of all.slice(1)) expect(shown(one)).toEqual(shown(all[0] as OwnDevice));
}

describe('at the same time', () => {
  it('one deletes a mail for good while the other moves it: it is back on both', async () => {
    const [one, two, three] = (await devices(3)) as [OwnDevice, OwnDevice, OwnDevice];
    await create(two, 'Keep', F);
    await converge(one, two, three);
    await arrive([one, two, three], 'm');
    await flag(one, 'm', 'add');
    await converge(one, two, three);
    await expunge(one, 'm');
    // The third one hears of the deletion first.
    await meet(one, three);
    expect(shown(three).mails).toEqual([]);
    await move(two, 'm', F);
    await converge(one, two, three);
    expect(shown(one).mails).toEqual([`m in ${F}: \\Flagged`]);
    expect(one.messages.raw(idsOf(one, 'm')[0] ?? '')).toEqual(
      two.messages.raw(idsOf(two, 'm')[0] ?? ''),
    );
    // Deleted once more, by whoever, it is gone on all.
    await expunge(three, 'm');
    await converge(one, two, three);
    expect(shown(one).mails).toEqual([]);
  });

  it('what all know to be deleted is kept nowhere', async () => {
    const [one, two] = (await devices(2)) as [OwnDevice, OwnDevice];
    await arrive([one, two], 'm');
    await expunge(one, 'm');
    const keptOn = ({ disk }: OwnDevice): number =>
      [...disk.keys()].filter((key) => Buffer.from(key, 'hex').includes('rescue/')).length;
    await meet(one, two);
    expect([keptOn(one), keptOn(two)]).toEqual([2, 2]);
    for (let day = 0; day < 3; day++) {
      nowMs += DAY_MS;
      for (const each of [one, two]) await each.manager.keep(nowMs / 1_000);
      await meet(one, two);
    }
    expect([keptOn(one), keptOn(two)]).toEqual([0, 0]);
  });

  it('one renames a folder while the other files mail in it', async () => {
    const [one, two] = (await devices(2)) as [OwnDevice, OwnDevice];
    await create(one, 'Work', F);
    await converge(one, two);
    await arrive([one, two], 'm');
    await rename(one, F, 'Office');
    await move(two, 'm', F);
    await converge(one, two);
    expect(shown(two).mails).toEqual([`m in ${F}: `]);
    expect(two.messages.findFolder(F)?.name).toBe('Office');
  });

  it('one makes a folder and files mail in it within one breath', async () => {
    const [one, two] = (await devices(2)) as [OwnDevice, OwnDevice];
    await arrive([one, two], 'm');
    await create(one, 'New', F);
    await move(one, 'm', F);
    await converge(one, two);
    expect(shown(two).mails).toEqual([`m in ${F}: `]);
  });

  it('one deletes a folder while the other files mail in it: it lies in Trash on both', async () => {
    const [one, two] = (await devices(2)) as [OwnDevice, OwnDevice];
    await create(one, 'Work', F);
    await converge(one, two);
    await arrive([one, two], 'm');
    await drop(one, F);
    await move(two, 'm', F);
    await converge(one, two);
    expect(shown(one).mails).toEqual(['m in Trash: ']);
  });

  it('both make a folder of the same name', async () => {
    const [one, two] = (await devices(2)) as [OwnDevice, OwnDevice];
    await create(one, 'Work', G);
    await create(two, 'Work', F);
    await converge(one, two);
    expect(one.messages.findFolder(F)?.name).toBe('Work');
    expect(one.messages.findFolder(G)?.name).toBe('Work (22222222)');
  });

  it('one renames the folder in which the other makes one', async () => {
    const [one, two] = (await devices(2)) as [OwnDevice, OwnDevice];
    await create(one, 'Work', F);
    await converge(one, two);
    await rename(one, F, 'Office');
    await create(two, 'Work/Bills', G);
    await arrive([one, two], 'm');
    await move(two, 'm', G);
    await converge(one, two);
    expect(one.messages.findFolder(G)?.name).toBe('Work/Bills');
    expect(shown(one).mails).toEqual([`m in ${G}: `]);
  });

  it('one deletes the folder in which the other makes one and files mail', async () => {
    const [one, two] = (await devices(2)) as [OwnDevice, OwnDevice];
    await create(one, 'Work', F);
    await converge(one, two);
    await drop(one, F);
    await create(two, 'Work/Bills', G);
    await arrive([one, two], 'm');
    await move(two, 'm', G);
    await converge(one, two);
    expect(shown(one).mails).toEqual([`m in ${G}: `]);
  });
});

const ACTIONS = ['move', 'expunge', 'flag', 'unflag', 'create', 'rename', 'drop', 'hear'] as const;
const action = fc.record({
  by: fc.nat(2),
  what: fc.constantFrom(...ACTIONS),
  mail: fc.nat(2),
  folder: fc.nat(3),
  name: fc.constantFrom('a', 'b', 'a/x', 'b/x', 'a/x/y'),
});
type Action = typeof action extends fc.Arbitrary<infer T> ? T : never;

async function act(all: readonly OwnDevice[], { by, what, mail, folder, name }: Action) {
  const one = all[by] as OwnDevice;
  const own = one.messages.folders().filter((each) => !each.isStandard);
  const id = own.map((each) => each.id).toSorted()[folder];
  if (what === 'move') await move(one, `m${mail}`, id ?? FOLDER.Archive);
  if (what === 'expunge') await expunge(one, `m${mail}`);
  if (what === 'flag') await flag(one, `m${mail}`, 'add');
  if (what === 'unflag') await flag(one, `m${mail}`, 'remove');
  // What a device refuses by itself (a name that is taken) is no change of the log either.
  if (what === 'create') await create(one, name).catch(() => {});
  if (what === 'rename' && id !== undefined) await rename(one, id, name).catch(() => {});
  if (what === 'drop' && id !== undefined) await drop(one, id);
  if (what !== 'hear') return;
  for (const from of all) for (const note of await from.told()) await one.take(note);
}

describe('three devices that do as they like', () => {
  it(
    'show the same in the end, and only what was deleted is gone',
    async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(action, { minLength: 3, maxLength: 20 }), async (actions) => {
          const all = await devices(3);
          for (const name of ['m0', 'm1', 'm2']) await arrive(all, name);
          for (const one of actions) await act(all, one);
          await converge(...all);
          const again = await device((all[0] as OwnDevice).disk);
          expect(shown(again)).toEqual(shown(all[0] as OwnDevice));
          const deleted = new Set(
            actions.filter((one) => one.what === 'expunge').map((one) => `m${one.mail}`),
          );
          const kept = ['m0', 'm1', 'm2'].filter((name) => !deleted.has(name));
          expect(kept.filter((name) => idsOf(again, name).length === 0)).toEqual([]);
          for (const one of open.splice(0)) await one.manager.stop();
        }),
        { numRuns: 6 },
      );
    },
    TEST_MS,
  );
});
