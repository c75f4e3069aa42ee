/**
 * Early refusal: before anything is sealed, sent or paid, what a mail's parcels would cost and who
 * would take them, or the code that says why not. Before: the compose window, or a mail program
 * that submits. After: seal.ts, or receiver.ts. Spec: docs/spec/25-parcel.md, section 7.
 */
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import type { Offer } from '../market/offer.ts';
import { fetchCost, ingestCost } from '../market/prices.ts';
import type { Prices } from '../market/prices.ts';
import { fail, succeed } from '../outcome.ts';
import type { MailErrorCode, MailOutcome } from '../outcome.ts';
import { isParcelSize, MAX_PARCEL_SIZE, parcelLayout, sealedPartSize } from './layout.ts';
import { MAX_ATTACHMENTS } from './manifest.ts';
import { checkParcelSize } from './seal.ts';

/** One of the recipients' providers, and what the sender can spend there. */
export interface StoreCandidate {
  readonly offer: Offer;
  /** Base units left in balance or channel. */
  readonly balance: bigint;
}

/** What a sender knows before it seals. */
export interface StoreRequest {
  /** Bytes of every different content of the mail. */
  readonly sizes: readonly number[];
  /** Most that the recipient takes, bytes of content; absent when it says nothing. */
  readonly recipientMaxBytes?: number;
  readonly candidates: readonly StoreCandidate[];
  /** Whole days to pay for. */
  readonly days: number;
}

/** What storing costs at one provider, or why it does not. */
export type StoreAnswer =
  | { readonly bondId: string; readonly ok: true; readonly cost: bigint }
  | { readonly bondId: string; readonly ok: false; readonly code: MailErrorCode };

/** A mail's parcels, ready to be sealed. */
export interface StoreQuote {
  /** Sealed bytes of one copy. */
  readonly sealedSize: number;
  readonly partCount: number;
  /** One per candidate, in their order; at least one is ok. */
  readonly answers: readonly StoreAnswer[];
}

/**
 * Asks whether a mail's parcels can be stored. Codes: `parcel-empty`, `parcel-too-large`,
 * `parcel-too-many`, `parcel-recipient-limit`, `parcel-no-provider`; when no provider takes them,
 * the first provider's code: `parcel-part-limit`, `parcel-retention`, `parcel-balance`.
 */
export function quoteStore(request: StoreRequest): MailOutcome<StoreQuote> {
  const checked = checkSizes(request.sizes, request.recipientMaxBytes);
  if (!checked.ok) return checked;
  const parts = sealedParts(request.sizes);
  const verdicts = request.candidates.map((candidate) => ({
    bondId: bytesToHex(candidate.offer.bondId),
    cost: storeCost(candidate, parts, request.days),
  }));
  const first = verdicts[0];
  if (!first) return fail('parcel-no-provider');
  if (!first.cost.ok && verdicts.every(({ cost }) => !cost.ok)) return first.cost;
  const answers = verdicts.map(({ bondId, cost }): StoreAnswer =>
    cost.ok ? { bondId, ok: true, cost: cost.value } : { bondId, ok: false, code: cost.code },
  );
  return succeed({ sealedSize: sum(parts), partCount: parts.length, answers });
}

/** What a recipient knows before it fetches. */
export interface FetchRequest {
  /** Sizes of the parcels of a decoded list. */
  readonly sizes: readonly number[];
  /** Most that the recipient takes, bytes of content; absent for no limit of its own. */
  readonly maxBytes?: number;
  readonly prices: Prices;
  /** Base units left in the mailbox. */
  readonly balance: bigint;
  /** In the day of grace everything costs double egress. */
  readonly isExpired: boolean;
}

/** The price of fetching a mail's parcels: `parcel-recipient-limit`, `parcel-balance`, or sizes. */
export function quoteFetch(request: FetchRequest): MailOutcome<bigint> {
  const checked = checkSizes(request.sizes, request.maxBytes);
  if (!checked.ok) return checked;
  const costs = sealedParts(request.sizes).map((size) =>
    fetchCost(request.prices, size, request.isExpired),
  );
  return checkBalance(total(costs), request.balance);
}

function checkSizes(
  sizes: readonly number[],
  recipientMaxBytes: number | undefined,
): MailOutcome<number> {
  if (sizes.length > MAX_ATTACHMENTS) {
    return fail('parcel-too-many', `at most ${MAX_ATTACHMENTS} attachments`);
  }
  if (sizes.length === 0) return fail('parcel-empty');
  for (const size of sizes) {
    const checked = checkParcelSize(size);
    if (!checked.ok) return checked;
  }
  const bytes = sum(sizes);
  if (!isParcelSize(bytes)) return fail('parcel-too-large', `at most ${MAX_PARCEL_SIZE} bytes`);
  const isWelcome = recipientMaxBytes === undefined || bytes <= recipientMaxBytes;
  return isWelcome
    ? succeed(bytes)
    : fail('parcel-recipient-limit', `at most ${recipientMaxBytes} bytes`);
}

/** The sizes of all parts: what is stored, paid and seen. */
function sealedParts(sizes: readonly number[]): number[] {
  return sizes.flatMap((size) => {
    const layout = parcelLayout(size);
    return Array.from({ length: layout.partCount }, (_, index) => sealedPartSize(layout, index));
  });
}

function storeCost(
  candidate: StoreCandidate,
  parts: readonly number[],
  days: number,
): MailOutcome<bigint> {
  const { offer, balance } = candidate;
  if (parts.some((size) => size > offer.maxObject)) {
    return fail('parcel-part-limit', `at most ${offer.maxObject} bytes`);
  }
  if (days < offer.minRetentionDays || days > offer.maxRetentionDays) {
    return fail('parcel-retention', `${offer.minRetentionDays} to ${offer.maxRetentionDays} days`);
  }
  return checkBalance(total(parts.map((size) => ingestCost(offer, size, days))), balance);
}

function checkBalance(cost: bigint, balance: bigint): MailOutcome<bigint> {
  return cost <= balance
    ? succeed(cost)
    : fail('parcel-balance', `costs ${cost}, balance ${balance}`);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((left, right) => left + right, 0);
}

function total(amounts: readonly bigint[]): bigint {
  return amounts.reduce((left, right) => left + right, 0n);
}
