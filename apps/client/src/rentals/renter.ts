/**
 * Renting, paying and closing at storage providers: a channel on the ledger, a mailbox behind it,
 * vouchers that fill its balance. Every step is on the disk before the next, so that a crash leaves
 * a record from which the money is found again. Before: local API, inbox; after: mail io, provider.
 * Spec: docs/spec/31-channel-voucher.md, docs/spec/33-mailbox.md.
 */
import { refundDeposit } from '@tanglemail/tangle/core/block/deposit.ts';
import type { Address } from '@tanglemail/tangle/core/codec/ids.ts';
import { bytesToHex, hexToBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import { equalBytes } from '@tanglemail/mail/core/crypto/kdf.ts';
import type { ProviderHint } from '@tanglemail/mail/core/identity/descriptor.ts';
import { PADDED_SIZES } from '@tanglemail/mail/core/limits.ts';
import {
  type ClientChannel,
  stepClientChannel,
} from '@tanglemail/mail/core/market/channel-states.ts';
import type { MailboxPolicy } from '@tanglemail/mail/core/market/mailbox.ts';
import type { Offer } from '@tanglemail/mail/core/market/offer.ts';
import { selectProviders } from '@tanglemail/mail/core/market/selection.ts';
import type { CloseDto } from '@tanglemail/mail/io/provider/dto.ts';
import { type ChannelFunder, openChannel } from '@tanglemail/mail/io/provider/open-channel.ts';
import { ProviderClient } from '@tanglemail/mail/io/provider/provider-client.ts';
import type { Rental } from '../store/collections.ts';
import type { TangleAccess } from '../tangle/tangle-access.ts';
import { confirmedOffers } from './offer-directory.ts';
import type { RentalBook } from './rental-book.ts';

/** Codes of what can be refused here; explain-error.ts turns them into the local API's. */
export type RentErrorCode =
  | 'provider-not-found'
  | 'provider-not-rented'
  | 'channel-not-open'
  | 'channel-refused'
  | 'balance-too-large';

export class RentError extends Error {
  override readonly name = 'RentError';
  readonly code: RentErrorCode;

  constructor(code: RentErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** What the client is willing to pay. Amounts in base units. */
export interface RentTerms {
  readonly retentionDays: number;
  readonly monthlyPriceCap: bigint;
  /** What vouchers of one channel may total. */
  readonly deposit: bigint;
  /** What a mailbox's balance is filled up to. */
  readonly credit: bigint;
  readonly maxDebitPerDay: bigint;
}

export interface RentalWallet extends ChannelFunder {
  refundAddress(): Address;
}

export interface RenterDeps {
  readonly tangle: TangleAccess;
  readonly book: RentalBook;
  readonly wallet: RentalWallet;
}

/** Wishes of one call; what is left out comes from the configured terms. */
export interface RentRequest {
  readonly bondId?: string;
  readonly deposit?: bigint;
  readonly credit?: bigint;
}

export class Renter {
  readonly #terms: RentTerms;
  readonly #deps: RenterDeps;
  readonly #clients = new Map<string, ProviderClient>();

  constructor(terms: RentTerms, deps: RenterDeps) {
    this.#terms = terms;
    this.#deps = deps;
  }

  /** The client of one provider; the same for all calls, so that payments keep their order. */
  providerAt(hint: ProviderHint): ProviderClient {
    const key = `${bytesToHex(hint.bondId)} ${hint.endpoint}`;
    const known = this.#clients.get(key);
    if (known !== undefined) return known;
    const { networkId, verifier, clock, random } = this.#deps.tangle;
    const client = new ProviderClient(
      { baseUrl: hint.endpoint, networkId },
      { verifier, clock, random },
    );
    this.#clients.set(key, client);
    // A stranger's descriptor may name any endpoint: only so many clients are kept.
    const [oldest] = this.#clients.keys();
    if (this.#clients.size > 256 && oldest !== undefined) this.#clients.delete(oldest);
    return client;
  }

  /**
   * Rents a mailbox at `bondId`, or at one that the terms choose. Repeating it after a crash goes on
   * where it stopped and pays nothing twice.
   */
  async rent(request: RentRequest): Promise<Rental> {
    const { book } = this.#deps;
    const offer = await this.#findOffer(request.bondId);
    const bondId = bytesToHex(offer.bondId);
    const endpoint = offer.endpoints.find((one) => one.startsWith('http'));
    if (endpoint === undefined) {
      throw new RentError('provider-not-found', 'its offer names no http endpoint');
    }
    const rental = await book.begin(bondId, endpoint, this.#retentionDays(offer));
    const credit = request.credit ?? this.#terms.credit;
    if (credit > offer.maxBalance) {
      throw new RentError('balance-too-large', `it holds at most ${offer.maxBalance} bu`);
    }
    await this.#ensureChannel(rental, offer, request.deposit ?? this.#terms.deposit);
    const client = this.providerAt({ bondId: offer.bondId, endpoint });
    const policy: MailboxPolicy = {
      maxObject: PADDED_SIZES.at(-1) ?? 0,
      retentionDays: rental.retentionDays,
      maxDebitPerDay: this.#terms.maxDebitPerDay,
      unsolicited: true,
    };
    const purse = book.purse(bondId);
    if (purse === undefined) throw new RentError('channel-not-open', 'no channel is open');
    const made = await client.createMailbox(book.mailboxKey(rental), policy, credit, purse);
    return book.update(bondId, (present) => ({
      ...present,
      balance: made.balance,
      credited: `${BigInt(present.credited) + BigInt(made.credited)}`,
      isActive: true,
    }));
  }

  /** Fills the mailbox up when less than half of the wanted balance is left. */
  async topUp(rental: Rental): Promise<Rental> {
    const { book } = this.#deps;
    const balance = BigInt(rental.balance);
    const { credit } = this.#terms;
    if (balance * 2n >= credit) return rental;
    const offer = await this.#findOffer(rental.bondId);
    await this.#ensureChannel(rental, offer, this.#terms.deposit);
    const purse = book.purse(rental.bondId);
    if (purse === undefined) throw new RentError('channel-not-open', 'no channel is open');
    const client = this.providerAt(hintOf(rental));
    const made = await client.credit(rental.mailboxId, credit - balance, purse);
    return book.update(rental.bondId, (present) => ({
      ...present,
      balance: made.balance,
      credited: `${BigInt(present.credited) + BigInt(made.credited)}`,
    }));
  }

  /** Asks the provider to claim what it earned; the rest of the deposit comes back with it. */
  async close(bondId: string): Promise<CloseDto> {
    const { book } = this.#deps;
    const rental = book.get(bondId);
    if (rental === undefined) throw new RentError('provider-not-rented', bondId);
    const channel = book
      .channels(rental)
      .findLast((one) => one.channel.state === 'open' || one.channel.state === 'closing')?.channel;
    if (channel?.channelId === undefined) {
      throw new RentError('channel-not-open', 'no channel is open');
    }
    const closing = stepClientChannel(channel, { kind: 'close-requested' });
    await book.saveChannel(bondId, closing);
    const signer = book.channelSigner(channel);
    return this.providerAt(hintOf(rental)).close(channel.channelId, signer);
  }

  /** Learns from the ledger what became of channels that are open, closing or expired. */
  async followChannels(): Promise<void> {
    const { book, tangle } = this.#deps;
    const ledgerTime = Math.floor(tangle.clock.nowMs() / 1_000);
    for (const rental of book.list()) {
      for (const { channel } of book.channels(rental)) {
        const moved = stepClientChannel(channel, { kind: 'clock', ledgerTime });
        const settled = await this.#settled(moved);
        if (settled !== channel) await book.saveChannel(rental.bondId, settled);
      }
    }
  }

  /** The channel as closed when the ledger says that its output was spent. */
  async #settled(channel: ClientChannel): Promise<ClientChannel> {
    const isWatched = ['open', 'closing', 'expired'].includes(channel.state);
    if (!isWatched || channel.channelId === undefined) return channel;
    const { spent } = await this.#deps.tangle.node.output(channel.channelId);
    if (spent === undefined) return channel;
    const wasRefunded = spent.milestoneTimestamp / 1_000 >= channel.expiry;
    const kind = wasRefunded ? 'refund-confirmed' : 'claim-confirmed';
    return stepClientChannel(channel, { kind });
  }

  /** An open channel with room for vouchers; opens one when there is none. */
  async #ensureChannel(rental: Rental, offer: Offer, deposit: bigint): Promise<void> {
    const { book, wallet, tangle } = this.#deps;
    await this.#recover(rental.bondId);
    const present = book.get(rental.bondId) ?? rental;
    const open = book.openChannel(present);
    if (open !== undefined && channelRoom(open) > 0n) return;
    const keyIndex = await book.nextChannelIndex();
    const refundAddress = wallet.refundAddress();
    const opened = await openChannel(
      {
        offer,
        payerPublicKey: book.channelKeys(keyIndex).publicKey,
        keyIndex,
        refundAddress,
        spendable: deposit > offer.minChannel ? deposit : offer.minChannel,
        reserve: refundDeposit(tangle.params),
        ledgerTime: Math.floor(tangle.clock.nowMs() / 1_000),
      },
      wallet,
      async (channel) => {
        await book.saveChannel(rental.bondId, channel, refundAddress);
      },
    );
    if (!opened.ok) throw new RentError('channel-refused', opened.detail ?? opened.code);
  }

  /** A channel whose opening was interrupted is found again on the ledger by its refund address. */
  async #recover(bondId: string): Promise<void> {
    const { book, tangle } = this.#deps;
    const rental = book.get(bondId);
    const records = rental === undefined ? [] : book.channels(rental);
    for (const { channel, refundAddress } of records) {
      if (channel.state !== 'draft' && channel.state !== 'sent') continue;
      const { publicKey } = book.channelKeys(channel.keyIndex);
      const filter = { kind: 'channel', refundAddress: refundAddress as Address } as const;
      for await (const channelId of tangle.node.outputs(filter)) {
        const proof = await tangle.node.outputProof(channelId);
        const { output } = await tangle.checker.unspent(channelId, proof);
        if (output.kind !== 'channel' || !equalBytes(output.payerPublicKey, publicKey)) continue;
        const sent = stepClientChannel({ ...channel, state: 'draft' }, { kind: 'sent', channelId });
        await book.saveChannel(bondId, stepClientChannel(sent, { kind: 'confirmed' }));
      }
    }
  }

  async #findOffer(bondId: string | undefined): Promise<Offer> {
    const offers = (await confirmedOffers(this.#deps.tangle)).map((one) => one.offer);
    if (bondId !== undefined) {
      const found = offers.find((one) => bytesToHex(one.bondId) === bondId);
      if (found !== undefined) return found;
      throw new RentError('provider-not-found', bondId);
    }
    const rented = new Set(this.#deps.book.list().map((one) => one.bondId));
    const fresh = offers.filter((one) => !rented.has(bytesToHex(one.bondId)));
    const [chosen] = selectProviders(
      (fresh.length > 0 ? fresh : offers).map((offer) => ({ offer, ownSuccess: 0.5 })),
      {
        count: 1,
        priceCap: this.#terms.monthlyPriceCap,
        retentionDays: this.#terms.retentionDays,
        objectSize: PADDED_SIZES.at(-1) ?? 0,
      },
      this.#deps.tangle.random,
    );
    if (chosen !== undefined) return chosen.offer;
    throw new RentError('provider-not-found', 'no offer fits the wanted terms');
  }

  #retentionDays(offer: Offer): number {
    const wanted = Math.max(this.#terms.retentionDays, offer.minRetentionDays);
    return Math.min(wanted, offer.maxRetentionDays);
  }
}

/** Where a rental's provider is. */
export function hintOf(rental: Rental): ProviderHint {
  return { bondId: hexToBytes(rental.bondId), endpoint: rental.endpoint };
}

/** Room that is left for vouchers, base units. */
export function channelRoom(channel: ClientChannel): bigint {
  return channel.amount - channel.reserve - channel.signed;
}
