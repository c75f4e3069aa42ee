/**
 * What a store remembers of where it came from: a backup, the words or another device. It counts on
 * none of the tags that the account's first device counts on. Before: backup/restore.ts,
 * account/create.ts, devices/link-archive.ts; after: devices/. Spec: docs/spec/29-backup.md.
 */
import { z } from 'zod';
import { collection, count, hex, type RecordOf } from './collections.ts';
import type { SealedBatch } from './sealed-store.ts';

export const RESTORED = 'restored';

export const restoredNotes = collection(
  'device',
  z.strictObject({
    /** When the backup was made. */
    backupAtMs: count.optional(),
    /** Opens epoch lines that began after the backup, 64 hex digits. */
    recoveryBox: hex.optional(),
    /** What the user called the device when it was linked. */
    deviceName: z.string().max(64).optional(),
  }),
);

export type RestoredNote = RecordOf<typeof restoredNotes>;

/** The store is not the account's first. */
export function markRestored(batch: SealedBatch, from: RestoredNote = {}): void {
  batch.put(restoredNotes, RESTORED, from);
}
