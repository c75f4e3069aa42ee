/**
 * A mailbox at a provider: a pseudonymous account with a balance, filters and limits. Every entry
 * point of money ends in `creditMailbox`, every service in one of the debits; the provider writes
 * the result in one synced batch. After: stored-object.ts. Spec: docs/spec/33-mailbox.md.
 */
import type { Outcome } from '@tanglemail/tangle/core/outcome.ts';
import { DAY_SECONDS, MAX_BUCKET_BITS, TAG_LENGTH } from './constants.ts';
import { refuse } from './problems.ts';
import type { ProblemCode } from './problems.ts';

/** Limits that the owner of a mailbox sets. */
export interface MailboxPolicy {
  /** Greatest object taken at the owner's cost, in bytes. */
  readonly maxObject: number;
  /** Days of rent paid at ingest. */
  readonly retentionDays: number;
  /** Most that arriving mail may cost per day of ledger time; stops a drain by flooding. */
  readonly maxDebitPerDay: bigint;
  /** Whether envelopes of unknown senders are held for this mailbox. */
  readonly unsolicited: boolean;
  /** Most bytes of parts that may come ahead of one letter, paid by the owner; 0 for none. */
  readonly maxUpload: number;
}

/** All tags whose first `bits` bits equal those of `prefix`: where strangers leave mail. */
export interface StrangerBucket {
  /** 0 … 24. */
  readonly bits: number;
  /** ⌈bits/8⌉ bytes; the bits behind `bits` are zero. */
  readonly prefix: Uint8Array;
}

/** A bucket that a mailbox watches. */
export interface WatchedBucket extends StrangerBucket {
  /** Stamp bits that the owner asks of strangers, 0–28; what has fewer is not shown to him. */
  readonly stampBits: number;
}

/** Use of a quota within one day of ledger time; starts again when the day changes. */
export interface DayCount {
  /** Whole days since 1970. */
  readonly day: number;
  readonly used: bigint;
}

export interface Mailbox {
  /** SHA-256 of the public key, 64 hex digits. */
  readonly mailboxId: string;
  readonly publicKey: Uint8Array;
  readonly balance: bigint;
  readonly policy: MailboxPolicy;
  readonly buckets: readonly WatchedBucket[];
  readonly tagCount: number;
  readonly debits: DayCount;
  readonly unsolicited: DayCount;
  /** 16 random bytes, other ones for another log. Absent where it began before there were ids. */
  readonly logId?: Uint8Array;
  /** Entries of the log so far; the next one has this number. */
  readonly logLength: number;
  /** Hash of the last log entry, 32 bytes; zero before the first. */
  readonly logHead: Uint8Array;
  /** Objects stored or held for this mailbox. */
  readonly objectCount: number;
  /** Ledger time of the last credit or debit, unix seconds. */
  readonly touchedAt: number;
}

/** The day of ledger time that quotas count by. */
export function dayOf(ledgerTime: number): number {
  return Math.floor(ledgerTime / DAY_SECONDS);
}

/** An empty mailbox. */
export function newMailbox(
  mailboxId: string,
  publicKey: Uint8Array,
  policy: MailboxPolicy,
  ledgerTime: number,
): Mailbox {
  const unused: DayCount = { day: 0, used: 0n };
  return {
    mailboxId,
    publicKey,
    balance: 0n,
    policy,
    buckets: [],
    tagCount: 0,
    debits: unused,
    unsolicited: unused,
    logLength: 0,
    logHead: new Uint8Array(32),
    objectCount: 0,
    touchedAt: ledgerTime,
  };
}

/** Adds money, within the greatest balance of the offer. */
export function creditMailbox(
  mailbox: Mailbox,
  amount: bigint,
  maxBalance: bigint,
  ledgerTime: number,
): Outcome<Mailbox, ProblemCode> {
  const balance = mailbox.balance + amount;
  if (balance > maxBalance) {
    return refuse('balance-over-maximum', `balance ${mailbox.balance}, at most ${maxBalance}`);
  }
  return { ok: true, value: { ...mailbox, balance, touchedAt: ledgerTime } };
}

/** Takes the price of a service that the owner asked for. */
export function debitMailbox(
  mailbox: Mailbox,
  cost: bigint,
  ledgerTime: number,
): Outcome<Mailbox, ProblemCode> {
  const balance = mailbox.balance - cost;
  if (balance < 0n) {
    return refuse('balance-insufficient', `needs ${cost}, has ${mailbox.balance}`);
  }
  return { ok: true, value: { ...mailbox, balance, touchedAt: ledgerTime } };
}

/** Takes the price of arriving mail, which also counts against the owner's daily limit. */
export function debitArrival(
  mailbox: Mailbox,
  cost: bigint,
  ledgerTime: number,
): Outcome<Mailbox, ProblemCode> {
  const debits = countToday(mailbox.debits, cost, ledgerTime);
  if (debits.used > mailbox.policy.maxDebitPerDay) {
    return refuse('daily-limit-reached', `limit ${mailbox.policy.maxDebitPerDay}`);
  }
  const debited = debitMailbox(mailbox, cost, ledgerTime);
  return debited.ok ? { ok: true, value: { ...debited.value, debits } } : debited;
}

/** The free quota of an offer for mail that nobody pays for. */
export interface UnsolicitedQuota {
  /** Objects per day. */
  readonly perDay: number;
  /** Bytes of one object. */
  readonly maxSize: number;
}

/** Counts one free object against a day's quota. */
export function takeUnsolicited(
  count: DayCount,
  sizeBytes: number,
  quota: UnsolicitedQuota,
  ledgerTime: number,
): Outcome<DayCount, ProblemCode> {
  const next = countToday(count, 1n, ledgerTime);
  if (sizeBytes > quota.maxSize || next.used > BigInt(quota.perDay)) {
    return refuse('quota-exceeded', `${quota.perDay} a day of ${quota.maxSize} B`);
  }
  return { ok: true, value: next };
}

function countToday(count: DayCount, amount: bigint, ledgerTime: number): DayCount {
  const day = dayOf(ledgerTime);
  return { day, used: (count.day === day ? count.used : 0n) + amount };
}

/** True when a bucket has its one encoding: range of bits, length, zero bits behind them. */
export function isCanonicalBucket(bucket: StrangerBucket): boolean {
  const { bits, prefix } = bucket;
  if (!Number.isInteger(bits) || bits < 0 || bits > MAX_BUCKET_BITS) return false;
  if (prefix.length !== Math.ceil(bits / 8)) return false;
  const last = prefix[prefix.length - 1] ?? 0;
  return bits % 8 === 0 || (last & (0xff >>> (bits % 8))) === 0;
}

/** The bucket of `bits` bits in which a tag of 16 bytes falls. */
export function bucketOf(tag: Uint8Array, bits: number): StrangerBucket {
  const prefix = tag.slice(0, Math.ceil(bits / 8));
  const last = prefix.length - 1;
  if (bits % 8 !== 0) prefix[last] = (prefix[last] as number) & ~(0xff >>> (bits % 8)) & 0xff;
  return { bits, prefix };
}

/** True when `tag` falls into `bucket`. */
export function bucketHolds(bucket: StrangerBucket, tag: Uint8Array): boolean {
  const own = bucketOf(tag, bucket.bits).prefix;
  return tag.length === TAG_LENGTH && own.every((byte, index) => byte === bucket.prefix[index]);
}
