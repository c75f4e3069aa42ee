/**
 * The client's inbox and rentals against a real provider: what a descriptor promises its senders,
 * and what happens to mail and money when the balance ends, a crash comes, or the user leaves.
 */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import { segmentRoot } from '@tanglemail/mail/core/market/segment-tree.ts';
import { isBroke } from '../../apps/client/src/inbox/object-fetcher.ts';
import { descriptorOf, sealMail } from '../../apps/client/src/testing/letters.ts';
import { sealedMemoryStore } from '../../apps/client/src/testing/memory-store.ts';
import { type Person, person } from '../../apps/client/src/testing/people.ts';
import { type ClientSide, clientSide, Market, TERMS } from './market.ts';

const DAY = 86_400;
const DEAR = { ...TERMS, monthlyPriceCap: 100_000_000n };

let market: Market;
let bob: ClientSide;
let alice: Person;

beforeEach(async () => {
  market = await Market.start();
  bob = await clientSide(market, 2);
  alice = await person(1, sealedMemoryStore(), market.access());
});

afterEach(async () => {
  bob.lifetime.abort();
  await market.stop();
});

const sync = (who = bob) => who.sync.sync(market.bondId);

/** Alice and Bob know each other, so she takes tags that Bob's provider watches. */
async function befriend(): Promise<void> {
  const { who } = bob;
  const nowMs = market.node.nowMs;
  await who.contacts.add(alice.account.address, { name: 'Alice', nowMs });
  await who.contacts.learnKeys(alice.account.address, descriptorOf(alice), nowMs);
  await alice.intake.take((await sealMail(who, alice)).bytes);
}

async function rent(): Promise<void> {
  await bob.renter.rent({ bondId: market.bondId });
  await sync();
}

/** Mails of Alice's to Bob, in one milestone. */
async function mail(count: number, size = 100): Promise<Uint8Array[]> {
  const raws = Array.from(
    { length: count },
    (_, at) => new Uint8Array(Buffer.from(`Subject: ${at}\r\n\r\n${'x'.repeat(size)}\r\n`)),
  );
  const envelopes: Uint8Array[] = [];
  for (const raw of raws) envelopes.push((await sealMail(alice, bob.who, { raw })).bytes);
  return envelopes;
}

const inbox = (who = bob): number => who.who.messages.list('INBOX', 999).length;
/** The balance by our record. */
const balance = (): bigint => BigInt(bob.book.get(market.bondId)?.balance ?? '-1');

describe('a provider that is told nothing any more', () => {
  it('keeps no mail of contacts nor strangers, and is named to nobody', async () => {
    await befriend();
    await rent();
    expect(bob.book.get(market.bondId)).toMatchObject({ hasBucket: true });
    const quiet = bob.syncWith({ tags: false, buckets: false });
    await quiet.sync(market.bondId);
    expect(bob.book.get(market.bondId)).toMatchObject({ hasBucket: false, registered: {} });
    expect(bob.book.hints()).toEqual([]);
    await market.confirm(await mail(2));
    expect(await quiet.sync(market.bondId)).toMatchObject({ fetched: 0, held: 0, errors: [] });
    const tagsOnly = bob.syncWith({ tags: true, buckets: false });
    await tagsOnly.sync(market.bondId);
    expect(bob.book.hints()).toHaveLength(1);
    await market.confirm(await mail(1));
    expect(await tagsOnly.sync(market.bondId)).toMatchObject({ fetched: 1, errors: [] });
  });
});

