import { describe, expect, it } from '@jest/globals';
import { bytesToHex } from '@noble/hashes/utils.js';
import fc from 'fast-check';
import { valueOf } from '../../testing/vectors.ts';
import { signOffer } from '../market/offer.ts';
import type { Offer, OfferFields } from '../market/offer.ts';
import { fetchCost, ingestCost } from '../market/prices.ts';
import { BOND_PUBLIC_KEY, BOND_SECRET_KEY, OFFER_FIELDS } from '../market/testing/offer-example.ts';
import { MAX_PARCEL_SIZE, parcelLayout } from './layout.ts';
import { quoteFetch, quoteStore } from './quote.ts';
import type { FetchRequest, StoreRequest } from './quote.ts';

function offerOf(more: Partial<OfferFields> = {}): Offer {
  return signOffer({ ...OFFER_FIELDS, ...more }, BOND_SECRET_KEY);
}

const REQUEST: StoreRequest = { size: 1_100_000, offers: [offerOf()], days: 30 };

function refusal(more: Partial<StoreRequest>): string {
  const quote = quoteStore({ ...REQUEST, ...more });
  return quote.ok ? 'ok' : `${quote.code} ${quote.detail ?? ''}`.trim();
}

describe('a quote for storing a parcel', () => {
  it('adds the price of every part at every provider', () => {
    const { sealedSize } = parcelLayout(1_100_000);
    const parts = [1_048_576, sealedSize - 1_048_576];
    const costOf = (days: number): bigint =>
      parts.map((size) => ingestCost(offerOf(), size, days)).reduce((a, b) => a + b);
    const bondId = bytesToHex(BOND_PUBLIC_KEY);
    const answers = [{ bondId, ok: true, cost: costOf(30) }];
    expect(valueOf(quoteStore(REQUEST))).toEqual({ sealedSize, partCount: 2, answers });
    // Days beyond what a provider sells are not bought.
    expect(valueOf(quoteStore({ ...REQUEST, days: 90 })).answers).toEqual(answers);
  });

  it('parcel-part-limit: goes on with the providers that take parts, unless none does', () => {
    const none = offerOf({ maxPart: 0 });
    expect(refusal({ offers: [none] })).toBe('parcel-part-limit');
    const { answers } = valueOf(quoteStore({ ...REQUEST, offers: [none, offerOf()] }));
    expect(answers.map((answer) => (answer.ok ? 'ok' : answer.code))).toEqual([
      'parcel-part-limit',
      'ok',
    ]);
  });

  it('parcel-no-provider, parcel-empty, parcel-too-large, parcel-recipient-limit', () => {
    expect(refusal({ offers: [] })).toBe('parcel-no-provider');
    expect(refusal({ size: 0 })).toBe('parcel-empty');
    const limit = `parcel-too-large at most ${MAX_PARCEL_SIZE} bytes`;
    expect(refusal({ size: MAX_PARCEL_SIZE + 1 })).toBe(limit);
    expect(refusal({ size: 1.5 })).toBe(limit);
    expect(refusal({ size: MAX_PARCEL_SIZE })).toBe('ok');
    expect(refusal({ recipientMaxBytes: 1_099_999, offers: [] })).toBe(
      'parcel-recipient-limit at most 1099999 bytes',
    );
    expect(refusal({ recipientMaxBytes: 1_100_000 })).toBe('ok');
  });
});

describe('a quote for fetching a parcel', () => {
  const request: FetchRequest = {
    size: 1_000,
    prices: OFFER_FIELDS,
    balance: 100n,
    isExpired: false,
  };
  const code = (more: Partial<FetchRequest>): string => {
    const quote = quoteFetch({ ...request, ...more });
    return quote.ok ? 'ok' : quote.code;
  };

  it('is the price of every part, with double egress in the day of grace', () => {
    expect(valueOf(quoteFetch(request))).toBe(fetchCost(OFFER_FIELDS, 16_384));
    const late = valueOf(quoteFetch({ ...request, isExpired: true }));
    expect(late).toBe(fetchCost(OFFER_FIELDS, 16_384, true));
    expect(late).toBeGreaterThan(fetchCost(OFFER_FIELDS, 16_384));
  });

  it('parcel-recipient-limit and parcel-balance: before anything is paid', () => {
    expect(code({ maxBytes: 999 })).toBe('parcel-recipient-limit');
    expect(code({ maxBytes: 1_000 })).toBe('ok');
    expect(code({ balance: 1n })).toBe('parcel-balance');
  });

  it('never costs less for more', () => {
    const size = fc.integer({ min: 1, max: MAX_PARCEL_SIZE });
    fc.assert(
      fc.property(size, size, (one, other) => {
        const cost = (bytes: number): bigint =>
          valueOf(quoteFetch({ ...request, size: bytes, balance: 1n << 60n }));
        expect(cost(Math.min(one, other))).toBeLessThanOrEqual(cost(Math.max(one, other)));
      }),
    );
  });
});
