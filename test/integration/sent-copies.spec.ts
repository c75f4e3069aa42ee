/**
 * What one device sends lies in Sent of the others, however large: whole clients over real
 * providers. Spec: docs/spec/26-self-log.md, "Values"; docs/spec/42-delivery.md, section 28.
 */
import { afterEach, describe, expect, it } from '@jest/globals';
import { ObjectDesk } from '../../apps/storage-provider/src/mailboxes/object-desk.ts';
import type { MessageSummaryDto } from '../../apps/client/src/api/dto.ts';
import type { Device } from '../life/device.ts';
import { fileOf, mailOf, ParcelWorld, until as lookUntil } from './parcel-world.ts';

const MIB = 1_048_576;
const LIMIT_MS = 600_000;
const AT_ONCE = { undoSeconds: 0, wantsReceipt: false };
const [ALICE, BOB] = [0, 1];
let world: ParcelWorld;

/** A look is a synchronisation here, which costs time and money. */
const until = (what: string, isSo: () => Promise<boolean>): Promise<void> =>
  lookUntil(what, isSo, 240_000, 250);

afterEach(async () => {
  await world.close();
});

async function listOf({ client }: Device, folder: string): Promise<readonly MessageSummaryDto[]> {
  return client.service.messages({ folder, limit: 9 });
}

/** The one mail of a folder, fetched by demand when it does not come by itself. */
async function mailIn(device: Device, folder: string): Promise<Buffer> {
  const { client, services } = device;
  await until(`the mail in ${folder}`, async () => {
    await client.service.sync();
    for (const { id, state } of await services.parcels.incoming()) {
      if (state === 'waiting') await services.parcels.fetch(id).catch(() => undefined);
    }
    return (await listOf(device, folder)).length > 0;
  });
  const mails = await listOf(device, folder);
  expect(mails).toHaveLength(1);
  return Buffer.from(await client.service.rawMessage(mails[0]?.id ?? ''));
}

async function know(...devices: Device[]): Promise<void> {
  await until('the devices to know each other', async () => {
    const counts = await Promise.all(
      devices.map(async ({ client, services }) => {
        await client.service.sync();
        return (await services.devices.list()).length;
      }),
    );
    return counts.every((one) => one === devices.length);
  });
}

/** Bob's second device, with both of them on. */
async function withPhone(): Promise<Device> {
  await world.bob.stop();
  const phone = await world.link(world.bob, BOB);
  await world.bob.start();
  await phone.start();
  await know(world.bob, phone);
  return phone;
}

/** Bob may write large mails to Carol. */
async function befriendCarol(): Promise<string> {
  const { bob, carol } = world;
  await world.meetCarol();
  const { link } = await carol.client.service.createInvite({});
  const { address } = await bob.client.service.addContact({ link, name: 'Carol' });
  return address;
}

/** What providers give back for parts that are given up, from now until `end`. */
function watchRefunds(): { readonly refunds: bigint[]; readonly end: () => void } {
  const honest: ObjectDesk['release'] = Reflect.get(ObjectDesk.prototype, 'release');
  const refunds: bigint[] = [];
  ObjectDesk.prototype.release = async function watched(...request) {
    const released = await honest.apply(this, request);
    refunds.push(released.refund);
    return released;
  };
  const end = (): void => {
    ObjectDesk.prototype.release = honest;
  };
  return { refunds, end };
}

