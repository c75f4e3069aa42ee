/** Large mails as the local API shows them. Spec: docs/spec/41-client-api.md, section 23. */
import type { Offer } from '@tanglemail/mail/core/market/offer.ts';
import { percentDone } from '@tanglemail/mail/core/parcel/progress.ts';
import { quoteFetch } from '@tanglemail/mail/core/parcel/quote.ts';
import { type Account, addressText } from '../account/account.ts';
import type { IncomingDto, IncomingEventDto, UploadDto } from '../api/parcels-dto.ts';
import type { ContactBook } from '../contacts/contact-book.ts';
import type { IncomingParcel } from '../parcels/parcel-inbox.ts';
import type { UploadState } from '../parcels/parcel-uploads.ts';

export function uploadView(upload: UploadState): UploadDto {
  const { outboxId, copies, providers, progress, isCopy } = upload;
  const { bytesDone, bytesTotal } = progress;
  const percent = percentDone(progress);
  return { outboxId: `${outboxId}`, percent, bytesDone, bytesTotal, copies, providers, isCopy };
}

export function incomingEvent(id: number, parcel: IncomingParcel | undefined): IncomingEventDto {
  if (parcel === undefined) return { id: `${id}`, state: 'gone', percent: 100 };
  return { id: `${id}`, state: parcel.phase, percent: percentDone(parcel.progress) };
}

export function incomingView(
  account: Account,
  contacts: ContactBook,
  parcel: IncomingParcel,
  offer: Offer | undefined,
): IncomingDto {
  const { row, letter, phase, progress, sizeBytes } = parcel;
  const { from, subject, text, date } = letter.preview;
  const cost = costOf(parcel, offer);
  return {
    id: `${row.id}`,
    from: {
      address: addressText(account, row.sender),
      name: contacts.get(row.sender)?.name ?? '',
    },
    preview: { from, subject, text, dateMs: date === 0 ? null : date * 1_000 },
    sizeBytes,
    receivedAtMs: row.receivedAtMs,
    state: phase,
    percent: percentDone(progress),
    bytesDone: progress.bytesDone,
    bytesTotal: progress.bytesTotal,
    isCopy: row.copy !== undefined,
    ...(cost === undefined ? {} : { cost: `${cost}` }),
    ...(row.error === undefined ? {} : { error: row.error }),
  };
}

/** What the whole parcel costs to fetch, by the prices of a provider. */
function costOf({ letter }: IncomingParcel, prices: Offer | undefined): bigint | undefined {
  if (prices === undefined) return undefined;
  const { size } = letter.manifest;
  const quote = quoteFetch({ size, prices, balance: 1n << 63n, isExpired: false });
  return quote.ok ? quote.value : undefined;
}
