/**
 * The shapes of what the client stores, one schema a record; every value is held to its schema when
 * it is written and when it is read. Amounts are decimal strings, byte strings lowercase hex,
 * times milliseconds since 1970 unless the name says otherwise.
 * Spec: docs/spec/40-client-store.md.
 */
import { z } from 'zod';
import type { MailAddress } from '@tanglemail/mail/core/identity/address.ts';
import { MAX_CHECKPOINT_SIZE } from '@tanglemail/tangle/core/params/limits.ts';
import type { Collection, SealedStore } from './sealed-store.ts';

export const hex = z.string().regex(/^(?:[0-9a-f]{2})*$/);
const amount = z.string().regex(/^(?:0|[1-9][0-9]{0,19})$/);
export const count = z.int().min(0);
export const mailAddress = z
  .string()
  .regex(/^[0-9a-f]{48}$/)
  .transform((text) => text as MailAddress);

/** The name behind "+" (mail core, identity/address.ts). */
export const subLabel = z.string().regex(/^[a-z0-9](?:[a-z0-9-]{0,12}[a-z0-9])?$/);

/** A collection whose type follows from its schema. */
export function collection<T>(
  bucket: Collection<T>['bucket'],
  schema: z.ZodType<T>,
): Collection<T> {
  return { bucket, schema };
}

/** How far one direction of exact tags has been received (mail core, envelope/tags.ts). */
export const tagWindow = z.strictObject({ base: count, seen: z.array(count).max(64) });

/** A secret that makes exact tags for mail to us, and what has come of it. */
export const tagSources = collection(
  'tag',
  z.strictObject({
    /** `contact:<address>` or `invite:<opaque>`. */
    id: z.string().max(128),
    key: hex,
    window: tagWindow,
    /** Its tags are looked for. One that rests keeps its window: numbers are never used again. */
    isWatched: z.boolean(),
  }),
);

/** Fields of a contact that its owner's other devices know, too (devices/contact-log.ts). */
export const contactFields = {
  /** What the user notes about them. */
  note: z.string().max(2_048).optional(),
  /** Our sub-address at which they first knocked. */
  cameBy: subLabel.optional(),
  /** Their sub-address, at which we knock as long as they do not know us. */
  writeBy: subLabel.optional(),
  /** The user compared the safety number while they had this identity key. */
  verified: z.strictObject({ atMs: count, identityKey: hex }).optional(),
  /** They have another identity key than before, and the user has not said that it is right. */
  keyChange: z.strictObject({ atMs: count, wasVerified: z.boolean() }).optional(),
};

export const contacts = collection(
  'contact',
  z.strictObject({
    address: mailAddress,
    name: z.string().max(64),
    /** `removed` is hidden and keeps its counters: a tag number is never used again. */
    state: z.enum(['accepted', 'requested', 'blocked', 'removed']),
    addedAtMs: count,
    /** Their account and identity keys, once a descriptor or a letter has shown them. */
    accountKey: hex.optional(),
    identityKey: hex.optional(),
    /** When this identity key was first seen. */
    keysSeenAtMs: count.optional(),
    /** They have written to us, so they have registered tags for mail from us. */
    knowsUs: z.boolean(),
    /** The invite secret of their link, for exact tags before they know us. */
    invite: hex.optional(),
    ...contactFields,
    /** Numbers of the next tag in each direction; never reset. */
    nextContactTag: count,
    nextInviteTag: count,
    /**
     * This device's own tags to them, never another's: where it is not the account's first, and
     * where what was counted on may be known to somebody else. `before` serves until they know.
     */
    ownTags: z
      .strictObject({
        device: hex,
        seed: hex,
        next: count,
        isKnown: z.boolean(),
        before: z.strictObject({ seed: hex, next: count }).optional(),
      })
      .optional(),
  }),
);

export const invites = collection(
  'invite',
  z.strictObject({
    secret: hex,
    name: z.string().max(64),
    createdAtMs: count,
    /** Its tags are watched until then, unless it is revoked. */
    expiresAtMs: count,
    revokedAtMs: count.optional(),
    /** Who wrote under one of its tags first. */
    usedBy: mailAddress.optional(),
  }),
);

/** One line of a folder's list; the bytes lie under `emailId`. */
export const messageEntries = collection(
  'messageEntry',
  z.strictObject({
    uid: count,
    messageKey: z.string().max(128),
    emailId: hex,
    sizeBytes: count,
    internalDate: count,
    /** Unix seconds at which it came into this folder; absent for those of earlier versions. */
    savedAt: count.optional(),
    flags: z.array(z.string().max(128)).max(64),
    modseq: count,
    /** Facts of the sealing, not of the message's headers. */
    sender: mailAddress.optional(),
    isRegistered: z.boolean(),
    hasAttachments: z.boolean(),
    /** Our sub-address by which it came. */
    subAddress: subLabel.optional(),
    fromName: z.string().max(998),
    to: z.string().max(4_096),
    subject: z.string().max(998),
    messageId: z.string().max(998),
    /** From an archive: whom its header names, or empty. Nothing proves it. */
    importedFrom: z.string().max(320).optional(),
    /** Message-IDs that it answers, oldest first, without brackets; absent when there is none. */
    references: z.array(z.string().max(250)).min(1).max(20).optional(),
  }),
);

/** What is to be had later; the tag of what the provider only holds, as far as it said it. */
const pendingObject = z.strictObject({ root: hex, isHeld: z.boolean(), tag: hex.optional() });

