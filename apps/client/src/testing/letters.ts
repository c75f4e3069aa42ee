/** Descriptors and sealed envelopes of test people, made as the outbox makes them. */
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import { ENVELOPE_VERSION } from '@tanglemail/mail/core/envelope/envelope.ts';
import {
  type Descriptor,
  type DescriptorBody,
  signDescriptor,
} from '@tanglemail/mail/core/identity/descriptor.ts';
import { epochOf, publicBundles } from '@tanglemail/mail/core/identity/epoch.ts';
import { nobleSuite } from '@tanglemail/mail/core/crypto/noble-suite.ts';
import { Sealer } from '../outbox/sealer.ts';
import { rawMessageKey } from '../store/collections.ts';
import type { OutboxEntry } from '../store/outbox-collections.ts';
import { orderedKey } from '../store/sealed-store.ts';
import type { Person } from './people.ts';

export const RAW = new Uint8Array(
  Buffer.from('From: "Alice" <a@tangle.alt>\r\nSubject: =?utf-8?q?caf=C3=A9?=\r\n\r\nHi.\r\n'),
);

/** What `owner` publishes; `more` replaces fields before it is signed. */
export function descriptorOf(owner: Person, more: Partial<DescriptorBody> = {}): Descriptor {
  const { account, epochs, tangle } = owner;
  const issuedAt = Math.floor(tangle.clock.nowMs() / 1_000);
  const firstEpoch = epochOf(issuedAt);
  const bundles = publicBundles(epochs.state, firstEpoch, nobleSuite);
  if (!bundles.ok) throw new Error(bundles.code);
  return signDescriptor(
    {
      networkId: account.networkId,
      accountKey: account.keys.account.publicKey,
      sequence: 1n,
      issuedAt,
      identityKey: account.keys.identity.publicKey,
      firstEpoch,
      bundles: bundles.value,
      ...owner.addresses.published(),
      providers: [{ bondId: new Uint8Array(32), endpoint: 'http://127.0.0.1:1' }],
      maxEnvelope: 24_576,
      formatVersions: [ENVELOPE_VERSION],
      ...more,
    },
    account.keys.account.secretKey,
  );
}

/** The sealer of `from`; every address that it resolves shows `descriptor`. */
export function sealerOf(from: Person, descriptor: () => Descriptor): Sealer {
  const { account, store, contacts, tangle } = from;
  const resolver = { resolve: async () => descriptor(), cached: () => descriptor() };
  const deps = { account, store, contacts, tangle, suite: nobleSuite };
  return new Sealer({ ...deps, resolver: resolver as never });
}

/** The sealers that an outbox of `from` needs for messages and notes. */
export function sealersOf(
  from: Person,
  descriptor: () => Descriptor,
): { readonly message: Sealer; readonly note: Sealer } {
  const sealer = sealerOf(from, descriptor);
  return { message: sealer, note: sealer };
}

/** Seals a note between clients as the outbox would. */
export async function sealNote(
  from: Person,
  to: Person,
  body: Uint8Array,
): Promise<{ bytes: Uint8Array; tagKind: string; letterId: string }> {
  return sealMail(from, to, { form: 'note', payload: body });
}

let nextId = 1;

/** Seals a message as the outbox would; gives the envelope's bytes and its kind of tag. */
export async function sealMail(
  from: Person,
  to: Person,
  more: Partial<OutboxEntry> & {
    readonly raw?: Uint8Array;
    readonly payload?: Uint8Array;
    readonly sealFor?: Descriptor;
  } = {},
): Promise<{ bytes: Uint8Array; tagKind: string; letterId: string }> {
  const { raw = RAW, payload, sealFor = descriptorOf(to), ...facts } = more;
  const { store, tangle, writes } = from;
  const id = nextId++;
  const emailId = bytesToHex(sha256(raw));
  const letterId = bytesToHex(tangle.random.bytes(16));
  const createdAtMs = tangle.clock.nowMs();
  const entry = { id, to: to.account.address, letterId, emailId, createdAtMs, ...facts };
  const before = store.batch().putBytes('messageRaw', rawMessageKey(store, emailId), raw);
  if (payload !== undefined) before.putBytes('outboxPayload', orderedKey(id), payload);
  await before.write();
  return writes.run(async () => {
    const batch = store.batch();
    const sealer = sealerOf(from, () => sealFor);
    const { sealed, apply } = sealer.seal(batch, entry as OutboxEntry, sealFor);
    await batch.write();
    apply();
    const bytes = store.getBytes('outboxEnvelope', orderedKey(id));
    if (bytes === undefined) throw new Error('no envelope');
    return { bytes, tagKind: sealed.tagKind, letterId: entry.letterId };
  });
}
