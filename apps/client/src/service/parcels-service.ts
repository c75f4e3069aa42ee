/**
 * Large mails for the local API: each call turned into calls of the parts. Before: api/ and the
 * command line; after: parcels/. Spec: docs/spec/41-client-api.md, section 23.
 */
import type { MailAddress } from '@tanglemail/mail/core/identity/address.ts';
import type { Offer } from '@tanglemail/mail/core/market/offer.ts';
import { quoteStore } from '@tanglemail/mail/core/parcel/quote.ts';
import { addressText } from '../account/account.ts';
import type {
  ElsewhereDto,
  IncomingDto,
  QuoteDto,
  QuoteRequestDto,
  UploadDto,
} from '../api/parcels-dto.ts';
import type { ParcelsService } from '../api/parcels-service.ts';
import { ClientError } from '../client-error.ts';
import type { ClientParts } from '../client-parts.ts';
import type { IncomingParcel } from '../parcels/parcel-inbox.ts';
import { hintOf } from '../rentals/renter.ts';
import { explained } from './explained.ts';
import { incomingView, uploadView } from './parcel-views.ts';
import { readRecipient } from './recipients.ts';
import { formOf } from './message-form.ts';

/** Days for which mailboxes usually keep mail. */
const USUAL_DAYS = 30;

type Parts = Pick<
  ClientParts,
  'account' | 'contacts' | 'resolver' | 'renter' | 'parcels' | 'book' | 'devices'
>;

export class LocalParcels implements ParcelsService {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  async quote({ to, sizeBytes }: QuoteRequestDto): Promise<readonly QuoteDto[]> {
    const { account, contacts } = this.#parts;
    const recipients = to.map((text) => readRecipient(account, contacts, text).address);
    const quotes = await Promise.all(
      [...new Set(recipients)].map((one) => explained(() => this.#quote(one, sizeBytes))),
    );
    const isCopied = this.#parts.devices.copies.isUploaded(sizeBytes);
    // What goes to oneself comes to every device by itself.
    if (!isCopied || recipients.includes(account.address)) return quotes;
    const copy = await explained(() => this.#quoteParts(account.address, sizeBytes));
    return [...quotes, { ...copy, isCopy: true }];
  }

  async #quote(to: MailAddress, size: number): Promise<QuoteDto> {
    if (formOf(size, false) === 'parcel') return this.#quoteParts(to, size);
    return { ...this.#emptyQuote(to), isLetter: true };
  }

  #emptyQuote(to: MailAddress): Omit<QuoteDto, 'isLetter'> {
    const address = addressText(this.#parts.account, to);
    return { address, sealedBytes: 0, partCount: 0, providers: 0, recipientCost: '0' };
  }

  async #quoteParts(to: MailAddress, size: number): Promise<QuoteDto> {
    const { resolver } = this.#parts;
    const empty = this.#emptyQuote(to);
    const descriptor = await resolver.resolve(to);
    if (descriptor === undefined) {
      return { ...empty, isLetter: false, code: 'descriptor-not-found' };
    }
    const { maxMail: recipientMaxBytes, providers } = descriptor;
    const found = await Promise.all(providers.map((hint) => this.#offerAt(hint)));
    const offers = found.filter((one) => one !== undefined);
    const quote = quoteStore({ size, recipientMaxBytes, offers, days: USUAL_DAYS });
    if (!quote.ok) return { ...empty, isLetter: false, code: quote.code };
    const { sealedSize, partCount, answers } = quote.value;
    const taking = answers.filter((one) => one.ok);
    const cost = taking.reduce((sum, one) => sum + one.cost, 0n);
    return {
      ...empty,
      isLetter: false,
      sealedBytes: sealedSize,
      partCount,
      providers: taking.length,
      recipientCost: `${cost}`,
    };
  }

  /** A provider that cannot be reached now has no price, and may be there later. */
  async #offerAt(
    hint: Parameters<ClientParts['renter']['providerAt']>[0],
  ): Promise<Offer | undefined> {
    try {
      return await (await this.#parts.renter.providerAt(hint)).offer();
    } catch {
      return undefined;
    }
  }

  async uploads(): Promise<readonly UploadDto[]> {
    return this.#parts.parcels.uploads.states().map((one) => uploadView(one));
  }

  async incoming(): Promise<readonly IncomingDto[]> {
    return Promise.all(this.#parts.parcels.inbox.list().map((one) => this.#view(one)));
  }

  async elsewhere(): Promise<readonly ElsewhereDto[]> {
    const { copies, drafts, manager } = this.#parts.devices;
    const names = new Map(manager.list(undefined).map(({ id, name }) => [id, name]));
    const on = (id: string): ElsewhereDto['device'] => ({ id, name: names.get(id) ?? '' });
    const sent = copies.away().map((one): ElsewhereDto => {
      const { to, subject, sizeBytes, sentAtMs: dateMs } = one;
      return { folder: 'Sent', to, subject, sizeBytes, dateMs, device: on(one.device) };
    });
    const unsent = drafts.away().map((one): ElsewhereDto => {
      const { to, subject, sizeBytes, savedAtMs: dateMs } = one;
      return { folder: 'Drafts', to, subject, sizeBytes, dateMs, device: on(one.device) };
    });
    return [...sent, ...unsent].toSorted((a, b) => b.dateMs - a.dateMs);
  }

  async incomingItem(id: string): Promise<IncomingDto> {
    return this.#view(this.#get(id));
  }

  async fetch(id: string): Promise<IncomingDto> {
    const { row } = this.#get(id);
    await this.#parts.parcels.inbox.fetch(row.id);
    return this.incomingItem(id);
  }

  async discard(id: string): Promise<void> {
    await this.#parts.parcels.inbox.cancel(this.#get(id).row.id);
  }

  #get(id: string): IncomingParcel {
    const found = /^[0-9]{1,15}$/.test(id) ? this.#parts.parcels.inbox.get(Number(id)) : undefined;
    if (found === undefined) throw new ClientError('incoming-unknown', id);
    return found;
  }

  async #view(parcel: IncomingParcel): Promise<IncomingDto> {
    const { account, contacts, book } = this.#parts;
    const rental = book.list().find((one) => one.isActive);
    const offer = rental && (await this.#offerAt(hintOf(rental)));
    return incomingView(account, contacts, parcel, offer);
  }
}