describe('a rental', () => {
  it('is named to senders only once the provider watches our tags', async () => {
    await bob.renter.rent({ bondId: market.bondId });
    expect(bob.book.hints()).toEqual([]);
    await sync();
    expect(bob.book.hints()).toHaveLength(1);
    expect(balance()).toBeGreaterThan(1_900n);
  });

  it('brings a contact’s mail, each once and paid for once', async () => {
    await befriend();
    await rent();
    await market.confirm(await mail(3));
    expect(await sync()).toMatchObject({ fetched: 3, errors: [] });
    expect(inbox()).toBe(3);
    const after = balance();
    expect(await sync()).toMatchObject({ fetched: 0, errors: [] });
    // Only the requests of the pass itself cost something: one for the log, one for held mail.
    expect(after - (await servedBalance())).toBeLessThanOrEqual(3n);
  });

  it('moves the window of tags on, so that hundreds of mails in a row are found', async () => {
    await befriend();
    await rent();
    for (let round = 0; round < 2; round += 1) {
      await market.confirm(await mail(70));
      expect((await sync()).fetched).toBe(70);
    }
    expect(inbox()).toBe(140);
  });

  it('brings every mail of 30 days to somebody who was away, to the keys of before', async () => {
    await befriend();
    await rent();
    const sealFor = descriptorOf(bob.who);
    for (let day = 0; day < 30; day += 1) {
      const raw = new Uint8Array(Buffer.from(`Subject: day ${day}\r\n\r\nx\r\n`));
      await market.confirm([(await sealMail(alice, bob.who, { raw, sealFor })).bytes], DAY - 60);
    }
    const now = Math.floor(market.node.nowMs / 1_000);
    await bob.who.epochs.prune({ now, fetchedAt: [now - 30 * DAY], leaseSeconds: 30 * DAY });
    expect(await sync()).toMatchObject({ fetched: 30, errors: [] });
    const subjects = bob.who.messages.list('INBOX', 99).map((one) => one.entry.subject);
    expect(subjects.toSorted()).toEqual(
      Array.from({ length: 30 }, (_, day) => `day ${day}`).toSorted(),
    );
  });

  it('brings a stranger’s mail, also days later, and says how many were held', async () => {
    await rent();
    const [bytes] = await mail(1);
    await market.confirm([bytes!]);
    await market.confirm([], 2 * DAY);
    expect(await sync()).toMatchObject({ fetched: 1, held: 1 });
    expect(bob.who.messages.list('Requests', 9)).toHaveLength(1);
    const nowSeconds = market.node.nowMs / 1_000;
    expect(await storedUntil(bytes!)).toBeGreaterThan(nowSeconds + 29 * DAY);
  });
});

describe('a mailbox that was opened by an earlier version', () => {
  it('takes large mails from now on; its provider is told that once', async () => {
    await rent();
    const provider = await bob.renter.providerAt(hint());
    const session = await login();
    const { policy } = await provider.mailbox(session);
    const { maxUpload } = policy;
    const maxDebitPerDay = BigInt(policy.maxDebitPerDay);
    const old = { ...policy, maxDebitPerDay, maxUpload: 26 * 1_048_576 };
    await provider.setPolicy(session, old);
    const shown = async () => (await provider.mailbox(session)).policy.maxUpload;
    await sync();
    expect(await shown()).toBe(old.maxUpload);
    await bob.book.update(market.bondId, ({ policyTold: _told, ...one }) => one);
    await sync();
    expect([await shown(), old.maxUpload < maxUpload]).toEqual([maxUpload, true]);
  });
});

/** The end of the time for which an envelope is stored, by its receipt. */
async function storedUntil(bytes: Uint8Array): Promise<number | undefined> {
  const provider = await bob.renter.providerAt(hint());
  const ledgerTime = Math.floor(market.node.nowMs / 1_000);
  const root = bytesToHex(segmentRoot(bytes));
  return (await provider.receipt(root, { size: bytes.length, ledgerTime }))?.until;
}

async function servedBalance(): Promise<bigint> {
  const provider = await bob.renter.providerAt(hint());
  return BigInt((await provider.mailbox(await login())).balance);
}

/** Spends the balance to the last unit, by asking for it: each request has its price. */
async function drain(): Promise<void> {
  const provider = await bob.renter.providerAt(hint());
  const session = await login();
  for (let asked = 0; asked < 5_000; asked += 1) {
    const left = await provider.mailbox(session).catch((error: unknown) => {
      // Less is left than one request costs.
      if (isBroke(error)) return undefined;
      throw error;
    });
    if (left === undefined || BigInt(left.balance) === 0n) return;
  }
  throw new Error('asking costs nothing');
}

function hint() {
  const { bondId, endpoint } = bob.book.get(market.bondId)!;
  return { bondId: Buffer.from(bondId, 'hex'), endpoint };
}

async function login() {
  const provider = await bob.renter.providerAt(hint());
  return provider.login(bob.book.mailboxKey(bob.book.get(market.bondId)!));
}

describe('after a restart', () => {
  it('nothing is paid for or shown again, not even days later', async () => {
    const disk = new Map<string, Uint8Array>();
    const terms = { ...TERMS, retentionDays: 5 };
    bob = await clientSide(market, 2, disk, terms);
    await rent();
    const [one, other] = await mail(2);
    await market.confirm([one!, other!]);
    expect((await sync()).fetched).toBe(2);
    const paidUntil = await storedUntil(one!);
    // Beyond the provider's memory of idempotency keys; the bucket still lists what it held.
    await market.confirm([], 2 * DAY);
    const before = await servedBalance();
    const restarted = await clientSide(market, 2, disk, terms);
    expect(await sync(restarted)).toMatchObject({ fetched: 0, held: 0, errors: [] });
    expect(restarted.who.messages.list('Requests', 9)).toHaveLength(2);
    expect(await storedUntil(one!)).toBe(paidUntil);
    const after = BigInt(restarted.book.get(market.bondId)!.balance);
    expect(before - after).toBeLessThanOrEqual(5n);
  });
});

