/**
 * Records of the store as the local API shows them. Before: client.ts; after: api/dto.ts.
 */
import { parseMessage, type ShownMessage } from '@tanglemail/mail/io/parse.ts';
import { readHeaders } from '@tanglemail/mail/core/message/headers.ts';
import { parseMailAddress } from '@tanglemail/mail/core/identity/address.ts';
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import { monthlyPrice } from '@tanglemail/mail/core/market/selection.ts';
import { OFFER_FLAG_BONDED } from '@tanglemail/mail/core/market/offer.ts';
import { type Account, addressText, emailText } from '../account/account.ts';
import type { DeliveryDto } from '../api/delivery-dto.ts';
import type {
  ContactDto,
  MessageDto,
  MessageSummaryDto,
  OfferDto,
  OutboxItemDto,
  RentalDto,
} from '../api/dto.ts';
import type { ClientParts } from '../client-parts.ts';
import type { ContactBook } from '../contacts/contact-book.ts';
import type { ListedMail } from '../messages/listed-mail.ts';
import { isHere, storedCount } from '../outbox/outbox-entry.ts';
import { scoreOf } from '../inbox/provider-audit.ts';
import type { ConfirmedOffer } from '../rentals/offer-directory.ts';
import type { RentalBook } from '../rentals/rental-book.ts';
import type { Contact, Rental } from '../store/collections.ts';
import type { OutboxEntry } from '../store/outbox-collections.ts';

const MAX_TEXT = 1_024;
const MAX_HEADERS = 1_000;

export function contactView(
  parts: Pick<ClientParts, 'account' | 'contacts' | 'resolver' | 'safetyNumbers'>,
  contact: Contact,
): ContactDto {
  const { account, contacts, resolver } = parts;
  const { note, cameBy, writeBy, verified, keyChange } = contact;
  const like = contacts.lookalike(contact.name, contact.address);
  const conflictAtMs = resolver.conflictAtMs(contact.address);
  const { address, name, addedAtMs, knowsUs, accountKey } = contact;
  // A removed contact is shown to nobody; whoever asks for one anyway sees a request.
  const state = contact.state === 'removed' ? 'requested' : contact.state;
  const base = {
    address: addressText(account, address),
    email: emailText(account, address),
    name,
    state,
    addedAtMs,
    knowsUs,
    ...(note === undefined ? {} : { note }),
    ...(cameBy === undefined ? {} : { cameBy }),
    ...(writeBy === undefined ? {} : { writeBy }),
    ...(verified === undefined ? {} : { verifiedAtMs: verified.atMs }),
    ...(keyChange === undefined
      ? {}
      : { keyChange: { ...keyChange, what: 'identity-key' as const } }),
    ...(conflictAtMs === undefined ? {} : { conflictAtMs }),
    ...(like === undefined ? {} : { looksLike: addressText(account, like.address) }),
  } as const;
  if (accountKey === undefined) return base;
  const number = parts.safetyNumbers.of(accountKey);
  return { ...base, safetyNumber: number };
}

export function outboxView(
  account: Account,
  contacts: ContactBook,
  entry: OutboxEntry,
  work?: OutboxItemDto['work'],
): OutboxItemDto {
  const { tagKind, blockId, powMs, milestoneIndex, error } = entry;
  const absent = entry.deliveries.filter((one) => one.state === 'absent').length;
  return {
    id: `${entry.id}`,
    messageId: entry.messageId.slice(0, MAX_TEXT),
    to: { address: addressText(account, entry.to), name: contacts.get(entry.to)?.name ?? '' },
    subject: entry.subject,
    sizeBytes: entry.sizeBytes,
    createdAtMs: entry.createdAtMs,
    state: entry.state,
    providerCount: entry.deliveries.length,
    storedCount: storedCount(entry),
    // A provider that answered that it has not stored a stranger's mail: it holds it for some days,
    // until the recipient's client takes it, or has dropped it. It does not tell which.
    heldCount: tagKind === 'stranger' ? absent : 0,
    ...(tagKind === undefined ? {} : { tagKind }),
    ...(blockId === undefined ? {} : { blockId }),
    ...(powMs === undefined ? {} : { powMs }),
    ...(work === undefined ? {} : { work }),
    ...(milestoneIndex === undefined ? {} : { milestoneIndex }),
    // An entry gets its milestone only after certificate and inclusion path were checked.
    proofChecked: milestoneIndex !== undefined,
    isReducedSecrecy: entry.isReducedSecrecy ?? false,
    ...restOf(entry),
    receipts: entry.deliveries
      .filter((one) => one.state === 'stored')
      .map(({ bondId, endpoint, until }) => ({
        bondId,
        endpoint,
        until: until ?? 0,
        checked: true as const,
      })),
    history: entry.history.map(({ state, atMs, detail }) =>
      detail === undefined ? { state, atMs } : { state, atMs, detail },
    ),
    ...(error === undefined
      ? {}
      : { error: entry.isDone ? error : { ...error, nextTryAtMs: entry.nextTryAtMs } }),
  };
}

/** How the user sent it, and what has come of it when. */
function restOf(
  entry: OutboxEntry,
): Pick<OutboxItemDto, 'role' | 'notBeforeMs' | 'isRegistered' | 'wantsReceipt' | 'times'> &
  Pick<OutboxItemDto, 'canRecall'> {
  const { role, notBeforeMs, isRegistered = false, wantsReceipt = false } = entry;
  const { attachedAtMs, confirmedAtMs, storedAtMs, fetchedAtMs, readAtMs } = entry;
  return {
    ...(role === undefined ? {} : { role }),
    ...(notBeforeMs === undefined ? {} : { notBeforeMs }),
    isRegistered,
    wantsReceipt,
    canRecall: isHere(entry),
    times: {
      ...(attachedAtMs === undefined ? {} : { attachedAtMs }),
      ...(confirmedAtMs === undefined ? {} : { confirmedAtMs }),
      ...(storedAtMs === undefined ? {} : { storedAtMs }),
      ...(fetchedAtMs === undefined ? {} : { fetchedAtMs }),
      ...(readAtMs === undefined ? {} : { readAtMs }),
    },
  };
}

