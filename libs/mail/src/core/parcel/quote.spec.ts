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
  return signOffer({ ...OFFER_FIELDS, maxObject: 1_048_576, ...more }, BOND_SECRET_KEY);
}

const REQUEST: StoreRequest = {
  sizes: [1_000, 1_100_000],
  candidates: [{ offer: offerOf(), balance: 1_000n }],
  days: 30,
};

function refusal(more: Partial<StoreRequest>): string {
  const quote = quoteStore({ ...REQUEST, ...more });
  return quote.ok ? 'ok' : `${quote.code} ${quote.detail ?? ''}`.trim();
}

describe('a quote for storing parcels', () => {
  it('adds the price of every part at every provider', () => {
    const quote = valueOf(quoteStore(REQUEST));
    const [a, b] = [parcelLayout(1_000), parcelLayout(1_100_000)];
    const { offer } = REQUEST.candidates[0] ?? { offer: offerOf() };
    const cost = [16_384, 1_048_576, b.sealedSize - 1_048_576]
      .map((size) => ingestCost(offer, size, 30))
      .reduce((left, right) => left + right);
    expect(quote).toEqual({
      sealedSize: a.sealedSize + b.sealedSize,
      partCount: 3,
      answers: [{ bondId: bytesToHex(BOND_PUBLIC_KEY), ok: true, cost }],
    });
    const candidates = [{ offer: offerOf(), balance: cost }];
    expect(refusal({ candidates })).toBe('ok');
    expect(refusal({ candidates: [{ offer: offerOf(), balance: cost - 1n }] })).toBe(
      `parcel-balance costs ${cost}, balance ${cost - 1n}`,
    );
  });

  it('parcel-part-limit, parcel-retention, parcel-balance: no provider takes them', () => {
    const one = (more: Partial<OfferFields>, balance = 1_000n): StoreRequest['candidates'] => [
      { offer: offerOf(more), balance },
    ];
    expect(refusal({ candidates: one({ maxObject: 24_576 }) })).toBe(
      'parcel-part-limit at most 24576 bytes',
    );
    expect(refusal({ days: 31 })).toBe('parcel-retention 1 to 30 days');
    expect(refusal({ days: 0 })).toBe('parcel-retention 1 to 30 days');
    expect(refusal({ candidates: one({}, 0n) })).toContain('parcel-balance');
  });

  it('goes on with the providers that take them and names why others do not', () => {
    const candidates = [
      { offer: offerOf({ maxObject: 24_576 }), balance: 1_000n },
      { offer: offerOf(), balance: 1_000n },
      { offer: offerOf(), balance: 1n },
    ];
    const { answers } = valueOf(quoteStore({ ...REQUEST, candidates }));
    expect(answers.map((answer) => (answer.ok ? 'ok' : answer.code))).toEqual([
      'parcel-part-limit',
      'ok',
      'parcel-balance',
    ]);
  });

  it('parcel-no-provider, parcel-empty, parcel-too-many', () => {
    expect(refusal({ candidates: [] })).toBe('parcel-no-provider');
    expect(refusal({ sizes: [] })).toBe('parcel-empty');
    expect(refusal({ sizes: [5, 0] })).toBe('parcel-empty');
    expect(refusal({ sizes: Array.from({ length: 65 }, () => 1) })).toBe(
      'parcel-too-many at most 64 attachments',
    );
  });

  it('parcel-too-large: one, or all together', () => {
    const limit = `parcel-too-large at most ${MAX_PARCEL_SIZE} bytes`;
    expect(refusal({ sizes: [MAX_PARCEL_SIZE + 1] })).toBe(limit);
    expect(refusal({ sizes: [MAX_PARCEL_SIZE, 1] })).toBe(limit);
    expect(refusal({ sizes: [1.5] })).toBe(limit);
    const candidates = [{ offer: offerOf(), balance: 100_000n }];
    expect(refusal({ sizes: [MAX_PARCEL_SIZE - 1, 1], candidates })).toBe('ok');
  });

  it('parcel-recipient-limit: before any provider is asked', () => {
    const more = { recipientMaxBytes: 1_100_999, candidates: [] };
    expect(refusal(more)).toBe('parcel-recipient-limit at most 1100999 bytes');
    expect(refusal({ recipientMaxBytes: 1_101_000 })).toBe('ok');
  });
});

describe('a quote for fetching parcels', () => {
  const request: FetchRequest = {
    sizes: [1_000],
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
          valueOf(quoteFetch({ ...request, sizes: [bytes], balance: 1n << 60n }));
        expect(cost(Math.min(one, other))).toBeLessThanOrEqual(cost(Math.max(one, other)));
      }),
    );
  });
});
