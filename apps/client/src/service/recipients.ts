/**
 * Whom the user means: an address, its e-mail form, a `tangle:` link, or the name of a contact.
 * Before: client.ts; after: mail core, identity.
 */
import type { MailAddress } from '@tanglemail/mail/core/identity/address.ts';
import { parseMailAddress } from '@tanglemail/mail/core/identity/address.ts';
import { parseLink, type TangleLink } from '@tanglemail/mail/core/identity/link.ts';
import type { Account } from '../account/account.ts';
import { ClientError } from '../client-error.ts';
import type { ContactBook } from '../contacts/contact-book.ts';

const ADDRESS_LIKE = /^tmt?1|@/i;

/** Reads an address of this network. Throws `address-invalid` with what is wrong. */
export function readAddress(account: Account, text: string): MailAddress {
  const parsed = parseMailAddress(text, account.network);
  if (parsed.ok) return parsed.value.address;
  throw new ClientError('address-invalid', describe(parsed.code, parsed.detail));
}

/** Reads a link of this network. Throws `link-invalid` with what is wrong. */
export function readLink(account: Account, text: string): TangleLink {
  const parsed = parseLink(text);
  if (!parsed.ok) throw new ClientError('link-invalid', describe(parsed.code, parsed.detail));
  if (parsed.value.network === account.network) return parsed.value;
  throw new ClientError('link-invalid', 'it belongs to another network');
}

/** The account that `text` names. Throws `recipient-unknown`, `address-invalid`, `link-invalid`. */
export function readRecipient(account: Account, contacts: ContactBook, text: string): MailAddress {
  const trimmed = text.trim();
  if (/^tangle:/i.test(trimmed)) return readLink(account, trimmed).address;
  const contact = contacts.byName(trimmed);
  if (contact !== undefined) return contact.address;
  // A contact's name is also a local part: `bob@tangle.alt`.
  const local = /^([^@]+)@tangle\.alt$/i.exec(trimmed)?.[1];
  const byLocal = local === undefined ? undefined : contacts.byName(local);
  if (byLocal !== undefined) return byLocal.address;
  if (ADDRESS_LIKE.test(trimmed)) return readAddress(account, trimmed);
  throw new ClientError('recipient-unknown', trimmed.slice(0, 64));
}

function describe(code: string, detail: string | undefined): string {
  return detail === undefined ? code : `${code}, ${detail}`;
}
