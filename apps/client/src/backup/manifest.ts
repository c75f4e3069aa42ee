/**
 * The first record of a backup: the account's secrets, its network and its settings.
 * Before: backup-service.ts; after: restore.ts. Spec: docs/spec/29-backup.md.
 */
import { z } from 'zod';
import { ClientError } from '../client-error.ts';
import { SecretsSchema } from '../keystore/keystore.ts';

const MANIFEST = z.strictObject({
  version: z.literal(1),
  createdAtMs: z.int().min(0),
  secrets: SecretsSchema,
  /** The genesis document, as text. */
  genesis: z.string().max(4_000_000),
  /** The content of the settings file. */
  settings: z.record(z.string(), z.unknown()),
  /** Whether the mails are in it. */
  withMail: z.boolean(),
  /** X25519 secret to which epoch lines that come later are sealed, 64 hex digits. */
  recoveryBox: z.string().regex(/^[0-9a-f]{64}$/),
});

export type BackupManifest = z.infer<typeof MANIFEST>;

export function encodeManifest(manifest: BackupManifest): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(MANIFEST.parse(manifest)));
}

/** Throws ClientError `backup-invalid`. */
export function decodeManifest(json: Uint8Array): BackupManifest {
  try {
    return MANIFEST.parse(JSON.parse(new TextDecoder().decode(json)));
  } catch (cause) {
    throw new ClientError('backup-invalid', 'its manifest', { cause });
  }
}
