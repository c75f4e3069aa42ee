/**
 * Two devices of one account share a mailbox at a real provider that loses its disk: the one that
 * pays makes the mailbox anew, and the other hears of mail again, whatever it had read before and
 * whichever of them comes first. Spec: docs/spec/42-delivery.md, section 26.
 */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ProviderUnreachable } from '@tanglemail/mail/io/provider/errors.ts';
import type { SyncResult } from '../../apps/client/src/inbox/provider-sync.ts';
import { descriptorOf, sealMail } from '../../apps/client/src/testing/letters.ts';
import { sealedMemoryStore } from '../../apps/client/src/testing/memory-store.ts';
import { type Person, person } from '../../apps/client/src/testing/people.ts';
import { type ClientSide, clientSide, Market, TERMS } from './market.ts';

const BOB = 2;
const MAX_ATTEMPTS = 9;

let market: Market;
/** Bob's device that pays, and his other one. */
let pc: ClientSide;
let phone: ClientSide;
let alice: Person;
/** Known to the phone only. */
let carol: Person;

beforeEach(async () => {
  market = await Market.start();
  pc = await clientSide(market, BOB);
  phone = await clientSide(market, BOB);
  phone.renter.payBy(() => false);
  [alice, carol] = (await Promise.all(
    [1, 3].map((seedByte) => person(seedByte, sealedMemoryStore(), market.access())),
  )) as [Person, Person];
  for (const side of [pc, phone]) await learn(side, alice);
  await learn(phone, carol);
  await alice.intake.take((await sealMail(pc.who, alice)).bytes);
  await carol.intake.take((await sealMail(phone.who, carol)).bytes);
  await pc.renter.rent({ bondId: market.bondId });
  await sync(pc);
  await link();
});

afterEach(async () => {
  for (const { lifetime } of [pc, phone]) lifetime.abort();
  await market.stop();
});

async function learn({ who: { contacts } }: ClientSide, other: Person): Promise<void> {
  const { nowMs } = market.node;
  await contacts.add(other.account.address, { name: 'a friend', nowMs });
  await contacts.learnKeys(other.account.address, descriptorOf(other), nowMs);
}

/** The phone knows the mailbox as linking tells it. */
async function link(): Promise<void> {
  const { endpoint, balance } = rentalOf(pc);
  await phone.book.begin(market.bondId, endpoint, TERMS.retentionDays);
  await phone.book.update(market.bondId, (one) => ({ ...one, balance, isActive: true }));
}

/** A pass as the client's loop makes it: what fails by a socket of before is tried again. */
async function sync({ sync: one }: ClientSide): Promise<SyncResult> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await one.sync(market.bondId);
    } catch (error) {
      if (!(error instanceof ProviderUnreachable) || attempt === MAX_ATTEMPTS) throw error;
    }
  }
}

function rentalOf({ book }: ClientSide) {
  const found = book.get(market.bondId);
  if (found === undefined) throw new Error('the mailbox is known');
  return found;
}

const inbox = ({ who }: ClientSide): number => who.messages.list('INBOX', 99).length;

/** Mails to Bob, in one milestone. */
async function write(count: number, from = alice): Promise<void> {
  const envelopes: Uint8Array[] = [];
  for (let at = 0; at < count; at += 1) {
    envelopes.push((await sealMail(from, pc.who)).bytes);
  }
  await market.confirm(envelopes);
}

/** What comes of the next mails, one of them for the phone only, and what was paid so far. */
async function heard() {
  const before = { pc: inbox(pc), phone: inbox(phone) };
  await write(1);
  await write(1, carol);
  await sync(pc);
  const { errors } = await sync(phone);
  const { balance, credited } = rentalOf(phone);
  return {
    errors,
    mails: { pc: inbox(pc) - before.pc, phone: inbox(phone) - before.phone },
    credited: { pc: BigInt(rentalOf(pc).credited), phone: BigInt(credited) },
    funded: { pc: pc.funded(), phone: phone.funded() },
    isBalanceKnown: BigInt(balance) > TERMS.credit - 200n,
  };
}

/** Nothing was paid but by the device that pays: when it was rented, and once anew. */
const EVERYTHING = {
  errors: [],
  mails: { pc: 1, phone: 2 },
  credited: { pc: 2n * TERMS.credit, phone: 0n },
  funded: { pc: 1, phone: 0 },
  isBalanceKnown: true,
};

