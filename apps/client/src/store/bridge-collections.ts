/**
 * The shapes of what the client stores for mail programs. Spec: docs/spec/40-client-store.md.
 */
import { z } from 'zod';
import { collection, count, hex } from './collections.ts';

/** `password/` and an id (16 hex digits): a password of one mail program. */
export const appPasswords = collection(
  'bridge',
  z.strictObject({
    name: z.string().min(1).max(64),
    /** SHA-256 of the password: it has 120 random bits, which nobody can search. */
    hash: hex,
    createdAtMs: count,
    /** 0: never. */
    lastUsedMs: count,
  }),
);

/** `folders`: those that mail programs do not show. */
export const hiddenFolders = collection(
  'bridge',
  z.strictObject({ ids: z.array(z.string().max(32)).max(1_000) }),
);

/** `doors`: ports that were taken last, so that programs find the account where it was. */
export const takenPorts = collection(
  'bridge',
  z.strictObject({ ports: z.record(z.string().max(16), z.int().min(1).max(65_535)) }),
);

/** `authority`: the local certificate authority, PEM texts. */
export const authorities = collection(
  'bridge',
  z.strictObject({ key: z.string().max(4_096), cert: z.string().max(8_192) }),
);
