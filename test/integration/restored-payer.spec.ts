/**
 * Money after a loss, with a real provider and its ledger: a device that comes back from the words,
 * or from a backup of 30 days ago, finds mailbox, balance and channel, and goes on paying.
 */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { nobleSuite } from '@tanglemail/mail/core/crypto/noble-suite.ts';
import { descriptorTag, encodeDescriptor } from '@tanglemail/mail/core/identity/descriptor.ts';
import { ProviderApiError } from '@tanglemail/mail/io/provider/errors.ts';
import { SILENT_LOGGER } from '@tanglemail/tangle/io/logger.ts';
import { backupRecords } from '../../apps/client/src/backup/backup-source.ts';
import type { BackupManifest } from '../../apps/client/src/backup/manifest.ts';
import { restoreValues } from '../../apps/client/src/backup/restore.ts';
import { DescriptorResolver } from '../../apps/client/src/descriptor/resolver.ts';
import { MailboxRecall } from '../../apps/client/src/rentals/mailbox-recall.ts';
import { hintOf } from '../../apps/client/src/rentals/renter.ts';
import type { Rental } from '../../apps/client/src/store/collections.ts';
import { descriptorOf, sealMail } from '../../apps/client/src/testing/letters.ts';
import {
  type Disk,
  memoryStore,
  sealedMemoryStore,
} from '../../apps/client/src/testing/memory-store.ts';
import { type Person, person } from '../../apps/client/src/testing/people.ts';
import { type ClientSide, clientSide, Market, TERMS } from './market.ts';

const DAY_SECONDS = 86_400;
const LOST_DAYS = 30;
/** Requests are dear, so that a balance is soon spent. */
const PRICES = { perRequest: 20 };
const WANTED = { ...TERMS, maxDebitPerDay: 1_000_000n };

let market: Market;
let bob: ClientSide;
let alice: Person;
const sides: ClientSide[] = [];

beforeEach(async () => {
  market = await Market.start(PRICES);
  alice = await person(1, sealedMemoryStore(), market.access());
  bob = await open(new Map());
  await bob.renter.rent({ bondId: market.bondId });
  await bob.sync.sync(market.bondId);
  const { account } = bob.who;
  const data = encodeDescriptor(descriptorOf(bob.who, { providers: bob.book.hints() }));
  market.node.confirm(1, [{ kind: 'tagged-data', tag: descriptorTag(account.address), data }]);
  await market.provider.feed.round();
});

afterEach(async () => {
  for (const side of sides.splice(0)) side.lifetime.abort();
  await market.stop();
});

async function open(disk: Disk): Promise<ClientSide> {
  const side = await clientSide(market, 2, disk, WANTED);
  sides.push(side);
  return side;
}

function rentalOf({ book }: ClientSide): Rental {
  const rental = book.get(market.bondId);
  if (rental === undefined) throw new Error('nothing is rented');
  return rental;
}

const isBroke = (error: unknown): boolean =>
  error instanceof ProviderApiError && error.code === 'balance-insufficient';

/** Spends the mailbox's balance, by asking for it until one request costs more than is left. */
async function drain(side: ClientSide): Promise<void> {
  const rental = rentalOf(side);
  const provider = await side.renter.providerAt(hintOf(rental));
  const session = await provider.login(side.book.mailboxKey(rental));
  for (let asked = 0; asked < 1_000; asked += 1) {
    try {
      if (BigInt((await provider.mailbox(session)).balance) === 0n) return;
    } catch (error) {
      if (isBroke(error)) return;
      throw error;
    }
  }
  throw new Error('asking costs nothing');
}

/** What the provider says that the mailbox has. */
async function served(side: ClientSide): Promise<bigint> {
  const rental = rentalOf(side);
  const provider = await side.renter.providerAt(hintOf(rental));
  const session = await provider.login(side.book.mailboxKey(rental));
  return BigInt((await provider.mailbox(session)).balance);
}

/** The device that is lost later goes on for a while, and pays for it. */
async function goOn(rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    await drain(bob);
    await market.confirm([], (LOST_DAYS / rounds) * DAY_SECONDS);
    expect(await bob.sync.sync(market.bondId)).toMatchObject({ errors: [] });
  }
}

describe('from a backup of 30 days ago', () => {
  it('takes up the vouchers signed since, and pays on from the same channel', async () => {
    const { store } = bob.who;
    const records = [];
    for await (const one of backupRecords(store, MANIFEST)) records.push(one);
    const before = bob.book.openChannel(rentalOf(bob));
    await goOn(3);
    const last = bob.book.openChannel(rentalOf(bob));
    expect(last?.signed).toBeGreaterThan(before?.signed ?? 0n);
    const { bytes } = await sealMail(alice, bob.who);
    await market.confirm([bytes]);
    const disk: Disk = new Map();
    const [, ...values] = records;
    const restored = sealedMemoryStore(memoryStore(disk).store);
    await restoreValues(
      restored,
      (async function* () {
        yield* values;
      })(),
      MANIFEST,
    );
    const again = await open(disk);
    expect(again.book.openChannel(rentalOf(again))?.signed).toBe(before?.signed);
    await drain(again);
    expect(await again.sync.sync(market.bondId)).toMatchObject({ fetched: 1, errors: [] });
    const present = again.book.openChannel(rentalOf(again));
    expect(present?.channelId).toBe(last?.channelId);
    expect(present?.signed).toBeGreaterThan(last?.signed ?? 0n);
    expect(await served(again)).toBeGreaterThan(WANTED.credit / 2n);
    expect(rentalOf(again).isRecovering).toBeUndefined();
    // The deposit of before is paid from: nothing new was locked up.
    expect([bob.funded(), again.funded()]).toEqual([1, 0]);
  });
});

describe('from the words alone', () => {
  it('uses up the balance that is there, then opens a channel of its own', async () => {
    const { bytes } = await sealMail(alice, bob.who);
    await market.confirm([bytes]);
    const again = await open(new Map());
    const { account, store, writes, tangle, epochs } = again.who;
    const resolver = new DescriptorResolver({ tangle, store, writes });
    const own = { account, resolver, book: again.book, renter: again.renter, epochs };
    const facts = { suite: nobleSuite, logger: SILENT_LOGGER, retentionDays: LOST_DAYS };
    const recall = new MailboxRecall({ ...own, ...facts });
    await recall.note();
    expect(await recall.follow()).toBe(0);
    expect(await again.sync.sync(market.bondId)).toMatchObject({ fetched: 1, errors: [] });
    expect(again.funded()).toBe(0);
    await drain(again);
    await market.confirm([], 400);
    expect(await again.sync.sync(market.bondId)).toMatchObject({ errors: [] });
    expect(again.funded()).toBe(1);
    expect(await served(again)).toBeGreaterThan(WANTED.credit / 2n);
    expect(rentalOf(again).isRecovering).toBeUndefined();
  });
});

const MANIFEST: BackupManifest = {
  version: 1,
  createdAtMs: 1,
  secrets: {
    accountRoot: '00'.repeat(32),
    accountIndex: 0,
    storeKey: '00'.repeat(32),
    createdAt: 1,
  },
  genesis: '',
  settings: {},
  withMail: true,
  recoveryBox: '00'.repeat(32),
};
