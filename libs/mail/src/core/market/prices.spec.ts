import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  fetchCost,
  ingestCost,
  penaltyFor,
  releaseRefund,
  rentCost,
  requestCost,
} from './prices.ts';

/** The example prices of storage-market §7. */
const PRICES = {
  rentPerMiBDay: 10,
  ingressPerMiB: 20,
  egressPerMiB: 50,
  perObject: 1,
  perRequest: 1,
  perPushDay: 10,
};
const MAIL = 20 * 1_024;
const ATTACHMENT = 2 * 1_048_576;

const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const prices = fc.record({
  rentPerMiBDay: u32,
  ingressPerMiB: u32,
  egressPerMiB: u32,
  perObject: u32,
  perRequest: u32,
  perPushDay: u32,
});
const days = fc.integer({ min: 0, max: 65_535 });

describe('prices', () => {
  it('give the examples of the design', () => {
    expect(ingestCost(PRICES, MAIL, 30)).toBe(8n);
    expect(ingestCost(PRICES, ATTACHMENT, 30)).toBe(641n);
    expect(fetchCost(PRICES, MAIL)).toBe(2n);
    expect(fetchCost(PRICES, ATTACHMENT)).toBe(101n);
    expect(requestCost(PRICES)).toBe(1n);
    // A month: 1,500 mails and 30/7 attachments at one provider.
    const attachments = (641n * 30n) / 7n;
    expect(1_500n * ingestCost(PRICES, MAIL, 30) + attachments).toBe(14_747n);
  });

  it('round up once, so that nothing is free and nothing is lost', () => {
    fc.assert(
      fc.property(prices, u32, days, (list, size, count) => {
        const exact = BigInt(size) * BigInt(count) * BigInt(list.rentPerMiBDay);
        const cost = rentCost(list, size, count);
        expect(cost * 1_048_576n).toBeGreaterThanOrEqual(exact);
        expect((cost - 1n) * 1_048_576n).toBeLessThan(exact === 0n ? 1n : exact);
      }),
    );
  });

  it('grow with size and days', () => {
    fc.assert(
      fc.property(prices, u32, days, (list, size, count) => {
        const more = Math.min(size + 1, 0xffff_ffff);
        expect(ingestCost(list, more, count)).toBeGreaterThanOrEqual(ingestCost(list, size, count));
        const longer = ingestCost(list, size, count + 1);
        expect(longer).toBeGreaterThanOrEqual(ingestCost(list, size, count));
        expect(fetchCost(list, size, true)).toBeGreaterThanOrEqual(fetchCost(list, size));
      }),
    );
  });

  it('never refund more than the rent', () => {
    fc.assert(
      fc.property(prices, u32, days, (list, size, count) => {
        const refund = releaseRefund(list.rentPerMiBDay, size, count);
        expect(refund).toBeLessThanOrEqual(rentCost(list, size, count));
      }),
    );
  });

  it('set a penalty of at least the minimum', () => {
    expect(penaltyFor(8n, 100, 1_000n)).toBe(1_000n);
    expect(penaltyFor(641n, 100, 1_000n)).toBe(64_100n);
  });
});
