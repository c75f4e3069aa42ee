/**
 * Large mails from client to client over real providers: byte for byte, also when a provider goes
 * away in the middle, when the sender is killed in the middle, and when a provider gives garbage.
 */
import { afterEach, describe, expect, it } from '@jest/globals';
import { MAX_MESSAGE_SIZE } from '@tanglemail/mail/core/limits.ts';
import { parseMessage } from '@tanglemail/mail/io/parse.ts';
import { ObjectDesk } from '../../apps/storage-provider/src/mailboxes/object-desk.ts';
import type { ClientEventDto } from '../../apps/client/src/api/dto.ts';
import { readRegisteredFile } from '../../apps/client/src/service/registered-file.ts';
import { fileOf, mailOf, ParcelWorld, until } from './parcel-world.ts';
import { PartGate } from './part-gate.ts';

const MIB = 1_048_576;
const AT_ONCE = { undoSeconds: 0 };
let world: ParcelWorld;

afterEach(async () => {
  await world.close();
});

async function bobsAddress(): Promise<{ address: string; email: string }> {
  return world.bob.client.service.address();
}

async function send(size: number): Promise<Uint8Array> {
  const { address, email } = await bobsAddress();
  const raw = mailOf(size, email);
  await world.alice.client.service.sendRawMessage(raw, [address], AT_ONCE);
  return raw;
}

/** Sends a file as a user does; what stands in Sent. */
async function attach(file: Buffer): Promise<Uint8Array> {
  const { service } = world.alice.client;
  const attachments = [{ filename: 'file.bin', contentBase64: file.toString('base64') }];
  const { address } = await bobsAddress();
  const text = 'Here it is.';
  const mail = { to: [address], subject: 'A large file', text, attachments, ...AT_ONCE };
  await service.sendMessage(mail);
  const [sent] = await service.messages({ folder: 'Sent', limit: 1 });
  return service.rawMessage(sent?.id ?? '');
}

async function attachedTo(raw: Uint8Array): Promise<Uint8Array> {
  const { attachments } = await parseMessage(raw);
  expect(attachments).toHaveLength(1);
  return attachments[0]?.content ?? new Uint8Array(0);
}

/** The one mail in the inbox, once it is there. */
async function delivered(bob = world.bob, timeoutMs = 120_000): Promise<Uint8Array> {
  let id: string | undefined;
  await until(
    'the mail',
    async () => {
      await bob.client.service.sync();
      for (const one of (await bob.client.services.parcels?.incoming()) ?? []) {
        if (one.state === 'waiting') await bob.client.services.parcels?.fetch(one.id);
      }
      const page = { folder: 'INBOX', limit: 9 };
      const inbox = await bob.client.service.messages(page);
      expect(inbox.length).toBeLessThanOrEqual(1);
      id = inbox[0]?.id;
      return id !== undefined;
    },
    timeoutMs,
  );
  return bob.client.service.rawMessage(id ?? '');
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.from(a.buffer, a.byteOffset, a.length).equals(b);
}

