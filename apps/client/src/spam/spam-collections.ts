/**
 * What the client remembers of what it asked of strangers. Spec: docs/spec/40-client-store.md.
 */
import { z } from 'zod';
import { MAX_STAMP_BITS } from '@tanglemail/mail/core/limits.ts';
import { collection, count } from '../store/collections.ts';

const stampBits = z.int().min(0).max(MAX_STAMP_BITS);

export const askedBits = collection(
  'state',
  z.strictObject({
    /** The least that was asked at any door; absent while no stranger was heard. */
    stampBits: stampBits.optional(),
    /** What was asked before, and the unix second until which that is enough. */
    former: z.strictObject({ stampBits, until: count }).optional(),
  }),
);
