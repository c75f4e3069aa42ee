/**
 * What the owner of a mailbox does with it: policy, filters, record, log and the list of held mail.
 * Before: api/mailbox-controller.ts. After: store/. Spec: docs/spec/33-mailbox.md.
 */
import { bytesToHex, hexToBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import { MAX_MAILBOX_BUCKETS, MAX_MAILBOX_TAGS } from '@tanglemail/mail/core/market/constants.ts';
import {
  bucketHolds,
  debitMailbox,
  isCanonicalBucket,
} from '@tanglemail/mail/core/market/mailbox.ts';
import type {
  Mailbox,
  MailboxPolicy,
  StrangerBucket,
  WatchedBucket,
} from '@tanglemail/mail/core/market/mailbox.ts';
import { decodeLogEntry, signLogHead } from '@tanglemail/mail/core/market/mailbox-log.ts';
import type { LogEntry, SignedLogHead } from '@tanglemail/mail/core/market/mailbox-log.ts';
import { requestCost } from '@tanglemail/mail/core/market/prices.ts';
import type { LedgerClock } from '../ledger-clock.ts';
import { orRefuse, refuseWith } from '../refused.ts';
import { after, idKey, keyOf, orderU64, rangeOf } from '../store/buckets.ts';
import type { GroupStore, StoreTransaction } from '../store/group-store.ts';
import { decodeRecord } from '../store/records.ts';
import {
  readMailbox,
  readObject,
  readWatchers,
  writeMailbox,
  writeWatchers,
} from '../store/rows.ts';
import { countWatcher } from '../store/stranger-rows.ts';
import type { HeldRow } from '../store/stranger-rows.ts';
import type { Terms } from '../terms.ts';

/** Mailboxes that may watch one tag: all members of a group, which has at most 25. */
const MAX_WATCHERS = 32;

/** Held envelopes that one request for a list passes over: others' who ask less work. */
const MAX_SCANNED = 4_096;

export interface FilterPatch {
  readonly addTags: readonly string[];
  readonly removeTags: readonly string[];
  readonly addBuckets: readonly WatchedBucket[];
  readonly removeBuckets: readonly StrangerBucket[];
}

export interface HeldItem {
  readonly root: string;
  readonly tag: string;
  readonly size: number;
  readonly until: number;
  /** First bytes of the envelope. */
  readonly head: Uint8Array;
  /** What its stamp is measured over, 32 bytes. */
  readonly stampBase: Uint8Array;
}

/** A log entry; `tag` (32 hex digits) is there for what is held for the mailbox itself. */
export interface ShownEntry extends LogEntry {
  readonly tag?: string;
}

/** The mailbox of a session, or `mailbox-unknown`. */
export function requireMailbox(
  view: { get(key: Uint8Array): Uint8Array | undefined },
  id: string,
): Mailbox {
  return readMailbox(view, id) ?? refuseWith('mailbox-unknown');
}

/** Takes `cost` from a mailbox inside a transaction, or `balance-insufficient`. */
export function chargeMailbox(
  transaction: StoreTransaction,
  mailboxId: string,
  cost: bigint,
  ledgerTime: number,
): Mailbox {
  const mailbox = requireMailbox(transaction, mailboxId);
  const facts = { required: cost, balance: mailbox.balance, charge: cost };
  const debited = orRefuse(debitMailbox(mailbox, cost, ledgerTime), facts);
  writeMailbox(transaction, debited);
  return debited;
}

export class MailboxDesk {
  readonly #store: GroupStore;
  readonly #terms: Terms;
  readonly #clock: LedgerClock;

  constructor(store: GroupStore, terms: Terms, clock: LedgerClock) {
    this.#store = store;
    this.#terms = terms;
    this.#clock = clock;
  }

  setPolicy(mailboxId: string, policy: MailboxPolicy): Promise<MailboxPolicy> {
    return this.#store.transact((transaction) => {
      const mailbox = requireMailbox(transaction, mailboxId);
      writeMailbox(transaction, { ...mailbox, policy });
      return policy;
    });
  }

  /** Adds and removes tags and buckets; what is there already, or gone already, changes nothing. */
  patchFilters(mailboxId: string, patch: FilterPatch): Promise<Mailbox> {
    const isMalformed = [...patch.addBuckets, ...patch.removeBuckets].some(
      (bucket) => !isCanonicalBucket(bucket),
    );
    if (isMalformed) refuseWith('request-malformed', {}, 'bucket');
    return this.#store.transact((transaction) => {
      const mailbox = requireMailbox(transaction, mailboxId);
      let { tagCount } = mailbox;
      for (const tag of patch.removeTags) tagCount -= unwatch(transaction, mailboxId, tag);
      for (const tag of patch.addTags) tagCount += watch(transaction, mailboxId, tag);
      if (tagCount > MAX_MAILBOX_TAGS) refuseWith('filters-full');
      const buckets = patchBuckets(transaction, mailbox.buckets, patch);
      const patched = { ...mailbox, tagCount, buckets };
      writeMailbox(transaction, patched);
      return patched;
    });
  }

  /** The record and the signed head of its log; costs one request. */
  async info(mailboxId: string): Promise<{ mailbox: Mailbox; head: SignedLogHead }> {
    const mailbox = await this.#charged(mailboxId);
    return { mailbox, head: this.#head(mailbox) };
  }

  /** Log entries from position `from` on, signed head and id of the log; costs one request. */
  async log(
    mailboxId: string,
    from: number,
    limit: number,
  ): Promise<{ entries: ShownEntry[]; head: SignedLogHead; logId?: Uint8Array }> {
    const mailbox = await this.#charged(mailboxId);
    const entries: ShownEntry[] = [];
    for (let seq = from; seq < mailbox.logLength && entries.length < limit; seq += 1) {
      const bytes = this.#store.get(keyOf('log', hexToBytes(mailboxId), orderU64(seq)));
      const entry = bytes && decodeLogEntry(bytes);
      if (entry?.ok) entries.push(this.#shown(mailboxId, entry.value));
    }
    const { logId } = mailbox;
    return { entries, head: this.#head(mailbox), ...(logId ? { logId } : {}) };
  }

  /** With its tag the owner knows whether held mail is worth paying for. */
  #shown(mailboxId: string, entry: LogEntry): ShownEntry {
    if (entry.state !== 'held') return entry;
    const tag = readObject(this.#store, mailboxId, bytesToHex(entry.root))?.tag;
    return tag === undefined ? entry : { ...entry, tag };
  }

  /** Envelopes held in the mailbox's stranger buckets, in order of tag; costs one request. */
  async held(
    mailboxId: string,
    cursor: string | undefined,
    limit: number,
  ): Promise<{ items: HeldItem[]; cursor?: string }> {
    const mailbox = await this.#charged(mailboxId);
    if (!mailbox.policy.unsolicited) return { items: [] };
    const items = new Map<string, HeldItem>();
    const start = cursor === undefined ? undefined : after(idKey('held', cursor));
    let left = MAX_SCANNED;
    for (const bucket of mailbox.buckets.toSorted(byPrefix)) {
      const range = bucketRange(bucket);
      let gte = start && compare(start, range.gte) > 0 ? start : range.gte;
      while (compare(gte, range.lt) < 0) {
        const wanted = Math.min(limit - items.size, left);
        const found = await this.#store.scan(gte, range.lt, wanted);
        for (const [key, value] of found) {
          const item = this.#heldItem(key, value, bucket);
          if (item) items.set(item.root, item);
        }
        const last = found.at(-1);
        if (!last || found.length < wanted) break;
        left -= found.length;
        // Full, or enough was passed over: the next request goes on here.
        if (items.size >= limit || left <= 0) {
          return { items: [...items.values()], cursor: bytesToHex(last[0].subarray(1)) };
        }
        gte = after(last[0]);
      }
    }
    return { items: [...items.values()] };
  }

  /** Nothing for what is not in the bucket, or has less work than the owner asks there. */
  #heldItem(key: Uint8Array, value: Uint8Array, bucket: WatchedBucket): HeldItem | undefined {
    const tag = key.slice(1, 17);
    if (!bucketHolds(bucket, tag)) return undefined;
    const row = decodeRecord(value) as HeldRow;
    if (row.stampBits < bucket.stampBits) return undefined;
    const { sizeBytes: size, head, stampBase, until } = row;
    const root = bytesToHex(key.subarray(17));
    return { root, tag: bytesToHex(tag), size, until, head, stampBase };
  }

  #charged(mailboxId: string): Promise<Mailbox> {
    const cost = requestCost(this.#terms.offer);
    const { time } = this.#clock;
    return this.#store.transact((transaction) => chargeMailbox(transaction, mailboxId, cost, time));
  }

  #head(mailbox: Mailbox): SignedLogHead {
    const { networkId, bondId, bondSecretKey } = this.#terms;
    const { mailboxId, logLength: length, logHead: headHash } = mailbox;
    const head = { mailboxId, length, headHash, time: this.#clock.time };
    return signLogHead(networkId, bondId, head, bondSecretKey);
  }
}

/** 1 when the tag is new for this mailbox. */
function watch(transaction: StoreTransaction, mailboxId: string, tag: string): number {
  const watchers = readWatchers(transaction, tag);
  if (watchers.includes(mailboxId)) return 0;
  if (watchers.length >= MAX_WATCHERS) refuseWith('filters-full', {}, 'watchers of one tag');
  writeWatchers(transaction, tag, [...watchers, mailboxId]);
  transaction.put(idKey('mailboxTag', mailboxId, tag), new Uint8Array(0));
  return 1;
}

/** 1 when the mailbox watched the tag. */
function unwatch(transaction: StoreTransaction, mailboxId: string, tag: string): number {
  const watchers = readWatchers(transaction, tag);
  if (!watchers.includes(mailboxId)) return 0;
  const others = watchers.filter((other) => other !== mailboxId);
  writeWatchers(transaction, tag, others);
  transaction.del(idKey('mailboxTag', mailboxId, tag));
  return 1;
}

/** A bucket that is added again is asked for with the new stamp bits. */
function patchBuckets(
  transaction: StoreTransaction,
  own: readonly WatchedBucket[],
  patch: FilterPatch,
): WatchedBucket[] {
  const names = new Map(own.map((bucket) => [bucketName(bucket), bucket]));
  const remove = (bucket: StrangerBucket): void => {
    const known = names.get(bucketName(bucket));
    if (!known) return;
    names.delete(bucketName(bucket));
    countWatcher(transaction, known, known.stampBits, -1);
  };
  for (const bucket of patch.removeBuckets) remove(bucket);
  for (const bucket of patch.addBuckets) {
    remove(bucket);
    names.set(bucketName(bucket), bucket);
    countWatcher(transaction, bucket, bucket.stampBits, 1);
  }
  if (names.size > MAX_MAILBOX_BUCKETS) refuseWith('filters-full', {}, 'stranger buckets');
  return [...names.values()];
}

function bucketName({ bits, prefix }: StrangerBucket): string {
  return `${bits}:${bytesToHex(prefix)}`;
}

/** Keys of all held envelopes whose tag may fall into a bucket. */
function bucketRange({ bits, prefix }: StrangerBucket): { gte: Uint8Array; lt: Uint8Array } {
  const whole = rangeOf('held', prefix);
  if (bits % 8 === 0) return whole;
  const last = prefix.slice();
  const at = last.length - 1;
  last[at] = (last[at] as number) | (0xff >>> (bits % 8));
  return { gte: whole.gte, lt: after(keyOf('held', last)) };
}

function byPrefix(a: StrangerBucket, b: StrangerBucket): number {
  return compare(bucketRange(a).gte, bucketRange(b).gte);
}

function compare(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at += 1) {
    const difference = (a[at] as number) - (b[at] as number);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}
