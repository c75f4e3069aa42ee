/**
 * Contacts, requests, sub-addresses, settings and invites behind the local API. Before: api/ and
 * the command line; after: contacts/. Spec: docs/spec/41-client-api.md, section 26.
 */
import { hexToBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import {
  formatAddress,
  formatEmail,
  type MailAddress,
} from '@tanglemail/mail/core/identity/address.ts';
import { formatLink, type TangleLink } from '@tanglemail/mail/core/identity/link.ts';
import { parseSafetyCode, safetyCode } from '@tanglemail/mail/core/identity/safety-number.ts';
import { addressText } from '../account/account.ts';
import type { ContactDto } from '../api/dto.ts';
import type * as dto from '../api/people-dto.ts';
import type { ContactAction, PeopleService } from '../api/people-service.ts';
import { ClientError } from '../client-error.ts';
import type { ClientParts } from '../client-parts.ts';
import { blank, forgotten, withoutKeyChange } from '../contacts/contact-book.ts';
import { exportContacts, importContacts } from '../contacts/vcard-exchange.ts';
import { isOpen, type ListedInvite } from '../contacts/invite-book.ts';
import { FOLDER } from '../messages/folder-name.ts';
import type { Contact } from '../store/collections.ts';
import type { SubAddressRecord } from '../store/people-collections.ts';
import { qrText } from '../qr-code.ts';
import { readAddress } from './recipients.ts';
import { contactView } from './views.ts';

export class LocalPeople implements PeopleService {
  readonly #parts: ClientParts;

  constructor(parts: ClientParts) {
    this.#parts = parts;
  }

  async settings(): Promise<dto.SettingsDto> {
    return this.#parts.ownSettings.get();
  }

  async changeSettings(change: dto.ChangeSettingsDto): Promise<dto.SettingsDto> {
    const given = Object.entries(change).filter(([, value]) => value !== undefined);
    return this.#parts.ownSettings.set(Object.fromEntries(given));
  }

  async subAddresses(): Promise<readonly dto.SubAddressDto[]> {
    return this.#parts.addresses.list().map((one) => this.#subAddressView(one));
  }

  async addSubAddress(request: dto.AddSubAddressDto): Promise<dto.SubAddressDto> {
    const { addresses } = this.#parts;
    return this.#subAddressView(await addresses.add(request.label, policyOf(request)));
  }

  async changeSubAddress(
    label: string,
    change: dto.ChangeSubAddressDto,
  ): Promise<dto.SubAddressDto> {
    const { addresses } = this.#parts;
    return this.#subAddressView(await addresses.setPolicy(label, policyOf(change)));
  }

  async revokeSubAddress(label: string, isBlocking: boolean): Promise<dto.RevokedDto> {
    const { addresses, contacts } = this.#parts;
    await addresses.revoke(label);
    const came = contacts.list().filter((one) => one.cameBy === label && one.state !== 'blocked');
    for (const { address } of isBlocking ? came : []) await this.#block(address);
    if (isBlocking) await this.#settle();
    const shown = came.map((one) => contactView(this.#parts, contacts.get(one.address) ?? one));
    return { label, contacts: shown, blocked: isBlocking ? came.length : 0 };
  }

  #subAddressView(record: SubAddressRecord): dto.SubAddressDto {
    const { account, book } = this.#parts;
    const { label, stampBits, contactsOnly, createdAtMs, revokedAtMs } = record;
    const providers = book.hints().map((one) => one.endpoint);
    const { address, network } = account;
    const link: TangleLink = { address, network, subAddress: label, providers };
    return {
      label,
      address: formatAddress(link),
      email: formatEmail(link),
      link: formatLink(link),
      stampBits,
      contactsOnly,
      createdAtMs,
      ...(revokedAtMs === undefined ? {} : { revokedAtMs }),
    };
  }

  async contact(text: string): Promise<dto.ContactDetailDto> {
    const { contacts } = this.#parts;
    const contact = this.#known(text);
    const keyHistory = contacts.keyHistory(contact.address);
    const view = { ...contactView(this.#parts, contact), keyHistory };
    if (view.safetyNumber === undefined) return view;
    const code = safetyCode(view.safetyNumber);
    return { ...view, safetyCode: code, safetyQr: qrText(code) };
  }

  async editContact(text: string, change: dto.EditContactDto): Promise<ContactDto> {
    const { contacts } = this.#parts;
    const { address } = this.#known(text);
    const { name, note } = change;
    await contacts.change(address, (known) => {
      if (known === undefined) throw new ClientError('contact-unknown');
      if (name !== undefined && contacts.isTaken(name, address)) {
        throw new ClientError('name-taken', name);
      }
      const { note: before, ...rest } = known;
      const kept = note ?? before ?? '';
      const named = name === undefined ? rest : { ...rest, name };
      return kept === '' ? named : { ...named, note: kept };
    });
    return this.#view(address);
  }

  async requests(): Promise<readonly dto.RequestDto[]> {
    const { contacts, messages } = this.#parts;
    const mails = messages.list(FOLDER.Requests, Number.MAX_SAFE_INTEGER);
    return contacts
      .list()
      .filter((one) => one.state === 'requested')
      .toSorted((a, b) => a.addedAtMs - b.addedAtMs)
      .map((one) => {
        const count = mails.filter(({ entry }) => entry.sender === one.address).length;
        return Object.assign(contactView(this.#parts, one), { mails: count });
      });
  }

  async acceptRequest(text: string, { name }: dto.AcceptRequestDto): Promise<ContactDto> {
    const { contacts } = this.#parts;
    const address = this.#read(text);
    await contacts.change(address, (known) => {
      if (known?.state !== 'requested') throw new ClientError('request-unknown');
      if (name !== undefined && contacts.isTaken(name, address)) {
        throw new ClientError('name-taken', name);
      }
      return {
        ...known,
        state: 'accepted',
        name: name ?? contacts.freeName(known.name, address),
      };
    });
    await this.#settle();
    return this.#view(address);
  }

  async decide(text: string, action: ContactAction): Promise<void> {
    const { contacts } = this.#parts;
    const address = this.#read(text);
    if (action === 'block') await this.#block(address);
    else if (action === 'reject') {
      await contacts.change(address, (known) => {
        if (known?.state !== 'requested') throw new ClientError('request-unknown');
        return forgotten(known);
      });
    } else if (action === 'unblock') {
      await contacts.change(address, (known) => {
        if (known?.state !== 'blocked') throw new ClientError('contact-unknown');
        return known.knowsUs ? { ...known, state: 'requested' } : forgotten(known);
      });
    } else {
      await contacts.change(address, (known) => {
        if (known === undefined) throw new ClientError('contact-unknown');
        return withoutKeyChange(known);
      });
    }
    await this.#settle();
  }

  async #block(address: MailAddress): Promise<void> {
    const { account, contacts, tangle } = this.#parts;
    if (address === account.address) throw new ClientError('contact-is-self');
    await contacts.change(address, (known) => ({
      ...(known ?? blank(address, tangle.clock.nowMs())),
      state: 'blocked',
    }));
  }

  /** Moves the mails of what was decided, and tells the providers whose tags to watch. */
  async #settle(): Promise<void> {
    const { requests, providerSync } = this.#parts;
    await requests.settle();
    await providerSync.watchTags();
  }

  async verify(text: string, proof: dto.VerifyDto): Promise<ContactDto> {
    const { contacts, resolver, safetyNumbers, tangle } = this.#parts;
    const { address } = this.#known(text);
    const atMs = tangle.clock.nowMs();
    // The mark shall hold for the keys of now, not for those of an old letter.
    const descriptor = await resolver.resolve(address).catch(() => resolver.cached(address));
    if (descriptor !== undefined) await contacts.learnKeys(address, descriptor, atMs);
    const digits = proof.code === undefined ? digitsOf(proof.number) : parseSafetyCode(proof.code);
    await contacts.change(address, (known) => {
      const { accountKey, identityKey } = known ?? {};
      if (known === undefined || accountKey === undefined || identityKey === undefined) {
        throw new ClientError('contact-keys-unknown');
      }
      const number = safetyNumbers.of(accountKey);
      if (digits !== digitsOf(number)) throw new ClientError('safety-number-wrong');
      return { ...withoutKeyChange(known), verified: { atMs, identityKey } };
    });
    return this.#view(address);
  }

  async invites(): Promise<readonly dto.ListedInviteDto[]> {
    return this.#parts.contacts.invites.list().map((one) => this.#inviteView(one));
  }

  async revokeInvite(id: string): Promise<void> {
    const { contacts, tangle, providerSync } = this.#parts;
    await contacts.invites.revoke(id, tangle.clock.nowMs());
    await providerSync.watchTags();
  }

  #inviteView(invite: ListedInvite): dto.ListedInviteDto {
    const { account, book, tangle } = this.#parts;
    const { id, name, createdAtMs, expiresAtMs, usedBy } = invite;
    const isLive = isOpen(invite, tangle.clock.nowMs());
    const ended = invite.revokedAtMs === undefined ? 'expired' : 'revoked';
    const { address, network } = account;
    const providers = book.hints().map((one) => one.endpoint);
    const link = { address, network, providers, invite: hexToBytes(invite.secret) };
    return {
      id,
      name,
      createdAtMs,
      expiresAtMs,
      state: isLive ? (usedBy === undefined ? 'open' : 'used') : ended,
      ...(usedBy === undefined ? {} : { usedBy: addressText(account, usedBy) }),
      ...(isLive && usedBy === undefined ? { link: formatLink(link) } : {}),
    };
  }

  async exportContacts(): Promise<dto.VcardsDto> {
    const { account, contacts } = this.#parts;
    return { vcard: exportContacts(account, contacts) };
  }

  async importContacts({ vcard }: dto.VcardsDto): Promise<dto.ImportReportDto> {
    const { account, contacts, tangle } = this.#parts;
    const report = await importContacts(account, contacts, vcard, tangle.clock.nowMs());
    await this.#settle();
    return report;
  }

  #read(text: string): MailAddress {
    return readAddress(this.#parts.account, text);
  }

  /** A contact that is shown. Throws `contact-unknown`. */
  #known(text: string): Contact {
    const contact = this.#parts.contacts.get(this.#read(text));
    if (contact !== undefined && contact.state !== 'removed') return contact;
    throw new ClientError('contact-unknown');
  }

  #view(address: MailAddress): ContactDto {
    const contact = this.#parts.contacts.get(address);
    if (contact === undefined) throw new ClientError('contact-unknown');
    return contactView(this.#parts, contact);
  }
}

function digitsOf(text = ''): string {
  return text.replaceAll(/\D/g, '');
}

function policyOf({ stampBits, contactsOnly }: dto.ChangeSubAddressDto): {
  stampBits?: number;
  contactsOnly?: boolean;
} {
  return {
    ...(stampBits === undefined ? {} : { stampBits }),
    ...(contactsOnly === undefined ? {} : { contactsOnly }),
  };
}
