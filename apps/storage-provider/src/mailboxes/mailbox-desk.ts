/**
 * What the owner of a mailbox does with it: policy, filters, record, log and the list of held mail.
 * Before: api/mailbox-controller.ts. After: store/. Spec: docs/spec/33-mailbox.md.
 */
import { bytesToHex, hexToBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import {
  HELD_HEAD_LENGTH,
  MAX_MAILBOX_BUCKETS,
  MAX_MAILBOX_TAGS,
} from '@tanglemail/mail/core/market/constants.ts';
import {
  bucketHolds,
  debitMailbox,
  isCanonicalBucket,
} from '@tanglemail/mail/core/market/mailbox.ts';
import type {
  Mailbox,
  MailboxPolicy,
  StrangerBucket,
} from '@tanglemail/mail/core/market/mailbox.ts';
import { decodeLogEntry, signLogHead } from '@tanglemail/mail/core/market/mailbox-log.ts';
import type { LogEntry, SignedLogHead } from '@tanglemail/mail/core/market/mailbox-log.ts';
import { requestCost } from '@tanglemail/mail/core/market/prices.ts';
import type { LedgerClock } from '../ledger-clock.ts';
import { orRefuse, refuseWith } from '../refused.ts';
import { after, idKey, keyOf, orderU64, rangeOf } from '../store/buckets.ts';
import type { GroupStore, StoreTransaction } from '../store/group-store.ts';
import {
  readBucketWatch,
  readMailbox,
  readRoot,
  readWatchers,
  writeBucketWatch,
  writeMailbox,
  writeWatchers,
} from '../store/rows.ts';
import type { Terms } from '../terms.ts';

/** Mailboxes that may watch one tag: devices of one owner share a mailbox, so few are enough. */
const MAX_WATCHERS = 16;

export interface FilterPatch {
  readonly addTags: readonly string[];
  readonly removeTags: readonly string[];
  readonly addBuckets: readonly StrangerBucket[];
  readonly removeBuckets: readonly StrangerBucket[];
}

export interface HeldItem {
  readonly root: string;
  readonly tag: string;
  readonly size: number;
  readonly until: number;
  /** First bytes of the envelope. */
  readonly head: Uint8Array;
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

  /** Log entries from position `after` on, and the signed head; costs one request. */
  async log(
    mailboxId: string,
    from: number,
    limit: number,
  ): Promise<{ entries: LogEntry[]; head: SignedLogHead }> {
    const mailbox = await this.#charged(mailboxId);
    const entries: LogEntry[] = [];
    for (let seq = from; seq < mailbox.logLength && entries.length < limit; seq += 1) {
      const bytes = this.#store.get(keyOf('log', hexToBytes(mailboxId), orderU64(seq)));
      const entry = bytes && decodeLogEntry(bytes);
      if (entry?.ok) entries.push(entry.value);
    }
    return { entries, head: this.#head(mailbox) };
  }

  /** Envelopes held in the mailbox's stranger buckets, in order of tag; costs one request. */
  async held(
    mailboxId: string,
    cursor: string | undefined,
    limit: number,
  ): Promise<{ items: HeldItem[]; cursor?: string }> {
    const mailbox = await this.#charged(mailboxId);
    if (!mailbox.policy.unsolicited) return { items: [] };
    const items: HeldItem[] = [];
    const start = cursor === undefined ? undefined : after(idKey('held', cursor));
    for (const bucket of mailbox.buckets.toSorted(byPrefix)) {
      const range = bucketRange(bucket);
      const gte = start && compare(start, range.gte) > 0 ? start : range.gte;
      if (compare(gte, range.lt) >= 0) continue;
      const found = await this.#store.scan(gte, range.lt, limit - items.length);
      for (const [key] of found) {
        const item = this.#heldItem(key, bucket);
        if (item && !items.some(({ root }) => root === item.root)) items.push(item);
      }
      const last = found.at(-1);
      if (items.length >= limit && last) {
        return { items, cursor: bytesToHex(last[0].subarray(1)) };
      }
    }
    return { items };
  }

  #heldItem(key: Uint8Array, bucket: StrangerBucket): HeldItem | undefined {
    const tag = key.slice(1, 17);
    if (!bucketHolds(bucket, tag)) return undefined;
    const root = bytesToHex(key.subarray(17));
    const record = readRoot(this.#store, root);
    const body = this.#store.get(idKey('body', root));
    if (!record || !body || record.heldUntil === 0) return undefined;
    return {
      root,
      tag: bytesToHex(tag),
      size: record.sizeBytes,
      until: record.heldUntil,
      head: body.slice(0, HELD_HEAD_LENGTH),
    };
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

function patchBuckets(
  transaction: StoreTransaction,
  own: readonly StrangerBucket[],
  patch: FilterPatch,
): StrangerBucket[] {
  const names = new Map(own.map((bucket) => [bucketName(bucket), bucket]));
  const recount = (bucket: StrangerBucket, by: number): void =>
    writeBucketWatch(transaction, bucket, readBucketWatch(transaction, bucket) + by);
  for (const bucket of patch.removeBuckets) {
    if (names.delete(bucketName(bucket))) recount(bucket, -1);
  }
  for (const bucket of patch.addBuckets) {
    if (names.has(bucketName(bucket))) continue;
    names.set(bucketName(bucket), bucket);
    recount(bucket, 1);
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