describe('a copy of a large mail', () => {
  it(
    'lies in Sent of the other device, of one that is linked later, and goes when it is deleted',
    async () => {
      world = await ParcelWorld.create(2);
      const to = await befriendCarol();
      const phone = await withPhone();
      const { bob, carol } = world;
      const file = fileOf(5 * MIB);
      const attachments = [{ filename: 'file.bin', contentBase64: file.toString('base64') }];
      const mail = { to: [to], subject: 'A large file', text: 'Here.', attachments, ...AT_ONCE };
      const [quote, copy] = await bob.services.parcels.quote({
        to: [to],
        sizeBytes: Math.ceil((5 * MIB * 78) / 57),
      });
      expect(quote).toMatchObject({ isLetter: false, providers: 2 });
      expect(quote).not.toHaveProperty('isCopy');
      expect(copy).toMatchObject({ isCopy: true, providers: 2 });
      expect(Number(copy?.recipientCost)).toBeGreaterThan(1_000);
      await bob.client.service.sendMessage(mail);
      const [sent] = await listOf(bob, 'Sent');
      const raw = Buffer.from(await bob.client.service.rawMessage(sent?.id ?? ''));
      expect((await mailIn(carol, 'INBOX')).equals(raw)).toBe(true);
      await until('the copy’s turn', async () => {
        await phone.client.service.sync();
        const [coming] = await phone.services.parcels.incoming();
        return coming?.isCopy === true && coming.preview.subject === 'A large file';
      });
      await until('the uploads', async () => (await bob.services.parcels.uploads()).length === 0);
      // Nobody is needed for it but the providers.
      await bob.stop();
      expect((await mailIn(phone, 'Sent')).equals(raw)).toBe(true);
      const [there] = await listOf(phone, 'Sent');
      expect(there).toMatchObject({ subject: 'A large file', hasAttachments: true });
      const attachment = await phone.client.service.attachment(there?.id ?? '', 0);
      expect(Buffer.from(attachment.content).equals(file)).toBe(true);
      expect(await listOf(phone, 'INBOX')).toEqual([]);
      await phone.stop();
      const later = await world.link(phone, BOB);
      await later.start();
      expect((await mailIn(later, 'Sent')).equals(raw)).toBe(true);
      const [last] = await listOf(later, 'Sent');
      const { refunds, end } = watchRefunds();
      try {
        await later.services.mailbox.delete([last?.id ?? ''], true);
        const released = 2 * (copy?.partCount ?? 0);
        await until('what was paid ahead', async () => refunds.length >= released);
        expect(refunds.every((one) => one > 0n)).toBe(true);
      } finally {
        end();
      }
      await phone.start();
      await until('the deletion', async () => {
        await phone.client.service.sync();
        return (await listOf(phone, 'Sent')).length === 0;
      });
      expect(await phone.services.parcels.incoming()).toEqual([]);
    },
    LIMIT_MS,
  );

  it(
    'to oneself is in INBOX and Sent of both devices, once, whatever its size',
    async () => {
      world = await ParcelWorld.create(1);
      const { bob } = world;
      const { address, email } = await bob.client.service.address();
      const phone = await withPhone();
      for (const size of [20_000, 5 * MIB]) {
        const raw = Buffer.from(mailOf(size, email));
        await bob.client.service.sendRawMessage(new Uint8Array(raw), [address], AT_ONCE);
        for (const device of [bob, phone]) {
          for (const folder of ['INBOX', 'Sent']) {
            expect((await mailIn(device, folder)).equals(raw)).toBe(true);
          }
        }
        for (const folder of ['INBOX', 'Sent']) {
          const [mail] = await listOf(bob, folder);
          await bob.services.mailbox.delete([mail?.id ?? ''], true);
        }
        await until('both to be empty', async () => {
          await phone.client.service.sync();
          const lists = await Promise.all(['INBOX', 'Sent'].map((one) => listOf(phone, one)));
          return lists.flat().length === 0;
        });
      }
      expect(await phone.services.parcels.elsewhere()).toEqual([]);
    },
    LIMIT_MS,
  );

  it(
    'to oneself comes back to the only device, without being paid for twice',
    async () => {
      world = await ParcelWorld.create(1);
      const { bob } = world;
      const { address, email } = await bob.client.service.address();
      const raw = Buffer.from(mailOf(MIB, email));
      await bob.client.service.sendRawMessage(new Uint8Array(raw), [address], AT_ONCE);
      expect((await mailIn(bob, 'INBOX')).equals(raw)).toBe(true);
      expect((await mailIn(bob, 'Sent')).equals(raw)).toBe(true);
    },
    LIMIT_MS,
  );

  it(
    'of somebody without a provider is said to lie on its device alone',
    async () => {
      world = await ParcelWorld.create(1);
      const { alice, bob } = world;
      await alice.stop();
      const tablet = await world.link(alice, ALICE, true);
      await alice.start();
      await tablet.start();
      await know(alice, tablet);
      const { address } = await bob.client.service.address();
      await alice.client.service.sendMessage({
        to: [address],
        subject: 'Twenty thousand',
        text: 'long '.repeat(4_000),
        ...AT_ONCE,
      });
      await until('the note', async () => (await tablet.services.parcels.elsewhere()).length > 0);
      const [away] = await tablet.services.parcels.elsewhere();
      expect(away).toMatchObject({ folder: 'Sent', subject: 'Twenty thousand' });
      expect(away?.sizeBytes).toBeGreaterThan(20_000);
      expect(away?.device.name).not.toBe('');
      expect(await listOf(tablet, 'Sent')).toEqual([]);
      expect(await alice.services.parcels.elsewhere()).toEqual([]);
      const { id } = await tablet.services.mailbox.saveDraft({
        to: [],
        cc: [],
        bcc: [],
        subject: 'A large draft',
        text: 'long '.repeat(4_000),
        attachments: [],
      });
      await until('the draft', async () => (await alice.services.parcels.elsewhere()).length > 0);
      const [draft] = await alice.services.parcels.elsewhere();
      expect(draft).toMatchObject({ folder: 'Drafts', subject: 'A large draft' });
      await tablet.services.mailbox.deleteDraft(id);
      await until('its end', async () => (await alice.services.parcels.elsewhere()).length === 0);
    },
    LIMIT_MS,
  );
});
