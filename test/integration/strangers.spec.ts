/**
 * Strangers, floods and copies against a client and a real provider: what reaches the inbox, and
 * what it costs whoever it is for.
 */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { searchNonce } from '@tanglemail/tangle/core/block/pow.ts';
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import { stampBase, stampDigest, withStamp } from '@tanglemail/mail/core/envelope/stamp.ts';
import { segmentRoot } from '@tanglemail/mail/core/market/segment-tree.ts';
import { dayOf } from '@tanglemail/mail/core/envelope/stranger.ts';
import { descriptorOf, sealMail } from '../../apps/client/src/testing/letters.ts';
import { sealedMemoryStore } from '../../apps/client/src/testing/memory-store.ts';
import { type Person, person } from '../../apps/client/src/testing/people.ts';
import { hintOf } from '../../apps/client/src/rentals/renter.ts';
import { type ClientSide, clientSide, Market } from './market.ts';

let market: Market;
let bob: ClientSide;
let alice: Person;

beforeEach(async () => {
  market = await Market.start();
  bob = await clientSide(market, 2);
  alice = await person(1, sealedMemoryStore(), market.access());
  await bob.renter.rent({ bondId: market.bondId });
});

afterEach(async () => {
  bob.lifetime.abort();
  await market.stop();
});

const sync = () => bob.sync.sync(market.bondId);
const listed = (folder: 'INBOX' | 'Requests'): number => bob.who.messages.list(folder, 999).length;
const servedBalance = (): bigint => {
  const { mailboxId = '' } = bob.book.get(market.bondId) ?? {};
  return market.provider.credits.mailbox(mailboxId)?.balance ?? -1n;
};

/** Work over an envelope for the market's present day. */
function stamped(bytes: Uint8Array, bits: number): Uint8Array {
  const { networkId } = market.node.chain;
  const day = dayOf(Math.floor(market.node.nowMs / 1_000));
  const digest = stampDigest(stampBase(bytes), networkId, day);
  const nonce = searchNonce(digest, bits, 0n, 1 << 20, nobleHasher);
  if (nonce === undefined) throw new Error('no stamp');
  return withStamp(bytes, nonce);
}

/** Envelopes of strangers to Bob, without work: random senders, one after another. */
async function letters(count: number): Promise<Uint8Array[]> {
  const all: Uint8Array[] = [];
  for (let n = 0; n < count; n += 1) {
    const raw = new Uint8Array(Buffer.from(`Subject: ${n}\r\n\r\nHello.\r\n`));
    all.push((await sealMail(alice, bob.who, { raw, isResent: true })).bytes);
  }
  return all;
}

describe('a stranger', () => {
  it('is heard with the work that Bob asks, and leaves no trace with less', async () => {
    await bob.who.ownSettings.set({ stampBits: 8 });
    await sync();
    const [good, bare] = await letters(2);
    await market.confirm([stamped(good!, 8), stamped(bare!, 0)]);
    expect(await sync()).toMatchObject({ fetched: 1, held: 1, errors: [] });
    expect(listed('Requests')).toBe(1);
  });

  it('is not heard at all with contacts only, and Bob pays for no list', async () => {
    await sync();
    // Sealed by somebody who has seen an older descriptor, or does not care.
    const [early] = await letters(1);
    await bob.who.ownSettings.set({ contactsOnly: true });
    await sync();
    const before = market.requests.length;
    await market.confirm([stamped(early!, 10)]);
    expect(await sync()).toMatchObject({ fetched: 0, held: 0 });
    expect(market.requests.slice(before).filter((one) => one.includes('/held'))).toEqual([]);
    expect(listed('Requests')).toBe(0);
    // Heard again: what comes from now on.
    await bob.who.ownSettings.set({ contactsOnly: false });
    await sync();
    await market.confirm([(await letters(1))[0]!]);
    expect(await sync()).toMatchObject({ fetched: 1 });
  });
});

describe('a mail for somebody else whose head fits by chance', () => {
  it('is given back, so that its sender is not shown that it is stored', async () => {
    await sync();
    // Made for Bob's door, and for Carol's keys: what else happens once in 65,536.
    const carol = await person(3, sealedMemoryStore(), market.access());
    const { introKey } = bob.who.addresses.published();
    const sealFor = descriptorOf(carol, { introKey });
    const { bytes } = await sealMail(alice, carol, { sealFor, isResent: true });
    await market.confirm([bytes]);
    expect(await sync()).toMatchObject({ fetched: 0, held: 1, errors: ['not-for-us'] });
    const root = bytesToHex(segmentRoot(bytes));
    const asked = { size: bytes.length, ledgerTime: Math.floor(market.node.nowMs / 1_000) };
    const provider = await bob.renter.providerAt(hintOf(bob.book.get(market.bondId)!));
    await expect(provider.receipt(root, asked)).rejects.toMatchObject({ code: 'object-released' });
    // It is looked at once, and whoever it is for may still have it.
    expect(await sync()).toMatchObject({ fetched: 0, held: 0, errors: [] });
    const other = await clientSide(market, 3);
    await other.renter.rent({ bondId: market.bondId });
    await other.sync.sync(market.bondId);
    const session = await provider.login(other.book.mailboxKey(other.book.get(market.bondId)!));
    const kept = await provider.retain(session, root, 30);
    expect((await provider.receipt(root, asked))?.until).toBe(kept.until);
    other.lifetime.abort();
  });
});

describe('whoever watches the wire and copies a contact’s tag', () => {
  async function befriend(): Promise<void> {
    const { who } = bob;
    const { nowMs } = market.node;
    await who.contacts.add(alice.account.address, { name: 'Alice', nowMs });
    await who.contacts.learnKeys(alice.account.address, descriptorOf(alice), nowMs);
    await alice.intake.take((await sealMail(who, alice)).bytes);
  }

  const copiesOf = (bytes: Uint8Array, count: number): Uint8Array[] =>
    Array.from({ length: count }, (_, n) => bytes.with(900, n).with(901, 0xee));

  it('behind the mail: costs Bob nothing more, and brings nothing', async () => {
    await befriend();
    await sync();
    const { bytes } = await sealMail(alice, bob.who);
    const before = servedBalance();
    await market.confirm([bytes, ...copiesOf(bytes, 50)]);
    const stored = before - servedBalance();
    expect(await sync()).toMatchObject({ fetched: 1, errors: [] });
    expect(listed('INBOX')).toBe(1);
    const paid = before - servedBalance();
    // Stored once, fetched once; the rest are requests of two passes.
    await sync();
    expect(paid).toBeLessThanOrEqual(stored + 8n);
    expect(bob.book.get(market.bondId)?.pending).toEqual([]);
  });

  it('before the mail: delays nothing, and costs at most four times as much', async () => {
    await befriend();
    await sync();
    const { bytes } = await sealMail(alice, bob.who);
    const before = servedBalance();
    await market.confirm([...copiesOf(bytes, 3), bytes, ...copiesOf(bytes, 90).slice(50)]);
    const once = before - servedBalance();
    await sync();
    expect(listed('INBOX')).toBe(1);
    expect(before - servedBalance()).toBeLessThanOrEqual(4n * (once + 2n) + 8n);
    await sync();
    expect(bob.book.get(market.bondId)?.pending).toEqual([]);
  });
});
