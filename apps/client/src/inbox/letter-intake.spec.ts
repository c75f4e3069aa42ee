/** Sealing by one account and intake by another: tags, folders, repetition, other people's mail. */
import { describe, expect, it } from '@jest/globals';
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import { decodeEnvelope } from '@tanglemail/mail/core/envelope/envelope.ts';
import { segmentRoot } from '@tanglemail/mail/core/market/segment-tree.ts';
import { descriptorOf, RAW, sealMail } from '../testing/letters.ts';
import { NOW_MS, type Person, person } from '../testing/people.ts';

const DAY_MS = 86_400_000;

function isOurs(who: Person, bytes: Uint8Array, arrivedAtMs = NOW_MS): boolean {
  const envelope = decodeEnvelope(bytes);
  return envelope.ok && who.intake.isOurs(envelope.value, arrivedAtMs / 1_000);
}

/** Alice has an invite of Bob's, and Bob has what belongs to it. */
async function invited(name = ''): Promise<[alice: Person, bob: Person]> {
  const [alice, bob] = [await person(1), await person(2)];
  const secret = new Uint8Array(32).fill(9);
  await bob.contacts.invite(secret, name, NOW_MS);
  await alice.contacts.add(bob.account.address, { name: 'Bob', invite: secret, nowMs: NOW_MS });
  return [alice, bob];
}

describe('a first mail by invite', () => {
  it('carries a tag that the inviter watches, and lands in the inbox, byte for byte', async () => {
    const [alice, bob] = await invited();
    const { bytes, tagKind } = await sealMail(alice, bob);
    expect(tagKind).toBe('invite');
    expect(isOurs(bob, bytes)).toBe(true);
    expect(await bob.intake.take(bytes)).toEqual({ kind: 'delivered', mailId: 'INBOX.1' });
    expect(bob.messages.raw('INBOX.1')).toEqual(RAW);
    const entry = bob.messages.get('INBOX.1')?.entry;
    expect(entry).toMatchObject({ subject: 'café', sender: alice.account.address });
    expect(bob.contacts.get(alice.account.address)).toMatchObject({
      state: 'accepted',
      name: 'Alice',
      knowsUs: true,
    });
  });

  it('gives the sender the name that the invite was made for', async () => {
    const [alice, bob] = await invited('my sister');
    await bob.intake.take((await sealMail(alice, bob)).bytes);
    expect(bob.contacts.get(alice.account.address)?.name).toBe('my sister');
  });

  it('never gives a guest the name of somebody else', async () => {
    const [alice, bob] = await invited();
    const carol = await person(3);
    await bob.contacts.add(carol.account.address, { name: 'alice', nowMs: NOW_MS });
    await bob.intake.take((await sealMail(alice, bob)).bytes);
    expect(bob.contacts.get(alice.account.address)).toMatchObject({ state: 'accepted', name: '' });
    expect(bob.contacts.byName('Alice')?.address).toBe(carol.account.address);
  });

  it('is answered with a contact tag, and each tag is used once', async () => {
    const [alice, bob] = await invited();
    await alice.contacts.learnKeys(bob.account.address, descriptorOf(bob), NOW_MS);
    const first = await sealMail(alice, bob);
    const second = await sealMail(alice, bob);
    expect(first.bytes.subarray(2, 18)).not.toEqual(second.bytes.subarray(2, 18));
    await bob.intake.take(first.bytes);
    const answer = await sealMail(bob, alice);
    expect(answer.tagKind).toBe('contact');
    expect(isOurs(alice, answer.bytes)).toBe(true);
    expect(await alice.intake.take(answer.bytes)).toMatchObject({ kind: 'delivered' });
    expect((await sealMail(alice, bob)).tagKind).toBe('contact');
  });
});

describe('a stranger’s mail', () => {
  it('is found by its view tag and waits in Requests', async () => {
    const [alice, bob] = [await person(1), await person(2)];
    const { bytes, tagKind } = await sealMail(alice, bob);
    expect(tagKind).toBe('stranger');
    expect(isOurs(bob, bytes)).toBe(true);
    expect(await bob.intake.take(bytes)).toEqual({ kind: 'delivered', mailId: 'Requests.1' });
    expect(bob.contacts.get(alice.account.address)?.state).toBe('requested');
  });

  it('is found on the day on which it came, however late it is looked at', async () => {
    const [alice, bob] = [await person(1), await person(2)];
    const { bytes } = await sealMail(alice, bob);
    expect(isOurs(bob, bytes, NOW_MS + DAY_MS)).toBe(true);
    expect(isOurs(bob, bytes, NOW_MS - DAY_MS)).toBe(true);
  });

  it('may be answered: the writer watches for the answer from the moment of sealing', async () => {
    const [alice, bob] = [await person(1), await person(2)];
    await bob.intake.take((await sealMail(alice, bob)).bytes);
    const answer = await sealMail(bob, alice);
    expect(answer.tagKind).toBe('contact');
    expect(isOurs(alice, answer.bytes)).toBe(true);
    expect(await alice.intake.take(answer.bytes)).toMatchObject({ mailId: 'INBOX.1' });
    // Bob wrote to her himself, so she is no stranger any more.
    expect(bob.contacts.get(alice.account.address)?.state).toBe('accepted');
  });

  it('to oneself makes nobody a contact', async () => {
    const alice = await person(1);
    const { bytes } = await sealMail(alice, alice);
    expect(alice.contacts.list()).toEqual([]);
    expect(await alice.intake.take(bytes)).toMatchObject({ kind: 'delivered' });
  });
});

