/**
 * How much mail the account has, and how much more is paid for: what mail programs show as quota.
 * A mailbox has no limit in bytes, it pays for each mail as it comes; so the limit is what lies
 * here and what the money at the provider still takes in. Before: client.ts, bridge-store.ts;
 * after: renter.ts. Spec: docs/spec/45-mail-programs.md §8.
 */
import { fetchCost, ingestCost, type Prices } from '@tanglemail/mail/core/market/prices.ts';
import type { ProviderClient } from '@tanglemail/mail/io/provider/provider-client.ts';
import { hexToBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import type { Rental } from '../store/collections.ts';
import { channelRoom } from './channel-keeper.ts';
import type { RentalBook } from './rental-book.ts';
import type { Renter } from './renter.ts';

/** Bytes of the mail that is reckoned with: offers are compared by the same (30-offer.md §6). */
const MAIL_BYTES = 20 * 1_024;

/** Money that is there for a mailbox, in base units, and what it is spent on. */
export interface Purse {
  readonly paid: bigint;
  readonly prices: Prices;
  readonly retentionDays: number;
}

/** Bytes of mail that this pays for: taken in, kept and fetched once. */
export function roomOf({ paid, prices, retentionDays }: Purse): number {
  const each = ingestCost(prices, MAIL_BYTES, retentionDays) + fetchCost(prices, MAIL_BYTES);
  // A provider may sell for nothing; no program reckons with more than this.
  const count = each === 0n ? BigInt(Number.MAX_SAFE_INTEGER) : paid / each;
  return Math.min(Number(count) * MAIL_BYTES, Number.MAX_SAFE_INTEGER / 2);
}

export interface PaidRoomDeps {
  readonly book: Pick<RentalBook, 'wanted' | 'openChannel'>;
  readonly renter: {
    providerAt(hint: Parameters<Renter['providerAt']>[0]): Promise<Pick<ProviderClient, 'offer'>>;
  };
}

export class PaidRoom {
  readonly #deps: PaidRoomDeps;
  /** By bond id, of rentals that are wanted. */
  #prices: ReadonlyMap<string, Prices> = new Map();

  constructor(deps: PaidRoomDeps) {
    this.#deps = deps;
  }

  /** Learns the present prices; those of a provider that is away stay. */
  async follow(): Promise<void> {
    const { book, renter } = this.#deps;
    const prices = new Map<string, Prices>();
    for (const { bondId, endpoint } of book.wanted()) {
      const hint = { bondId: hexToBytes(bondId), endpoint };
      const asked = renter.providerAt(hint).then((provider) => provider.offer());
      const present = await asked.catch(() => this.#prices.get(bondId));
      if (present !== undefined) prices.set(bondId, present);
    }
    this.#prices = prices;
  }

  /** Bytes that the best mailbox still takes; undefined while no price is known. */
  roomBytes(): number | undefined {
    const rooms = this.#deps.book.wanted().flatMap((rental) => {
      const prices = this.#prices.get(rental.bondId);
      return prices === undefined ? [] : [roomOf({ ...this.#purseOf(rental), prices })];
    });
    return rooms.length === 0 ? undefined : Math.max(...rooms);
  }

  #purseOf(rental: Rental): Omit<Purse, 'prices'> {
    const channel = this.#deps.book.openChannel(rental);
    const room = channel === undefined ? 0n : channelRoom(channel);
    return { paid: BigInt(rental.balance) + room, retentionDays: rental.retentionDays };
  }
}