/** Recipients as a header names them, with the user's names for those who are contacts. */
function sentTo(contacts: ContactBook, header: string): string {
  const names = header.split(',').map((one) => {
    const parsed = parseMailAddress(one.trim());
    return (parsed.ok ? contacts.get(parsed.value.address)?.name : undefined) || one.trim();
  });
  return names.join(', ').slice(0, MAX_TEXT);
}

/** One line of a folder. `from` is who sealed the letter, never who the header says it is. */
export function summaryView(
  account: Account,
  contacts: ContactBook,
  mail: ListedMail,
  delivery?: DeliveryDto,
): MessageSummaryDto {
  const { entry } = mail;
  const sender = entry.sender ?? account.address;
  // A name that we gave, else what the sender calls itself.
  const known = contacts.get(sender);
  const name = known?.name || entry.fromName;
  const isStranger = known?.state !== 'accepted' && sender !== account.address;
  const like = isStranger ? contacts.lookalike(name, sender) : undefined;
  const { importedFrom } = entry;
  return {
    id: mail.id,
    uid: entry.uid,
    folder: mail.folder,
    from:
      importedFrom === undefined
        ? {
            address: addressText(account, sender),
            name: name.slice(0, MAX_TEXT),
            verified: true,
            ...(like === undefined ? {} : { looksLike: addressText(account, like.address) }),
          }
        : { address: importedFrom, name: entry.fromName.slice(0, MAX_TEXT), verified: false },
    to: entry.to,
    ...(sender === account.address ? { sentTo: sentTo(contacts, entry.to) } : {}),
    subject: entry.subject,
    dateMs: entry.internalDate * 1_000,
    sizeBytes: entry.sizeBytes,
    flags: entry.flags,
    hasAttachments: entry.hasAttachments,
    ...(delivery === undefined ? {} : { delivery }),
    messageId: entry.messageId,
    ...(entry.subAddress === undefined ? {} : { subAddress: entry.subAddress }),
  };
}

/** A whole message for reading. */
export async function messageView(
  account: Account,
  contacts: ContactBook,
  mail: ListedMail,
  raw: Uint8Array,
  delivery?: DeliveryDto,
): Promise<MessageDto> {
  const shown = await showOrEmpty(raw);
  const headers = readHeaders(raw);
  const { sender, isRegistered } = mail.entry;
  return {
    ...summaryView(account, contacts, mail, delivery),
    text: shown.text,
    ...(shown.html === undefined ? {} : { html: shown.html }),
    attachments: shown.attachments.map((one, index) => ({
      index,
      filename: one.filename.slice(0, MAX_TEXT),
      contentType: one.contentType.slice(0, MAX_TEXT),
      sizeBytes: one.content.length,
    })),
    headers: headers.ok
      ? headers.value.fields.slice(0, MAX_HEADERS).map(({ name, value }) => ({ name, value }))
      : [],
    verified:
      sender === undefined
        ? null
        : {
            senderAddress: addressText(account, sender),
            how: isRegistered ? 'signature' : 'seal',
          },
  };
}

/** A message that no reader understands is shown as its bytes in text form. */
export async function showOrEmpty(raw: Uint8Array): Promise<ShownMessage> {
  try {
    return await parseMessage(raw);
  } catch {
    const text = new TextDecoder().decode(raw);
    const none = { from: [], to: [], cc: [], attachments: [], attachmentsLeftOut: 0 };
    return { ...none, subject: '', text };
  }
}

export function offerView({ offer, milestoneIndex }: ConfirmedOffer): OfferDto {
  const { rentPerMiBDay, ingressPerMiB, egressPerMiB, perObject, perRequest, perPushDay } = offer;
  return {
    bondId: bytesToHex(offer.bondId),
    endpoint: offer.endpoints[0] ?? '',
    seq: `${offer.seq}`,
    prices: { rentPerMiBDay, ingressPerMiB, egressPerMiB, perObject, perRequest, perPushDay },
    pricePerMonth: `${monthlyPrice(offer)}`,
    minChannel: `${offer.minChannel}`,
    minRetentionDays: offer.minRetentionDays,
    maxRetentionDays: offer.maxRetentionDays,
    isBonded: (offer.flags & OFFER_FLAG_BONDED) !== 0,
    validUntil: offer.validUntil,
    confirmedIn: milestoneIndex,
  };
}

export function rentalView(book: RentalBook, rental: Rental, tagsRegistered: number): RentalDto {
  const newest = book.channels(rental).at(-1)?.channel;
  const score = scoreOf(rental);
  return {
    bondId: rental.bondId,
    endpoint: rental.endpoint,
    mailboxId: rental.mailboxId,
    balance: rental.balance,
    retentionDays: rental.retentionDays,
    isActive: rental.isActive && !rental.isEnded,
    ...(newest === undefined
      ? {}
      : {
          channel: {
            ...(newest.channelId === undefined ? {} : { channelId: newest.channelId }),
            amount: `${newest.amount}`,
            signed: `${newest.signed}`,
            expiry: newest.expiry,
            state: newest.state,
          },
        }),
    storedObjects: rental.storedObjects,
    audits: { ok: score.auditsOk, failed: score.auditsFailed },
    fetchesFailed: score.fetchesFailed,
    tagsRegistered,
    lastSyncAt: rental.lastSyncAt,
  };
}
