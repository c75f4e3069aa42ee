/**
 * The people routes of the local API. Before: contact-commands.ts and its neighbours; next:
 * daemon-link.ts. Spec: docs/spec/41-client-api.md, section 26.
 */
import type { AddressWithQrDto, ContactDto } from '../api/dto.ts';
import type * as dto from '../api/people-dto.ts';
import type { ContactAction } from '../api/people-service.ts';
import { ClientError } from '../client-error.ts';
import type { DaemonClient } from './daemon-client.ts';
import { type DaemonLink, SLOW_MS } from './daemon-link.ts';
import { counted } from './text.ts';

const part = (text: string): string => encodeURIComponent(text);
const SLOW = { timeoutMs: SLOW_MS } as const;

export class PeopleCalls {
  readonly #link: DaemonLink;

  constructor(daemon: DaemonClient) {
    this.#link = daemon.link;
  }

  settings(): Promise<dto.SettingsDto> {
    return this.#link.json('settings');
  }

  changeSettings(json: dto.ChangeSettingsDto): Promise<dto.SettingsDto> {
    return this.#link.json('settings', { method: 'PATCH', json });
  }

  address(subAddress: string): Promise<AddressWithQrDto> {
    return this.#link.json(`address?sub=${part(subAddress)}`);
  }

  subAddresses(): Promise<dto.SubAddressDto[]> {
    return this.#link.json('addresses');
  }

  addSubAddress(json: dto.AddSubAddressDto): Promise<dto.SubAddressDto> {
    return this.#link.json('addresses', { method: 'POST', json });
  }

  changeSubAddress(label: string, json: dto.ChangeSubAddressDto): Promise<dto.SubAddressDto> {
    return this.#link.json(`addresses/${part(label)}`, { method: 'PATCH', json });
  }

  revokeSubAddress(label: string, isBlocking: boolean): Promise<dto.RevokedDto> {
    const path = `addresses/${part(label)}?block=${isBlocking}`;
    return this.#link.json(path, { method: 'DELETE', ...SLOW });
  }

  requests(): Promise<dto.RequestDto[]> {
    return this.#link.json('requests');
  }

  acceptRequest(address: string, json: dto.AcceptRequestDto): Promise<ContactDto> {
    return this.#link.json(`requests/${part(address)}/accept`, { method: 'POST', json, ...SLOW });
  }

  contact(address: string): Promise<dto.ContactDetailDto> {
    return this.#link.json(`contacts/${part(address)}`);
  }

  editContact(address: string, json: dto.EditContactDto): Promise<ContactDto> {
    return this.#link.json(`contacts/${part(address)}`, { method: 'PATCH', json });
  }

  async decide(address: string, action: ContactAction): Promise<void> {
    await this.#link.send(`contacts/${part(address)}/${action}`, { method: 'POST', ...SLOW });
  }

  verify(address: string, json: dto.VerifyDto): Promise<ContactDto> {
    return this.#link.json(`contacts/${part(address)}/verify`, { method: 'POST', json, ...SLOW });
  }

  invites(): Promise<dto.ListedInviteDto[]> {
    return this.#link.json('invites');
  }

  async revokeInvite(id: string): Promise<void> {
    await this.#link.send(`invites/${part(id)}`, { method: 'DELETE', ...SLOW });
  }

  exportContacts(): Promise<dto.VcardsDto> {
    return this.#link.json('vcards');
  }

  importContacts(json: dto.VcardsDto): Promise<dto.ImportReportDto> {
    return this.#link.json('vcards', { method: 'POST', json, ...SLOW });
  }
}

/** The contact with this address, e-mail address or name. */
export async function findContact(daemon: DaemonClient, text: string): Promise<ContactDto> {
  const wanted = text.trim().toLowerCase();
  const found = (await daemon.contacts()).filter((one) =>
    [one.address, one.email, one.name.toLowerCase()].includes(wanted),
  );
  const [contact] = found;
  if (contact === undefined) throw new ClientError('contact-unknown', text);
  if (found.length > 1) {
    throw new ClientError('contact-unknown', `${counted(found.length, 'contact')} have this name`);
  }
  return contact;
}

/** The address that a text is, or that the contact of this name has. */
export async function findAddress(daemon: DaemonClient, text: string): Promise<string> {
  return /^tmt?1/i.test(text.trim()) ? text.trim() : (await findContact(daemon, text)).address;
}
