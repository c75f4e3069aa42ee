/**
 * What a restored store remembers of its backup: when it was made, and the key with which epoch
 * lines that came later can be opened. Before: restore.ts; after: devices/.
 * Spec: docs/spec/29-backup.md.
 */
import { z } from 'zod';
import { collection, count, hex } from '../store/collections.ts';

export const RESTORED = 'restored';

export const restoredNotes = collection(
  'device',
  z.strictObject({ backupAtMs: count, recoveryBox: hex }),
);
