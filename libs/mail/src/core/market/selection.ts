/**
 * Which providers a client takes: the rules of storage-market §5.4 that mean something before
 * there are bonds. Bond size, age and slashes count 0 until then; price, own experience and
 * distinctness remain. Randomness is an argument. Spec: docs/spec/30-offer.md.
 */
import { equalBytes } from '@noble/curves/utils.js';
import type { Random } from '@tanglemail/tangle/core/ports.ts';
import type { Offer } from './offer.ts';
import { ingestCost, fetchCost, requestCost } from './prices.ts';

/** One provider as the client sees it. */
export interface ProviderCandidate {
  readonly offer: Offer;
  /** Exponentially weighted share of own requests and audits that succeeded, 0 … 1; new: 0.5. */
  readonly ownSuccess: number;
  /** Group of the network address, such as a /16, or undefined when unknown. */
  readonly networkGroup?: string;
}

/** Month of a normal mailbox: what prices are compared by (storage-market §7). */
const MONTH = { mails: 1_500, mailBytes: 20_480, syncs: 720, retentionDays: 30 } as const;

/** Base units that a normal mailbox costs at one provider in 30 days. */
export function monthlyPrice(offer: Offer): bigint {
  const perMail =
    ingestCost(offer, MONTH.mailBytes, MONTH.retentionDays) + fetchCost(offer, MONTH.mailBytes);
  return BigInt(MONTH.mails) * perMail + BigInt(MONTH.syncs) * requestCost(offer);
}

/** Of several offers of one provider the newest; replays of older ones change nothing. */
export function newestOffers(offers: readonly Offer[]): Offer[] {
  const newest: Offer[] = [];
  for (const offer of offers) {
    const at = newest.findIndex((other) => equalBytes(other.bondId, offer.bondId));
    if (at < 0) newest.push(offer);
    else if (offer.seq > (newest[at] as Offer).seq) newest[at] = offer;
  }
  return newest;
}

export interface SelectionRules {
  readonly count: number;
  /** Greatest monthly price in base units. */
  readonly priceCap: bigint;
  /** Days of retention that the mailbox needs. */
  readonly retentionDays: number;
  /** Greatest object that the mailbox must take, in bytes. */
  readonly objectSize: number;
}

/**
 * Chooses up to `count` providers, weighted by `ownSuccess / price`, with distinct payees and
 * network groups. Fewer come back when fewer fit.
 */
export function selectProviders(
  candidates: readonly ProviderCandidate[],
  rules: SelectionRules,
  random: Random,
): ProviderCandidate[] {
  let pool = candidates.filter(({ offer }) => isFitting(offer, rules));
  const chosen: ProviderCandidate[] = [];
  while (chosen.length < rules.count && pool.length > 0) {
    const pick = pickWeighted(pool, random);
    chosen.push(pick);
    pool = pool.filter((other) => !isSameParty(other, pick));
  }
  return chosen;
}

function isFitting(offer: Offer, rules: SelectionRules): boolean {
  const keepsLongEnough =
    offer.minRetentionDays <= rules.retentionDays && rules.retentionDays <= offer.maxRetentionDays;
  const isCheap = monthlyPrice(offer) <= rules.priceCap;
  return keepsLongEnough && isCheap && offer.maxObject >= rules.objectSize;
}

function isSameParty(a: ProviderCandidate, b: ProviderCandidate): boolean {
  if (a.offer.payee === b.offer.payee || equalBytes(a.offer.bondId, b.offer.bondId)) return true;
  return a.networkGroup !== undefined && a.networkGroup === b.networkGroup;
}

function pickWeighted(pool: readonly ProviderCandidate[], random: Random): ProviderCandidate {
  const weights = pool.map(weightOf);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let point = (random.below(0x1_0000_0000) / 0x1_0000_0000) * total;
  for (const [index, weight] of weights.entries()) {
    point -= weight;
    if (point < 0) return pool[index] as ProviderCandidate;
  }
  return pool[pool.length - 1] as ProviderCandidate;
}

/** A price of 0 counts as 1; a candidate never loses its last chance to prove itself. */
function weightOf({ offer, ownSuccess }: ProviderCandidate): number {
  // A monthly price fits a number: prices are u32 and the month has some 10^4 units of each.
  return Math.max(ownSuccess, 0.01) / Math.max(Number(monthlyPrice(offer)), 1);
}
