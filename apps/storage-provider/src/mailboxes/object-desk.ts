/**
 * Handing out, keeping longer and giving up objects. A fetch is debited and remembered in one batch
 * before any byte leaves. Before: api/object-controller.ts. After: store/, receipts/.
 * Spec: docs/spec/33-mailbox.md, section "Objects".
 */
import { bytesToHex, hexToBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import type { Verifier } from '@tanglemail/tangle/core/ports.ts';
import type { Mailbox } from '@tanglemail/mail/core/market/mailbox.ts';
import { bucketHolds, creditMailbox } from '@tanglemail/mail/core/market/mailbox.ts';
import { fetchCost, requestCost } from '@tanglemail/mail/core/market/prices.ts';
import {
  proveSegments,
  segmentCount,
  segmentRoot,
  SEGMENT_SIZE,
} from '@tanglemail/mail/core/market/segment-tree.ts';
import type { SegmentProof } from '@tanglemail/mail/core/market/segment-tree.ts';
import { releaseMessage } from '@tanglemail/mail/core/market/signed-requests.ts';
import {
  releaseObject,
  retainObject,
  storeObject,
} from '@tanglemail/mail/core/market/stored-object.ts';
import type { StoredObject } from '@tanglemail/mail/core/market/stored-object.ts';
import { nativeSha256 } from '../native-sha256.ts';
import type { LedgerClock } from '../ledger-clock.ts';
import { orRefuse, refuseWith } from '../refused.ts';
import { idKey } from '../store/buckets.ts';
import type { GroupStore, StoreTransaction } from '../store/group-store.ts';
import { findAnswer, keepAnswer } from '../store/once.ts';
import type { OnceKey } from '../store/once.ts';
import {
  logEvent,
  readObject,
  readRoot,
  writeMailbox,
  writeObject,
  writeRoot,
} from '../store/rows.ts';
import type { Terms } from '../terms.ts';
import { chargeMailbox, requireMailbox } from './mailbox-desk.ts';

/** Where an envelope has its tag (docs/spec/23-envelope.md). */
const TAG_RANGE = [2, 18] as const;

/** Segments `from … to` of an object, both included. */
export interface SegmentRange {
  readonly from: number;
  readonly to: number;
}

export interface RetainAnswer {
  readonly until: number;
  readonly cost: string;
  readonly balance: string;
}

export class ObjectDesk {
  readonly #store: GroupStore;
  readonly #terms: Terms;
  readonly #clock: LedgerClock;
  readonly #verifier: Verifier;

  constructor(store: GroupStore, terms: Terms, clock: LedgerClock, verifier: Verifier) {
    this.#store = store;
    this.#terms = terms;
    this.#clock = clock;
    this.#verifier = verifier;
  }

  /** The bytes of an object or of some of its segments, paid for at this moment. */
  async fetch(
    mailboxId: string,
    root: string,
    range: SegmentRange | undefined,
    once: OnceKey,
  ): Promise<{ bytes: Uint8Array; size: number }> {
    const body = await this.#pay(mailboxId, root, range, once);
    const { from, to } = range ?? { from: 0, to: segmentCount(body.length) - 1 };
    const bytes = body.subarray(from * SEGMENT_SIZE, (to + 1) * SEGMENT_SIZE);
    return { bytes, size: body.length };
  }

  /** The same segments with the proof that they belong to the root. */
  async prove(
    mailboxId: string,
    root: string,
    range: SegmentRange | undefined,
    once: OnceKey,
  ): Promise<SegmentProof> {
    const body = await this.#pay(mailboxId, root, range, once);
    const { from, to } = range ?? { from: 0, to: segmentCount(body.length) - 1 };
    return proveSegments(body, from, to - from + 1, nativeSha256);
  }

  #pay(
    mailboxId: string,
    root: string,
    range: SegmentRange | undefined,
    once: OnceKey,
  ): Promise<Uint8Array> {
    const now = this.#clock.time;
    return this.#store.transact((transaction) => {
      const object = requireReadable(readObject(transaction, mailboxId, root));
      const body = transaction.get(idKey('body', root)) ?? refuseWith('object-gone');
      const size = rangeSize(body.length, range);
      if (findAnswer(transaction, once, now)) return body;
      const cost = fetchCost(this.#terms.offer, size, object.state === 'expired');
      chargeMailbox(transaction, mailboxId, cost, now);
      keepAnswer(transaction, once, {}, now, this.#terms.times.idempotencyLife);
      return body;
    });
  }

  /** Buys days for a stored object, or turns held mail into a stored object of this mailbox. */
  retain(mailboxId: string, root: string, days: number, once: OnceKey): Promise<RetainAnswer> {
    const now = this.#clock.time;
    const { minRetentionDays, maxRetentionDays } = this.#terms.offer;
    return this.#store.transact((transaction) => {
      const known = findAnswer(transaction, once, now);
      if (known) return known as RetainAnswer;
      const held = readObject(transaction, mailboxId, root);
      const isNew = held?.state !== 'stored';
      if (days > maxRetentionDays || (isNew && days < minRetentionDays)) {
        refuseWith('policy-forbids', {}, `${minRetentionDays} to ${maxRetentionDays} days`);
      }
      const { object, cost } = held
        ? orRefuse(retainObject(held, days, this.#terms.offer, now, maxRetentionDays))
        : this.#adopt(transaction, requireMailbox(transaction, mailboxId), root, days, now);
      const charged = chargeMailbox(transaction, mailboxId, cost, now);
      const state = object.isPart === true ? 'part' : 'stored';
      const event = { state, cost, time: now } as const;
      const logged = logEvent(transaction, charged, object, event);
      const objectCount = logged.objectCount + (held ? 0 : 1);
      writeMailbox(transaction, { ...logged, objectCount });
      writeObject(transaction, object);
      const answer = { until: object.until, cost: `${cost}`, balance: `${logged.balance}` };
      keepAnswer(transaction, once, answer, now, this.#terms.times.idempotencyLife);
      return answer;
    });
  }

  /** Takes an envelope that is held for strangers' buckets into a mailbox that watches it. */
  #adopt(
    transaction: StoreTransaction,
    mailbox: Mailbox,
    root: string,
    days: number,
    now: number,
  ): { object: StoredObject; cost: bigint } {
    const record = readRoot(transaction, root);
    const isHeld = record !== undefined && record.heldUntil > now;
    const tag = hexToBytes(record?.tag ?? '');
    if (!isHeld || !mailbox.buckets.some((bucket) => bucketHolds(bucket, tag))) {
      refuseWith('object-unknown');
    }
    const { mailboxId } = mailbox;
    writeRoot(transaction, root, { ...record, holders: [...record.holders, mailboxId] });
    const { sizeBytes, arrivedAt } = record;
    const arrived = { mailboxId, root, tag: record.tag, sizeBytes, arrivedAt };
    return storeObject(arrived, days, this.#terms.offer, now);
  }

  /**
   * Takes an object that its owner brings from another provider, at the price of an arrival. Bytes
   * of one that is stored here are written again for the price of a request: the disk may have lost
   * them.
   */
  restore(
    mailboxId: string,
    root: string,
    copy: { readonly bytes: Uint8Array; readonly days: number },
    once: OnceKey,
  ): Promise<RetainAnswer> {
    const { bytes, days } = copy;
    const now = this.#clock.time;
    const { offer } = this.#terms;
    if (bytesToHex(segmentRoot(bytes, nativeSha256)) !== root) refuseWith('root-mismatch');
    return this.#store.transact((transaction) => {
      const known = findAnswer(transaction, once, now);
      if (known) return known as RetainAnswer;
      const { policy } = requireMailbox(transaction, mailboxId);
      const { length: sizeBytes } = bytes;
      if (sizeBytes > Math.min(policy.maxObject, offer.maxObject)) refuseWith('body-too-large');
      const { minRetentionDays: least, maxRetentionDays: most } = offer;
      if (days < least || days > most) refuseWith('policy-forbids', {}, `${least} to ${most} days`);
      const kept = readObject(transaction, mailboxId, root);
      if (kept && kept.state !== 'stored') refuseWith('state-conflict', {}, kept.state);
      const tag = bytesToHex(bytes.subarray(...TAG_RANGE));
      const arrived = { mailboxId, root, tag, sizeBytes, arrivedAt: now };
      const { object, cost } = kept
        ? { object: kept, cost: requestCost(offer) }
        : storeObject(arrived, days, offer, now);
      const charged = chargeMailbox(transaction, mailboxId, cost, now);
      transaction.put(idKey('body', root), bytes);
      if (!kept) this.#addRestored(transaction, charged, object, cost);
      const answer = { until: object.until, cost: `${cost}`, balance: `${charged.balance}` };
      keepAnswer(transaction, once, answer, now, this.#terms.times.idempotencyLife);
      return answer;
    });
  }

  #addRestored(
    transaction: StoreTransaction,
    mailbox: Mailbox,
    object: StoredObject,
    cost: bigint,
  ): void {
    const { root, sizeBytes, tag, arrivedAt, mailboxId } = object;
    const event = { state: 'stored', cost, time: arrivedAt } as const;
    const logged = logEvent(transaction, mailbox, object, event);
    writeMailbox(transaction, { ...logged, objectCount: logged.objectCount + 1 });
    writeObject(transaction, object);
    const record = readRoot(transaction, root);
    const holders = [...(record?.holders ?? []), mailboxId];
    writeRoot(transaction, root, { sizeBytes, tag, arrivedAt, heldUntil: 0, ...record, holders });
  }

  /** Gives an object up against the owner's signature and credits unused whole days. */
  release(
    mailboxId: string,
    root: string,
    signature: Uint8Array,
  ): Promise<{ refund: bigint; balance: bigint }> {
    const now = this.#clock.time;
    return this.#store.transact((transaction) => {
      const mailbox = requireMailbox(transaction, mailboxId);
      const object = readObject(transaction, mailboxId, root) ?? refuseWith('object-unknown');
      const message = releaseMessage(this.#terms, hexToBytes(root));
      if (!this.#verifier.verify(mailbox.publicKey, message, signature)) {
        refuseWith('release-signature');
      }
      // Asking again gives the same end without a second refund.
      if (object.state === 'released') return { refund: 0n, balance: mailbox.balance };
      const { times } = this.#terms;
      const { object: released, refund } = orRefuse(releaseObject(object, signature, now, times));
      // Money that was in the balance before: the offer's maximum, which may be less by now, does
      // not stop it.
      const credited = orRefuse(creditMailbox(mailbox, refund, mailbox.balance + refund, now));
      const event = { state: 'released', cost: 0n, time: now } as const;
      writeMailbox(transaction, logEvent(transaction, credited, object, event));
      writeObject(transaction, released);
      return { refund, balance: credited.balance };
    });
  }
}

function requireReadable(object: StoredObject | undefined): StoredObject {
  if (!object) return refuseWith('object-unknown');
  if (object.state === 'released') return refuseWith('object-released');
  if (object.state === 'purged') return refuseWith('object-gone');
  if (object.state === 'held') return refuseWith('state-conflict', {}, 'held: retain it first');
  return object;
}

/** Bytes in a range of segments, or `range-outside`. */
function rangeSize(size: number, range: SegmentRange | undefined): number {
  if (!range) return size;
  if (range.from > range.to || range.to >= segmentCount(size)) refuseWith('range-outside');
  return Math.min((range.to + 1) * SEGMENT_SIZE, size) - range.from * SEGMENT_SIZE;
}
