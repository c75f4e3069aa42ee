/**
 * What every part of the provider knows of itself: network, keys, prices and limits. Built once by
 * provider.ts from configuration, key file and genesis.
 */
import type { Address } from '@tanglemail/tangle/core/codec/ids.ts';
import type { MarketTimes } from '@tanglemail/mail/core/market/constants.ts';
import type { OfferFields } from '@tanglemail/mail/core/market/offer.ts';

/** The part of an offer that stays while the process runs. */
export type OfferTerms = Omit<OfferFields, 'seq' | 'issuedAt' | 'validUntil'>;

export interface Terms {
  readonly networkId: bigint;
  readonly bondId: Uint8Array;
  readonly bondSecretKey: Uint8Array;
  readonly payee: Address;
  readonly payeeSecretKey: Uint8Array;
  readonly offer: OfferTerms;
  readonly times: MarketTimes;
  /** Storage deposit of a basic output: what a channel always keeps for its refund. */
  readonly reserve: bigint;
  /** Least first credit of a mailbox and least total of a channel's vouchers. */
  readonly minCredit: bigint;
  /** Accepted total from which a channel is claimed at once. */
  readonly claimThreshold: bigint;
}
