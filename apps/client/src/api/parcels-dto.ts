/**
 * The JSON of large mails: those that are uploaded, those that wait to be fetched, and what one
 * would cost. Spec: docs/spec/41-client-api.md, section 23.
 */
import { z } from 'zod';

const text = z.string().max(1_024);
const count = z.int().min(0);
const amount = z.string().regex(/^(?:0|[1-9][0-9]{0,19})$/);
const id = z.string().regex(/^[0-9]{1,16}$/);
const percent = z.int().min(0).max(100);

/** How far the parts of one mail to one recipient are. */
export const uploadDto = z.object({
  outboxId: id,
  percent,
  bytesDone: count,
  bytesTotal: count,
  /** Providers that have all parts, of those that were asked. */
  copies: count,
  providers: count,
  /** No mail to anybody: a copy of what lies in Sent, for the own devices. */
  isCopy: z.boolean(),
});

export const incomingStates = ['waiting', 'fetching', 'blocked', 'refused'] as const;

/** A mail that is not whole yet; `preview` is the sender's word. */
export const incomingDto = z.object({
  id,
  from: z.object({ address: text, name: text }),
  preview: z.object({ from: text, subject: text, text, dateMs: count.nullable() }),
  sizeBytes: count,
  receivedAtMs: count,
  state: z.enum(incomingStates),
  percent,
  bytesDone: count,
  bytesTotal: count,
  /** What fetching the rest costs at the first provider, base units; absent when not known. */
  cost: amount.optional(),
  error: z.string().max(64).optional(),
  /** What another device of the account has sent: it goes to Sent. */
  isCopy: z.boolean(),
});

/** `gone`: it lies in a folder now, or was given up. */
export const incomingEventDto = z.object({
  id,
  state: z.enum([...incomingStates, 'gone']),
  percent,
});

/** A mail that this device only knows of: its bytes lie on another device of the account. */
export const elsewhereDto = z.object({
  folder: z.enum(['Sent', 'Drafts']),
  to: text,
  subject: text,
  sizeBytes: count,
  dateMs: count,
  device: z.object({ id: text, name: text }),
});

export const quoteRequestDto = z.strictObject({
  to: z.array(z.string().min(1).max(1_024)).min(1).max(50),
  sizeBytes: z.int().min(1).max(0xffff_ffff),
});

/** What a mail of this size means for one recipient. */
export const quoteDto = z.object({
  address: text,
  /** It travels as a letter, without parts. */
  isLetter: z.boolean(),
  /** Why it cannot be sent; absent when it can. */
  code: z.string().max(64).optional(),
  /** Bytes of one copy, and its parts. */
  sealedBytes: count,
  partCount: count,
  /** Providers that take the parts. */
  providers: count,
  /** What keeping them costs the recipient at all of these together, base units. */
  recipientCost: amount,
  /** The copy for the own other devices: the recipient's cost is ours. */
  isCopy: z.literal(true).optional(),
});

export type UploadDto = z.infer<typeof uploadDto>;
export type IncomingDto = z.infer<typeof incomingDto>;
export type IncomingEventDto = z.infer<typeof incomingEventDto>;
export type ElsewhereDto = z.infer<typeof elsewhereDto>;
export type QuoteRequestDto = z.infer<typeof quoteRequestDto>;
export type QuoteDto = z.infer<typeof quoteDto>;
