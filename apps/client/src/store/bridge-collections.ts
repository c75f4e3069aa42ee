/**
 * The shapes of what the client stores for mail programs. Spec: docs/spec/40-client-store.md.
 */
import { z } from 'zod';
import { collection, count, hex, type RecordOf } from './collections.ts';

/** `password/` and an id (16 hex digits): a password of one mail program. */
export const appPasswords = collection(
  'bridge',
  z.strictObject({
    name: z.string().min(1).max(64),
    /** SHA-256 of the password: it has 120 random bits, which nobody can search. */
    hash: hex,
    createdAtMs: count,
    /** 0: never. */
    lastUsedMs: count,
  }),
);

/** `folders`: those that mail programs do not show. */
export const hiddenFolders = collection(
  'bridge',
  z.strictObject({ ids: z.array(z.string().max(32)).max(1_000) }),
);

/** `doors`: ports that were taken last, so that programs find the account where it was. */
export const takenPorts = collection(
  'bridge',
  z.strictObject({ ports: z.record(z.string().max(16), z.int().min(1).max(65_535)) }),
);

/** `authority`: the local certificate authority, PEM texts. */
export const authorities = collection(
  'bridge',
  z.strictObject({ key: z.string().max(4_096), cert: z.string().max(8_192) }),
);

/** What a program can ask of a recipient's mail (RFC 3461 §4.1). */
export const NOTIFY = ['NEVER', 'SUCCESS', 'FAILURE', 'DELAY'] as const;

/** What a sender was told of a recipient's mail, once each. */
export const FATES = ['delayed', 'relayed', 'delivered', 'failed', 'displayed'] as const;

/** Recipients of one submission. */
export const MAX_SUBMITTED = 100;

/** `submission/` and the first outbox id, 16 digits: a mail that a program handed in. */
export const submissions = collection(
  'bridge',
  z.strictObject({
    /** Key of the copy in Sent. */
    sentKey: z.string().max(64),
    messageId: z.string().max(998),
    subject: z.string().max(998),
    atMs: count,
    /** SHA-256 of recipients and bytes: the same again is the same mail. */
    hash: hex,
    /** Null sender: nobody is told anything. */
    isNotice: z.boolean(),
    /** Its Disposition-Notification-To names this account. */
    asksRead: z.boolean(),
    /** ENVID. */
    envelopeId: z.string().max(256).optional(),
    /** RET=FULL. */
    isFull: z.boolean(),
    recipients: z
      .array(
        z.strictObject({
          outboxId: count,
          /** Absent: nothing was asked. */
          notify: z.array(z.enum(NOTIFY)).max(4).optional(),
          /** ORCPT. */
          originalRecipient: z.string().max(512).optional(),
          told: z.array(z.enum(FATES)).max(FATES.length),
        }),
      )
      .max(MAX_SUBMITTED),
  }),
);

/** `reports`: when reports were made, of the last hour. */
export const reportTimes = collection(
  'bridge',
  z.strictObject({ atMs: z.array(count).max(1_000) }),
);

export type SubmissionRecord = RecordOf<typeof submissions>;
export type Fate = (typeof FATES)[number];
export type Notify = (typeof NOTIFY)[number];

/** Notices that the System folder may have told at the same time. */
export const MAX_TOLD_NOTICES = 1_000;

/** `notices`: which of them were told, and when. */
export const toldNotices = collection(
  'bridge',
  z.strictObject({
    told: z.array(z.strictObject({ key: hex, atMs: count })).max(MAX_TOLD_NOTICES),
  }),
);