describe('the device that does not pay', () => {
  it.each([
    ['the old log was empty, and the new one is', 0, 0],
    ['the new log is shorter', 3, 1],
    ['the new log is as long', 2, 2],
    ['the new log has overtaken the old one', 1, 3],
  ])('hears of mail again where %s', async (_what, old, anew) => {
    await write(old);
    await sync(pc);
    await sync(phone);
    expect(inbox(phone)).toBe(old);
    await market.loseDisk();
    await sync(pc);
    await write(anew);
    await sync(pc);
    expect(await sync(phone)).toMatchObject({ fetched: anew, errors: [] });
    expect(rentalOf(phone)).toMatchObject({ log: { length: anew }, score: { auditsFailed: 1 } });
    expect(await heard()).toEqual(EVERYTHING);
  });

  it('waits for the other one when it comes first', async () => {
    await write(1);
    await sync(phone);
    await market.loseDisk();
    await expect(sync(phone)).rejects.toMatchObject({ code: 'paying-device-other' });
    await expect(sync(phone)).rejects.toMatchObject({ code: 'paying-device-other' });
    await sync(pc);
    // Only now it learns that the balance is no affair of its own.
    expect(await sync(phone)).toMatchObject({ errors: ['paying-device-other'] });
    expect(rentalOf(phone)).toMatchObject({ score: { auditsFailed: 1 } });
    expect(await heard()).toEqual(EVERYTHING);
  });

  it('comes at the same time as the other one', async () => {
    await write(1);
    await sync(phone);
    await market.loseDisk();
    await Promise.allSettled([sync(phone), sync(pc)]);
    await Promise.all([sync(phone), sync(pc)]);
    expect(await heard()).toEqual(EVERYTHING);
  });

  it('tells all its tags again, though it is about to tell a new one', async () => {
    await write(1);
    await sync(phone);
    await market.loseDisk();
    await sync(pc);
    const dave = await person(4, sealedMemoryStore(), market.access());
    const onItsWay = Promise.withResolvers<void>();
    let watching: Promise<void> | undefined;
    const real = globalThis.fetch;
    globalThis.fetch = async (input, init) => {
      const { pathname } = new URL(input instanceof Request ? input.url : input);
      if (pathname.endsWith('/log') && watching === undefined) {
        await learn(phone, dave);
        watching = phone.sync.watchTags();
        await onItsWay.promise;
      } else if (pathname.endsWith('/filters') && watching !== undefined) {
        onItsWay.resolve();
        // It arrives once the other log has been noticed, unless that waits for this.
        const { length } = rentalOf(phone).log;
        for (let turn = 0; turn < 500 && rentalOf(phone).log.length === length; turn += 1) {
          await new Promise(setImmediate);
        }
      }
      return real(input, init);
    };
    try {
      await sync(phone);
      await watching;
    } finally {
      globalThis.fetch = real;
    }
    expect(await heard()).toEqual(EVERYTHING);
  });

  it('does not pay again when it takes over before it has heard of the loss', async () => {
    await write(2);
    await sync(phone);
    await market.loseDisk();
    await sync(pc);
    pc.renter.payBy(() => false);
    phone.renter.payBy(() => true);
    await phone.book.update(market.bondId, (one) => ({ ...one, isRecovering: true }));
    await sync(phone);
    expect(await heard()).toEqual(EVERYTHING);
  });
});

describe('the device that pays', () => {
  it('gets its mailbox again though more was paid before than a mailbox may hold', async () => {
    for (const { lifetime } of [pc, phone]) lifetime.abort();
    await market.stop();
    market = await Market.start({ perRequest: 5_000 });
    const terms = { ...TERMS, monthlyPriceCap: 1n << 60n, credit: 60_000n, deposit: 900_000n };
    pc = await clientSide(market, BOB, new Map(), terms);
    await pc.renter.rent({ bondId: market.bondId });
    const { maxBalance } = market.provider.terms.offer;
    const credited = (): bigint => BigInt(rentalOf(pc).credited);
    for (let look = 0; look < 99 && credited() <= maxBalance; look += 1) await sync(pc);
    const before = credited();
    expect(before).toBeGreaterThan(maxBalance);
    await market.loseDisk();
    expect(await sync(pc)).toMatchObject({ errors: [] });
    expect(credited()).toBe(before + terms.credit);
    // What was promised already paid for it.
    const [record] = pc.book.channels(rentalOf(pc));
    expect(record?.channel.signed).toBe(before);
  });
});

describe('a provider that goes on from an old copy of its disk', () => {
  it('is told again what it has forgotten', async () => {
    const old = market.copyDisk();
    await sync(phone);
    // Without the phone's tags it takes the second one for a stranger's when it comes again.
    await write(1);
    await write(1, carol);
    for (const side of [pc, phone]) await sync(side);
    await market.goOnWith(old);
    for (const side of [pc, phone]) await sync(side);
    const before = inbox(phone);
    await write(1, carol);
    await sync(phone);
    expect(inbox(phone)).toBe(before + 1);
  });
});
