/** What mail programs are told of the paid storage. */
import { describe, expect, it } from '@jest/globals';
import type { Rental } from '../store/collections.ts';
import { PaidRoom, roomOf } from './paid-room.ts';

const PRICES = {
  rentPerMiBDay: 10,
  ingressPerMiB: 20,
  egressPerMiB: 50,
  perObject: 1,
  perRequest: 1,
  perPushDay: 0,
};
const rental = (bondId: string, balance: string): Rental => {
  const facts = { bondId, endpoint: 'https://p', balance, retentionDays: 30, channels: [] };
  return facts as Partial<Rental> as Rental;
};

describe('paid room', () => {
  it('is what the money takes in, keeps and hands out, by the example of the offer’s page', () => {
    // 20 KiB for 30 days: 8 to take in and keep, 2 to fetch (docs/spec/30-offer.md §5).
    expect(roomOf({ paid: 99n, prices: PRICES, retentionDays: 30 })).toBe(9 * 20_480);
    expect(roomOf({ paid: 9n, prices: PRICES, retentionDays: 30 })).toBe(0);
    const free = { ...PRICES, rentPerMiBDay: 0, ingressPerMiB: 0, egressPerMiB: 0 };
    const prices = { ...free, perObject: 0, perRequest: 0 };
    expect(roomOf({ paid: 0n, prices, retentionDays: 30 })).toBeGreaterThan(2 ** 50);
  });

  it('is that of the best mailbox whose prices are known, also while it is away', async () => {
    let wanted = [rental('05', '100'), rental('06', '500')];
    let isAway = false;
    const room = new PaidRoom({
      book: { wanted: () => wanted, openChannel: () => undefined },
      renter: {
        providerAt: async () => {
          if (isAway) throw new Error('away');
          return { offer: async () => PRICES as never };
        },
      },
    });
    expect(room.roomBytes()).toBeUndefined();
    await room.follow();
    isAway = true;
    await room.follow();
    expect(room.roomBytes()).toBe(50 * 20_480);
    wanted = [];
    expect(room.roomBytes()).toBeUndefined();
  });
});
