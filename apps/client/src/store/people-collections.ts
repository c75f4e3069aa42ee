/**
 * What the client stores about its own addresses and about the keys of others, beside the contacts
 * themselves (collections.ts). Spec: docs/spec/40-client-store.md.
 */
import { z } from 'zod';
import { MIN_MAX_MAIL } from '@tanglemail/mail/core/identity/descriptor.ts';
import { MAX_STAMP_BITS } from '@tanglemail/mail/core/limits.ts';
import { MAX_NAME_LENGTH } from '@tanglemail/mail/core/identity/link.ts';
import { MAX_MESSAGE_SIZE } from '@tanglemail/mail/core/limits.ts';
import { collection, count, hex, type RecordOf, subLabel } from './collections.ts';

/** Lines of one contact's history of keys; the oldest go first. */
export const MAX_KEY_HISTORY = 32;

const stampBits = z.int().min(0).max(MAX_STAMP_BITS);

/** A sub-address of ours; a revoked one stays on record, so that its key is never used again. */
export const subAddresses = collection(
  'subAddress',
  z.strictObject({
    label: subLabel,
    /** Makes its intro key (mail core, identity/keys.ts): unix seconds of when it was added. */
    generation: count,
    stampBits,
    contactsOnly: z.boolean(),
    createdAtMs: count,
    revokedAtMs: count.optional(),
  }),
);

/** What the user set at run time; what is absent is as the configuration says. */
export const ownSettings = collection(
  'state',
  z.strictObject({
    profileName: z.string().max(MAX_NAME_LENGTH).optional(),
    stampBits: stampBits.optional(),
    contactsOnly: z.boolean().optional(),
    maxMail: z.int().min(MIN_MAX_MAIL).max(MAX_MESSAGE_SIZE).optional(),
  }),
);

/** Identity keys that a contact has shown, the oldest first. Its key is opaque(address). */
export const keyHistories = collection(
  'keyHistory',
  z.strictObject({
    lines: z
      .array(
        z.strictObject({
          identityKey: hex,
          seenAtMs: count,
        }),
      )
      .max(MAX_KEY_HISTORY),
  }),
);

export type SubAddressRecord = RecordOf<typeof subAddresses>;
export type OwnSettings = RecordOf<typeof ownSettings>;
export type KeyHistory = RecordOf<typeof keyHistories>;
