/** Petnames, counters that never go back, and changes at the same time as the inbox's. */
import { describe, expect, it } from '@jest/globals';
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import { decodeEnvelope } from '@tanglemail/mail/core/envelope/envelope.ts';
import { descriptorOf, sealMail } from '../testing/letters.ts';
import { counters } from '../store/collections.ts';
import type { ContactChange } from './contact-book.ts';
import { NOW_MS, type Person, person } from '../testing/people.ts';

const nowMs = NOW_MS;

function tagOf(bytes: Uint8Array): string {
  const envelope = decodeEnvelope(bytes);
  if (!envelope.ok) throw new Error(envelope.code);
  return bytesToHex(envelope.value.tag);
}

/** Two who know each other. */
async function friends(): Promise<[alice: Person, bob: Person]> {
  const [alice, bob] = [await person(1), await person(2)];
  await alice.contacts.add(bob.account.address, { name: 'Bob', nowMs });
  await bob.contacts.add(alice.account.address, { name: 'Alice', nowMs });
  await bob.intake.take((await sealMail(alice, bob)).bytes);
  await alice.intake.take((await sealMail(bob, alice)).bytes);
  return [alice, bob];
}

describe('names', () => {
  it('are the user’s: what a stranger calls itself finds nobody', async () => {
    const [alice, bob] = [await person(1), await person(2)];
    await bob.intake.take((await sealMail(alice, bob)).bytes);
    expect(bob.contacts.get(alice.account.address)).toMatchObject({
      name: 'Alice',
      state: 'requested',
    });
    expect(bob.contacts.byName('alice')).toBeUndefined();
    await bob.contacts.add(alice.account.address, { name: 'Alice', nowMs });
    expect(bob.contacts.byName(' ALICE ')?.address).toBe(alice.account.address);
  });

  it('that two contacts have, or nobody has, find nobody', async () => {
    const [alice, bob, carol] = [await person(1), await person(2), await person(3)];
    await alice.contacts.add(bob.account.address, { name: 'Sam', nowMs });
    await alice.contacts.add(carol.account.address, { name: 'sam', nowMs });
    expect(alice.contacts.byName('Sam')).toBeUndefined();
    expect(alice.contacts.byName('')).toBeUndefined();
  });
});

describe('a contact that was removed', () => {
  it('is out of sight, and gets fresh tags when it comes back', async () => {
    const [alice, bob] = await friends();
    const before = await sealMail(alice, bob);
    expect(await alice.contacts.remove(bob.account.address)).toBe(true);
    expect(await alice.contacts.remove(bob.account.address)).toBe(false);
    expect(alice.contacts.list()).toEqual([]);
    const restarted = await person(1, alice.store);
    expect(restarted.contacts.list()).toEqual([]);
    await restarted.contacts.add(bob.account.address, { name: 'Bob again', nowMs });
    const after = await sealMail(restarted, bob);
    expect(after.tagKind).toBe('contact');
    expect(tagOf(after.bytes)).not.toBe(tagOf(before.bytes));
    for (const { bytes } of [before, after]) {
      expect(await bob.intake.take(bytes)).toMatchObject({ kind: 'delivered' });
    }
  });

  it('is still heard: its mail does not vanish', async () => {
    const [alice, bob] = await friends();
    await alice.contacts.remove(bob.account.address);
    const { bytes, tagKind } = await sealMail(bob, alice);
    expect(tagKind).toBe('contact');
    const envelope = decodeEnvelope(bytes);
    expect(envelope.ok && alice.tags.match(envelope.value.tag)).toBeTruthy();
    expect(await alice.intake.take(bytes)).toMatchObject({ mailId: 'Requests.1' });
  });
});

describe('changes at the same time', () => {
  it('do not undo each other: a rename while a letter is filed', async () => {
    const [alice, bob] = await friends();
    const letters = [await sealMail(alice, bob), await sealMail(alice, bob)];
    const { address } = alice.account;
    await Promise.all([
      bob.intake.take(letters[0]!.bytes),
      bob.contacts.add(address, { name: 'Alice B.', nowMs }),
      bob.intake.take(letters[1]!.bytes),
      bob.contacts.learnKeys(address, descriptorOf(alice), nowMs),
    ]);
    const restarted = await person(2, bob.store);
    for (const { contacts } of [bob, restarted]) {
      expect(contacts.get(address)).toMatchObject({
        name: 'Alice B.',
        state: 'accepted',
        knowsUs: true,
      });
    }
  });

  it('use no tag twice: a rename while mails are sealed', async () => {
    const [alice, bob] = await friends();
    const { address } = bob.account;
    const work = Array.from({ length: 6 }, (_, at) => [
      sealMail(alice, bob),
      alice.contacts.add(address, { name: `Bob ${at}`, nowMs }),
    ]).flat();
    const sealed = (await Promise.all(work)).filter((one) => 'bytes' in one);
    expect(new Set(sealed.map(({ bytes }) => tagOf(bytes))).size).toBe(6);
    const next = await sealMail(await person(1, alice.store), bob);
    expect(sealed.map(({ bytes }) => tagOf(bytes))).not.toContain(tagOf(next.bytes));
  });
});

describe('an observer', () => {
  it('writes into the batch of every change, and hears no more once it has left', async () => {
    const [alice, bob] = [await person(1), await person(2)];
    const { address } = bob.account;
    const seen: ContactChange[] = [];
    const leave = alice.contacts.observe((batch, change) => {
      seen.push(change);
      batch.put(counters, 'observed', { next: seen.length });
    });
    await alice.contacts.add(address, { name: 'Bob', nowMs });
    await alice.contacts.add(address, { name: 'Bobby', nowMs });
    await alice.contacts.invite(new Uint8Array(32), 'Carol', nowMs);
    expect(seen).toMatchObject([
      { kind: 'contact', origin: 'local', before: undefined, after: { name: 'Bob' } },
      { kind: 'contact', origin: 'local', before: { name: 'Bob' }, after: { name: 'Bobby' } },
      { kind: 'invite', origin: 'local', after: { name: 'Carol' } },
    ]);
    expect(alice.store.get(counters, 'observed')).toEqual({ next: 3 });
    const batch = alice.store.batch();
    const apply = alice.contacts.put(batch, alice.contacts.get(address)!, 'remote');
    await batch.write();
    apply();
    expect(seen.at(-1)).toMatchObject({ origin: 'remote', before: { name: 'Bobby' } });
    leave();
    await alice.contacts.remove(address);
    expect(seen).toHaveLength(4);
  });
});

describe('a blocked contact', () => {
  it('is watched no more, and writing to it does not unblock it', async () => {
    const [alice, bob] = await friends();
    const known = bob.contacts.get(alice.account.address)!;
    const batch = bob.store.batch();
    const apply = bob.contacts.put(batch, { ...known, state: 'blocked' });
    await batch.write();
    apply();
    expect(bob.tags.windows()).toEqual({});
    await sealMail(bob, alice);
    expect(bob.contacts.get(alice.account.address)?.state).toBe('blocked');
  });
});
