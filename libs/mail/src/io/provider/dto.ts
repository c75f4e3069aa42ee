/**
 * JSON shapes of the provider's API, shared by its server and its client. Ids and bytes are
 * lowercase hex, amounts and network ids decimal strings. The client parses every answer through
 * these schemas; the server parses every request. Spec: docs/spec/34-provider-api.md.
 */
import { z } from 'zod';
import { MAX_STAMP_BITS, PADDED_SIZES } from '../../core/limits.ts';
import {
  LOG_ID_LENGTH,
  MAX_BUCKET_BITS,
  MAX_FILTER_PATCH,
  MAX_MAILBOX_BUCKETS,
  MAX_PAGE,
  MAX_UPLOAD_BYTES,
  MAX_UPLOAD_PARTS,
} from '../../core/market/constants.ts';

/** Hex of exactly `bytes` bytes. */
export function hex(bytes: number) {
  return z.string().regex(new RegExp(`^[0-9a-f]{${bytes * 2}}$`));
}

const amount = z.string().regex(/^(0|[1-9][0-9]{0,19})$/);
const seconds = z.int().min(0).max(0xffff_ffff);
const size = z.int().min(0).max(0xffff_ffff);

export const STATUS = z.object({
  version: z.string().max(64),
  networkId: amount,
  bondId: hex(32),
  ledger: z.object({
    index: z.int().min(-1),
    timestampMs: z.number().min(0),
    lagSeconds: z.number(),
    synced: z.boolean(),
  }),
});

export const POLICY = z.strictObject({
  maxObject: z.int().min(1).max(0xffff_ffff),
  retentionDays: z.int().min(1).max(65_535),
  maxDebitPerDay: amount,
  unsolicited: z.boolean(),
  maxUpload: z.int().min(0).max(MAX_UPLOAD_BYTES).default(MAX_UPLOAD_BYTES),
});

export const BUCKET = z.strictObject({
  bits: z.int().min(0).max(MAX_BUCKET_BITS),
  /** ⌈bits/8⌉ bytes. */
  prefix: z.string().regex(/^([0-9a-f]{2}){0,3}$/),
});

/** A bucket to watch, with the stamp bits asked of strangers there. */
export const WATCHED_BUCKET = BUCKET.extend({
  stampBits: z.int().min(0).max(MAX_STAMP_BITS).default(0),
});

export const HEAD = z.object({
  mailboxId: hex(32),
  length: z.int().min(0),
  headHash: hex(32),
  time: seconds,
  signature: hex(64),
});

/** Body of POST /v1/mailboxes. */
export const CREATE_MAILBOX = z.strictObject({
  publicKey: hex(32),
  /** Over the mailbox message, by the mailbox key. */
  signature: hex(64),
  policy: POLICY,
  /** Base units of the first credit. */
  amount,
});

/** Body of PATCH /v1/mailboxes/{id}/filters. */
export const FILTER_PATCH = z.strictObject({
  addTags: z.array(hex(16)).max(MAX_FILTER_PATCH).default([]),
  removeTags: z.array(hex(16)).max(MAX_FILTER_PATCH).default([]),
  addBuckets: z.array(WATCHED_BUCKET).max(MAX_MAILBOX_BUCKETS).default([]),
  removeBuckets: z.array(BUCKET).max(MAX_MAILBOX_BUCKETS).default([]),
});

export const FILTERS = z.object({
  tagCount: z.int().min(0),
  buckets: z.array(WATCHED_BUCKET).max(MAX_MAILBOX_BUCKETS),
});

/** Body of POST /v1/sessions: first without, then with nonce and signature. */
export const SESSION_REQUEST = z.strictObject({
  mailboxId: hex(32),
  nonce: hex(32).optional(),
  signature: hex(64).optional(),
});
export const SESSION_NONCE = z.object({ nonce: hex(32) });
export const SESSION = z.object({
  token: z.string().min(1).max(512),
  /** Unix seconds of the provider's wall clock. */
  expiresAt: seconds,
});

export const CREDIT_REQUEST = z.strictObject({ amount });
export const CREDIT = z.object({
  mailboxId: hex(32),
  balance: amount,
  credited: amount,
});

export const MAILBOX = z.object({
  mailboxId: hex(32),
  balance: amount,
  policy: POLICY,
  tagCount: z.int().min(0),
  buckets: z.array(WATCHED_BUCKET).max(MAX_MAILBOX_BUCKETS),
  objectCount: z.int().min(0),
  head: HEAD,
});

export const LOG_ENTRY = z.object({
  seq: z.int().min(0),
  root: hex(32),
  size,
  milestoneTime: seconds,
  state: z.enum(['seen', 'held', 'stored', 'expired', 'released', 'purged', 'part']),
  cost: z.int().min(0).max(0xffff_ffff),
  /** Of what is held; a hint that no signature covers. */
  tag: hex(16).optional(),
});
export const LOG = z.object({
  entries: z.array(LOG_ENTRY).max(MAX_PAGE),
  head: HEAD,
  /** Another one than before: the log began anew. A hint that no signature covers. */
  logId: hex(LOG_ID_LENGTH).optional(),
});

