/**
 * The JSON of what a user does with mail that is queued or sent. Spec: docs/spec/41-client-api.md,
 * section 21.
 */
import { z } from 'zod';
import { MAX_UNDO_SECONDS } from '../outbox/outbox-entry.ts';
import { outboxStates } from '../store/outbox-collections.ts';
import { listIdDto, outboxItemDto } from './dto.ts';

const text = z.string().max(1_024);
const count = z.int().min(0);

const flag = z.enum(['true', 'false']).transform((value) => value === 'true');

/** How a `message/rfc822` body goes, in the query: as `sendChoicesDto`, in text. */
export const rawChoicesDto = z.strictObject({
  registered: flag.optional(),
  wantsReceipt: flag.optional(),
  sendAtMs: z.coerce.number().int().min(0).optional(),
  undoSeconds: z.coerce.number().int().min(0).max(MAX_UNDO_SECONDS).optional(),
  acceptKeyChange: flag.optional(),
});

/** `recipient` takes back one entry, `message` the whole mail as far as it has not left. */
export const recallQueryDto = z.strictObject({
  scope: z.enum(['message', 'recipient']).default('message'),
});

export const recallDto = z.object({
  /** Entries that have left nothing behind and never will. */
  recalled: z.array(listIdDto),
  /** Entries that may have left; they go on. */
  tooLate: z.array(listIdDto),
  /** The mail lies in Drafts again: nobody gets it, and its copy in Sent is gone. */
  draftId: z.string().max(64).optional(),
});

/** One mail to all its recipients. */
export const outboxReportDto = z.object({
  messageId: text,
  subject: text,
  recipientCount: count,
  /** What holds for every recipient whose mail did not fail. */
  weakest: z.enum(outboxStates),
  /** The furthest state that anybody's mail has, and how many have come that far. */
  furthest: z.object({ state: z.enum(outboxStates), count }),
  failedCount: count,
  /** No recipient got it, and none will. */
  isFailed: z.boolean(),
  /** `fetched by 3 of 4`. */
  summary: text,
  items: z.array(outboxItemDto),
});

/** A registered letter as a third person checks it (docs/spec/22-letter.md, section 7). */
export const registeredFileDto = z.strictObject({
  format: z.literal('tanglemail-registered-letter-1'),
  networkId: z.string().regex(/^[0-9]{1,20}$/),
  recipient: z.string().max(128),
  letter: z.base64().max(1 << 16),
});

/** What the signature proves. */
export const registeredLetterDto = z.object({
  sender: z.string().max(128),
  recipient: z.string().max(128),
  /** Unix seconds by the sender's clock. */
  sentAt: count,
  /** What was signed names the message by its hash: whoever checks needs its bytes too. */
  isLarge: z.boolean(),
  file: registeredFileDto,
});

export type RegisteredFileDto = z.infer<typeof registeredFileDto>;
export type RegisteredLetterDto = z.infer<typeof registeredLetterDto>;
export type RecallQueryDto = z.output<typeof recallQueryDto>;
export type RecallDto = z.infer<typeof recallDto>;
export type OutboxReportDto = z.infer<typeof outboxReportDto>;
