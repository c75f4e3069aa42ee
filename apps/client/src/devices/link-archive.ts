/**
 * What a new device is given: keys, epochs, contacts, tags, rentals and the self-log. Mails are not
 * in it: they come from the providers. Before: link-host.ts; after: link-guest.ts.
 * Spec: docs/spec/44-device-link.md, "Archive".
 */
import { gunzipSync, gzipSync } from 'node:zlib';
import { bytesToHex, hexToBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import { decodeEpochState, encodeEpochState } from '@tanglemail/mail/core/identity/epoch.ts';
import type { EpochState } from '@tanglemail/mail/core/identity/epoch.ts';
import type { SelfLog } from '@tanglemail/mail/core/self-log/log.ts';
import { decodeSnapshot, encodeSnapshot } from '@tanglemail/mail/core/self-log/snapshot.ts';
import { z } from 'zod';
import { EpochStore } from '../account/epoch-store.ts';
import { ClientError } from '../client-error.ts';
import { INVITE_SOURCE } from '../contacts/invite-book.ts';
import { SecretsSchema } from '../keystore/keystore.ts';
import { contacts, hex, invites, rentals, tagSources } from '../store/collections.ts';
import type { SealedBatch, SealedStore } from '../store/sealed-store.ts';
import { markRestored } from '../store/restored-note.ts';
import { putSelfLog } from './self-log-store.ts';

const MAX_PLAIN = 67_108_864;

const ARCHIVE = z.strictObject({
  version: z.literal(1),
  /** Without the store's key: each device has its own. */
  secrets: SecretsSchema.omit({ storeKey: true }),
  genesis: z.string().max(4_000_000),
  settings: z.record(z.string(), z.unknown()),
  epochs: hex,
  selfLog: z.base64(),
  contacts: z.array(contacts.schema as z.ZodType).max(100_000),
  invites: z.array(invites.schema as z.ZodType).max(100_000),
  tags: z.array(tagSources.schema as z.ZodType).max(100_000),
  rentals: z.array(rentals.schema as z.ZodType).max(1_000),
});

export type LinkArchive = z.infer<typeof ARCHIVE>;

/** What the archive takes from elsewhere than the store. */
export interface ArchiveFacts extends Pick<LinkArchive, 'secrets' | 'genesis' | 'settings'> {
  readonly epochs: EpochState;
  readonly log: SelfLog;
}

/** The archive of a store, compressed. Throws ClientError `link-too-large`. */
export async function makeLinkArchive(
  store: SealedStore,
  facts: ArchiveFacts,
): Promise<Uint8Array> {
  const snapshot = encodeSnapshot(facts.log);
  if (!snapshot.ok) throw new ClientError('link-too-large', snapshot.code);
  const { secrets, genesis, settings } = facts;
  const archive: LinkArchive = {
    version: 1,
    secrets,
    genesis,
    settings,
    epochs: bytesToHex(encodeEpochState(facts.epochs)),
    selfLog: Buffer.from(snapshot.value).toString('base64'),
    contacts: await valuesOf(store, contacts),
    invites: await valuesOf(store, invites),
    tags: await sourcesOf(store),
    rentals: await valuesOf(store, rentals),
  };
  return new Uint8Array(gzipSync(JSON.stringify(archive)));
}

async function valuesOf<T>(
  store: SealedStore,
  of: Parameters<SealedStore['scan']>[0],
): Promise<T[]> {
  const values: T[] = [];
  for await (const { value } of store.scan(of)) values.push(value as T);
  return values;
}

/** Sources of invites are named by the store's key: in the archive they bear their secret. */
async function sourcesOf(store: SealedStore): Promise<unknown[]> {
  const secrets = new Map<string, string>();
  for await (const { key, value } of store.scan(invites)) secrets.set(key, value.secret);
  const sources: unknown[] = [];
  for await (const { value } of store.scan(tagSources)) {
    const isInvite = value.id.startsWith(INVITE_SOURCE);
    const secret = secrets.get(value.id.slice(INVITE_SOURCE.length));
    if (isInvite && secret === undefined) continue;
    sources.push(isInvite ? { ...value, id: `${INVITE_SOURCE}${secret}` } : value);
  }
  return sources;
}

/** Reads an archive. Throws ClientError `backup-invalid` for bytes that are none. */
export function readLinkArchive(bytes: Uint8Array): LinkArchive {
  try {
    const text = gunzipSync(bytes, { maxOutputLength: MAX_PLAIN }).toString('utf8');
    return ARCHIVE.parse(JSON.parse(text));
  } catch (cause) {
    throw new ClientError('backup-invalid', 'the archive of the other device', { cause });
  }
}

/** Puts an archive into the batch of an empty store. Throws ClientError `backup-invalid`. */
export function putLinkArchive(
  batch: SealedBatch,
  store: Pick<SealedStore, 'opaque'>,
  archive: LinkArchive,
  deviceName: string,
): void {
  const epochs = decodeEpochState(hexToBytes(archive.epochs));
  const log = decodeSnapshot(new Uint8Array(Buffer.from(archive.selfLog, 'base64')));
  if (!epochs.ok || !log.ok) throw new ClientError('backup-invalid', 'its epochs or its self-log');
  EpochStore.create(batch, epochs.value);
  putSelfLog(batch, log.value);
  for (const one of archive.contacts.map((each) => contacts.schema.parse(each))) {
    batch.put(contacts, store.opaque(one.address), one);
  }
  for (const one of archive.invites.map((each) => invites.schema.parse(each))) {
    batch.put(invites, store.opaque(one.secret), one);
  }
  for (const one of archive.tags.map((each) => tagSources.schema.parse(each))) {
    const isInvite = one.id.startsWith(INVITE_SOURCE);
    const secret = one.id.slice(INVITE_SOURCE.length);
    const id = isInvite ? `${INVITE_SOURCE}${store.opaque(secret)}` : one.id;
    batch.put(tagSources, store.opaque(id), { ...one, id });
  }
  for (const one of archive.rentals.map((each) => rentals.schema.parse(each))) {
    const anew = { registered: {}, hasBucket: false, isRecovering: true, lastSyncAt: 0 };
    const log0 = { length: 0, hash: '00'.repeat(32) };
    // The log from its beginning: whatever the provider still has is fetched by this device, too.
    batch.put(rentals, store.opaque(one.bondId), { ...one, ...anew, log: log0, pending: [] });
  }
  markRestored(batch, { deviceName });
}
