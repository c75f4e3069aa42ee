/** Sealing by one account and intake by another: tags, folders, repetition, other people's mail. */
import { describe, expect, it } from '@jest/globals';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import { decodeEnvelope, ENVELOPE_VERSION } from '@tanglemail/mail/core/envelope/envelope.ts';
import { type Descriptor, signDescriptor } from '@tanglemail/mail/core/identity/descriptor.ts';
import { epochOf, publicBundles } from '@tanglemail/mail/core/identity/epoch.ts';
import { nobleSuite } from '@tanglemail/mail/core/crypto/noble-suite.ts';
import { Sealer } from '../outbox/sealer.ts';
import type { OutboxEntry } from '../store/collections.ts';
import { orderedKey } from '../store/sealed-store.ts';
import { NOW_MS, type Person, person } from '../testing/people.ts';

const RAW = Buffer.from(
  'From: "Alice" <a@tangle.alt>\r\nSubject: =?utf-8?q?caf=C3=A9?=\r\n\r\nHi.\r\n',
);

function descriptorOf(owner: Person): Descriptor {
  const { account, epochs } = owner;
  const firstEpoch = epochOf(NOW_MS / 1_000);
  const bundles = publicBundles(epochs.state, firstEpoch, nobleSuite);
  if (!bundles.ok) throw new Error(bundles.code);
  return signDescriptor(
    {
      networkId: account.networkId,
      accountKey: account.keys.account.publicKey,
      sequence: 1n,
      issuedAt: NOW_MS / 1_000,
      identityKey: account.keys.identity.publicKey,
      firstEpoch,
      bundles: bundles.value,
      introKey: account.intro.publicKey,
      providers: [{ bondId: new Uint8Array(32), endpoint: 'http://127.0.0.1:1' }],
      policy: { stampBits: 0, contactsOnly: false },
      maxEnvelope: 24_576,
      formatVersions: [ENVELOPE_VERSION],
    },
    account.keys.account.secretKey,
  );
}

let nextId = 1;

/** Seals RAW as the outbox would and returns the envelope's bytes and its kind of tag. */
async function seal(from: Person, to: Person): Promise<{ bytes: Uint8Array; tagKind: string }> {
  const { account, store, contacts, tangle } = from;
  const resolver = { resolve: async () => descriptorOf(to), cached: () => descriptorOf(to) };
  const deps = { account, store, contacts, tangle, suite: nobleSuite };
  const sealer = new Sealer({ ...deps, resolver: resolver as never });
  const id = nextId++;
  const emailId = bytesToHex(sha256(RAW));
  const entry = {
    id,
    to: to.account.address,
    letterId: bytesToHex(tangle.random.bytes(16)),
    emailId,
    createdAtMs: NOW_MS,
  } as OutboxEntry;
  await store.batch().putBytes('messageRaw', emailId, RAW).write();
  const batch = store.batch();
  const { sealed, apply } = sealer.seal(batch, entry, descriptorOf(to));
  await batch.write();
  apply();
  const bytes = store.getBytes('outboxEnvelope', orderedKey(id));
  if (bytes === undefined) throw new Error('no envelope');
  return { bytes, tagKind: sealed.tagKind };
}

function isOurs(who: Person, bytes: Uint8Array): boolean {
  const envelope = decodeEnvelope(bytes);
  return envelope.ok && who.intake.isOurs(envelope.value);
}

describe('a first mail by invite', () => {
  it('carries a tag that the inviter watches, and lands in the inbox, byte for byte', async () => {
    const [alice, bob] = [await person(1), await person(2)];
    const secret = new Uint8Array(32).fill(9);
    await bob.contacts.invite(secret, 'for Alice', NOW_MS);
    await alice.contacts.add(bob.account.address, { name: 'Bob', invite: secret, nowMs: NOW_MS });
    const { bytes, tagKind } = await seal(alice, bob);
    expect(tagKind).toBe('invite');
    expect(isOurs(bob, bytes)).toBe(true);
    expect(await bob.intake.take(bytes)).toEqual({ kind: 'delivered', mailId: 'INBOX.1' });
    expect(bob.messages.raw('INBOX.1')).toEqual(new Uint8Array(RAW));
    const entry = bob.messages.get('INBOX.1')?.entry;
    expect(entry).toMatchObject({ subject: 'café', sender: alice.account.address });
    expect(bob.contacts.get(alice.account.address)).toMatchObject({
      state: 'accepted',
      knowsUs: true,
    });
  });

  it('is answered with a contact tag, and each tag is used once', async () => {
    const [alice, bob] = [await person(1), await person(2)];
    const secret = new Uint8Array(32).fill(9);
    await bob.contacts.invite(secret, '', NOW_MS);
    await alice.contacts.add(bob.account.address, { name: 'Bob', invite: secret, nowMs: NOW_MS });
    await alice.contacts.learnKeys(bob.account.address, descriptorOf(bob));
    const first = await seal(alice, bob);
    const second = await seal(alice, bob);
    expect(first.bytes.subarray(2, 18)).not.toEqual(second.bytes.subarray(2, 18));
    await bob.intake.take(first.bytes);
    const answer = await seal(bob, alice);
    expect(answer.tagKind).toBe('contact');
    expect(isOurs(alice, answer.bytes)).toBe(true);
    expect(await alice.intake.take(answer.bytes)).toMatchObject({ kind: 'delivered' });
    expect((await seal(alice, bob)).tagKind).toBe('contact');
  });
});

describe('a stranger’s mail', () => {
  it('is found by its view tag and waits in Requests', async () => {
    const [alice, bob] = [await person(1), await person(2)];
    const { bytes, tagKind } = await seal(alice, bob);
    expect(tagKind).toBe('stranger');
    expect(isOurs(bob, bytes)).toBe(true);
    expect(await bob.intake.take(bytes)).toEqual({ kind: 'delivered', mailId: 'Requests.1' });
    expect(bob.contacts.get(alice.account.address)?.state).toBe('requested');
  });
});

describe('intake', () => {
  it('takes a letter once, however often and wherever it arrives, also after a restart', async () => {
    const [alice, bob] = [await person(1), await person(2)];
    const { bytes } = await seal(alice, bob);
    await bob.intake.take(bytes);
    expect(await bob.intake.take(bytes)).toEqual({ kind: 'known' });
    const restarted = await person(2, bob.store);
    expect(await restarted.intake.take(bytes)).toEqual({ kind: 'known' });
    expect(restarted.messages.list('Requests', 10)).toHaveLength(1);
  });

  it('opens nothing that is for somebody else, and says so', async () => {
    const [alice, bob, carol] = [await person(1), await person(2), await person(3)];
    const { bytes } = await seal(alice, bob);
    expect(isOurs(carol, bytes)).toBe(false);
    expect(await carol.intake.take(bytes)).toEqual({ kind: 'refused', code: 'not-for-us' });
    expect(carol.messages.list('INBOX', 10)).toEqual([]);
  });

  it('refuses changed and random bytes without throwing', async () => {
    const [alice, bob] = [await person(1), await person(2)];
    const { bytes } = await seal(alice, bob);
    for (const at of [0, 1, 20, 60, 1_140, 1_200, bytes.length - 1]) {
      const changed = bytes.with(at, (bytes[at] ?? 0) ^ 1);
      expect(await bob.intake.take(changed)).toMatchObject({ kind: 'refused' });
    }
    expect(await bob.intake.take(new Uint8Array(0))).toMatchObject({ kind: 'refused' });
    expect(bob.messages.list('Requests', 10)).toEqual([]);
  });
});
