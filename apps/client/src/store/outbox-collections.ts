/**
 * What the outbox stores: each entry is one envelope on its way, whatever stands in it.
 * Spec: docs/spec/40-client-store.md, docs/spec/42-delivery.md.
 */
import { MAX_STAMP_BITS } from '@tanglemail/mail/core/limits.ts';
import { z } from 'zod';
import type { MailAddress } from '@tanglemail/mail/core/identity/address.ts';
import { collection, count, hex, mailAddress, type RecordOf, subLabel } from './collections.ts';
import type { SealedStore } from './sealed-store.ts';

/** People whom one envelope may reach: the greatest group. */
export const MAX_AUDIENCE = 25;
/** Providers that may give a receipt for one envelope: three of each person. */
const MAX_DELIVERIES = MAX_AUDIENCE * 3;

const historyLine = z.strictObject({
  state: z.string().max(32),
  atMs: count,
  detail: z.string().max(512).optional(),
});

/** What one provider of a recipient says about one envelope. */
const delivery = z.strictObject({
  bondId: hex,
  endpoint: z.string().max(256),
  /** Whose provider it is; absent when the entry has one recipient. */
  to: mailAddress.optional(),
  /** `absent`: it answered that it has not stored the mail (yet, or any more). */
  state: z.enum(['waiting', 'absent', 'stored']),
  /** Unix seconds until which the receipt promises storage. */
  until: count.optional(),
  /** The signed receipt: evidence. */
  receipt: hex.optional(),
});

/**
 * What an entry carries: a `message` of a folder, a `note` between clients that nobody reads, a
 * line of `chat` under a chain's tag, a `parcel` whose letter names uploaded parts, the parts of a
 * `copy` of something sent, for the own devices.
 */
export const outboxForms = ['message', 'note', 'chat', 'parcel', 'copy'] as const;
export type OutboxForm = (typeof outboxForms)[number];

/** The furthest that is known of an entry (docs/spec/42-delivery.md). */
export const outboxStates = [
  'scheduled',
  'queued',
  'attached',
  'confirmed',
  'stored',
  'fetched',
  'read',
  'failed',
  'expired',
  'recalled',
] as const;

export const outboxEntries = collection(
  'outbox',
  z.strictObject({
    id: count,
    /** Absent means `message`. */
    form: z.enum(outboxForms).optional(),
    letterId: hex,
    /** Key of the message's bytes; empty for forms that have none. */
    emailId: hex,
    /** RFC 5322 Message-ID with angle brackets, or empty. */
    messageId: z.string().max(998),
    to: mailAddress,
    /** Their sub-address that the user wrote to. */
    subAddress: subLabel.optional(),
    /** Everybody whom this one envelope reaches, if they are several. */
    audience: z.array(mailAddress).max(MAX_AUDIENCE).optional(),
    /**
     * Given by whoever queues: a later note with the same key replaces one that has not left. Of a
     * copy: the key of the message in Sent.
     */
    dedupe: z.string().max(128).optional(),
    /** Of a note: that it leaves makes nobody a contact. */
    isQuiet: z.boolean().optional(),
    subject: z.string().max(998),
    sizeBytes: count,
    createdAtMs: count,
    state: z.enum(outboxStates),
    /** Which header names the recipient; absent for what has none. */
    role: z.enum(['to', 'cc', 'bcc']).optional(),
    /** Signed by the account key, and so not deniable. */
    isRegistered: z.boolean().optional(),
    /** The recipient's client is asked to say that it has opened the letter. */
    wantsReceipt: z.boolean().optional(),
    /** It rests until then: to be undone, because the user chose the time, or as a delay. */
    notBeforeMs: count.optional(),
    /** A block with it may have left this device: it cannot be recalled any more. */
    isLeaving: z.boolean().optional(),
    /** When each of these came true; they are no order. */
    attachedAtMs: count.optional(),
    confirmedAtMs: count.optional(),
    storedAtMs: count.optional(),
    fetchedAtMs: count.optional(),
    readAtMs: count.optional(),
    /** Every receipt is here but the recipient's own, which counts until the storage ends. */
    awaitsFetchUntilMs: count.optional(),
    tagKind: z.enum(['contact', 'invite', 'stranger', 'chain']).optional(),
    /** Segment-tree root of the sealed envelope. */
    root: hex.optional(),
    envelopeBytes: count.optional(),
    blockId: hex.optional(),
    powMs: z.number().min(0).optional(),
    milestoneIndex: count.optional(),
    isReducedSecrecy: z.boolean().optional(),
    /** Bits of work that the recipient asks of this envelope; absent when none. */
    stampBits: z.int().min(1).max(MAX_STAMP_BITS).optional(),
    /** The day (since 1970) of the stamp that it has. */
    stampDay: count.optional(),
    /** No provider stored it under an exact tag, so it was sealed again with a stranger's. */
    isResent: z.boolean().optional(),
    deliveries: z.array(delivery).max(MAX_DELIVERIES),
    /** Nothing is left to do for it. */
    isDone: z.boolean(),
    /** Failures since the last progress. */
    attempts: count,
    nextTryAtMs: count,
    error: z.strictObject({ code: z.string().max(64), detail: z.string().max(512) }).optional(),
    history: z.array(historyLine).max(64),
  }),
);

/** Whose receipt is expected, and the hashes in our letters that it must fit. */
export const receiptKeys = collection(
  'receiptKey',
  z.strictObject({ outboxId: count, hashes: z.array(hex).max(8) }),
);

/** The key of the receipts of one letter to `to`. */
export function receiptKeyOf(
  store: Pick<SealedStore, 'opaque'>,
  to: MailAddress,
  letterId: string,
): string {
  return `sent/${store.opaque(`sent/${to}/${letterId}`)}`;
}

/** What a read receipt needs, until it is given. */
export const dueReceipts = collection(
  'receiptKey',
  z.strictObject({
    sender: mailAddress,
    letterId: hex,
    secret: hex,
    /** Its user has read the message; the note about it is not queued yet. */
    isSeen: z.boolean(),
  }),
);

/** Start of the keys of due receipts. */
export const DUE_RECEIPTS = 'due/';

/** The key of the read receipt for one letter from `sender`. */
export function dueReceiptKeyOf(
  store: Pick<SealedStore, 'opaque'>,
  sender: MailAddress,
  letterId: string,
): string {
  return `${DUE_RECEIPTS}${store.opaque(`${sender}/${letterId}`)}`;
}

export type OutboxEntry = RecordOf<typeof outboxEntries>;
export type Delivery = OutboxEntry['deliveries'][number];
