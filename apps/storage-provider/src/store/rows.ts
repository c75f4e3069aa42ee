/**
 * Typed rows of the provider's store over any view or transaction. Spec: docs/spec/33-mailbox.md.
 */
import { hexToBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import type { Mailbox } from '@tanglemail/mail/core/market/mailbox.ts';
import { appendLog } from '@tanglemail/mail/core/market/mailbox-log.ts';
import type { ObjectState, StoredObject } from '@tanglemail/mail/core/market/stored-object.ts';
import { idKey, keyOf, orderU32, orderU64 } from './buckets.ts';
import type { StoreTransaction, StoreView } from './group-store.ts';
import { decodeRecord, encodeRecord } from './records.ts';

const NOTHING = new Uint8Array(0);

/** What the clock has to look at when a time comes; persisted numbers. */
export const DUE_KINDS = {
  object: 1,
  root: 2,
  idempotency: 3,
  tagUse: 8,
  upload: 16,
} as const;

/** Who holds an envelope's bytes. */
export interface RootRecord {
  readonly sizeBytes: number;
  /** 32 hex digits. */
  readonly tag: string;
  readonly arrivedAt: number;
  /** Mailboxes with an object of this root. */
  readonly holders: readonly string[];
  /** Held for strangers' buckets until then; 0 when not. */
  readonly heldUntil: number;
  /** Key of its free place (heldPlace), in hex; absent when not held for strangers' buckets. */
  readonly place?: string;
}

function read(view: StoreView, key: Uint8Array): object | undefined {
  const bytes = view.get(key);
  return bytes && decodeRecord(bytes);
}

export function readMailbox(view: StoreView, mailboxId: string): Mailbox | undefined {
  return read(view, idKey('mailbox', mailboxId)) as Mailbox | undefined;
}

export function writeMailbox(transaction: StoreTransaction, mailbox: Mailbox): void {
  transaction.put(idKey('mailbox', mailbox.mailboxId), encodeRecord(mailbox));
}

export function readObject(
  view: StoreView,
  mailboxId: string,
  root: string,
): StoredObject | undefined {
  return read(view, idKey('object', mailboxId, root)) as StoredObject | undefined;
}

/** Writes an object and the time at which the clock has to look at it again. */
export function writeObject(transaction: StoreTransaction, object: StoredObject): void {
  const { mailboxId, root } = object;
  transaction.put(idKey('object', mailboxId, root), encodeRecord(object));
  addDue(transaction, object.until, 'object', idKey('object', mailboxId, root).subarray(1));
}

export function readRoot(view: StoreView, root: string): RootRecord | undefined {
  return read(view, idKey('root', root)) as RootRecord | undefined;
}

/** Writes who holds a root; the last holder's leaving deletes record and bytes. */
export function writeRoot(transaction: StoreTransaction, root: string, record: RootRecord): void {
  if (record.holders.length === 0 && record.heldUntil === 0) {
    transaction.del(idKey('root', root));
    transaction.del(idKey('body', root));
    return;
  }
  transaction.put(idKey('root', root), encodeRecord(record));
}

export function addDue(
  transaction: StoreTransaction,
  time: number,
  kind: keyof typeof DUE_KINDS,
  key: Uint8Array,
): void {
  const at = orderU32(Math.min(time, 0xffff_ffff));
  transaction.put(keyOf('due', at, Uint8Array.of(DUE_KINDS[kind]), key), NOTHING);
}

/** Mailboxes that watch a tag (32 hex digits). */
export function readWatchers(view: StoreView, tag: string): readonly string[] {
  return (read(view, idKey('tag', tag)) as string[] | undefined) ?? [];
}

export function writeWatchers(
  transaction: StoreTransaction,
  tag: string,
  watchers: readonly string[],
): void {
  if (watchers.length === 0) transaction.del(idKey('tag', tag));
  else transaction.put(idKey('tag', tag), encodeRecord(watchers));
}

/** Appends to a mailbox's log and returns the mailbox with its new head, still to be written. */
export function logEvent(
  transaction: StoreTransaction,
  mailbox: Mailbox,
  object: { readonly root: string; readonly sizeBytes: number },
  event: { readonly state: ObjectState; readonly cost: bigint; readonly time: number },
): Mailbox {
  const appended = appendLog(mailbox, {
    root: hexToBytes(object.root),
    size: object.sizeBytes,
    milestoneTime: event.time,
    state: event.state,
    cost: event.cost,
  });
  const position = orderU64(appended.seq);
  transaction.put(keyOf('log', hexToBytes(mailbox.mailboxId), position), appended.bytes);
  return appended.mailbox;
}

/** Reads and writes a record of another bucket, for the modules that own its type. */
export function readRecord(view: StoreView, key: Uint8Array): object | undefined {
  return read(view, key);
}

export function writeRecord(transaction: StoreTransaction, key: Uint8Array, value: object): void {
  transaction.put(key, encodeRecord(value));
}
