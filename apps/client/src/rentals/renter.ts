/**
 * Renting, paying and ending at storage providers: a channel on the ledger, a mailbox behind it,
 * vouchers that fill its balance. Every step is on the disk before the next, so that a crash leaves
 * a record from which the money is found again. Before: local API, inbox; after: channel-keeper.ts,
 * mail io, provider. Spec: docs/spec/31-channel-voucher.md, docs/spec/33-mailbox.md.
 */
import { bytesToHex, hexToBytes, type OutputId } from '@tanglemail/tangle/core/codec/ids.ts';
import { equalBytes } from '@tanglemail/mail/core/crypto/kdf.ts';
import type { ProviderHint } from '@tanglemail/mail/core/identity/descriptor.ts';
import { PADDED_SIZES } from '@tanglemail/mail/core/limits.ts';
import {
  type ClientChannel,
  stepClientChannel,
} from '@tanglemail/mail/core/market/channel-states.ts';
import { MAX_UPLOAD_BYTES } from '@tanglemail/mail/core/market/constants.ts';
import type { MailboxPolicy } from '@tanglemail/mail/core/market/mailbox.ts';
import type { Offer } from '@tanglemail/mail/core/market/offer.ts';
import { monthlyPrice, selectProviders } from '@tanglemail/mail/core/market/selection.ts';
import { ProviderApiError, ProviderFault } from '@tanglemail/mail/io/provider/errors.ts';
import { ProviderClient } from '@tanglemail/mail/io/provider/provider-client.ts';
import { ClientError } from '../client-error.ts';
import type { Rental } from '../store/collections.ts';
import { fetchDuring, type TangleAccess } from '../tangle/tangle-access.ts';
import { type ChannelKeeper, channelRoom } from './channel-keeper.ts';
import { confirmedOffers } from './offer-directory.ts';
import type { RentalBook } from './rental-book.ts';
import { forgetVouchers, recoverVouchers } from './voucher-recovery.ts';

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

export interface RenterDeps {
  readonly tangle: TangleAccess;
  readonly book: RentalBook;
  readonly channels: ChannelKeeper;
  /** Ends every request when the client stops. */
  readonly lifetime: AbortSignal;
}

/** Wishes of one call; what is left out comes from the configured terms. */
export interface RentRequest {
  readonly bondId?: string;
  readonly deposit?: bigint;
  readonly credit?: bigint;
}

/** How the newest channel stands after the user ended a rental. */
export interface EndedRental {
  readonly state: string;
  readonly claimTransactionId?: string | undefined;
}

/** Providers whose client is kept: a stranger's descriptor may name any endpoint. */
const MAX_CLIENTS = 256;
/** After this time an offer is fetched again: receipts are held to the present one. */
const OFFER_LIFE_MS = 3_600_000;
/**
 * After a top-up that failed: enough time for a wallet to be filled, or a claim to be confirmed.
 */
const TOP_UP_RETRY_MS = 300_000;

interface KnownProvider {
  readonly client: ProviderClient;
  checkedAtMs: number;
}

export class Renter {
  readonly #terms: RentTerms;
  readonly #deps: RenterDeps;
  readonly #clients = new Map<string, KnownProvider>();
  /** When a mailbox may be filled up again after a failure, by bond id. */
  readonly #topUpFromMs = new Map<string, number>();
  #isPaying: () => boolean = () => true;

  constructor(terms: RentTerms, deps: RenterDeps) {
    this.#terms = terms;
    this.#deps = deps;
  }

  /** Says whether this device is the one that pays; without it, it is. */
  payBy(isPaying: () => boolean): void {
    this.#isPaying = isPaying;
  }

