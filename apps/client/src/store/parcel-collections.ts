/**
 * What is stored of parcels: those that are uploaded, those that are fetched.
 * Spec: docs/spec/40-client-store.md, docs/spec/25-parcel.md sections 5 and 6.
 */
import { z } from 'zod';
import { collection, count, hex, mailAddress, type RecordOf } from './collections.ts';

/** The sealed parcel of one mail, shared by all who may know of each other: its letter. */
export const parcelContents = collection('parcelOut', z.strictObject({ letter: hex }));

/** One outbox entry whose parts are uploaded; the tag is used by nothing else. */
export const parcelUploads = collection(
  'parcelOut',
  z.strictObject({
    outboxId: count,
    tag: hex,
    tagKind: z.enum(['contact', 'invite']),
    /** Key of the message's bytes. */
    emailId: hex,
    /** Key of the record in `parcelContents`. */
    contentKey: z.string().max(128),
    /** mail core, parcel/sender.ts: which part is stored where. */
    sender: hex,
    /** The recipient's providers, as its descriptor named them. */
    providers: z
      .array(
        z.strictObject({
          bondId: hex,
          endpoint: z.string().max(256),
          /** Why nothing more is sent there. */
          refusal: z.string().max(64).optional(),
        }),
      )
      .max(3),
    /** A letter with the tag was sealed: the tag is not used again. */
    isLeft: z.boolean(),
    /** It is no mail to anybody but a copy for the own devices. */
    isCopy: z.literal(true).optional(),
    createdAtMs: count,
  }),
);

/** A mail whose parts are not all there: shown beside the folders until it is whole. */
export const parcelsIn = collection(
  'parcelIn',
  z.strictObject({
    id: count,
    sender: mailAddress,
    letterId: hex,
    isRegistered: z.boolean(),
    /** Its letter asks for a receipt, which this is once the message is whole. */
    receiptSecret: hex.optional(),
    sentAt: count,
    receivedAtMs: count,
    /** mail core, parcel/letter.ts. */
    letter: hex,
    /** mail core, parcel/receiver.ts; absent as long as there is no provider to fetch from. */
    receiver: hex.optional(),
    /** The user asked for it, or it is small enough to come by itself. */
    isWanted: z.boolean(),
    /** Failures since the last part. */
    attempts: count,
    nextTryAtMs: count,
    error: z.string().max(64).optional(),
    /** It is a copy of what another device of ours has sent, and goes to Sent. */
    copy: z
      .strictObject({
        /** What the self-log calls the message. */
        owner: hex,
        messageKey: z.string().max(255),
      })
      .optional(),
  }),
);

/** Parts in the own mailboxes that nobody needs any more: released where they lie. */
export const partReleases = collection(
  'parcelOut',
  z.strictObject({ roots: z.array(hex).min(1).max(64), since: count }),
);

export type ParcelUpload = RecordOf<typeof parcelUploads>;
export type PartRelease = RecordOf<typeof partReleases>;
export type ParcelIn = RecordOf<typeof parcelsIn>;
