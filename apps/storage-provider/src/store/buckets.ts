/**
 * The one list of what the provider keeps, by the first byte of the key. Numbers are never reused.
 * All ids are raw bytes in keys; times and positions are big endian there, so that order is order.
 */
import { Buffer } from 'node:buffer';
import { assert } from '@tanglemail/tangle/core/outcome.ts';

export const BUCKETS = {
  /** name → record: feed cursor, offer, format. */
  meta: 0,
  /** channelId 34 → ChannelRecord. */
  channel: 1,
  /** mailboxId 32 → Mailbox. */
  mailbox: 2,
  /** tag 16 → mailbox ids that watch it. */
  tag: 3,
  /** mailboxId 32 ‖ tag 16 → when an envelope with it came, u32, or nothing: a mailbox's tags. */
  mailboxTag: 4,
  /** mailboxId 32 ‖ root 32 → StoredObject. */
  object: 5,
  /** root 32 → RootRecord: who holds the bytes. */
  root: 6,
  /** root 32 → the envelope's bytes. */
  body: 7,
  /** tag 16 ‖ root 32 → HeldRow: envelopes of strangers that are held. */
  held: 8,
  /** mailboxId 32 ‖ position u64 → log entry, 53 bytes. */
  log: 9,
  /** unix seconds u32 ‖ kind u8 ‖ key → nothing: what the clock has to look at. */
  due: 10,
  /** SHA-256 of scope and key → stored answer. */
  idempotency: 11,
  /** bits u8 ‖ prefix → BucketDay: the places taken of a stranger bucket's free quota. */
  bucketQuota: 12,
  /** transactionId 32 → ClaimRecord. */
  claim: 13,
  /** bits u8 ‖ prefix → how many mailboxes watch this stranger bucket, by stamp bits asked. */
  bucketWatch: 14,
  /** channelId 34 → nothing: channels from which money may still come. */
  unsettled: 15,
  /** tag 16 → Upload: the parts that may come ahead of the envelope with this tag. */
  upload: 16,
  /** mailboxId 32 ‖ tag 16 → TagUse: an exact tag that has brought its envelope. */
  tagUse: 20,
  /** bits u8 ‖ prefix ‖ day u32 ‖ level u8 ‖ position u32 → root of who holds this free place. */
  heldPlace: 21,
  /** mailboxId 32 → {day}: the last day for which push was paid. */
  pushDay: 22,
} as const;

export type Bucket = keyof typeof BUCKETS;

/**
 * Bytes of a key, to be filled, out of node's pool: small arrays of their own have no buffer before
 * somebody asks, as names and the store do at once, and making one takes ten times as long.
 */
function newKey(bucket: Bucket, length: number): Buffer {
  const key = Buffer.allocUnsafe(length);
  key[0] = BUCKETS[bucket];
  return key;
}

/** As callers know arrays: those of node change what they were cut out of. */
function plain({ buffer, byteOffset, length }: Buffer): Uint8Array {
  return new Uint8Array(buffer, byteOffset, length);
}

/** The key of `parts` in a bucket. */
export function keyOf(bucket: Bucket, ...parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 1);
  const key = newKey(bucket, length);
  let at = 1;
  for (const part of parts) {
    key.set(part, at);
    at += part.length;
  }
  return plain(key);
}

/** The same with ids in hex. */
export function idKey(bucket: Bucket, ...ids: readonly string[]): Uint8Array {
  const length = ids.reduce((sum, id) => sum + id.length / 2, 1);
  const key = newKey(bucket, length);
  let at = 1;
  for (const id of ids) at += key.write(id, at, 'hex');
  assert(at === length, 'an id is hex');
  return plain(key);
}

/** First and last-but-one key of everything in `bucket` that starts with `prefix`. */
export function rangeOf(
  bucket: Bucket,
  prefix: Uint8Array = new Uint8Array(0),
): { readonly gte: Uint8Array; readonly lt: Uint8Array } {
  const gte = keyOf(bucket, prefix);
  return { gte, lt: after(gte) };
}

/** The least key above everything that starts with `key`. */
export function after(key: Uint8Array): Uint8Array {
  const next = key.slice();
  for (let at = next.length - 1; at >= 0; at -= 1) {
    const byte = next[at] as number;
    if (byte < 0xff) {
      next[at] = byte + 1;
      return next.slice(0, at + 1);
    }
  }
  return Uint8Array.of(0xff, ...key);
}

/** A u32 in key order. */
export function orderU32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

/** A whole number below 2^53 in key order. */
export function orderU64(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value));
  return bytes;
}
