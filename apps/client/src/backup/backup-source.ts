/**
 * What a backup holds: the manifest, then the store's values as they are at one moment. Before:
 * backup-service.ts; after: store, backup-writer.ts. Spec: docs/spec/29-backup.md.
 */
import type { BackupRecord } from '@tanglemail/mail/core/backup/record.ts';
import { rawMessageKey } from '../store/collections.ts';
import { outboxEntries } from '../store/outbox-collections.ts';
import { type Bucket, BUCKETS, type SealedStore } from '../store/sealed-store.ts';
import { type BackupManifest, encodeManifest } from './manifest.ts';

/**
 * Left out of a backup without mail. What was seen goes too: then all that still lies at providers
 * is fetched again after a restore.
 */
const MAIL_BUCKETS: ReadonlySet<Bucket> = new Set([
  'messageRaw',
  'messageEntry',
  'messageSeen',
  'draft',
  'searchIndex',
  'expunged',
]);

/** All records. What happens to the store meanwhile is not in them. */
export async function* backupRecords(
  store: SealedStore,
  manifest: BackupManifest,
): AsyncGenerator<BackupRecord> {
  yield { kind: 'manifest', json: encodeManifest(manifest) };
  const unsent = new Set<string>();
  let count = 0;
  for await (const { bucket, key, value } of store.dump()) {
    if (bucket === 'outbox') noteUnsent(store, value, unsent);
    // The outbox comes before the bytes: its bucket has the smaller number.
    const isLeftOut = !manifest.withMail && MAIL_BUCKETS.has(bucket) && !unsent.has(key);
    if (isLeftOut) continue;
    count += 1;
    yield { kind: 'value', bucket: BUCKETS[bucket], key, value };
  }
  yield { kind: 'end', count };
}

/** The bytes of mail that still has to leave belong into every backup. */
function noteUnsent(store: SealedStore, value: Uint8Array, unsent: Set<string>): void {
  const entry = outboxEntries.schema.parse(JSON.parse(new TextDecoder().decode(value)));
  if (!entry.isDone) unsent.add(rawMessageKey(store, entry.emailId));
}
