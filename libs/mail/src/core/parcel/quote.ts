/**
 * Early refusal: before anything is sealed, sent or paid, what a mail's parcel would cost and who
 * would take it, or the code that says why not. Before: the compose window, or a mail program that
 * submits. After: seal.ts, or receiver.ts. Spec: docs/spec/25-parcel.md, section 7.
 */
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import type { Offer } from '../market/offer.ts';
import { fetchCost } from '../market/prices.ts';
import type { Prices } from '../market/prices.ts';
import { uploadCost } from '../market/upload.ts';
import { fail, succeed } from '../outcome.ts';
import type { MailErrorCode, MailOutcome } from '../outcome.ts';
import { parcelLayout, sealedPartSize } from './layout.ts';
import { checkParcelSize } from './seal.ts';

/** What a sender knows before it seals. */
export interface StoreRequest {
  /** Bytes of the content. */
  readonly size: number;
  /** Most that the recipient takes, bytes of a mail; absent when it says nothing. */
  readonly recipientMaxBytes?: number;
  /** Those of the recipient's providers, as far as they are known. */
  readonly offers: readonly Offer[];
  /** Whole days for which parts are usually kept. */
  readonly days: number;
}

/** What storing costs the recipient at one provider, or why it does not take the parcel. */
export type StoreAnswer =
  | { readonly bondId: string; readonly ok: true; readonly cost: bigint }
  | { readonly bondId: string; readonly ok: false; readonly code: MailErrorCode };

/** A mail's parcel, ready to be sealed. */
export interface StoreQuote {
  /** Sealed bytes of one copy. */
  readonly sealedSize: number;
  readonly partCount: number;
  /** One per offer, in their order; at least one is ok. */
  readonly answers: readonly StoreAnswer[];
}

/**
 * Asks whether a parcel can be stored, and what that costs its recipient. Codes: `parcel-empty`,
 * `parcel-too-large`, `parcel-recipient-limit`, `parcel-no-provider`, and `parcel-part-limit` when
 * no provider takes parts of this size.
 */
export function quoteStore(request: StoreRequest): MailOutcome<StoreQuote> {
  const checked = checkSize(request.size, request.recipientMaxBytes);
  if (!checked.ok) return checked;
  const parts = sealedParts(request.size);
  const answers = request.offers.map((offer): StoreAnswer => {
    const bondId = bytesToHex(offer.bondId);
    if (parts.some((size) => size > offer.maxPart)) {
      return { bondId, ok: false, code: 'parcel-part-limit' };
    }
    const days = Math.min(Math.max(request.days, offer.minRetentionDays), offer.maxRetentionDays);
    const listed = parts.map((size) => ({ root: '', size }));
    return { bondId, ok: true, cost: uploadCost(listed, offer, days) };
  });
  if (answers.length === 0) return fail('parcel-no-provider');
  if (answers.every(({ ok }) => !ok)) return fail('parcel-part-limit');
  const sealedSize = parts.reduce((left, right) => left + right, 0);
  return succeed({ sealedSize, partCount: parts.length, answers });
}

/** What a recipient knows before it fetches. */
export interface FetchRequest {
  /** Bytes of the content. */
  readonly size: number;
  /** Most that the recipient takes, bytes of content; absent for no limit of its own. */
  readonly maxBytes?: number;
  readonly prices: Prices;
  /** Base units left in the mailbox. */
  readonly balance: bigint;
  /** In the day of grace everything costs double egress. */
  readonly isExpired: boolean;
}

/** The price of fetching a parcel: `parcel-recipient-limit`, `parcel-balance`, or size. */
export function quoteFetch(request: FetchRequest): MailOutcome<bigint> {
  const { size, maxBytes, prices, balance, isExpired } = request;
  const checked = checkSize(size, maxBytes);
  if (!checked.ok) return checked;
  const costs = sealedParts(size).map((part) => fetchCost(prices, part, isExpired));
  const cost = costs.reduce((left, right) => left + right, 0n);
  return cost <= balance
    ? succeed(cost)
    : fail('parcel-balance', `costs ${cost}, balance ${balance}`);
}

function checkSize(size: number, limit: number | undefined): MailOutcome<number> {
  const checked = checkParcelSize(size);
  if (!checked.ok || limit === undefined || size <= limit) return checked;
  return fail('parcel-recipient-limit', `at most ${limit} bytes`);
}

/** The sizes of all parts: what is stored, paid and seen. */
function sealedParts(size: number): number[] {
  const layout = parcelLayout(size);
  return Array.from({ length: layout.partCount }, (_, index) => sealedPartSize(layout, index));
}