/** What we hold at one provider. */
export const rentals = collection(
  'rental',
  z.strictObject({
    bondId: hex,
    endpoint: z.string().max(256),
    mailboxId: hex,
    mailboxIndex: count,
    retentionDays: count,
    balance: amount,
    /** Total base units that were credited by vouchers. */
    credited: amount,
    /** How far the log was read, and which log that was (absent: the provider said nothing). */
    log: z.strictObject({ length: count, hash: hex, logId: hex.optional() }),
    /** Tag windows as the provider has them, by source id. */
    registered: z.record(z.string(), tagWindow),
    /** Lists of single tags that the provider has, by id (tags/tag-lists.ts). */
    lists: z.array(z.string().max(64)).max(4_096).optional(),
    hasBucket: z.boolean(),
    /** Stamp bits that it was told to ask of strangers; absent when it holds none of their mail. */
    bucketStampBits: z.int().min(0).max(28).optional(),
    /** Objects that the provider keeps for us, by its own count. */
    storedObjects: count,
    /** Unix seconds of the last successful sync. */
    lastSyncAt: count,
    /** Of what it stores: one is drawn for an audit. */
    sample: z
      .array(z.strictObject({ root: hex, size: count }))
      .max(64)
      .optional(),
    /** Objects that it was to keep and has lost: copies of others are brought to it. */
    lost: z.array(hex).max(64).optional(),
    /** It has lost everything, or may have: its log is compared with those of the others. */
    isRestoring: z.boolean().optional(),
    /** What it has shown by its deeds. */
    score: z
      .strictObject({
        auditsOk: count,
        auditsFailed: count,
        fetchesFailed: count,
        auditedAtMs: count,
      })
      .optional(),
    /** Objects that could not be paid for or fetched when the log named them, oldest first. */
    pending: z.array(pendingObject).max(256),
    /** Channels, newest last: each as channel-json.ts writes it, and where a rest goes. */
    channels: z
      .array(z.strictObject({ channel: z.unknown(), refundAddress: hex, createdAtMs: count }))
      .max(64),
    /** The mailbox exists and is read. */
    isActive: z.boolean(),
    /** The user wants it no more: no descriptor names it, nothing more is paid into it. */
    isEnded: z.boolean(),
    /** The policy of the mailbox as the provider was told it (JSON), from this version on. */
    policyTold: z.string().max(256).optional(),
    /** Vouchers may be behind what was signed elsewhere: the provider is asked first. */
    isRecovering: z.boolean().optional(),
  }),
);

export const descriptors = collection(
  'descriptor',
  z.strictObject({
    bytes: hex,
    /** Another descriptor with the same sequence was seen: two devices, or a stolen key. */
    conflictAtMs: count.optional(),
    /** Ids of blocks whose descriptors were proven and looked at, newest first. */
    lookedAt: z.array(hex).max(100).optional(),
  }),
);

/** Our own descriptor as it was last published. */
export const ownDescriptor = collection(
  'state',
  z.strictObject({
    sequence: amount,
    bytes: hex,
    state: z.enum(['queued', 'confirmed']),
    issuedAt: count,
    milestoneIndex: count.optional(),
    /** The block that carries it, until it is confirmed. */
    block: hex.optional(),
    /** The last epoch that an older descriptor named, and since when (unix seconds) it is over. */
    superseded: z.strictObject({ lastEpoch: count, at: count }).optional(),
  }),
);

/** Secrets of the epochs that can still be opened (mail core, identity/epoch.ts). */
export const epochStates = collection('state', z.strictObject({ encoded: hex }));

/** Name of the counter of channel keys. */
export const CHANNEL_COUNTER = 'channel';

/** Numbers that only grow: outbox ids, channel and mailbox indexes, UIDVALIDITY. */
export const counters = collection('state', z.strictObject({ next: count }));

/** What the light client knows, so that a restart cannot be led back to an older state. */
export const ledgerCheckpoints = collection(
  'state',
  z.strictObject({
    /** Its bytes: tangle core, codec/checkpoint.ts. */
    checkpoint: hex.max(2 * MAX_CHECKPOINT_SIZE),
  }),
);

/** How far the node's milestones were searched for mail, and when (unix seconds) that was all. */
export const feedPositions = collection(
  'state',
  z.strictObject({ next: count, caughtUpAt: count }),
);

export const walletLines = collection(
  'walletHistory',
  z.strictObject({
    atMs: count,
    kind: z.enum(['sent', 'received', 'channel-opened', 'channel-closed', 'voucher']),
    amount,
    detail: z.string().max(512),
    transactionId: hex.optional(),
    milestoneIndex: count.optional(),
  }),
);

/** A mail that has been taken in: its key is opaque(sender and letter id). */
export const seenLetters = collection(
  'messageSeen',
  z.strictObject({ mailId: z.string().max(64) }),
);

/** An envelope that was looked into: its key is opaque(its root). Why it was refused, or empty. */
export const seenRoots = collection('messageSeen', z.strictObject({ refusal: z.string().max(64) }));

/** A held object that was paid for at one mailbox: its key is opaque(mailbox and root). */
export const retainedRoots = collection('messageSeen', z.strictObject({ until: count }));

/** The record type of a collection. */
export type RecordOf<C> = C extends Collection<infer T> ? T : never;
export type TagSource = RecordOf<typeof tagSources>;
export type Contact = RecordOf<typeof contacts>;
export type Invite = RecordOf<typeof invites>;
export type MessageEntry = RecordOf<typeof messageEntries>;
export type Rental = RecordOf<typeof rentals>;
export type WalletLine = RecordOf<typeof walletLines>;

/** The key of a message's bytes in bucket `messageRaw`; `emailId` is their SHA-256 in hex. */
export function rawMessageKey(store: Pick<SealedStore, 'opaque'>, emailId: string): string {
  return store.opaque(`raw/${emailId}`);
}