describe('intake', () => {
  it('takes a letter once, however often it arrives, also after a restart', async () => {
    const [alice, bob] = [await person(1), await person(2)];
    const { bytes } = await sealMail(alice, bob);
    const root = bytesToHex(segmentRoot(bytes));
    expect(bob.intake.hasTaken(root)).toBe(false);
    await bob.intake.take(bytes);
    expect(await bob.intake.take(bytes)).toEqual({ kind: 'known' });
    const restarted = await person(2, bob.store);
    expect(restarted.intake.isLetter(root)).toBe(true);
    expect(await restarted.intake.take(bytes)).toEqual({ kind: 'known' });
    expect(restarted.messages.list('Requests', 10)).toHaveLength(1);
  });

  it('takes a letter once though its sender sealed it again with another tag', async () => {
    const [alice, bob] = await invited();
    const { bytes, letterId } = await sealMail(alice, bob);
    const again = await sealMail(alice, bob, { letterId, isResent: true });
    expect(again.tagKind).toBe('stranger');
    await bob.intake.take(again.bytes);
    expect(await bob.intake.take(bytes)).toEqual({ kind: 'known' });
    // The number of the tag is used up all the same.
    expect(isOurs(bob, bytes)).toBe(false);
  });

  it('opens nothing that is for somebody else, says so, and looks into it once', async () => {
    const [alice, bob, carol] = [await person(1), await person(2), await person(3)];
    const { bytes } = await sealMail(alice, bob);
    expect(isOurs(carol, bytes)).toBe(false);
    expect(await carol.intake.take(bytes)).toEqual({ kind: 'refused', code: 'not-for-us' });
    expect(await carol.intake.take(bytes)).toEqual({ kind: 'known' });
    expect(carol.intake.isLetter(bytesToHex(segmentRoot(bytes)))).toBe(false);
    expect(carol.messages.list('INBOX', 10)).toEqual([]);
  });

  it('refuses changed and random bytes without throwing', async () => {
    const [alice, bob] = [await person(1), await person(2)];
    const { bytes } = await sealMail(alice, bob);
    for (const at of [0, 1, 20, 60, 1_140, 1_200, bytes.length - 1]) {
      const changed = bytes.with(at, (bytes[at] ?? 0) ^ 1);
      expect(await bob.intake.take(changed)).toMatchObject({ kind: 'refused' });
    }
    expect(await bob.intake.take(new Uint8Array(0))).toMatchObject({ kind: 'refused' });
    expect(bob.messages.list('Requests', 10)).toEqual([]);
  });

  it('lets nobody use up a contact’s tag with a letter of their own', async () => {
    const [alice, bob] = await invited();
    const mallory = await person(3);
    await alice.contacts.learnKeys(bob.account.address, descriptorOf(bob), NOW_MS);
    await bob.intake.take((await sealMail(alice, bob)).bytes);
    await alice.intake.take((await sealMail(bob, alice)).bytes);
    const genuine = await sealMail(alice, bob);
    expect(genuine.tagKind).toBe('contact');
    const tag = genuine.bytes.subarray(2, 18);
    // Mallory saw the tag on its way: a stranger's letter to Bob, sealed under that tag.
    const { contacts } = mallory;
    const takeTag = (contact: unknown): object => ({ kind: 'contact', tag, contact });
    Object.assign(contacts, { takeTag });
    const forged = await sealMail(mallory, bob);
    expect(await bob.intake.take(forged.bytes)).toMatchObject({ mailId: 'Requests.1' });
    expect(isOurs(bob, genuine.bytes)).toBe(true);
    expect(await bob.intake.take(genuine.bytes)).toMatchObject({ mailId: 'INBOX.2' });
  });

  it('files mail of removed contacts as requests and of blocked ones as junk', async () => {
    const [alice, bob] = await invited();
    await bob.intake.take((await sealMail(alice, bob)).bytes);
    await bob.contacts.remove(alice.account.address);
    const removed = await sealMail(alice, bob);
    expect(isOurs(bob, removed.bytes)).toBe(true);
    expect(await bob.intake.take(removed.bytes)).toMatchObject({ mailId: 'Requests.1' });
    const known = bob.contacts.get(alice.account.address);
    expect(known).toMatchObject({ state: 'requested', name: 'Alice' });
    const batch = bob.store.batch();
    const apply = bob.contacts.put(batch, { ...known!, state: 'blocked' });
    await batch.write();
    apply();
    expect(await bob.intake.take((await sealMail(alice, bob)).bytes)).toMatchObject({
      mailId: 'Junk.1',
    });
  });
});
