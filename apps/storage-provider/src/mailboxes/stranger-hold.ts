/**
 * Mail under tags that nobody registered: held free for all mailboxes that watch its bucket, if it
 * carries the work that one of them asks and if the day has a place for it. Nothing of the rest is
 * kept. Before: arrivals.ts. After: mailbox-desk.ts lists it, sweeper.ts drops it.
 * Spec: docs/spec/33-mailbox.md, section "Strangers".
 */
import { bytesToHex, hexToBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import type { Hasher } from '@tanglemail/tangle/core/ports.ts';
import { stampBase, stampBitsAt } from '@tanglemail/mail/core/envelope/stamp.ts';
import { HELD_HEAD_LENGTH } from '@tanglemail/mail/core/market/constants.ts';
import { bucketOf } from '@tanglemail/mail/core/market/mailbox.ts';
import type { StrangerBucket } from '@tanglemail/mail/core/market/mailbox.ts';
import { takePlace } from '@tanglemail/mail/core/market/stranger-quota.ts';
import { nativeSha256 } from '../native-sha256.ts';
import { idKey } from '../store/buckets.ts';
import type { StoreTransaction } from '../store/group-store.ts';
import { addDue, readRoot, writeRecord, writeRoot } from '../store/rows.ts';
import {
  dropPlace,
  leastStampBits,
  placeKey,
  readBucketDay,
  watchedLengths,
  writeBucketDay,
} from '../store/stranger-rows.ts';
import type { HeldRow } from '../store/stranger-rows.ts';
import type { Terms } from '../terms.ts';

/** An envelope that a milestone brought. */
export interface Arrived {
  /** Segment-tree root, 64 hex digits. */
  readonly root: string;
  /** 32 hex digits. */
  readonly tag: string;
  readonly tagBytes: Uint8Array;
  readonly sizeBytes: number;
  /** Ledger time in unix seconds. */
  readonly arrivedAt: number;
  readonly bytes: Uint8Array;
}

/**
 * `known`: the same root again. `unstamped`: less work than anybody asks. `full`: no place left, or
 * too large.
 */
export type HoldOutcome = 'held' | 'displaced' | 'known' | 'unstamped' | 'full' | 'unwatched';

interface Stamp {
  readonly base: Uint8Array;
  readonly bits: number;
}

export class StrangerHold {
  readonly #terms: Terms;
  readonly #hasher: Hasher;

  constructor(terms: Terms, hasher: Hasher) {
    this.#terms = terms;
    this.#hasher = hasher;
  }

  /** `displaced`: held, and another one with less work had to go. */
  take(transaction: StoreTransaction, arrived: Arrived): HoldOutcome {
    const { offer } = this.#terms;
    let stamp: Stamp | undefined;
    let outcome: HoldOutcome = 'unwatched';
    for (const bits of watchedLengths(transaction)) {
      const bucket = bucketOf(arrived.tagBytes, bits);
      const asked = leastStampBits(transaction, bucket);
      if (asked === undefined) continue;
      if (readRoot(transaction, arrived.root)) return 'known';
      if (arrived.sizeBytes > offer.unsolicitedMax) return 'full';
      stamp ??= this.#measure(arrived);
      if (stamp.bits < asked) {
        if (outcome === 'unwatched') outcome = 'unstamped';
        continue;
      }
      const held = this.#holdIn(transaction, bucket, arrived, stamp);
      if (held !== 'full') return held;
      outcome = held;
    }
    return outcome;
  }

  #measure({ bytes, tagBytes, arrivedAt }: Arrived): Stamp {
    const { networkId } = this.#terms;
    const base = stampBase(bytes, nativeSha256);
    return { base, bits: stampBitsAt(base, tagBytes, { networkId, arrivedAt }, this.#hasher) };
  }

  /** Held once, for all mailboxes that watch the bucket. */
  #holdIn(
    transaction: StoreTransaction,
    bucket: StrangerBucket,
    arrived: Arrived,
    stamp: Stamp,
  ): 'held' | 'displaced' | 'full' {
    const { offer, times } = this.#terms;
    const { root, tag, sizeBytes, arrivedAt, bytes } = arrived;
    const count = readBucketDay(transaction, bucket);
    const turn = takePlace(count, stamp.bits, offer.unsolicitedPerDay, arrivedAt);
    if (!turn) return 'full';
    const { taken, place, displaced } = turn;
    if (displaced) dropPlace(transaction, placeKey(bucket, taken.day, displaced));
    writeBucketDay(transaction, bucket, taken);
    const key = placeKey(bucket, taken.day, place);
    transaction.put(key, hexToBytes(root));
    const until = arrivedAt + times.heldLife;
    const record = { sizeBytes, tag, arrivedAt, holders: [], heldUntil: until };
    writeRoot(transaction, root, { ...record, place: bytesToHex(key) });
    transaction.put(idKey('body', root), bytes);
    const { base, bits } = stamp;
    const head = bytes.slice(0, HELD_HEAD_LENGTH);
    const row: HeldRow = { sizeBytes, head, stampBase: base, stampBits: bits, until };
    writeRecord(transaction, idKey('held', tag, root), row);
    addDue(transaction, until, 'root', idKey('root', root).subarray(1));
    return displaced ? 'displaced' : 'held';
  }
}