describe('an empty balance', () => {
  beforeEach(async () => {
    await market.stop();
    // Dear requests are soon spent.
    market = await Market.start({ perRequest: 20 });
    bob = await clientSide(market, 2, new Map(), DEAR);
    alice = await person(1, sealedMemoryStore(), market.access());
  });

  it('is filled up from the channel; what could not be paid meanwhile is kept', async () => {
    await befriend();
    await rent();
    await drain();
    const envelopes = await mail(2);
    await market.confirm(envelopes);
    const report = await sync();
    expect(report).toMatchObject({ fetched: 2, errors: [] });
    expect(inbox()).toBe(2);
    expect(bob.book.get(market.bondId)?.pending).toEqual([]);
    expect(bob.funded()).toBe(1);
  });

  it('is no reason to lose mail: the channel is used up, then another one is opened', async () => {
    const terms = { ...DEAR, deposit: 2_500n };
    bob = await clientSide(market, 2, new Map(), terms);
    await befriend();
    await rent();
    expect(bob.funded()).toBe(1);
    for (let round = 0; round < 3; round += 1) {
      await drain();
      await market.confirm(await mail(1), 400);
      await sync();
      await sync();
    }
    expect(inbox()).toBe(3);
    expect(bob.funded()).toBeGreaterThan(1);
  });

  it('that cannot be filled up is said, once in a while and not at every look', async () => {
    await rent();
    const topUps: string[] = [];
    const ensure = bob.channels.ensure.bind(bob.channels);
    Object.assign(bob.channels, {
      ensure: async (...args: Parameters<typeof ensure>) => {
        topUps.push(args[0]);
        throw Object.assign(new Error('no money'), { code: 'insufficient-funds' });
      },
    });
    await drain();
    const first = await sync();
    expect(first.errors).toEqual(['insufficient-funds', 'balance-insufficient']);
    for (let look = 0; look < 5; look += 1) {
      expect((await sync()).errors).toEqual(['balance-insufficient']);
    }
    expect(topUps).toHaveLength(1);
    await market.confirm([], 400);
    await sync();
    expect(topUps).toHaveLength(2);
  });
});

describe('the limit of a day', () => {
  it('bounds what held mail may cost; the rest is kept when the day is over', async () => {
    const terms = { ...TERMS, maxDebitPerDay: 8n };
    bob = await clientSide(market, 2, new Map(), terms);
    await befriend();
    await rent();
    await market.confirm(await mail(11));
    const first = await sync();
    expect(first.fetched).toBeLessThan(11);
    expect(first.fetched).toBeGreaterThan(0);
    await market.confirm([], DAY);
    await sync();
    await market.confirm([], DAY);
    await sync();
    expect(inbox()).toBe(11);
  });
});

describe('renting without naming a provider', () => {
  it('already-rented: says so when every offer is from a provider that is rented', async () => {
    await befriend();
    await rent();
    await expect(bob.renter.rent({})).rejects.toMatchObject({ code: 'already-rented' });
  });
});

describe('a rental that the user ends', () => {
  it('is not named any more, opens no channel, and is read while its balance lasts', async () => {
    bob = await clientSide(market, 2, new Map(), { ...TERMS, credit: 200n });
    await befriend();
    await rent();
    const envelopes = await mail(2);
    const ended = await bob.renter.end(market.bondId);
    expect(ended.claimTransactionId).toBeDefined();
    expect(bob.book.hints()).toEqual([]);
    await market.confirm(envelopes);
    expect((await sync()).fetched).toBe(2);
    // However little is left, nothing more is paid in.
    await bob.book.update(market.bondId, (present) => ({ ...present, balance: '1' }));
    expect(await sync()).toMatchObject({ errors: [] });
    await bob.channels.follow();
    const states = bob.book.channels(bob.book.get(market.bondId)!).map((one) => one.channel.state);
    expect(states).toEqual(['closed']);
    await drain();
    expect(await sync()).toMatchObject({ errors: [] });
    expect(bob.book.get(market.bondId)?.isActive).toBe(false);
    expect(await sync()).toMatchObject({ fetched: 0, errors: [] });
    expect(bob.funded()).toBe(1);
    // Whoever changes their mind rents again, with a new channel.
    await bob.renter.rent({ bondId: market.bondId });
    expect(bob.funded()).toBe(2);
    expect(bob.book.hints()).toHaveLength(1);
  });

  it('ends though the provider has claimed by itself and no channel is open', async () => {
    await rent();
    const [record] = bob.book.channels(bob.book.get(market.bondId)!);
    await bob.book.changeChannel(market.bondId, record!.channel.keyIndex, (known) => ({
      ...known,
      state: 'closed',
    }));
    expect(await bob.renter.end(market.bondId)).toEqual({ state: 'closed' });
    expect(bob.book.hints()).toEqual([]);
  });
});

