/**
 * The offers of storage providers as the tangle shows them: confirmed, signed, in force, the newest
 * of each provider. Before: renter.ts and the local API; after: mail core, market/offer.ts.
 * Spec: docs/spec/30-offer.md.
 */
import {
  checkOffer,
  decodeOffer,
  type Offer,
  OFFER_TAG,
} from '@tanglemail/mail/core/market/offer.ts';
import { newestOffers } from '@tanglemail/mail/core/market/selection.ts';
import { provenTaggedData, type TangleAccess } from '../tangle/tangle-access.ts';

/** Blocks with the offer tag that are looked at; anybody may publish under it. */
const MAX_CANDIDATES = 100;

/** An offer and the milestone that confirmed it. */
export interface ConfirmedOffer {
  readonly offer: Offer;
  readonly milestoneIndex: number;
}

/** All valid offers in the tangle. Throws the node's errors. */
export async function confirmedOffers(tangle: TangleAccess): Promise<ConfirmedOffer[]> {
  const context = {
    networkId: tangle.networkId,
    ledgerTime: Math.floor(tangle.clock.nowMs() / 1_000),
  };
  const valid: ConfirmedOffer[] = [];
  const { proven } = await provenTaggedData(tangle, OFFER_TAG, MAX_CANDIDATES);
  for (const found of proven) {
    const decoded = decodeOffer(found.data);
    const checked = decoded.ok ? checkOffer(decoded.value, context, tangle.verifier) : decoded;
    if (checked.ok) valid.push({ offer: checked.value, milestoneIndex: found.milestoneIndex });
  }
  const newest = new Set(newestOffers(valid.map((one) => one.offer)));
  return valid.filter((one) => newest.has(one.offer));
}
