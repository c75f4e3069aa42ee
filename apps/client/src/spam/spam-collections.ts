/**
 * What the client stores of its rules for strangers. Spec: docs/spec/40-client-store.md.
 */
import { z } from 'zod';
import { MAX_STAMP_BITS } from '@tanglemail/mail/core/limits.ts';
import { collection, count } from '../store/collections.ts';

const stampBits = z.int().min(0).max(MAX_STAMP_BITS);

/** Absent until the user changes what the settings say. */
export const spamRules = collection(
  'state',
  z.strictObject({
    stampBits,
    contactsOnly: z.boolean(),
    /** What was asked before, and the unix second until which that is enough. */
    former: z.strictObject({ stampBits, until: count }).optional(),
  }),
);
