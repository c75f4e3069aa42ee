/**
 * Rows of uploads: what is announced under a tag, and which tags were seen on the
 * tangle. Before: part-desk.ts, mailboxes/arrivals.ts. After: store/.
 * Spec: docs/spec/33-mailbox.md, section "Parts".
 */
import { droppedRefund, noteEnvelope, settlePart } from '@tanglemail/mail/core/market/upload.ts';
import type { Upload } from '@tanglemail/mail/core/market/upload.ts';
import type { MarketTimes } from '@tanglemail/mail/core/market/constants.ts';
import type { StoredObject } from '@tanglemail/mail/core/market/stored-object.ts';
import { idKey, orderU32 } from '../store/buckets.ts';
import type { StoreTransaction, StoreView } from '../store/group-store.ts';
import {
  addDue,
  logEvent,
  readMailbox,
  readObject,
  readRecord,
  readRoot,
  writeMailbox,
  writeObject,
  writeRecord,
  writeRoot,
} from '../store/rows.ts';

export function readUpload(view: StoreView, tag: string): Upload | undefined {
  return readRecord(view, idKey('upload', tag)) as Upload | undefined;
}

/** Writes an upload and the time at which it ends. */
export function writeUpload(transaction: StoreTransaction, tag: string, upload: Upload): void {
  const key = idKey('upload', tag);
  writeRecord(transaction, key, upload);
  addDue(transaction, upload.closesAt, 'upload', key.subarray(1));
}

/** Whether an envelope with a tag that the mailbox watches was in a milestone. */
export function isTagSeen(view: StoreView, mailboxId: string, tag: string): boolean {
  return (view.get(idKey('mailboxTag', mailboxId, tag))?.length ?? 0) > 0;
}

/**
 * An envelope with a watched tag is in a milestone: nobody can announce parts under the tag from
 * now on, since everybody has seen it, and those that were announced are kept.
 */
export function noteTagSeen(
  transaction: StoreTransaction,
  watchers: readonly string[],
  tag: string,
  arrivedAt: number,
  times: MarketTimes,
): void {
  for (const mailboxId of watchers) {
    const key = idKey('mailboxTag', mailboxId, tag);
    if (!isTagSeen(transaction, mailboxId, tag)) transaction.put(key, orderU32(arrivedAt));
  }
  const upload = readUpload(transaction, tag);
  if (!upload || upload.envelopeAt > 0 || arrivedAt >= upload.closesAt) return;
  writeUpload(transaction, tag, noteEnvelope(upload, arrivedAt, times));
  for (const object of partsOf(transaction, tag, upload)) {
    writeObject(transaction, settlePart(object));
  }
}

/** The parts of an upload that are stored, at every mailbox that takes them. */
function partsOf(view: StoreView, tag: string, { mailboxes, parts }: Upload): StoredObject[] {
  return mailboxes.flatMap((mailboxId) => {
    const objects = parts.map(({ root }) => readObject(view, mailboxId, root));
    return objects.filter((one) => one?.tag === tag && one.state === 'stored') as StoredObject[];
  });
}

/**
 * The end of an upload. One whose envelope never came leaves nothing behind: its parts are dropped
 * and the rent of the days to come goes back.
 */
export function closeUpload(transaction: StoreTransaction, tag: string, now: number): void {
  const upload = readUpload(transaction, tag);
  if (!upload || upload.closesAt > now) return;
  transaction.del(idKey('upload', tag));
  if (upload.envelopeAt > 0) return;
  for (const object of partsOf(transaction, tag, upload)) {
    if (object.paidUntil !== undefined) dropPart(transaction, object, now);
  }
}

function dropPart(transaction: StoreTransaction, object: StoredObject, now: number): void {
  const { mailboxId, root } = object;
  const mailbox = readMailbox(transaction, mailboxId);
  if (!mailbox) return;
  const balance = mailbox.balance + droppedRefund(object, now);
  const event = { state: 'purged', cost: 0n, time: now } as const;
  const logged = logEvent(transaction, { ...mailbox, balance }, object, event);
  writeMailbox(transaction, { ...logged, objectCount: logged.objectCount - 1 });
  transaction.del(idKey('object', mailboxId, root));
  const record = readRoot(transaction, root);
  if (!record) return;
  const holders = record.holders.filter((holder) => holder !== mailboxId);
  writeRoot(transaction, root, { ...record, holders });
}

/** Adds a mailbox to those that hold a root; the first one brings the bytes. */
export function addPartHolder(
  transaction: StoreTransaction,
  object: StoredObject,
  bytes: Uint8Array,
): void {
  const { root, mailboxId, tag, sizeBytes, arrivedAt } = object;
  const record = readRoot(transaction, root);
  if (!record) transaction.put(idKey('body', root), bytes);
  const holders = [...(record?.holders ?? []), mailboxId];
  writeRoot(transaction, root, { sizeBytes, tag, arrivedAt, heldUntil: 0, ...record, holders });
}
