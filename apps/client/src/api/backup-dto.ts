/**
 * Bodies of the routes under /backups. Spec: docs/spec/41-client-api.md, docs/spec/29-backup.md.
 */
import { z } from 'zod';

const path = z.string().min(1).max(4_096);
const count = z.int().min(0);

/** Exactly one lock: a passphrase of its own, or the 24 words of the account. */
export const createBackupDto = z
  .strictObject({
    /** Absolute path of the file on the daemon's machine; it must not exist. */
    path,
    passphrase: z.string().min(1).max(1_024).optional(),
    forWords: z.literal(true).optional(),
    /** False leaves the mails out. */
    withMail: z.boolean().default(true),
  })
  .refine((one) => (one.passphrase === undefined) !== (one.forWords === undefined), {
    error: 'expected either passphrase or forWords',
  });

export const backupDto = z.object({
  path,
  createdAtMs: count,
  sizeBytes: count,
  withMail: z.boolean(),
  lock: z.enum(['passphrase', 'words']),
});

export const backupsDto = z.object({
  /** What is being written now; null when nothing is. */
  running: path.nullable(),
  /** Made by this daemon since it started, newest first. */
  made: z.array(backupDto).max(32),
  automatic: z.object({
    /** Null when the setting backup.folder is not set. */
    folder: path.nullable(),
    everyHours: count,
    keep: count,
    /** Why the last attempt failed: a code of the error table. */
    lastError: z.string().max(64).nullable(),
  }),
});

export type CreateBackupDto = z.infer<typeof createBackupDto>;
export type BackupDto = z.infer<typeof backupDto>;
export type BackupsDto = z.infer<typeof backupsDto>;
