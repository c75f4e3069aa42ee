/**
 * Two devices of one account, whole clients with a mailbox at a real provider, that change the same
 * mails and folders before they have heard of each other: both show the same in the end, and no
 * mail is lost. Spec: docs/spec/26-self-log.md.
 */
import { describe, expect, it } from '@jest/globals';
import { SYSTEM_FOLDER } from '../../apps/client/src/notices/notice-keeper.ts';
import { Device } from '../life/device.ts';
import { seedOf } from '../life/people.ts';
import { SeededRandom } from '../sim/random.ts';
import { linkDisk } from './link-disk.ts';
import { MailWorld } from './mail-world.ts';

const LIMIT_MS = 300_000;
const BOB = 1;

function mailboxOf({ client }: Device) {
  const { mailbox } = client.services;
  if (mailbox === undefined) throw new Error('every client has a mailbox');
  return mailbox;
}

/** Every mail that came, with its folder and flags, and the names of the folders. */
async function shown(device: Device): Promise<{ folders: string[]; mails: string[] }> {
  const { service } = device.client;
  // Notices are told by each device for itself.
  const names = (await service.folders()).map((one) => one.name);
  const folders = names.filter((name) => name !== SYSTEM_FOLDER);
  const mails: string[] = [];
  // What was sent before the link stays on the device that sent it.
  for (const folder of folders.filter((name) => name !== 'Sent')) {
    for (const { subject, flags } of await service.messages({ folder, limit: 100 })) {
      mails.push(`${subject} in ${folder} ${[...flags].toSorted().join(' ')}`.trim());
    }
  }
  return { folders, mails: mails.toSorted() };
}

async function idOf(device: Device, subject: string): Promise<string> {
  const { service } = device.client;
  for (const { name } of await service.folders()) {
    const found = (await service.messages({ folder: name, limit: 100 })).find(
      (one) => one.subject === subject,
    );
    if (found !== undefined) return found.id;
  }
  throw new Error(`no mail ${subject}`);
}

async function deviceCount({ client }: Device): Promise<number> {
  return (await client.services.devices?.list())?.length ?? 0;
}

describe('two devices over a real provider', () => {
  const play = async (
    world: MailWorld,
    wanted: readonly string[],
    goesWrong: (phone: Device) => Promise<void> = async () => {},
  ): Promise<unknown[]> => {
    const { bob } = world;
    await world.during(bob.stop());
    const own = { seed: seedOf(BOB), runsNode: false, random: new SeededRandom(77) };
    const phone = new Device(own, world.tangle, world.time);
    await world.during(linkDisk(bob.disk, phone.disk, own.seed));
    try {
      await world.during(bob.start());
      await world.during(phone.start());
      const both = [bob, phone];
      const hasBoth = async (): Promise<boolean> =>
        (await deviceCount(bob)) === 2 && (await deviceCount(phone)) === 2;
      await world.until('both to know each other', hasBoth);
      await goesWrong(phone);
      const work = await world.during(mailboxOf(bob).createFolder('Work'));
      const subjects = ['deleted and moved', 'filed', 'flagged', 'thrown away'];
      for (const subject of subjects) await world.write(subject);
      const isThere = async (): Promise<boolean> => {
        const all = await Promise.all(both.map((one) => shown(one)));
        const hasAll = all.map(({ mails }) =>
          subjects.every((subject) => mails.some((one) => one.startsWith(subject))),
        );
        return hasAll.every(Boolean) && all.every(({ folders }) => folders.includes('Work'));
      };
      await world.until('mails and folder on both', isThere);
      // At one time, before either has heard of the other.
      const changes = [
        mailboxOf(bob).delete([await idOf(bob, 'deleted and moved')], true),
        mailboxOf(phone).move([await idOf(phone, 'deleted and moved')], 'Archive'),
        mailboxOf(bob).renameFolder(work.id, 'Office'),
        mailboxOf(phone).move([await idOf(phone, 'filed')], 'Work'),
        mailboxOf(bob).flag({
          ids: [await idOf(bob, 'flagged')],
          change: 'add',
          flags: ['\\Flagged'],
        }),
        mailboxOf(phone).flag({
          ids: [await idOf(phone, 'flagged')],
          change: 'add',
          flags: ['\\Seen'],
        }),
        mailboxOf(bob).delete([await idOf(bob, 'thrown away')], false),
      ];
      await world.during(Promise.all(changes));
      const isSame = async (): Promise<boolean> => {
        const [one, two] = await Promise.all(both.map((each) => shown(each)));
        const isDone = wanted.every((line) => one?.mails.includes(line));
        return isDone && JSON.stringify(one) === JSON.stringify(two);
      };
      await world.until('both to show the same', isSame, 2 * 3_600_000);
      return await Promise.all(both.map((each) => shown(each)));
    } finally {
      await world.during(phone.stop());
    }
  };

  const wanted = [
    'deleted and moved in Archive',
    'filed in Office',
    'flagged in INBOX \\Flagged \\Seen',
    'thrown away in Trash',
  ];

  it(
    'agree on mails and folders that both change at one time',
    async () => {
      const world = await MailWorld.create(1);
      try {
        const [one, two] = await play(world, wanted);
        expect(two).toEqual(one);
        expect(one).toMatchObject({ mails: expect.arrayContaining(wanted) });
      } finally {
        await world.close();
      }
    },
    LIMIT_MS,
  );

  it(
    'hear each other again after the provider has lost its disk while one was off',
    async () => {
      const world = await MailWorld.create(1);
      const [provider] = world.providers;
      try {
        const [one, two] = await play(world, wanted, async (phone) => {
          await world.during(phone.stop());
          await world.during(provider!.loseDisk());
          await world.bobSyncs();
          await world.during(phone.start());
        });
        expect(two).toEqual(one);
        expect(one).toMatchObject({ mails: expect.arrayContaining(wanted) });
      } finally {
        await world.close();
      }
    },
    LIMIT_MS,
  );
});
