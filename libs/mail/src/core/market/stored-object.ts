/**
 * What a provider keeps of one envelope for one mailbox, and the transitions between its states:
 * `held → stored → expired → purged`, `stored → released → purged`. Before: mailbox.ts (who pays).
 * After: receipt.ts. Spec: docs/spec/33-mailbox.md.
 */
import type { Outcome } from '@tanglemail/tangle/core/outcome.ts';
import { DAY_SECONDS } from './constants.ts';
import type { MarketTimes } from './constants.ts';
import { ingestCost, releaseRefund, rentCost } from './prices.ts';
import type { Prices } from './prices.ts';
import { refuse } from './problems.ts';
import type { ProblemCode } from './problems.ts';

/**
 * States with the numbers that log entries carry; never reused. No object is ever `part`: that is
 * what the log says when a part of a parcel was stored, so that nobody takes it for an envelope.
 */
export const OBJECT_STATES = {
  seen: 0,
  held: 1,
  stored: 2,
  expired: 3,
  released: 4,
  purged: 5,
  part: 6,
} as const;

export type ObjectState = keyof typeof OBJECT_STATES;

/** One object of one mailbox. */
export interface StoredObject {
  readonly mailboxId: string;
  /** Segment-tree root, 64 hex digits. */
  readonly root: string;
  /** Delivery tag, 32 hex digits. */
  readonly tag: string;
  readonly sizeBytes: number;
  readonly state: ObjectState;
  /** Ledger time of the milestone that brought it, unix seconds. */
  readonly arrivedAt: number;
  /** End of the present state: held until, paid until, or purged at; unix seconds. */
  readonly until: number;
  /** Base units paid for it in total. */
  readonly paid: bigint;
  /** Rent price at which it was paid, for the refund of a release. */
  readonly rentPerMiBDay: number;
  /** Greatest `until` of a receipt that was handed out; 0 when none was. */
  readonly receiptUntil: number;
  /** A part of a parcel, not an envelope. */
  readonly isPart?: true;
  /** Paid until then, while the part waits for its envelope only until `until`; upload.ts. */
  readonly paidUntil?: number;
  /** The owner's release signature, kept until `receiptUntil` + 24 h. */
  readonly release?: Uint8Array;
}

/** A newly seen envelope. */
export interface ArrivedObject {
  readonly mailboxId: string;
  readonly root: string;
  readonly tag: string;
  readonly sizeBytes: number;
  readonly arrivedAt: number;
}

/** An object that waits for a payment until `arrivedAt + heldLife`. */
export function holdObject(arrived: ArrivedObject, times: MarketTimes): StoredObject {
  const until = arrived.arrivedAt + times.heldLife;
  return { ...arrived, state: 'held', until, paid: 0n, rentPerMiBDay: 0, receiptUntil: 0 };
}

/** An object paid for `days` from `now`, and the price. */
export function storeObject(
  arrived: ArrivedObject,
  days: number,
  prices: Prices,
  now: number,
): { readonly object: StoredObject; readonly cost: bigint } {
  const cost = ingestCost(prices, arrived.sizeBytes, days);
  const { mailboxId, root, tag, sizeBytes, arrivedAt } = arrived;
  const object: StoredObject = {
    mailboxId,
    root,
    tag,
    sizeBytes,
    arrivedAt,
    state: 'stored',
    until: now + days * DAY_SECONDS,
    paid: cost,
    rentPerMiBDay: prices.rentPerMiBDay,
    receiptUntil: 0,
  };
  return { object, cost };
}

/**
 * Buys `days` more: a held object becomes stored at its full price, a stored one pays rent only.
 * `maxDays` is the longest time ahead that the offer sells.
 */
export function retainObject(
  object: StoredObject,
  days: number,
  prices: Prices,
  now: number,
  maxDays: number,
): Outcome<{ readonly object: StoredObject; readonly cost: bigint }, ProblemCode> {
  if (object.state === 'held') return { ok: true, value: storeObject(object, days, prices, now) };
  if (object.state !== 'stored') return refuse('state-conflict', object.state);
  if (object.paidUntil !== undefined) return refuse('state-conflict', 'waits for its envelope');
  const until = object.until + days * DAY_SECONDS;
  if (until > now + maxDays * DAY_SECONDS) {
    return refuse('policy-forbids', `at most ${maxDays} days ahead`);
  }
  const cost = rentCost(prices, object.sizeBytes, days);
  // The refund of a later release must not exceed the least price paid for any of the days.
  const rentPerMiBDay = Math.min(object.rentPerMiBDay, prices.rentPerMiBDay);
  return {
    ok: true,
    value: { object: { ...object, until, paid: object.paid + cost, rentPerMiBDay }, cost },
  };
}

/** Gives an object up: unused whole days of rent come back, the signature is kept. */
export function releaseObject(
  object: StoredObject,
  signature: Uint8Array,
  now: number,
  times: MarketTimes,
): Outcome<{ readonly object: StoredObject; readonly refund: bigint }, ProblemCode> {
  if (object.state !== 'stored' && object.state !== 'held') {
    return refuse('state-conflict', object.state);
  }
  const paidUntil = object.paidUntil ?? object.until;
  const days = object.state === 'stored' ? Math.floor((paidUntil - now) / DAY_SECONDS) : 0;
  const refund = releaseRefund(object.rentPerMiBDay, object.sizeBytes, Math.max(days, 0));
  // A sender may ask for the receipt later: until then the release answers in its place.
  const until = Math.max(object.until, object.receiptUntil) + times.purgeGrace;
  const { paidUntil: _paidUntil, ...kept } = object;
  const released: StoredObject = { ...kept, state: 'released', until, release: signature };
  return { ok: true, value: { object: released, refund } };
}

/** What the clock makes of an object: the same one, the next state, or `purged`. */
export function ageObject(object: StoredObject, now: number, times: MarketTimes): StoredObject {
  if (now < object.until) return object;
  if (object.state === 'stored') {
    return { ...object, state: 'expired', until: object.until + times.purgeGrace };
  }
  return object.state === 'purged' ? object : { ...object, state: 'purged' };
}
