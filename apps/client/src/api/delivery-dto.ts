/**
 * The JSON of how far an own mail has come. Spec: docs/spec/41-client-api.md, "Delivery".
 */
import { z } from 'zod';
import { outboxStates } from '../store/outbox-collections.ts';

const count = z.int().min(0);

/** What has become of an own mail at its recipients; GET `outbox/{outboxId}/report` tells all. */
export const deliveryDto = z.object({
  /** Of its first recipient. */
  outboxId: z.string().max(96),
  recipientCount: count,
  /** What holds for every recipient whose mail did not fail. */
  weakest: z.enum(outboxStates),
  furthest: z.object({ state: z.enum(outboxStates), count }),
  failedCount: count,
  /** No recipient got it, and none will. */
  isFailed: z.boolean(),
  /** Providers of all recipients, and how many of them have signed a receipt. */
  providerCount: count,
  storedCount: count,
  /** Of the first recipient whose mail has one. */
  errorCode: z.string().max(1_024).optional(),
});

export type DeliveryDto = z.infer<typeof deliveryDto>;