describe('replicas', () => {
  it('are paid for one fetch: what one brought, another one need not', async () => {
    await befriend();
    await rent();
    const envelopes = await mail(2);
    await market.confirm(envelopes);
    for (const bytes of envelopes) await bob.who.intake.take(bytes);
    const before = balance();
    expect(await sync()).toMatchObject({ fetched: 0, errors: [] });
    // Storing was paid on arrival; no egress came on top of the few requests.
    expect(before - (await servedBalance())).toBeLessThanOrEqual(12n);
  });

  it('another provider at the endpoint of a rented one is not believed', async () => {
    await rent();
    const wrong = { ...hint(), bondId: new Uint8Array(32).fill(9) };
    await expect(bob.renter.providerAt(wrong)).rejects.toMatchObject({ code: 'proof-invalid' });
  });
});

describe('stopping', () => {
  it('ends requests that are under way', async () => {
    await rent();
    bob.lifetime.abort(new Error('the client stops'));
    await expect(sync()).rejects.toMatchObject({ name: 'ProviderUnreachable' });
  });
});

describe('what a provider is held to', () => {
  const score = () => bob.book.get(market.bondId)?.score;

  it('one segment of one object is proven once a day; one that is spoilt counts', async () => {
    await befriend();
    await rent();
    expect(score()).toBeUndefined();
    const [envelope = new Uint8Array()] = await mail(1);
    await market.confirm([envelope]);
    await sync();
    await sync();
    expect(score()).toMatchObject({ auditsOk: 1, auditsFailed: 0 });
    await market.spoil(envelope);
    await market.confirm([], DAY + 1);
    await sync();
    expect(score()).toMatchObject({ auditsOk: 1, auditsFailed: 1, fetchesFailed: 0 });
  });

  it('other bytes than were stored are not taken, count, and are asked for again', async () => {
    await befriend();
    await rent();
    const [envelope = new Uint8Array()] = await mail(1);
    await market.confirm([envelope]);
    await market.spoil(envelope);
    expect((await sync()).errors).toContain('root-mismatch');
    expect(score()).toMatchObject({ fetchesFailed: 1 });
    expect(inbox()).toBe(0);
    const [waiting] = bob.book.get(market.bondId)?.pending ?? [];
    expect(waiting?.root).toBe(bytesToHex(segmentRoot(envelope)));
    // Another replica brings it meanwhile: nothing is asked here any more.
    await bob.who.intake.take(envelope);
    await sync();
    expect(inbox()).toBe(1);
    expect(bob.book.get(market.bondId)?.pending).toEqual([]);
    expect(score()).toMatchObject({ fetchesFailed: 1 });
  });

  it('an object at which it fails by itself counts once and holds no other mail up', async () => {
    await befriend();
    await rent();
    const [first = new Uint8Array(), second = new Uint8Array()] = await mail(2);
    await market.confirm([first]);
    const { mailboxId = '' } = bob.book.get(market.bondId) ?? {};
    const heal = await market.damage(mailboxId, [first]);
    await market.confirm([second]);
    expect(await sync()).toMatchObject({ fetched: 1 });
    expect((await sync()).errors).toEqual(['internal']);
    expect(score()).toMatchObject({ fetchesFailed: 1 });
    await heal();
    expect(await sync()).toMatchObject({ fetched: 1, errors: [] });
    expect(bob.book.get(market.bondId)).toMatchObject({ pending: [], lost: [] });
  });

  it('a provider at which most fails is read on later: nothing is given up', async () => {
    await befriend();
    await rent();
    const envelopes = await mail(12);
    await market.confirm(envelopes);
    const { mailboxId = '', log } = bob.book.get(market.bondId) ?? {};
    const heal = await market.damage(mailboxId, envelopes);
    await expect(sync()).rejects.toMatchObject({ status: 500 });
    expect(bob.book.get(market.bondId)).toMatchObject({ log, pending: [] });
    await heal();
    expect(await sync()).toMatchObject({ fetched: 12, errors: [] });
  });

  it('a refusal of what the log says is stored counts', async () => {
    await befriend();
    await rent();
    await market.confirm(await mail(1));
    const real = globalThis.fetch;
    globalThis.fetch = async (input, init) =>
      new URL(input instanceof Request ? input.url : input).pathname.startsWith('/v1/objects/')
        ? Response.json({ code: 'policy-forbids' }, { status: 403 })
        : real(input, init);
    try {
      expect((await sync()).errors).toEqual(['policy-forbids']);
    } finally {
      globalThis.fetch = real;
    }
    expect(score()).toMatchObject({ fetchesFailed: 1 });
  });
});