export const HELD_ITEM = z.object({
  root: hex(32),
  tag: hex(16),
  size,
  /** Ledger time at which it is dropped. */
  until: seconds,
  /** First 64 bytes of the envelope: enough to scan for one's own mail. */
  head: z.string().regex(/^([0-9a-f]{2}){1,64}$/),
  /** SHA-256 of the envelope without its nonce: what its stamp is measured over. */
  stampBase: hex(32),
});
export const HELD = z.object({
  items: z.array(HELD_ITEM).max(MAX_PAGE),
  /** Give it as `after` to go on; absent at the end. */
  cursor: z.string().max(256).optional(),
});

/** Body of POST /v1/parts: the parts of one parcel in order. */
export const UPLOAD_REQUEST = z.strictObject({
  tag: hex(16),
  parts: z
    .array(z.strictObject({ root: hex(32), size: z.int().min(1).max(0xffff_ffff) }))
    .min(1)
    .max(MAX_UPLOAD_PARTS),
});
export const UPLOAD = z.object({
  tag: hex(16),
  /** Roots that have still to be sent. */
  missing: z.array(hex(32)).max(MAX_UPLOAD_PARTS),
  /** Ledger time at which the upload ends. */
  closesAt: seconds,
});
export const PART = z.object({ root: hex(32), until: seconds, receipt: hex(192) });

export const RETAIN_REQUEST = z.strictObject({ days: z.int().min(1).max(65_535) });
const MAX_RESTORED_BYTES = PADDED_SIZES.at(-1) ?? 0;
/** An envelope that its owner brings from another provider, and for how long it is to be kept. */
export const RESTORE_REQUEST = z.strictObject({
  days: z.int().min(1).max(65_535),
  bytes: z
    .string()
    .max(2 * MAX_RESTORED_BYTES)
    .regex(/^([0-9a-f]{2}){18,}$/),
});
export const RETAIN = z.object({
  root: hex(32),
  until: seconds,
  cost: amount,
  balance: amount,
  receipt: hex(192),
});

export const RELEASE_REQUEST = z.strictObject({ signature: hex(64) });
export const RELEASE = z.object({ root: hex(32), refund: amount, balance: amount });

export const PROOF = z.object({
  size,
  from: z.int().min(0),
  segments: z.array(z.string().regex(/^([0-9a-f]{2}){1,1024}$/)).max(4_096),
  siblings: z.array(hex(32)).max(64),
});

export const SNAPSHOT_REQUEST = z.strictObject({ time: seconds, signature: hex(64) });
export const SNAPSHOT = z.object({
  channelId: hex(34),
  state: z.enum(['open', 'claim-due', 'claiming', 'claimed', 'lost', 'empty']),
  accepted: amount,
  /** Empty before the first voucher. */
  signature: z.string().regex(/^([0-9a-f]{128})?$/),
});

export const CLOSE_REQUEST = z.strictObject({ signature: hex(64) });
export const CLOSE = z.object({
  channelId: hex(34),
  state: z.enum(['open', 'claim-due', 'claiming', 'claimed', 'lost', 'empty']),
  claimTransactionId: hex(32).optional(),
});

export const PROBLEM = z.object({
  type: z.string().max(256).optional(),
  title: z.string().max(256).optional(),
  status: z.number().optional(),
  code: z.string().max(64).optional(),
  detail: z.string().max(512).optional(),
  required: amount.optional(),
  balance: amount.optional(),
  voucher: z.object({ cumulative: amount, signature: hex(64) }).optional(),
});

export type StatusDto = z.infer<typeof STATUS>;
export type PolicyDto = z.infer<typeof POLICY>;
export type BucketDto = z.infer<typeof BUCKET>;
export type WatchedBucketDto = z.infer<typeof WATCHED_BUCKET>;
export type HeadDto = z.infer<typeof HEAD>;
export type CreateMailboxDto = z.infer<typeof CREATE_MAILBOX>;
export type FilterPatchDto = z.infer<typeof FILTER_PATCH>;
export type FiltersDto = z.infer<typeof FILTERS>;
export type SessionDto = z.infer<typeof SESSION>;
export type CreditDto = z.infer<typeof CREDIT>;
export type MailboxDto = z.infer<typeof MAILBOX>;
export type LogEntryDto = z.infer<typeof LOG_ENTRY>;
export type LogDto = z.infer<typeof LOG>;
export type HeldItemDto = z.infer<typeof HELD_ITEM>;
export type HeldDto = z.infer<typeof HELD>;
export type UploadRequestDto = z.infer<typeof UPLOAD_REQUEST>;
export type UploadDto = z.infer<typeof UPLOAD>;
export type PartDto = z.infer<typeof PART>;
export type RetainDto = z.infer<typeof RETAIN>;
export type ReleaseDto = z.infer<typeof RELEASE>;
export type ProofDto = z.infer<typeof PROOF>;
export type SnapshotDto = z.infer<typeof SNAPSHOT>;
export type CloseDto = z.infer<typeof CLOSE>;
