/**
 * Whom the user means: an address, its e-mail form, a `tangle:` link, or the name of a contact.
 * Before: client.ts; after: mail core, identity.
 */
import type { MailAddress, ParsedAddress } from '@tanglemail/mail/core/identity/address.ts';
import { parseMailAddress } from '@tanglemail/mail/core/identity/address.ts';
import { parseLink, type TangleLink } from '@tanglemail/mail/core/identity/link.ts';
import type { Account } from '../account/account.ts';
import { ClientError } from '../client-error.ts';
import { type ContactBook, withoutKeyChange } from '../contacts/contact-book.ts';

const ADDRESS_LIKE = /^tmt?1|@/i;

/** Reads an address of this network. Throws `address-invalid` with what is wrong. */
export function readAddress(account: Account, text: string): MailAddress {
  return readFullAddress(account, text).address;
}

/** The same with the sub-address that stands behind a "+". */
export function readFullAddress(account: Account, text: string): ParsedAddress {
  const parsed = parseMailAddress(text, account.network);
  if (parsed.ok) return parsed.value;
  throw new ClientError('address-invalid', describe(parsed.code, parsed.detail));
}

/** Reads a link of this network. Throws `link-invalid` with what is wrong. */
export function readLink(account: Account, text: string): TangleLink {
  const parsed = parseLink(text);
  if (!parsed.ok) throw new ClientError('link-invalid', describe(parsed.code, parsed.detail));
  if (parsed.value.network === account.network) return parsed.value;
  throw new ClientError('link-invalid', 'it belongs to another network');
}

/** Whom a mail goes to. */
export interface Recipient {
  readonly address: MailAddress;
  /** When the user named a sub-address. */
  readonly subAddress?: string;
}

/** The account that `text` names. Throws `recipient-unknown`, `address-invalid`, `link-invalid`. */
export function readRecipient(account: Account, contacts: ContactBook, text: string): Recipient {
  const trimmed = text.trim();
  if (/^tangle:/i.test(trimmed)) return readLink(account, trimmed);
  const contact = contacts.byName(trimmed);
  if (contact !== undefined) return { address: contact.address };
  // A contact's name is also a local part: `bob@tangle.alt`.
  const local = /^([^@]+)@tangle\.alt$/i.exec(trimmed)?.[1];
  const byLocal = local === undefined ? undefined : contacts.byName(local);
  if (byLocal !== undefined) return { address: byLocal.address };
  if (ADDRESS_LIKE.test(trimmed)) return readFullAddress(account, trimmed);
  throw new ClientError('recipient-unknown', trimmed.slice(0, 64));
}

/**
 * Refuses (`key-changed`) when a recipient shows other keys than before, unless the user says that
 * they are right: then that is remembered.
 */
export async function checkKeyChanges(
  contacts: ContactBook,
  recipients: readonly Recipient[],
  isAccepted: boolean,
): Promise<void> {
  for (const { address } of recipients) {
    const contact = contacts.get(address);
    if (contact?.keyChange === undefined) continue;
    if (!isAccepted) throw new ClientError('key-changed', contact.name || undefined);
    await contacts.change(address, (known) => known && withoutKeyChange(known));
  }
}

function describe(code: string, detail: string | undefined): string {
  return detail === undefined ? code : `${code}, ${detail}`;
}
