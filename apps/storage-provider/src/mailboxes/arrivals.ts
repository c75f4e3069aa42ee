/**
 * Mail comes in: the envelopes of one milestone against the filters of all mailboxes. Objects,
 * debits, log entries and the feed's cursor go to disk in one batch, so a crash neither loses mail
 * nor charges for it twice. Before: feed/feed.ts. After: object-desk.ts, sweeper.ts.
 * Spec: docs/spec/33-mailbox.md, section "Arrival".
 */
import { createHash } from 'node:crypto';
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import { MAX_BUCKET_BITS, TAG_LENGTH } from '@tanglemail/mail/core/market/constants.ts';
import { bucketOf, debitArrival, takeUnsolicited } from '@tanglemail/mail/core/market/mailbox.ts';
import type { Mailbox } from '@tanglemail/mail/core/market/mailbox.ts';
import { segmentRoot } from '@tanglemail/mail/core/market/segment-tree.ts';
import { holdObject, storeObject } from '@tanglemail/mail/core/market/stored-object.ts';
import type { ArrivedObject, StoredObject } from '@tanglemail/mail/core/market/stored-object.ts';
import type { LedgerPoint } from '../ledger-clock.ts';
import { noteTagSeen } from '../parts/upload-rows.ts';
import { idKey, keyOf } from '../store/buckets.ts';
import type { GroupStore, StoreTransaction } from '../store/group-store.ts';
import {
  addDue,
  logEvent,
  readBucketQuota,
  readBucketWatch,
  readMailbox,
  readRecord,
  readRoot,
  readWatchers,
  writeBucketQuota,
  writeMailbox,
  writeObject,
  writeRecord,
  writeRoot,
} from '../store/rows.ts';
import type { Terms } from '../terms.ts';

/** Bytes before the tag in an envelope: version and class (mail.md §4). */
const TAG_OFFSET = 2;
const CURSOR_KEY = keyOf('meta', new TextEncoder().encode('cursor'));

/** What became of the envelopes of one milestone, for metrics. */
export interface ArrivalCounts {
  stored: number;
  held: number;
  /** Watched, but beyond the free quota. */
  dropped: number;
  /** Nobody here watches them. */
  unwatched: number;
}

interface Arrived {
  readonly root: string;
  readonly tag: string;
  readonly tagBytes: Uint8Array;
  readonly sizeBytes: number;
  readonly arrivedAt: number;
  readonly bytes: Uint8Array;
}

export function nativeSha256(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(bytes).digest());
}

export class Arrivals {
  readonly #store: GroupStore;
  readonly #terms: Terms;

  constructor(store: GroupStore, terms: Terms) {
    this.#store = store;
    this.#terms = terms;
  }

  /** The last milestone that was worked off, from disk. */
  cursor(): LedgerPoint | undefined {
    return readRecord(this.#store, CURSOR_KEY) as LedgerPoint | undefined;
  }

  /** Works off one milestone: its envelopes (bytes behind the payload type) and the cursor. */
  take(point: LedgerPoint, envelopes: readonly Uint8Array[]): Promise<ArrivalCounts> {
    const arrivedAt = Math.floor(point.timestampMs / 1_000);
    const arrived = envelopes
      .filter((bytes) => bytes.length >= TAG_OFFSET + TAG_LENGTH)
      .map((bytes) => this.#measure(bytes, arrivedAt));
    return this.#store.transact((transaction) => {
      const counts: ArrivalCounts = { stored: 0, held: 0, dropped: 0, unwatched: 0 };
      const known = readRecord(transaction, CURSOR_KEY) as LedgerPoint | undefined;
      // The same milestone again, after a restart between batch and acknowledgement.
      if (known && known.index >= point.index) return counts;
      for (const one of arrived) counts[this.#route(transaction, one)] += 1;
      writeRecord(transaction, CURSOR_KEY, point);
      return counts;
    });
  }

  #measure(bytes: Uint8Array, arrivedAt: number): Arrived {
    const tagBytes = bytes.slice(TAG_OFFSET, TAG_OFFSET + TAG_LENGTH);
    return {
      root: bytesToHex(segmentRoot(bytes, nativeSha256)),
      tag: bytesToHex(tagBytes),
      tagBytes,
      sizeBytes: bytes.length,
      arrivedAt,
      bytes,
    };
  }

