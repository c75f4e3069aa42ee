/**
 * Who is heard, over a real provider: sub-addresses and their end, contacts only, and a request
 * that becomes a contact with exact tags.
 */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { SILENT_LOGGER } from '@tanglemail/tangle/io/logger.ts';
import { RequestSorter } from '../../apps/client/src/contacts/request-sorter.ts';
import { FOLDER } from '../../apps/client/src/messages/folder-name.ts';
import { descriptorOf, sealMail } from '../../apps/client/src/testing/letters.ts';
import { sealedMemoryStore } from '../../apps/client/src/testing/memory-store.ts';
import { type Person, person } from '../../apps/client/src/testing/people.ts';
import { type ClientSide, clientSide, Market } from './market.ts';

let market: Market;
let bob: ClientSide;
let alice: Person;

beforeEach(async () => {
  market = await Market.start();
  bob = await clientSide(market, 2);
  alice = await person(1, sealedMemoryStore(), market.access());
  await bob.renter.rent({ bondId: market.bondId });
  await sync();
});

afterEach(async () => {
  bob.lifetime.abort();
  await market.stop();
});

const sync = () => bob.sync.sync(market.bondId);
const requests = () => bob.who.messages.list(FOLDER.Requests, 99);
const inbox = () => bob.who.messages.list(FOLDER.INBOX, 99);

describe('a sub-address', () => {
  it('brings mail from the provider until it is revoked; the plain one goes on', async () => {
    const { who } = bob;
    await who.addresses.add('shop');
    const first = await sealMail(alice, who, { subAddress: 'shop' });
    const late = await sealMail(alice, who, { subAddress: 'shop' });
    await market.confirm([first.bytes]);
    expect(await sync()).toMatchObject({ fetched: 1, held: 1, errors: [] });
    expect(requests().map(({ entry }) => entry.subAddress)).toEqual(['shop']);
    await who.addresses.revoke('shop');
    await market.confirm([late.bytes]);
    expect(await sync()).toMatchObject({ fetched: 0, held: 0, errors: [] });
    const plain = await sealMail(alice, who);
    await market.confirm([plain.bytes]);
    expect(await sync()).toMatchObject({ fetched: 1, held: 1 });
    expect(requests()).toHaveLength(2);
    expect(requests()[0]?.entry).not.toHaveProperty('subAddress');
  });
});

describe('contacts only', () => {
  it('leaves strangers with the provider, unpaid, and hears guests and contacts', async () => {
    const { who } = bob;
    const nowMs = market.node.nowMs;
    const stranger = await sealMail(alice, who);
    await who.ownSettings.set({ contactsOnly: true });
    await market.confirm([stranger.bytes]);
    expect(await sync()).toMatchObject({ fetched: 0, held: 0, errors: [] });
    const secret = new Uint8Array(32).fill(9);
    await who.contacts.invites.create(secret, { name: 'Alice', nowMs });
    await sync();
    await alice.contacts.add(who.account.address, { name: 'Bob', invite: secret, nowMs });
    const guest = await sealMail(alice, who);
    expect(guest.tagKind).toBe('invite');
    await market.confirm([guest.bytes]);
    expect(await sync()).toMatchObject({ fetched: 1, errors: [] });
    expect(inbox()).toHaveLength(1);
    // Open again, what lay there in between is heard too.
    await who.ownSettings.set({ contactsOnly: false });
    expect(descriptorOf(who).policy.contactsOnly).toBe(false);
  });
});

describe('a request', () => {
  it('that is accepted moves to INBOX, and the next mail has an exact tag', async () => {
    const { who } = bob;
    await market.confirm([(await sealMail(alice, who)).bytes]);
    await sync();
    expect(requests()).toHaveLength(1);
    const sorter = new RequestSorter({ ...who, logger: SILENT_LOGGER });
    const { address } = alice.account;
    await who.contacts.add(address, { name: 'Alice', nowMs: market.node.nowMs });
    expect(await sorter.settle()).toBe(1);
    expect([requests().length, inbox().length]).toEqual([0, 1]);
    // Its tags are registered before the answer leaves; the answer tells her that we know her.
    await sync();
    await alice.intake.take((await sealMail(who, alice)).bytes);
    const next = await sealMail(alice, who);
    expect(next.tagKind).toBe('contact');
    await market.confirm([next.bytes]);
    expect(await sync()).toMatchObject({ fetched: 1, held: 0, errors: [] });
    expect(inbox()).toHaveLength(2);
    await who.contacts.change(address, (known) => known && { ...known, state: 'blocked' });
    await sync();
    await market.confirm([(await sealMail(alice, who)).bytes]);
    expect(await sync()).toMatchObject({ fetched: 0, held: 0, errors: [] });
  });
});