  /** Before any payment. Throws ClientError `paying-device-other`, and what the provider throws. */
  async #beforePaying(rental: Rental, client: ProviderClient): Promise<void> {
    if (!this.#isPaying()) throw new ClientError('paying-device-other');
    if (rental.isRecovering === true) await recoverVouchers(rental, client, this.#deps);
  }

  /**
   * A provider has lost its books, or some of them: what it has forgotten is not paid again. Throws
   * what the provider throws; a device that does not pay leaves it to the one that does.
   */
  async payAnew(bondId: string): Promise<void> {
    const rental = this.#deps.book.get(bondId);
    if (rental === undefined || !this.#isPaying()) return;
    await forgetVouchers(rental, await this.providerAt(hintOf(rental)), this.#deps);
  }

  /**
   * The client of one provider; the same for all calls, so that payments keep their order. Throws
   * ProviderFault when another bond answers at the endpoint.
   */
  async providerAt(hint: ProviderHint): Promise<ProviderClient> {
    const key = `${bytesToHex(hint.bondId)} ${hint.endpoint}`;
    const known = this.#clients.get(key) ?? this.#createClient(key, hint.endpoint);
    const nowMs = this.#deps.tangle.clock.nowMs();
    if (nowMs - known.checkedAtMs >= OFFER_LIFE_MS) {
      const offer = await known.client.offer(true);
      if (!equalBytes(offer.bondId, hint.bondId)) {
        this.#clients.delete(key);
        throw new ProviderFault('proof-invalid', 'another provider answers here');
      }
      known.checkedAtMs = nowMs;
    }
    return known.client;
  }

  #createClient(key: string, baseUrl: string): KnownProvider {
    const { book, lifetime, tangle } = this.#deps;
    const { networkId, verifier, clock, random } = tangle;
    const deps = { verifier, clock, random, fetch: fetchDuring(lifetime) };
    const client = new ProviderClient({ baseUrl, networkId }, deps);
    const known = { client, checkedAtMs: Number.NEGATIVE_INFINITY };
    if (this.#clients.size >= MAX_CLIENTS) {
      const rented = new Set(book.list().map((one) => `${one.bondId} ${one.endpoint}`));
      const oldest = [...this.#clients.keys()].find((one) => !rented.has(one));
      if (oldest !== undefined) this.#clients.delete(oldest);
    }
    this.#clients.set(key, known);
    return known;
  }

  /**
   * Rents a mailbox at `bondId`, or at one that the terms choose. Repeating it after a crash goes
   * on where it stopped and pays nothing twice. Throws ClientError, and what wallet, node and
   * provider throw.
   */
  async rent(request: RentRequest): Promise<Rental> {
    const { book, channels } = this.#deps;
    const offer = await this.#findOffer(request.bondId);
    const bondId = bytesToHex(offer.bondId);
    const endpoint = offer.endpoints.find((one) => one.startsWith('http'));
    if (endpoint === undefined) {
      throw new ClientError('provider-unknown', 'its offer names no http endpoint');
    }
    const credit = request.credit ?? least(this.#terms.credit, offer.maxBalance);
    if (credit > offer.maxBalance) {
      throw new ClientError('credit-too-large', `at most ${offer.maxBalance} bu`);
    }
    const rental = await book.begin(bondId, endpoint, this.#retentionDays(offer));
    const deposit = request.deposit ?? this.#terms.deposit;
    const client = await this.providerAt({ bondId: offer.bondId, endpoint });
    await this.#beforePaying(rental, client);
    const channel = await channels.ensure(bondId, { wanted: credit, deposit, offer: () => offer });
    const purse = book.purse(bondId, channel.keyIndex);
    const amount = least(credit, channelRoom(channel));
    const made = await client.createMailbox(
      book.mailboxKey(rental),
      this.#policy(rental),
      amount,
      purse,
    );
    await book.update(bondId, (present) => ({
      ...withCredit(present, made),
      isActive: true,
      isEnded: false,
    }));
    // A mailbox that was there before has only been found again, whatever was offered for it. What
    // is left in it may do, unless the caller names an amount.
    const left = BigInt(made.balance);
    const missing = least(amount, credit - left);
    const isEnough = request.credit === undefined && left * 2n >= credit;
    if (missing <= 0n || isEnough) return book.get(bondId) ?? rental;
    const filled = await client.credit(rental.mailboxId, missing, purse);
    return book.update(bondId, (present) => withCredit(present, filled));
  }

  #policy(rental: Rental): MailboxPolicy {
    return {
      maxObject: PADDED_SIZES.at(-1) ?? 0,
      retentionDays: rental.retentionDays,
      maxDebitPerDay: this.#terms.maxDebitPerDay,
      unsolicited: true,
      maxUpload: MAX_UPLOAD_BYTES,
    };
  }

  /**
   * What the provider of a rental is to be told about what it may take and cost; undefined when it
   * knows, or when that is not this device's affair. A mailbox keeps what it was opened with.
   */
  policyToTell(rental: Rental): MailboxPolicy | undefined {
    if (rental.isEnded || !this.#isPaying()) return undefined;
    const policy = this.#policy(rental);
    return policyText(policy) === rental.policyTold ? undefined : policy;
  }

  /**
   * Fills the mailbox up when less than half of the wanted balance is left and the user still wants
   * it. After a failure it waits a while before the next attempt. Throws as `rent`.
   */
  async topUp(bondId: string): Promise<void> {
    const { book, tangle } = this.#deps;
    const rental = book.get(bondId);
    if (rental === undefined || !rental.isActive || rental.isEnded) return;
    if (BigInt(rental.balance) * 2n >= this.#terms.credit) return;
    const nowMs = tangle.clock.nowMs();
    if (nowMs < (this.#topUpFromMs.get(bondId) ?? 0)) return;
    this.#topUpFromMs.set(bondId, nowMs + TOP_UP_RETRY_MS);
    await this.#fill(rental);
    this.#topUpFromMs.delete(bondId);
  }

  async #fill(rental: Rental): Promise<void> {
    const { book, channels } = this.#deps;
    const { bondId, mailboxId } = rental;
    const client = await this.providerAt(hintOf(rental));
    await this.#beforePaying(rental, client);
    const served = await client.offer();
    this.#checkPrice(served);
    const balance = BigInt(rental.balance);
    const wanted = least(this.#terms.credit, served.maxBalance) - balance;
    if (wanted <= 0n) return;
    const { deposit } = this.#terms;
    // Only a new channel needs the offer as the tangle has it: the payee must be the right one.
    const offer = (): Promise<Offer> => this.#findOffer(bondId);
    const channel = await channels.ensure(bondId, { wanted, deposit, offer });
    const purse = book.purse(bondId, channel.keyIndex);
    const made = await client.credit(mailboxId, least(wanted, channelRoom(channel)), purse);
    await book.update(bondId, (present) => withCredit(present, made));
  }

  /**
   * The user wants a rental no more: nothing is paid into it from now on, no descriptor names it,
   * and the provider is asked to claim what it earned, so that the rest of the deposit comes
   * back. Mail is fetched as long as the balance pays for it. Throws `rental-unknown` and what
   * the provider throws; asking again is fine.
   */
  async end(bondId: string): Promise<EndedRental> {
    const { book } = this.#deps;
    if (book.get(bondId) === undefined) throw new ClientError('rental-unknown', bondId);
    const rental = await book.update(bondId, (present) => ({ ...present, isEnded: true }));
    const running = book
      .channels(rental)
      .filter(({ channel: { state } }) => state === 'open' || state === 'closing');
    let ended: EndedRental = { state: 'closed' };
    for (const { channel } of running) {
      if (channel.channelId === undefined) continue;
      const closed = await this.#close(rental, channel, channel.channelId);
      ended = closed ?? { state: 'empty' };
      if (closed === undefined) continue;
      await book.changeChannel(bondId, channel.keyIndex, (present) =>
        stepClientChannel(present, { kind: 'close-requested' }),
      );
    }
    return ended;
  }

  /**
   * Undefined when the provider has no voucher of this channel and so cannot claim it: it stays for
   * another rental here, or its refund brings all of it back.
   */
  async #close(
    rental: Rental,
    channel: ClientChannel,
    channelId: OutputId,
  ): Promise<EndedRental | undefined> {
    if (channel.signed === 0n) return undefined;
    const provider = await this.providerAt(hintOf(rental));
    try {
      return await provider.close(channelId, this.#deps.book.channelSigner(channel));
    } catch (error) {
      const isUnknown = error instanceof ProviderApiError && error.code === 'not-found';
      // A voucher that was signed may have got lost on its way; one that was answered cannot.
      if (isUnknown && channel.acknowledged === 0n) return undefined;
      throw error;
    }
  }

  async #findOffer(bondId: string | undefined): Promise<Offer> {
    const offers = (await confirmedOffers(this.#deps.tangle)).map((one) => one.offer);
    if (bondId === undefined) return this.#choose(offers);
    const found = offers.find((one) => bytesToHex(one.bondId) === bondId);
    if (found === undefined) throw new ClientError('provider-unknown', bondId);
    this.#checkPrice(found);
    return found;
  }

  #checkPrice(offer: Offer): void {
    const price = monthlyPrice(offer);
    if (price > this.#terms.monthlyPriceCap) throw new ClientError('price-too-high', `${price} bu`);
  }

  #choose(offers: readonly Offer[]): Offer {
    const rented = new Set(this.#deps.book.wanted().map((one) => one.bondId));
    const fresh = offers.filter((one) => !rented.has(bytesToHex(one.bondId)));
    const [chosen] = selectProviders(
      fresh.map((offer) => ({ offer, ownSuccess: 0.5 })),
      {
        count: 1,
        priceCap: this.#terms.monthlyPriceCap,
        retentionDays: this.#terms.retentionDays,
        objectSize: PADDED_SIZES.at(-1) ?? 0,
      },
      this.#deps.tangle.random,
    );
    if (chosen !== undefined) return chosen.offer;
    const isAllRented = offers.length > 0 && fresh.length === 0;
    throw new ClientError(isAllRented ? 'already-rented' : 'no-provider');
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

/** A policy as a rental remembers it. */
export function policyText(policy: MailboxPolicy): string {
  return JSON.stringify({ ...policy, maxDebitPerDay: `${policy.maxDebitPerDay}` });
}

function withCredit(rental: Rental, made: { balance: string; credited: string }): Rental {
  const credited = `${BigInt(rental.credited) + BigInt(made.credited)}`;
  return { ...rental, balance: made.balance, credited };
}

function least(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}
