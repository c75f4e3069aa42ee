/**
 * Contacts to and from vCard files. What a file says of verification, keys or state counts for
 * nothing: only names, addresses and notes are taken. Before: service/people-service.ts; after:
 * mail core, identity/vcard.ts. Spec: docs/spec/20-identity.md, "vCards".
 */
import {
  formatAddress,
  formatEmail,
  parseMailAddress,
  type ParsedAddress,
} from '@tanglemail/mail/core/identity/address.ts';
import { MAX_NAME_LENGTH, parseLink } from '@tanglemail/mail/core/identity/link.ts';
import { formatVcards, parseVcards, type VCard } from '@tanglemail/mail/core/identity/vcard.ts';
import type { Account } from '../account/account.ts';
import { ClientError } from '../client-error.ts';
import type { Contact } from '../store/collections.ts';
import { blank, type ContactBook } from './contact-book.ts';

const MAX_NOTE = 2_048;
/** Contacts that one write takes. */
const CHUNK = 200;

/** What became of the cards of a file. */
export interface ImportReport {
  readonly added: number;
  /** Known ones that got a name or a note that they lacked. */
  readonly completed: number;
  readonly unchanged: number;
  /** Without an address of this network, with our own, or with one that came before. */
  readonly skipped: number;
}

/** All accepted contacts. */
export function exportContacts({ network }: Account, contacts: ContactBook): string {
  const accepted = contacts.list().filter((one) => one.state === 'accepted');
  const cards = accepted.map(({ address, name, note, writeBy: subAddress }): VCard => {
    const full = subAddress ? { address, network, subAddress } : { address, network };
    const card = {
      name: name === '' ? formatAddress(full) : name,
      impps: [`tangle:${formatAddress(full)}`],
      emails: [formatEmail(full)],
    };
    return note === undefined ? card : Object.assign(card, { note });
  });
  return formatVcards(cards);
}

/** Takes the contacts of a file. Throws `vcard-malformed`; then nothing has changed. */
export async function importContacts(
  account: Account,
  contacts: ContactBook,
  text: string,
  nowMs: number,
): Promise<ImportReport> {
  const parsed = parseVcards(text);
  if (!parsed.ok) throw new ClientError('vcard-malformed', parsed.detail);
  const found = new Map<string, { readonly who: ParsedAddress; readonly card: VCard }>();
  for (const card of parsed.value) {
    const who = addressOfCard(account, card);
    const isOther = who !== undefined && who.address !== account.address;
    if (isOther && !found.has(who.address)) found.set(who.address, { who, card });
  }
  const report = { added: 0, completed: 0, unchanged: 0 };
  const list = [...found.values()];
  for (let at = 0; at < list.length; at += CHUNK) {
    await contacts.changeAll((book) =>
      list.slice(at, at + CHUNK).flatMap(({ who, card }) => {
        const known = book.get(who.address);
        const next = taken(book, known ?? blank(who.address, nowMs), who, card);
        const isNew = known === undefined || known.state === 'removed';
        const isSame = !isNew && next.name === known.name && next.note === known.note;
        report[isNew ? 'added' : isSame ? 'unchanged' : 'completed'] += 1;
        return isSame ? [] : [next];
      }),
    );
  }
  return { ...report, skipped: parsed.value.length - list.length };
}

/** The contact with what the card adds; what the user wrote before stays. */
function taken(book: ContactBook, known: Contact, who: ParsedAddress, card: VCard): Contact {
  const isFresh = known.state === 'removed' || known.name === '';
  const given = cleanLine(card.name).slice(0, MAX_NAME_LENGTH);
  const isAddress = parseMailAddress(given).ok;
  const name = isFresh && !isAddress ? book.freeName(given, known.address) : known.name;
  const note = known.note ?? card.note?.slice(0, MAX_NOTE);
  return {
    ...known,
    name,
    state: known.state === 'removed' ? 'accepted' : known.state,
    ...(note === undefined || note === '' ? {} : { note }),
    ...(who.subAddress === undefined ? {} : { writeBy: known.writeBy ?? who.subAddress }),
  };
}

/** The first address of this network: IMPP before EMAIL. */
function addressOfCard({ network }: Account, card: VCard): ParsedAddress | undefined {
  for (const text of card.impps) {
    const link = parseLink(text);
    if (link.ok && link.value.network === network) return link.value;
  }
  for (const text of card.emails) {
    const parsed = parseMailAddress(text, network);
    if (parsed.ok) return parsed.value;
  }
  return undefined;
}

function cleanLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, ' ').trim();
}
