/**
 * The JSON of the rules for strangers. Spec: docs/spec/41-client-api.md, §24.
 */
import { z } from 'zod';
import { MAX_STAMP_BITS } from '@tanglemail/mail/core/limits.ts';

const stampBits = z.int().min(0).max(MAX_STAMP_BITS);

export const spamRulesDto = z.object({
  /** Work asked of strangers: 2^bits hashes over each envelope. */
  stampBits,
  /** Strangers are not heard at all. */
  contactsOnly: z.boolean(),
});

export const spamRulesPatchDto = z.strictObject({
  stampBits: stampBits.optional(),
  contactsOnly: z.boolean().optional(),
});

export type SpamRulesDto = z.infer<typeof spamRulesDto>;
export type SpamRulesPatchDto = z.infer<typeof spamRulesPatchDto>;