describe('a large mail', () => {
  it('with a file of 25 MiB arrives byte for byte, with a preview and progress', async () => {
    world = await ParcelWorld.create(2);
    const { alice, bob } = world;
    const percents: number[] = [];
    const events: ClientEventDto[] = [];
    alice.client.service.subscribe((event) => {
      if (event.topic === 'upload') percents.push(event.data.percent);
    });
    bob.client.service.subscribe((event) => events.push(event));
    const file = fileOf(25 * MIB);
    const raw = await attach(file);
    await until('the letter', async () => {
      await bob.client.service.sync();
      return ((await bob.client.services.parcels?.incoming()) ?? []).length === 1;
    });
    const [waiting] = (await bob.client.services.parcels?.incoming()) ?? [];
    expect(waiting).toMatchObject({
      state: 'waiting',
      sizeBytes: raw.length,
      percent: 0,
      preview: { subject: 'A large file', text: 'Here it is.' },
    });
    expect(Number(waiting?.cost)).toBeGreaterThan(1_000);
    expect(await bob.client.service.messages({ folder: 'INBOX', limit: 9 })).toEqual([]);
    const got = await delivered();
    expect(same(got, raw)).toBe(true);
    expect(same(await attachedTo(got), file)).toBe(true);
    expect(await bob.client.services.parcels?.incoming()).toEqual([]);
    expect(events.some(({ topic }) => topic === 'incoming')).toBe(true);
    expect(new Set(percents).size).toBeGreaterThan(20);
    await until(
      'both copies',
      async () => (await alice.client.services.parcels?.uploads())?.length === 0,
    );
  }, 240_000);

  it('with a file of 25 MB goes on where it stopped after kills at both ends', async () => {
    world = await ParcelWorld.create(1);
    const { alice, bob } = world;
    const sent = Promise.withResolvers<number>();
    const stopUploads = alice.client.service.subscribe((event) => {
      if (event.topic !== 'upload' || event.data.percent < 40) return;
      stopUploads();
      sent.resolve(event.data.bytesDone);
    });
    const file = fileOf(25_000_000);
    const raw = await attach(file);
    const sentBefore = await sent.promise;
    await alice.stop();
    await alice.start();
    const [upload] = (await alice.client.services.parcels?.uploads()) ?? [];
    expect(upload?.bytesDone).toBeGreaterThanOrEqual(sentBefore);
    const fetched = Promise.withResolvers<number>();
    const stopFetches = bob.client.service.subscribe((event) => {
      if (event.topic !== 'incoming' || event.data.percent < 40) return;
      stopFetches();
      fetched.resolve(event.data.percent);
    });
    const first = delivered().catch(() => undefined);
    const fetchedBefore = await fetched.promise;
    await bob.stop();
    await first;
    await bob.start();
    const [parcel] = (await bob.client.services.parcels?.incoming()) ?? [];
    expect(parcel?.percent).toBeGreaterThanOrEqual(fetchedBefore);
    const got = await delivered();
    expect(same(got, raw)).toBe(true);
    expect(same(await attachedTo(got), file)).toBe(true);
  }, 240_000);

  it('comes by itself when it is small, and what stood twice in it is sent once', async () => {
    world = await ParcelWorld.create(1);
    const { alice } = world;
    const { address } = await bobsAddress();
    const contentBase64 = Buffer.from(mailOf(MIB, 'x')).toString('base64');
    const attachments = ['a.bin', 'b.bin'].map((filename) => ({ filename, contentBase64 }));
    let total = 0;
    alice.client.service.subscribe((event) => {
      if (event.topic === 'upload') total = event.data.bytesTotal;
    });
    const subject = 'Twice';
    await alice.client.service.sendMessage({
      to: [address],
      subject,
      text: 'Hi',
      attachments,
      ...AT_ONCE,
    });
    const got = await delivered();
    const [sent] = await alice.client.service.messages({ folder: 'Sent', limit: 1 });
    expect(same(got, await alice.client.service.rawMessage(sent?.id ?? ''))).toBe(true);
    expect(got.length).toBeGreaterThan(2.6 * MIB);
    expect(total).toBeLessThan(1.6 * MIB);
  }, 120_000);

  it('that is registered has a proof, which with its bytes convinces anybody', async () => {
    world = await ParcelWorld.create(1);
    const { alice, bob } = world;
    const { address, email } = await bobsAddress();
    const raw = mailOf(MIB, email);
    await alice.client.service.sendRawMessage(raw, [address], { ...AT_ONCE, registered: true });
    const got = await delivered();
    const [mail] = await bob.client.service.messages({ folder: 'INBOX', limit: 9 });
    const proof = await bob.client.services.outbox?.registered(mail?.id ?? '');
    expect(proof).toMatchObject({ isLarge: true, recipient: address });
    const file = Buffer.from(JSON.stringify(proof?.file));
    expect(file.length).toBeLessThan(8_192);
    const sender = (await alice.client.service.address()).address;
    expect(readRegisteredFile(file, got)).toMatchObject({ sender, recipient: address });
    expect(() => readRegisteredFile(file)).toThrow('--message');
    const other = got.with(got.length >> 1, (got[got.length >> 1] ?? 0) ^ 1);
    expect(() => readRegisteredFile(file, other)).toThrow('another message');
    expect(() => readRegisteredFile(file, got.subarray(1))).toThrow('another message');
  }, 120_000);

  it('is fetched elsewhere when a provider gives garbage for a part', async () => {
    world = await ParcelWorld.create(2);
    const honest: ObjectDesk['fetch'] = Reflect.get(ObjectDesk.prototype, 'fetch');
    let lies = 0;
    ObjectDesk.prototype.fetch = async function garbled(...request) {
      const found = await honest.apply(this, request);
      if (found.size < 65_536 || lies === 3) return found;
      lies += 1;
      return { ...found, bytes: found.bytes.with(lies, (found.bytes[lies] ?? 0) ^ 1) };
    };
    try {
      const raw = await send(4 * MIB);
      expect(same(await delivered(), raw)).toBe(true);
      expect(lies).toBe(3);
    } finally {
      ObjectDesk.prototype.fetch = honest;
    }
  }, 120_000);

  it('is refused early: too large, or to somebody who has a node and rents nothing', async () => {
    world = await ParcelWorld.create(1);
    const { alice, bob } = world;
    const { service } = alice.client;
    const own = await service.address();
    const address = (await bobsAddress()).address;
    await expect(
      service.sendRawMessage(mailOf(MAX_MESSAGE_SIZE + 1, 'x'), [address]),
    ).rejects.toMatchObject({ code: 'message-too-large' });
    const raw = mailOf(MIB, own.email);
    const queued = await bob.client.service.sendRawMessage(raw, [own.address], AT_ONCE);
    const id = queued.recipients[0]?.outboxId ?? '';
    await until('the refusal', async () => {
      return (await bob.client.service.outboxItem(id)).state === 'failed';
    });
    const item = await bob.client.service.outboxItem(id);
    const detail = 'the recipient rents no storage, and so receives no large mails';
    expect(item.error).toMatchObject({ code: 'parcel-no-provider', detail });
    // What a letter holds reaches her by her node, and that is what the error advises.
    await bob.client.service.sendRawMessage(mailOf(20_000, own.email), [own.address], AT_ONCE);
    await until('the letter', async () => {
      const lists = ['INBOX', 'Requests'].map((folder) => service.messages({ folder, limit: 9 }));
      return (await Promise.all(lists)).flat().length === 1;
    });
    const [quote] = (await alice.client.services.parcels?.quote({
      to: [address],
      sizeBytes: 8 * MIB,
    })) ?? [{}];
    expect(quote).toMatchObject({ isLetter: false, partCount: 9, providers: 1 });
    const [refused] = (await bob.client.services.parcels?.quote({
      to: [own.address],
      sizeBytes: 8 * MIB,
    })) ?? [{}];
    expect(refused).toMatchObject({ code: 'parcel-no-provider' });
  }, 120_000);

  it('with blind copies reaches each by parts of its own, also when its mail is done', async () => {
    world = await ParcelWorld.create(2);
    await world.meetCarol();
    const { alice, bob, carol } = world;
    const [bobs, carols] = await Promise.all([
      bob.client.service.address(),
      carol.client.service.address(),
    ]);
    const plain = mailOf(MIB, bobs.email);
    const blind = Buffer.concat([Buffer.from(`Bcc: ${carols.email}\r\n`), plain]);
    const gate = new PartGate();
    try {
      await alice.client.service.sendRawMessage(
        new Uint8Array(blind),
        [bobs.address, carols.address],
        { ...AT_ONCE, wantsReceipt: false },
      );
      await until('both letters at both providers', async () => {
        const items = await alice.client.service.outbox({ limit: 9 });
        expect(items.map(({ role }) => role)).toEqual(['bcc', 'to']);
        return items.every(({ receipts }) => receipts.length === 2);
      });
      // The mails are done, and their parts are at one provider only.
      expect(await alice.client.services.parcels?.uploads()).toHaveLength(2);
      await alice.stop();
      gate.open();
      await alice.start();
      await until('the other copies', async () => {
        return (await alice.client.services.parcels?.uploads())?.length === 0;
      });
      // Two parts for Bob and two others for Carol.
      expect(gate.counts).toEqual([4, 4]);
    } finally {
      gate.remove();
    }
    expect(same(await delivered(bob), plain)).toBe(true);
    expect(same(await delivered(carol), plain)).toBe(true);
    const [sent] = await alice.client.service.messages({ folder: 'Sent', limit: 1 });
    expect(same(await alice.client.service.rawMessage(sent?.id ?? ''), blind)).toBe(true);
  }, 120_000);

  it('survives a provider that restarts in the middle', async () => {
    world = await ParcelWorld.create(1);
    const [provider] = world.providers;
    let isDone = false;
    const restart = Promise.withResolvers<void>();
    world.alice.client.service.subscribe((event) => {
      if (event.topic !== 'upload' || isDone || event.data.percent < 30) return;
      isDone = true;
      void (async () => {
        await provider?.stop();
        await provider?.start();
        restart.resolve();
      })();
    });
    const raw = await send(8 * MIB);
    await restart.promise;
    expect(same(await delivered(), raw)).toBe(true);
  }, 120_000);
});
