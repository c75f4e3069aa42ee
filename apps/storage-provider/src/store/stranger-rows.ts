/**
 * Rows about mail that nobody pays for: who watches which bucket and asks how much work, who holds
 * its free places, and which exact tags have been used. Spec: docs/spec/33-mailbox.md.
 */
import { bytesToHex, hexToBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import { MAX_BUCKET_BITS } from '@tanglemail/mail/core/market/constants.ts';
import type { StrangerBucket } from '@tanglemail/mail/core/market/mailbox.ts';
import { NO_BUCKET_DAY } from '@tanglemail/mail/core/market/stranger-quota.ts';
import type { BucketDay, Place } from '@tanglemail/mail/core/market/stranger-quota.ts';
import { idKey, keyOf, orderU32 } from './buckets.ts';
import type { Bucket } from './buckets.ts';
import type { StoreTransaction, StoreView } from './group-store.ts';
import { addDue, readRecord, readRoot, writeRecord, writeRoot } from './rows.ts';

/** What a list of held mail shows of an envelope; beside it in its key: tag and root. */
export interface HeldRow {
  readonly sizeBytes: number;
  /** First bytes of the envelope. */
  readonly head: Uint8Array;
  /** What its stamp is measured over (mail core, envelope/stamp.ts), 32 bytes. */
  readonly stampBase: Uint8Array;
  /** Zero bits of its stamp on the day of arrival. */
  readonly stampBits: number;
  readonly until: number;
}

/** That an exact tag has brought an envelope, and how many more came under it. */
export interface TagUse {
  readonly root: string;
  readonly usedAt: number;
  readonly copies: number;
}

/** How many mailboxes watch a bucket, by the stamp bits that they ask. */
type BucketWatch = Readonly<Record<string, number>>;

const LENGTHS_KEY = keyOf('meta', new TextEncoder().encode('bucket-lengths'));

function bucketKey(bucket: Bucket, { bits, prefix }: StrangerBucket): Uint8Array {
  return keyOf(bucket, Uint8Array.of(bits), prefix);
}

/** The least stamp bits that a watcher of this bucket asks; undefined when nobody watches it. */
export function leastStampBits(view: StoreView, bucket: StrangerBucket): number | undefined {
  const record = readRecord(view, bucketKey('bucketWatch', bucket)) as BucketWatch | undefined;
  return record && Math.min(...Object.keys(record).map(Number));
}

/** Counts one watcher of a bucket more or less (`by` is 1 or −1). */
export function countWatcher(
  transaction: StoreTransaction,
  bucket: StrangerBucket,
  stampBits: number,
  by: 1 | -1,
): void {
  const key = bucketKey('bucketWatch', bucket);
  const { [stampBits]: before = 0, ...others } =
    (readRecord(transaction, key) as BucketWatch | undefined) ?? {};
  const after = before + by;
  const next = after > 0 ? { ...others, [stampBits]: after } : others;
  if (Object.keys(next).length === 0) transaction.del(key);
  else writeRecord(transaction, key, next);
  const lengths = readLengths(transaction);
  writeRecord(transaction, LENGTHS_KEY, {
    counts: lengths.with(bucket.bits, (lengths[bucket.bits] ?? 0) + by),
  });
}

/** The lengths (bits) of all watched buckets, ascending: an envelope is looked up once for each. */
export function watchedLengths(view: StoreView): number[] {
  return readLengths(view).flatMap((count, bits) => (count > 0 ? [bits] : []));
}

function readLengths(view: StoreView): number[] {
  const record = readRecord(view, LENGTHS_KEY) as { counts: number[] } | undefined;
  return record?.counts ?? Array.from({ length: MAX_BUCKET_BITS + 1 }, () => 0);
}

export function readBucketDay(view: StoreView, bucket: StrangerBucket): BucketDay {
  const record = readRecord(view, bucketKey('bucketQuota', bucket)) as BucketDay | undefined;
  return record ?? NO_BUCKET_DAY;
}

export function writeBucketDay(
  transaction: StoreTransaction,
  bucket: StrangerBucket,
  count: BucketDay,
): void {
  writeRecord(transaction, bucketKey('bucketQuota', bucket), count);
}

/** The key of a free place; its value is the root of who holds it. */
export function placeKey(bucket: StrangerBucket, day: number, place: Place): Uint8Array {
  const bits = Uint8Array.of(bucket.bits);
  const level = Uint8Array.of(place.level);
  return keyOf('heldPlace', bits, bucket.prefix, orderU32(day), level, orderU32(place.position));
}

/** Ends the free holding of an envelope: its place, its row in the list, and its bytes. */
export function dropHeld(transaction: StoreTransaction, root: string): void {
  const record = readRoot(transaction, root);
  if (!record || record.heldUntil === 0) return;
  const { place, ...kept } = record;
  if (place !== undefined) transaction.del(hexToBytes(place));
  transaction.del(idKey('held', record.tag, root));
  writeRoot(transaction, root, { ...kept, heldUntil: 0 });
}

/** Drops whoever holds the place under `key`. */
export function dropPlace(transaction: StoreTransaction, key: Uint8Array): void {
  const root = transaction.get(key);
  if (root) dropHeld(transaction, bytesToHex(root));
}

export function readTagUse(view: StoreView, mailboxId: string, tag: string): TagUse | undefined {
  return readRecord(view, idKey('tagUse', mailboxId, tag)) as TagUse | undefined;
}

/** Writes the use of a tag; `forgetAt` is when the clock takes it away, given with the first. */
export function writeTagUse(
  transaction: StoreTransaction,
  mailboxId: string,
  tag: string,
  use: TagUse,
  forgetAt?: number,
): void {
  const key = idKey('tagUse', mailboxId, tag);
  writeRecord(transaction, key, use);
  if (forgetAt !== undefined) addDue(transaction, forgetAt, 'tagUse', key.subarray(1));
}