  #route(transaction: StoreTransaction, arrived: Arrived): keyof ArrivalCounts {
    if (arrived.sizeBytes > this.#terms.offer.maxObject) return 'dropped';
    const watchers = readWatchers(transaction, arrived.tag);
    if (watchers.length === 0) return this.#holdForStrangers(transaction, arrived);
    noteTagSeen(transaction, watchers, arrived.tag, arrived.arrivedAt, this.#terms.times);
    let best: keyof ArrivalCounts = 'dropped';
    for (const mailboxId of watchers) {
      const mailbox = readMailbox(transaction, mailboxId);
      // The same root again: nothing is charged, nothing is extended.
      const record = readRoot(transaction, arrived.root);
      if (!mailbox || record?.holders.includes(mailboxId)) continue;
      const became = this.#keepFor(transaction, mailbox, arrived);
      if (became === 'stored' || best === 'dropped') best = became;
    }
    return best;
  }

  /** Stores at the mailbox's cost, else holds within its free quota, else drops. */
  #keepFor(transaction: StoreTransaction, mailbox: Mailbox, arrived: Arrived): keyof ArrivalCounts {
    const { offer, times } = this.#terms;
    const { root, tag, sizeBytes, arrivedAt } = arrived;
    const object: ArrivedObject = {
      mailboxId: mailbox.mailboxId,
      root,
      tag,
      sizeBytes,
      arrivedAt,
    };
    if (sizeBytes <= mailbox.policy.maxObject) {
      const wanted = Math.max(mailbox.policy.retentionDays, offer.minRetentionDays);
      const days = Math.min(wanted, offer.maxRetentionDays);
      const stored = storeObject(object, days, offer, arrivedAt);
      const debited = debitArrival(mailbox, stored.cost, arrivedAt);
      if (debited.ok) {
        this.#write(transaction, debited.value, arrived, stored.object, stored.cost);
        return 'stored';
      }
    }
    const quota = { perDay: offer.unsolicitedPerDay, maxSize: offer.unsolicitedMax };
    const unsolicited = takeUnsolicited(mailbox.unsolicited, sizeBytes, quota, arrivedAt);
    if (!unsolicited.ok) return 'dropped';
    const counted = { ...mailbox, unsolicited: unsolicited.value };
    this.#write(transaction, counted, arrived, holdObject(object, times), 0n);
    return 'held';
  }

  #write(
    transaction: StoreTransaction,
    mailbox: Mailbox,
    arrived: Arrived,
    object: StoredObject,
    cost: bigint,
  ): void {
    const event = { state: object.state, cost, time: arrived.arrivedAt };
    const logged = logEvent(transaction, mailbox, arrived, event);
    writeMailbox(transaction, { ...logged, objectCount: logged.objectCount + 1 });
    writeObject(transaction, object);
    this.#addHolder(transaction, arrived, mailbox.mailboxId);
  }

  #addHolder(transaction: StoreTransaction, arrived: Arrived, mailboxId: string): void {
    const { root, sizeBytes, tag, arrivedAt } = arrived;
    const record = readRoot(transaction, root);
    if (!record) transaction.put(idKey('body', root), arrived.bytes);
    const holders = [...(record?.holders ?? []), mailboxId];
    writeRoot(transaction, root, { sizeBytes, tag, arrivedAt, heldUntil: 0, ...record, holders });
  }

  /** Held once for all mailboxes that watch a bucket, within the bucket's free quota of the day. */
  #holdForStrangers(transaction: StoreTransaction, arrived: Arrived): keyof ArrivalCounts {
    const { offer, times } = this.#terms;
    const quota = { perDay: offer.unsolicitedPerDay, maxSize: offer.unsolicitedMax };
    let isWatched = false;
    if (readRoot(transaction, arrived.root)) return 'dropped';
    for (let bits = 0; bits <= MAX_BUCKET_BITS; bits += 1) {
      const bucket = bucketOf(arrived.tagBytes, bits);
      if (readBucketWatch(transaction, bucket) === 0) continue;
      isWatched = true;
      const used = readBucketQuota(transaction, bucket);
      const next = takeUnsolicited(used, arrived.sizeBytes, quota, arrived.arrivedAt);
      if (!next.ok) continue;
      writeBucketQuota(transaction, bucket, next.value);
      const { root, tag, sizeBytes, arrivedAt } = arrived;
      const heldUntil = arrivedAt + times.heldLife;
      writeRoot(transaction, root, { sizeBytes, tag, arrivedAt, holders: [], heldUntil });
      transaction.put(idKey('body', root), arrived.bytes);
      transaction.put(idKey('held', tag, root), new Uint8Array(0));
      addDue(transaction, heldUntil, 'root', idKey('root', root).subarray(1));
      return 'held';
    }
    return isWatched ? 'dropped' : 'unwatched';
  }
}
