import { describe, expect, it } from '@jest/globals';
import type { Address } from '@tanglemail/tangle/core/codec/ids.ts';
import type { Random } from '@tanglemail/tangle/core/ports.ts';
import { signOffer } from './offer.ts';
import type { Offer, OfferFields } from './offer.ts';
import { planChannel } from './channel-plan.ts';
import { monthlyPrice, newestOffers, selectProviders } from './selection.ts';
import type { ProviderCandidate } from './selection.ts';
import { BOND_SECRET_KEY, NOW, OFFER_FIELDS } from './testing/offer-example.ts';

function offer(seed: number, more: Partial<OfferFields> = {}): Offer {
  const bondId = new Uint8Array(32).fill(seed);
  const payee = seed.toString(16).padStart(2, '0').repeat(32) as Address;
  return signOffer({ ...OFFER_FIELDS, bondId, payee, ...more }, BOND_SECRET_KEY);
}

function candidate(seed: number, more: Partial<ProviderCandidate> = {}): ProviderCandidate {
  return { offer: offer(seed), ownSuccess: 0.5, ...more };
}

/** Always the same point of the wheel. */
function fixed(point: number): Random {
  return { bytes: (length) => new Uint8Array(length), below: () => point };
}

const RULES = { count: 3, priceCap: 20_000n, retentionDays: 30, objectSize: 24_576 };

function chosen(list: readonly ProviderCandidate[], point = 0): number[] {
  return selectProviders(list, RULES, fixed(point)).map((one) => one.offer.bondId[0] ?? 0);
}

describe('choosing providers', () => {
  it('compares by the month of a normal mailbox', () => {
    // 1,500 mails of 8 + 2 base units, 720 requests.
    expect(monthlyPrice(offer(1))).toBe(15_720n);
  });

  it('keeps the newest offer of each provider', () => {
    const list = [offer(1, { seq: 2n }), offer(2), offer(1, { seq: 3n }), offer(1, { seq: 1n })];
    expect(newestOffers(list).map(({ seq }) => seq)).toEqual([3n, 1n]);
  });

  it('takes distinct parties and networks, as many as fit', () => {
    expect(chosen([1, 2, 3, 4].map((seed) => candidate(seed)))).toEqual([1, 2, 3]);
    const sharing = [1, 2, 3].map((seed) => candidate(seed, { networkGroup: '192.0' }));
    expect(chosen([...sharing, candidate(4)])).toEqual([1, 4]);
    const sameOwner = candidate(5, { offer: offer(5, { payee: offer(1).payee }) });
    expect(chosen([candidate(1), sameOwner])).toEqual([1]);
  });

  it('leaves out what is too dear, too short or too small', () => {
    const unfit = [
      candidate(1, { offer: offer(1, { perRequest: 1_000 }) }),
      candidate(2, { offer: offer(2, { maxRetentionDays: 29 }) }),
      candidate(3, { offer: offer(3, { maxObject: 24_575 }) }),
      candidate(4, { offer: offer(4, { minRetentionDays: 31, maxRetentionDays: 40 }) }),
    ];
    expect(chosen(unfit)).toEqual([]);
  });

  it('gives more weight to what served well, and never none', () => {
    const list = [candidate(1, { ownSuccess: 0 }), candidate(2, { ownSuccess: 1 })];
    expect(chosen(list, 0)[0]).toBe(1);
    expect(chosen(list, 0x1000_0000)[0]).toBe(2);
  });
});

describe('planChannel', () => {
  const request = {
    offer: offer(1),
    payerPublicKey: new Uint8Array(32).fill(2),
    keyIndex: 4,
    refundAddress: 'bb'.repeat(32) as Address,
    spendable: 40_000n,
    reserve: 112n,
    ledgerTime: NOW,
  };
  const codeOf = (more: Partial<typeof request & { ttl: number }>): string => {
    const planned = planChannel({ ...request, ...more });
    return planned.ok ? 'ok' : planned.code;
  };

  it('plans the output and the record', () => {
    const planned = planChannel(request);
    if (!planned.ok) throw new Error(planned.code);
    const { output, channel } = planned.value;
    expect(output).toMatchObject({ amount: 40_112n, expiry: NOW + 60 * 86_400 });
    expect(channel).toMatchObject({ state: 'draft', keyIndex: 4, amount: 40_112n, signed: 0n });
  });

  it('channel-too-small', () => {
    expect(codeOf({ spendable: 4_887n })).toBe('channel-too-small');
    expect(codeOf({ spendable: 4_888n })).toBe('ok');
    expect(codeOf({ spendable: 0n, reserve: 9_000n })).toBe('channel-too-small');
  });

  it('channel-ttl: with ten minutes to spare', () => {
    expect(codeOf({ ttl: 7 * 86_400 + 599 })).toBe('channel-ttl');
    expect(codeOf({ ttl: 7 * 86_400 + 600 })).toBe('ok');
    expect(codeOf({ ttl: 180 * 86_400 + 1 })).toBe('channel-ttl');
  });
});
