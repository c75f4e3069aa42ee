/**
 * Power cuts at every write of a large mail's way, on both sides, over a real provider: nothing
 * that was taken is lost, doubled or paid twice, and nothing is left behind on the disk.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import { SILENT_LOGGER } from '@tanglemail/tangle/io/logger.ts';
import { keyPair } from '@tanglemail/tangle/core/testing/ledger-fixtures.ts';
import type { RunningApi } from '@tanglemail/tangle/io/shell/http.ts';
import { until } from '@tanglemail/tangle/io/testing/until.ts';
import { mailboxIdOf } from '@tanglemail/mail/core/market/signed-requests.ts';
import { nativeSuite } from '@tanglemail/mail/io/crypto/native-suite.ts';
import type { ProviderClient } from '@tanglemail/mail/io/provider/provider-client.ts';
import { bytesOf } from '../../apps/client/src/outbox/sealer.ts';
import { ParcelContents } from '../../apps/client/src/parcels/parcel-content.ts';
import { ParcelInbox } from '../../apps/client/src/parcels/parcel-inbox.ts';
import { ParcelUploads } from '../../apps/client/src/parcels/parcel-uploads.ts';
import { PartFetcher } from '../../apps/client/src/parcels/part-fetcher.ts';
import type { RentalBook } from '../../apps/client/src/rentals/rental-book.ts';
import { rawMessageKey, type Rental } from '../../apps/client/src/store/collections.ts';
import type { OutboxEntry } from '../../apps/client/src/store/outbox-collections.ts';
import { BUCKETS, orderedKey } from '../../apps/client/src/store/sealed-store.ts';
import { descriptorOf, sealerOf } from '../../apps/client/src/testing/letters.ts';
import {
  type Disk,
  memoryStore,
  type PowerCut,
  sealedMemoryStore,
} from '../../apps/client/src/testing/memory-store.ts';
import { type Person, person, tangleWithoutNode } from '../../apps/client/src/testing/people.ts';
import { createApi } from '../../apps/storage-provider/src/api/create-api.ts';
import type { Provider } from '../../apps/storage-provider/src/provider.ts';
import { FakeNode } from '../../apps/storage-provider/src/testing/fake-node.ts';
import { MemoryKv } from '../../apps/storage-provider/src/testing/memory-kv.ts';
import {
  openPurse,
  POLICY,
  signingKey,
  tagOf,
  testClient,
  testConfig,
  testProvider,
} from '../../apps/storage-provider/src/testing/world.ts';
import { mailOf } from './parcel-world.ts';

const OWNER = keyPair(30);
const OWNER_ID = mailboxIdOf(OWNER.publicKey);
/** Two parts. */
const RAW = mailOf(1_100_000, 'bob@tangle.alt');
const EMAIL_ID = createHash('sha256').update(RAW).digest('hex');
const LETTER_ID = '1c'.repeat(16);
const ENTRY = 1;

let node: FakeNode;
let provider: Provider;
let api: RunningApi;
let client: ProviderClient;
let tagCount = 0;

beforeAll(async () => {
  node = new FakeNode();
  node.confirm();
  const offer = { minCredit: '120', maxBalance: '10000000' };
  provider = testProvider(node, new MemoryKv(), testConfig({ offer }));
  await provider.feed.round();
  api = await createApi(provider);
  client = testClient(node, api.url);
  const purse = await openPurse(node, provider, 20, 5_000_000n);
  await provider.feed.round();
  const policy = { ...POLICY, maxDebitPerDay: 10_000_000n };
  await client.createMailbox(signingKey(OWNER), policy, 4_000_000n, purse);
});

afterAll(async () => {
  await api.close();
  await provider.stop();
});

/** A tag that Bob's mailbox watches and nobody has seen. */
async function watchedTag(): Promise<Uint8Array> {
  tagCount += 1;
  const tag = tagOf(9, tagCount >> 8, tagCount & 0xff);
  await client.setFilters(await client.login(signingKey(OWNER)), { addTags: [tag] });
  return tag;
}

const bondIdOf = (): string => bytesToHex(provider.terms.bondId);
const balance = (): bigint => provider.credits.mailbox(OWNER_ID)?.balance ?? 0n;

