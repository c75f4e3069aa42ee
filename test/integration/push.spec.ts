/**
 * Word of new mail over the push sockets of real providers: how soon it is there, what a broken
 * connection does, and that it is not missed.
 */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { SILENT_LOGGER } from '@tanglemail/tangle/io/logger.ts';
import { until } from '@tanglemail/tangle/io/testing/until.ts';
import { PushWatch } from '../../apps/client/src/inbox/push-watch.ts';
import { descriptorOf, sealMail } from '../../apps/client/src/testing/letters.ts';
import { sealedMemoryStore } from '../../apps/client/src/testing/memory-store.ts';
import { type Person, person } from '../../apps/client/src/testing/people.ts';
import { type ClientSide, clientSide, Market } from './market.ts';

let market: Market;
let bob: ClientSide;
let alice: Person;
let push: PushWatch;

beforeEach(async () => {
  market = await Market.start();
  bob = await clientSide(market, 2);
  alice = await person(1, sealedMemoryStore(), market.access());
  const { who } = bob;
  const { nowMs } = market.node;
  await who.contacts.add(alice.account.address, { name: 'Alice', nowMs });
  await who.contacts.learnKeys(alice.account.address, descriptorOf(alice), nowMs);
  await alice.intake.take((await sealMail(who, alice)).bytes);
  await bob.renter.rent({ bondId: market.bondId });
  await bob.sync.sync(market.bondId);
  push = new PushWatch({
    book: bob.book,
    renter: bob.renter,
    logger: SILENT_LOGGER,
    random: () => 0,
    nowMs: () => Date.now(),
  });
  push.follow();
  await until(() => push.coversAll);
  push.takeHints();
});

afterEach(async () => {
  push.close();
  bob.lifetime.abort();
  await market.stop();
});

/** Longer than any test: a rest that ends was woken. */
const WITHOUT_END_MS = 3_600_000;

/** What the client's mail loop does, once. */
async function loop(restMs = WITHOUT_END_MS): Promise<void> {
  await push.rest(restMs, bob.lifetime.signal);
  for (const bondId of push.takeHints()) await bob.sync.sync(bondId);
}

const listed = (folder: 'INBOX' | 'Requests'): number => bob.who.messages.list(folder, 99).length;

describe('push', () => {
  it('brings a contact’s mail when its milestone comes', async () => {
    const { bytes } = await sealMail(alice, bob.who);
    const arriving = loop();
    await market.confirm([bytes]);
    await arriving;
    expect(listed('INBOX')).toBe(1);
  });

  it('brings a stranger’s mail too, and the next stranger does not hurry the reader', async () => {
    const stranger = async (): Promise<Uint8Array> =>
      (await sealMail(alice, bob.who, { isResent: true })).bytes;
    const arriving = loop();
    await market.confirm([await stranger()]);
    await arriving;
    expect(listed('INBOX')).toBe(1);
    await market.confirm([await stranger()]);
    await loop(500);
    expect(listed('INBOX')).toBe(1);
  });

  it('that breaks wakes whoever rests, comes back, and misses nothing', async () => {
    const resting = loop();
    await market.restartApi(async () => {
      await resting;
      expect(push.coversAll).toBe(false);
      const { bytes } = await sealMail(alice, bob.who);
      await market.confirm([bytes]);
    });
    await until(() => push.coversAll);
    await loop();
    expect(listed('INBOX')).toBe(1);
  });

  it('ends with the rental', async () => {
    await bob.book.update(market.bondId, (one) => ({ ...one, isEnded: true }));
    push.follow();
    await until(() => market.provider.push.readers === 0);
    expect(push.isReady(market.bondId)).toBe(false);
  });
});
