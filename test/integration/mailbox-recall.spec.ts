/**
 * An account whose disk is gone: from the words alone it finds its mailbox at the provider, and the
 * mail that is still stored there.
 */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { nobleSuite } from '@tanglemail/mail/core/crypto/noble-suite.ts';
import { SILENT_LOGGER } from '@tanglemail/tangle/io/logger.ts';
import { descriptorTag, encodeDescriptor } from '@tanglemail/mail/core/identity/descriptor.ts';
import { DescriptorResolver } from '../../apps/client/src/descriptor/resolver.ts';
import { MailboxRecall } from '../../apps/client/src/rentals/mailbox-recall.ts';
import { descriptorOf, sealMail } from '../../apps/client/src/testing/letters.ts';
import { sealedMemoryStore } from '../../apps/client/src/testing/memory-store.ts';
import { type Person, person } from '../../apps/client/src/testing/people.ts';
import { type ClientSide, clientSide, Market } from './market.ts';

const RETENTION_DAYS = 30;

let market: Market;
let bob: ClientSide;
let alice: Person;

beforeEach(async () => {
  market = await Market.start();
  bob = await clientSide(market, 2);
  alice = await person(1, sealedMemoryStore(), market.access());
  await bob.renter.rent({ bondId: market.bondId });
  await bob.sync.sync(market.bondId);
  await publish(bob);
});

afterEach(async () => {
  bob.lifetime.abort();
  await market.stop();
});

/** Bob's descriptor with his providers, in a milestone. */
async function publish({ who, book }: ClientSide): Promise<void> {
  const data = encodeDescriptor(descriptorOf(who, { providers: book.hints() }));
  const tag = descriptorTag(who.account.address);
  market.node.confirm(1, [{ kind: 'tagged-data', tag, data }]);
  await market.provider.feed.round();
}

function recallOf({ who, book, renter }: ClientSide): MailboxRecall {
  const { account, store, writes, tangle, epochs } = who;
  const resolver = new DescriptorResolver({ tangle, store, writes, onConflict: () => {} });
  const logger = SILENT_LOGGER;
  return new MailboxRecall({
    account,
    resolver,
    book,
    renter,
    epochs,
    suite: nobleSuite,
    logger,
    retentionDays: RETENTION_DAYS,
  });
}

describe('an account that comes back from its words', () => {
  it('finds its mailbox, its balance, and the mail that is stored there', async () => {
    const { bytes } = await sealMail(alice, bob.who);
    await market.confirm([bytes]);
    await bob.sync.sync(market.bondId);
    const before = BigInt(bob.book.get(market.bondId)?.balance ?? '0');
    const again = await clientSide(market, 2);
    const recall = recallOf(again);
    await recall.note();
    expect(again.book.wanted()).toEqual([]);
    expect(await recall.follow()).toBe(0);
    const found = again.book.wanted();
    expect(found).toMatchObject([{ bondId: market.bondId, storedObjects: 1 }]);
    expect(before - BigInt(found[0]?.balance ?? '0')).toBeLessThanOrEqual(5n);
    expect(await again.sync.sync(market.bondId)).toMatchObject({ fetched: 1, errors: [] });
    expect(again.who.messages.list('Requests', 9)).toHaveLength(1);
    // Nothing was paid into a channel for it.
    expect(again.funded()).toBe(0);
    again.lifetime.abort();
  });

  it('asks a provider that is away again, also after a restart', async () => {
    const disk = new Map<string, Uint8Array>();
    const again = await clientSide(market, 2, disk);
    await recallOf(again).note();
    await market.restartApi(async () => {
      expect(await recallOf(again).follow()).toBe(1);
    });
    again.lifetime.abort();
    const restarted = await clientSide(market, 2, disk);
    expect(await recallOf(restarted).follow()).toBe(0);
    expect(restarted.book.wanted()).toHaveLength(1);
    restarted.lifetime.abort();
  });

  it('gives up a mailbox that the provider does not know', async () => {
    const other = await clientSide(market, 3);
    const tag = descriptorTag(other.who.account.address);
    const providers = bob.book.hints();
    const data = encodeDescriptor(descriptorOf(other.who, { providers }));
    market.node.confirm(1, [{ kind: 'tagged-data', tag, data }]);
    await market.provider.feed.round();
    const recall = recallOf(other);
    await recall.note();
    expect(await recall.follow()).toBe(0);
    expect(other.book.wanted()).toEqual([]);
    expect(other.book.get(market.bondId)).toMatchObject({ isEnded: true });
    other.lifetime.abort();
  });

  it('that never was has nothing to find', async () => {
    const fresh = await clientSide(market, 4);
    const recall = recallOf(fresh);
    await recall.note();
    expect(await recall.follow()).toBe(0);
    expect(fresh.book.list()).toEqual([]);
    fresh.lifetime.abort();
  });
});
