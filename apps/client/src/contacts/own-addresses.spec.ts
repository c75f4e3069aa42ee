/** Sub-addresses from end to end in memory: knocked at, shown, revoked, over a power cut. */
import { describe, expect, it } from '@jest/globals';
import { decodeEnvelope } from '@tanglemail/mail/core/envelope/envelope.ts';
import { descriptorOf, sealMail } from '../testing/letters.ts';
import { type Disk, memoryStore, sealedMemoryStore } from '../testing/memory-store.ts';
import { NOW_MS, type Person, person } from '../testing/people.ts';

const nowSeconds = NOW_MS / 1_000;

/** Whether a scan of what strangers left finds it. */
function isHeard(by: Person, bytes: Uint8Array): boolean {
  const envelope = decodeEnvelope(bytes);
  if (!envelope.ok) throw new Error(envelope.code);
  return by.intake.isStrangers(envelope.value, nowSeconds);
}

async function two(): Promise<[alice: Person, bob: Person]> {
  return [await person(1), await person(2)];
}

describe('a sub-address', () => {
  it('is knocked at with its own key; mail and contact show it', async () => {
    const [alice, bob] = await two();
    await bob.addresses.add('shop');
    await bob.addresses.add('work');
    const { bytes, tagKind } = await sealMail(alice, bob, { subAddress: 'shop' });
    expect(tagKind).toBe('stranger');
    expect(isHeard(bob, bytes)).toBe(true);
    expect(await bob.intake.take(bytes)).toMatchObject({ mailId: 'Requests.1' });
    expect(bob.messages.get('Requests.1')?.entry.subAddress).toBe('shop');
    expect(bob.contacts.get(alice.account.address)?.cameBy).toBe('shop');
    const plain = await sealMail(await person(3), bob);
    await bob.intake.take(plain.bytes);
    expect(bob.messages.get('Requests.2')?.entry).not.toHaveProperty('subAddress');
  });

  it('that is revoked is heard no more, under its key of then not for ever', async () => {
    const [alice, bob] = await two();
    await bob.addresses.add('shop');
    const old = descriptorOf(bob);
    const { bytes } = await sealMail(alice, bob, { subAddress: 'shop' });
    await bob.addresses.revoke('shop');
    expect(isHeard(bob, bytes)).toBe(false);
    await expect(sealMail(alice, bob, { subAddress: 'shop' })).rejects.toMatchObject({
      code: 'sub-address-unknown',
      isFinal: true,
    });
    await bob.addresses.add('shop');
    expect(descriptorOf(bob).subAddresses).toHaveLength(1);
    const [before, after] = [old, descriptorOf(bob)].map((one) => one.subAddresses[0]!);
    expect(after?.id).toEqual(before?.id);
    expect(after?.introKey).not.toEqual(before?.introKey);
    expect(isHeard(bob, bytes)).toBe(false);
    const again = await sealMail(alice, bob, { subAddress: 'shop' });
    expect(isHeard(bob, again.bytes)).toBe(true);
  });

  it('stays open when the plain address hears contacts only, and the other way round', async () => {
    const [alice, bob] = await two();
    await bob.addresses.add('shop');
    await bob.ownSettings.set({ contactsOnly: true });
    await expect(sealMail(alice, bob)).rejects.toMatchObject({ code: 'contacts-only' });
    expect(isHeard(bob, (await sealMail(alice, bob, { subAddress: 'shop' })).bytes)).toBe(true);
    await bob.ownSettings.set({ contactsOnly: false });
    await bob.addresses.setPolicy('shop', { contactsOnly: true, stampBits: 4 });
    await expect(sealMail(alice, bob, { subAddress: 'shop' })).rejects.toMatchObject({
      code: 'contacts-only',
    });
    expect(isHeard(bob, (await sealMail(alice, bob)).bytes)).toBe(true);
    expect(descriptorOf(bob).subAddresses[0]?.policy).toEqual({ contactsOnly: true, stampBits: 4 });
  });

  it('of a contact is used until they know us, then their exact tags are', async () => {
    const [alice, bob] = await two();
    await bob.addresses.add('work');
    const { address } = bob.account;
    await alice.contacts.add(address, { name: 'Bob', writeBy: 'work', nowMs: NOW_MS });
    const first = await sealMail(alice, bob);
    expect(first.tagKind).toBe('stranger');
    await bob.intake.take(first.bytes);
    expect(bob.messages.get('Requests.1')?.entry.subAddress).toBe('work');
    await bob.contacts.add(alice.account.address, { name: 'Alice', nowMs: NOW_MS });
    await alice.intake.take((await sealMail(bob, alice)).bytes);
    await bob.addresses.revoke('work');
    const second = await sealMail(alice, bob);
    expect(second.tagKind).toBe('contact');
    await bob.intake.take(second.bytes);
    // By a contact's own tag: what brought it here first is what it is shown under.
    expect(bob.messages.get('INBOX.1')?.entry.subAddress).toBe('work');
  });

  it('sub-address-invalid, -exists, -unknown, sub-addresses-too-many', async () => {
    const bob = await person(2);
    const { addresses } = bob;
    const code = (work: Promise<unknown>): Promise<unknown> =>
      work.then(
        () => 'ok',
        (error: { code: string }) => error.code,
      );
    expect(await code(addresses.add('Shop!'))).toBe('sub-address-invalid');
    expect(await code(addresses.revoke('shop'))).toBe('sub-address-unknown');
    expect(await code(addresses.setPolicy('shop', { stampBits: 1 }))).toBe('sub-address-unknown');
    for (let at = 0; at < 16; at += 1) expect(await code(addresses.add(`list-${at}`))).toBe('ok');
    expect(await code(addresses.add('list-0'))).toBe('sub-address-exists');
    expect(await code(addresses.add('one-more'))).toBe('sub-addresses-too-many');
    expect(addresses.doors()).toHaveLength(17);
    expect(await code(addresses.revoke('list-3'))).toBe('ok');
    expect(await code(addresses.revoke('list-3'))).toBe('sub-address-unknown');
    expect(await code(addresses.add('one-more'))).toBe('ok');
  });

  it('is there, or is not, after a power cut at any write, and never half', async () => {
    for (let atWrite = 0; atWrite < 2; atWrite += 1) {
      for (const isApplied of [false, true]) {
        const disk: Disk = new Map();
        await person(2, sealedMemoryStore(memoryStore(disk).store));
        const cut = await person(
          2,
          sealedMemoryStore(memoryStore(disk, { atWrite, isApplied }).store),
        );
        const done: string[] = [];
        await cut.addresses.add('shop').then(
          () => done.push('add'),
          () => {},
        );
        await cut.addresses.revoke('shop').then(
          () => done.push('revoke'),
          () => {},
        );
        const { addresses } = await person(2, sealedMemoryStore(memoryStore(disk).store));
        const isLive = addresses.isLive('shop');
        // What was confirmed is so; what was cut may be either way.
        const expected = atWrite === 0 ? [[], isApplied] : [['add'], !isApplied];
        expect([done, isLive]).toEqual(expected);
        expect(addresses.published().subAddresses).toHaveLength(isLive ? 1 : 0);
      }
    }
  });
});

describe('observers', () => {
  it('hear of changes inside their batch', async () => {
    const bob = await person(2);
    const seen: unknown[] = [];
    bob.addresses.observe((_batch, { origin, after }) => seen.push([origin, after.label]));
    bob.ownSettings.observe((_batch, { origin, after }) => seen.push([origin, after.profileName]));
    await bob.addresses.add('shop');
    await bob.ownSettings.set({ profileName: 'Bob' });
    expect(seen).toEqual([
      ['local', 'shop'],
      ['local', 'Bob'],
    ]);
    expect(bob.ownSettings.get()).toMatchObject({ profileName: 'Bob', contactsOnly: false });
  });
});
