/**
 * What of the daemon's configuration a user is shown: choices that have to do with money, privacy
 * and receipts. They are changed in config.json. Spec: docs/spec/41-client-api.md, section 4.
 */
import { z } from 'zod';

const amount = z.string().regex(/^(?:0|[1-9][0-9]{0,19})$/);
const count = z.int().min(0);

export const configurationDto = z.object({
  mail: z.object({
    find: z.array(z.enum(['tags', 'buckets', 'filters'])),
    filterStrangers: z.boolean(),
    autoFetchBytes: count,
  }),
  pushFromProviders: z.boolean(),
  provider: z.object({
    retentionDays: count,
    maxPricePerMonth: amount,
    deposit: amount,
    credit: amount,
    maxDebitPerDay: amount,
  }),
  send: z.object({ undoSeconds: count, copiesToProviders: z.boolean() }),
  receipts: z.object({
    ask: z.boolean(),
    delivery: z.enum(['never', 'contacts', 'always']),
    read: z.boolean(),
    delaySeconds: count,
  }),
});

export type ConfigurationDto = z.infer<typeof configurationDto>;