interface Machine extends Person {
  readonly writeCount: () => number;
  readonly isOff: () => boolean;
}

async function machine(seedByte: number, disk: Disk, cut?: PowerCut): Promise<Machine> {
  const { store, writes, isOff } = memoryStore(disk, cut);
  const { networkId } = node.chain;
  const tangle = { ...tangleWithoutNode(() => node.nowMs), networkId };
  const one = await person(seedByte, sealedMemoryStore(store), tangle);
  return { ...one, writeCount: writes, isOff };
}

/** What a disk still holds of parcels. */
function leftovers(disk: Disk): string[] {
  const kinds = new Set<number>([BUCKETS.parcelOut, BUCKETS.parcelIn, BUCKETS.parcelPart]);
  return [...disk.keys()].filter((key) => kinds.has(Number.parseInt(key.slice(0, 2), 16)));
}

describe('the parts of a large mail on their way out', () => {
  let bob: Person;

  beforeAll(async () => {
    bob = await machine(2, new Map());
  });

  /** A disk on which the mail lies in the outbox. */
  async function freshDisk(): Promise<Disk> {
    const disk: Disk = new Map();
    const { store } = await machine(1, disk);
    const batch = store.batch();
    await batch.putBytes('outboxPayload', rawMessageKey(store, EMAIL_ID), RAW).write();
    return disk;
  }

  /** Goes on as the outbox does, to the sealed letter and the last copy, or to the cut. */
  async function run(disk: Disk, tag: Uint8Array, cut?: PowerCut): Promise<number> {
    const alice = await machine(1, disk, cut);
    const { store, writes, tangle } = alice;
    const readRaw = (emailId: string): Uint8Array => bytesOf(store, { emailId });
    const uploads = await ParcelUploads.load({
      store,
      writes,
      tangle,
      contents: new ParcelContents(readRaw, nativeSuite),
      providerAt: async () => client,
      logger: SILENT_LOGGER,
      onProgress: () => {},
    });
    try {
      // As the outbox does: a mail that has its envelope is not sealed again.
      if (store.getBytes('outboxEnvelope', orderedKey(ENTRY)) === undefined) {
        if (uploads.get(ENTRY) === undefined) await begin(alice, uploads, tag);
        await uploads.firstCopy(ENTRY);
        await seal(alice, uploads, tag);
      }
      uploads.resume(ENTRY);
      await until(() => alice.isOff() || uploads.states().length === 0);
    } catch (error) {
      if (!alice.isOff()) throw error;
    } finally {
      await uploads.stop();
    }
    return alice.writeCount();
  }

  async function begin(alice: Machine, uploads: ParcelUploads, tag: Uint8Array): Promise<void> {
    const contentKey = await uploads.sealOnce(EMAIL_ID, undefined);
    const batch = alice.store.batch();
    const providers = [{ bondId: bondIdOf(), endpoint: api.url }];
    const apply = uploads.put(batch, {
      outboxId: ENTRY,
      tag: bytesToHex(tag),
      tagKind: 'contact',
      emailId: EMAIL_ID,
      contentKey,
      providers,
      isLeft: false,
    });
    await batch.write();
    apply();
  }

  async function seal(alice: Machine, uploads: ParcelUploads, tag: Uint8Array): Promise<void> {
    const row = uploads.get(ENTRY);
    if (row === undefined) throw new Error('no upload');
    const batch = alice.store.batch();
    const applyLeft = uploads.markLeft(batch, ENTRY);
    const chosen = { kind: 'contact' as const, tag, apply: () => {} };
    const entry = { id: ENTRY, to: bob.account.address, letterId: LETTER_ID, createdAtMs: 1_000 };
    const recipient = descriptorOf(bob);
    const body = { kind: 'parcel' as const, message: uploads.letterOf(row) };
    sealerOf(alice, () => recipient).seal(batch, entry as OutboxEntry, recipient, body, chosen);
    await batch.write();
    applyLeft();
  }

  /** The sealed letter that a disk holds. */
  async function letterOn(disk: Disk): Promise<Uint8Array> {
    const { store } = await machine(1, disk);
    return store.getBytes('outboxEnvelope', orderedKey(ENTRY)) ?? new Uint8Array(0);
  }

  it('are all there after a cut at any write, paid once, and nothing else is kept', async () => {
    const disk = await freshDisk();
    const before = balance();
    const writes = await run(disk, await watchedTag());
    const cost = before - balance();
    expect(cost).toBeGreaterThan(0n);
    expect(leftovers(disk)).toEqual([]);
    expect(writes).toBeGreaterThanOrEqual(6);
    for (let atWrite = 0; atWrite < writes; atWrite += 1) {
      for (const isApplied of [false, true]) {
        const facts = `write ${atWrite}, applied ${isApplied}`;
        const cutDisk = await freshDisk();
        const tag = await watchedTag();
        const rich = balance();
        await run(cutDisk, tag, { atWrite, isApplied });
        await run(cutDisk, tag);
        expect([facts, rich - balance()]).toEqual([facts, cost]);
        expect([facts, leftovers(cutDisk)]).toEqual([facts, []]);
        expect((await letterOn(cutDisk)).length).toBeGreaterThan(1_000);
      }
    }
  }, 300_000);

  describe('and in', () => {
    let envelope: Uint8Array;

    beforeAll(async () => {
      const disk = await freshDisk();
      await run(disk, await watchedTag());
      envelope = await letterOn(disk);
    });

    /** Takes the letter and has it fetched, to the whole mail or to the cut. */
    async function receive(disk: Disk, cut?: PowerCut): Promise<Machine> {
      const reader = await machine(2, disk, cut);
      const { store, writes, tangle, intake, messages, account } = reader;
      const inbox = await ParcelInbox.load({
        store,
        writes,
        tangle,
        intake,
        messages,
        own: account.address,
        book: bookOf(),
        fetcher: new PartFetcher({
          book: bookOf() as RentalBook,
          renter: { providerAt: async () => client, topUp: async () => {} },
          suite: nativeSuite,
          logger: SILENT_LOGGER,
        }),
        autoFetchBytes: 0,
        logger: SILENT_LOGGER,
        onChange: () => {},
      });
      intake.registerKind('parcel', (batch, taken) => inbox.take(batch, taken));
      inbox.start();
      try {
        await intake.take(envelope);
        for (const { row } of inbox.list()) await inbox.fetch(row.id);
        await until(() => reader.isOff() || inbox.list().length === 0);
      } catch (error) {
        if (!reader.isOff()) throw error;
      } finally {
        await inbox.stop();
      }
      return reader;
    }

    it('make one mail, byte for byte, after a cut at any write', async () => {
      const disk: Disk = new Map();
      await machine(2, disk);
      const rich = balance();
      const whole = await receive(disk);
      // From now on the same parts are asked for under the same keys.
      const paid = balance();
      expect(paid).toBeLessThan(rich);
      const writes = whole.writeCount();
      expect(writes).toBeGreaterThanOrEqual(5);
      for (let atWrite = 0; atWrite < writes; atWrite += 1) {
        for (const isApplied of [false, true]) {
          const facts = `write ${atWrite}, applied ${isApplied}`;
          const cutDisk: Disk = new Map();
          await machine(2, cutDisk);
          await receive(cutDisk, { atWrite, isApplied });
          const { messages } = await receive(cutDisk);
          const mails = messages.list('Requests', 9);
          expect([facts, mails.length]).toEqual([facts, 1]);
          expect([facts, balance()]).toEqual([facts, paid]);
          const raw = messages.raw(mails[0]?.id ?? '') ?? new Uint8Array(0);
          expect([facts, Buffer.compare(raw, RAW)]).toEqual([facts, 0]);
          expect([facts, leftovers(cutDisk)]).toEqual([facts, []]);
        }
      }
    }, 300_000);
  });

  /** Bob's mailbox at the provider, as his client knows it. */
  function bookOf(): Pick<RentalBook, 'list' | 'get' | 'mailboxKey' | 'update'> {
    const rental = { bondId: bondIdOf(), mailboxId: OWNER_ID, endpoint: api.url, isActive: true };
    const record = rental as Partial<Rental> as Rental;
    return {
      list: () => [record],
      get: () => record,
      mailboxKey: () => signingKey(OWNER),
      update: async () => record,
    };
  }
});
