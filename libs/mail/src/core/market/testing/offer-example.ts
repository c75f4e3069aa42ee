/**
 * One offer and its keys for tests of this folder and the worked examples of docs/spec/30-offer.md
 * and 32-receipt.md. Not part of production.
 */
import type { Address } from '@tanglemail/tangle/core/codec/ids.ts';
import { publicKeyOf } from '@tanglemail/tangle/core/crypto/ed25519-strict.ts';
import type { OfferFields } from '../offer.ts';

export const NETWORK_ID = 0x1122_3344_5566_7788n;
export const BOND_SECRET_KEY = new Uint8Array(32).fill(7);
export const BOND_PUBLIC_KEY = publicKeyOf(BOND_SECRET_KEY);
/** Ledger time of the examples. */
export const NOW = 1_700_000_000;

/** The example prices of storage-market §7 with the default limits. */
export const OFFER_FIELDS: OfferFields = {
  networkId: NETWORK_ID,
  bondId: BOND_PUBLIC_KEY,
  seq: 1n,
  issuedAt: NOW,
  validUntil: NOW + 72 * 3_600,
  payee: 'aa'.repeat(32) as Address,
  endpoints: ['https://prov.example'],
  rentPerMiBDay: 10,
  ingressPerMiB: 20,
  egressPerMiB: 50,
  perObject: 1,
  perRequest: 1,
  perPushDay: 10,
  maxObject: 24_576,
  maxPart: 1_048_576,
  maxRetentionDays: 30,
  minRetentionDays: 1,
  minChannel: 5_000n,
  minTtl: 7 * 86_400,
  maxTtl: 180 * 86_400,
  maxBalance: 100_000n,
  penaltyMin: 1_000n,
  penaltyX: 100,
  challengeDepositMax: 1_000n,
  unsolicitedPerDay: 1_000,
  unsolicitedMax: 24_576,
  periods: [],
  freeBytesLog2: 0,
  flags: 0,
};
