/** Invites that end: what they are worth then, and that they are bounded. */
import { describe, expect, it } from '@jest/globals';
import { hexToBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import { inviteTagKey, tagAt } from '@tanglemail/mail/core/envelope/tags.ts';
import { descriptorOf, sealMail } from '../testing/letters.ts';
import { type Disk, memoryStore, sealedMemoryStore } from '../testing/memory-store.ts';
import { NOW_MS, type Person, person } from '../testing/people.ts';
import { MAX_OPEN_INVITES } from './invite-book.ts';

const DAY_MS = 86_400_000;
const secretOf = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);

const isWatched = (by: Person, secret: Uint8Array): boolean =>
  by.tags.match(tagAt(inviteTagKey(secret, by.account.address), 0)) !== undefined;

describe('an invite', () => {
  it('makes its first user a contact, and remembers who it was', async () => {
    const [alice, bob] = [await person(1), await person(2)];
    const { id } = await bob.contacts.invites.create(secretOf(1), { name: 'Al', nowMs: NOW_MS });
    const invite = secretOf(1);
    await alice.contacts.add(bob.account.address, { name: 'Bob', invite, nowMs: NOW_MS });
    await bob.intake.take((await sealMail(alice, bob)).bytes);
    expect(bob.contacts.get(alice.account.address)).toMatchObject({
      name: 'Al',
      state: 'accepted',
    });
    const [listed] = bob.contacts.invites.list();
    expect(listed).toMatchObject({ id, usedBy: alice.account.address });
  });

  it('whose time is over is watched no more and lets nobody in', async () => {
    const disk: Disk = new Map();
    const [alice, bob] = [
      await person(1),
      await person(2, sealedMemoryStore(memoryStore(disk).store)),
    ];
    const { invites } = bob.contacts;
    await invites.create(secretOf(1), { name: 'Al', nowMs: NOW_MS - 31 * DAY_MS });
    await invites.create(secretOf(2), { name: 'Bea', nowMs: NOW_MS - 29 * DAY_MS });
    const invite = secretOf(1);
    await alice.contacts.add(bob.account.address, { name: 'Bob', invite, nowMs: NOW_MS });
    // It ended while nobody looked: its tag is still watched, and is worth nothing.
    await bob.intake.take((await sealMail(alice, bob)).bytes);
    expect(bob.contacts.get(alice.account.address)?.state).toBe('requested');
    expect(await invites.expire(NOW_MS)).toBe(1);
    expect(await invites.expire(NOW_MS)).toBe(0);
    const restarted = await person(2, sealedMemoryStore(memoryStore(disk).store));
    for (const one of [bob, restarted]) {
      expect([isWatched(one, secretOf(1)), isWatched(one, secretOf(2))]).toEqual([false, true]);
    }
  });

  it('that is revoked is watched no more, and cannot be revoked again', async () => {
    const bob = await person(2);
    const { invites } = bob.contacts;
    const { id } = await invites.create(secretOf(1), { name: '', nowMs: NOW_MS });
    expect(isWatched(bob, secretOf(1))).toBe(true);
    expect(await invites.revoke(id, NOW_MS)).toMatchObject({ revokedAtMs: NOW_MS });
    expect(isWatched(bob, secretOf(1))).toBe(false);
    await expect(invites.revoke(id, NOW_MS)).rejects.toMatchObject({ code: 'invite-unknown' });
  });

  it('invites-too-many: open ones are bounded, and so are ended ones', async () => {
    const bob = await person(2);
    const { invites } = bob.contacts;
    let created = 0;
    const create = async (nowMs: number): Promise<void> => {
      const secret = new Uint8Array(32);
      new DataView(secret.buffer).setUint32(0, (created += 1));
      await invites.create(secret, { name: '', nowMs, days: 1 });
    };
    for (let at = 0; at < MAX_OPEN_INVITES; at += 1) await create(NOW_MS);
    await expect(create(NOW_MS)).rejects.toMatchObject({ code: 'invites-too-many' });
    for (let day = 1; day < 5; day += 1) {
      for (let at = 0; at < MAX_OPEN_INVITES; at += 1) await create(NOW_MS + day * DAY_MS);
    }
    await invites.expire(NOW_MS + 9 * DAY_MS);
    expect(invites.list()).toHaveLength(256);
    expect(bob.tags.windows()).toEqual({});
    expect(hexToBytes(invites.list()[0]?.secret ?? '')).toHaveLength(32);
  });
});

describe('keys of a contact', () => {
  it('of an old letter do not come back as new ones, those of a descriptor do', async () => {
    const [alice, bob] = [await person(1), await person(2)];
    const { address } = alice.account;
    await bob.contacts.add(address, { name: 'Alice', nowMs: NOW_MS });
    const first = descriptorOf(alice);
    const second = descriptorOf(alice, { identityKey: descriptorOf(bob).identityKey });
    await bob.contacts.learnKeys(address, first, NOW_MS);
    expect(bob.contacts.get(address)?.keyChange).toBeUndefined();
    await bob.contacts.learnKeys(address, second, NOW_MS + 1);
    expect(bob.contacts.get(address)?.keyChange).toEqual({ atMs: NOW_MS + 1, wasVerified: false });
    // A letter of hers with the first key, which was on its way.
    await bob.intake.take((await sealMail(alice, bob)).bytes);
    const known = bob.contacts.get(address);
    expect(known?.identityKey).toBe(Buffer.from(second.identityKey).toString('hex'));
    expect(bob.contacts.keyHistory(address)).toHaveLength(2);
    await bob.contacts.learnKeys(address, first, NOW_MS + 2);
    expect(bob.contacts.get(address)?.keyChange?.atMs).toBe(NOW_MS + 2);
    expect(bob.contacts.keyHistory(address)).toHaveLength(3);
  });

  it('that change in a letter are a change too', async () => {
    const [alice, bob] = [await person(1), await person(2)];
    const { address } = alice.account;
    await bob.contacts.add(address, { name: 'Alice', nowMs: NOW_MS });
    const other = descriptorOf(alice, { identityKey: descriptorOf(bob).identityKey });
    await bob.contacts.learnKeys(address, other, NOW_MS);
    await bob.contacts.change(address, (known) => {
      return (
        known && { ...known, verified: { atMs: NOW_MS, identityKey: known.identityKey ?? '' } }
      );
    });
    await bob.intake.take((await sealMail(alice, bob)).bytes);
    expect(bob.contacts.get(address)).toMatchObject({ keyChange: { wasVerified: true } });
    expect(bob.contacts.get(address)).not.toHaveProperty('verified');
  });
});
