/**
 * What the people routes need of the client: one method a route; errors as in service.ts. An
 * `address` is any form of text that names an account.
 */
import type { ContactDto } from './dto.ts';
import type {
  AcceptRequestDto,
  AddSubAddressDto,
  ChangeSettingsDto,
  ChangeSubAddressDto,
  ContactDetailDto,
  EditContactDto,
  ImportReportDto,
  ListedInviteDto,
  RequestDto,
  RevokedDto,
  SettingsDto,
  SubAddressDto,
  VcardsDto,
  VerifyDto,
} from './people-dto.ts';

/** What a person can decide about an address. */
export const CONTACT_ACTIONS = ['reject', 'block', 'unblock', 'accept-keys'] as const;
export type ContactAction = (typeof CONTACT_ACTIONS)[number];

export interface PeopleService {
  settings(): Promise<SettingsDto>;
  changeSettings(change: ChangeSettingsDto): Promise<SettingsDto>;

  /** Also the revoked ones, by label. */
  subAddresses(): Promise<readonly SubAddressDto[]>;
  /** `sub-address-invalid`, `sub-address-exists`, `sub-addresses-too-many`. */
  addSubAddress(request: AddSubAddressDto): Promise<SubAddressDto>;
  /** `sub-address-unknown`. */
  changeSubAddress(label: string, change: ChangeSubAddressDto): Promise<SubAddressDto>;
  /** With `isBlocking` whoever came by it is blocked. `sub-address-unknown`. */
  revokeSubAddress(label: string, isBlocking: boolean): Promise<RevokedDto>;

  /** `contact-unknown`. */
  contact(address: string): Promise<ContactDetailDto>;
  /** `contact-unknown`, `name-taken`. */
  editContact(address: string, change: EditContactDto): Promise<ContactDto>;
  /** Who asks, the newest last. */
  requests(): Promise<readonly RequestDto[]>;
  /** Its mails go to INBOX. `request-unknown`, `name-taken`. */
  acceptRequest(address: string, request: AcceptRequestDto): Promise<ContactDto>;
  /** `request-unknown`, `contact-unknown`, `contact-is-self`. */
  decide(address: string, action: ContactAction): Promise<void>;
  /** `contact-unknown`, `contact-keys-unknown`, `safety-number-wrong`. */
  verify(address: string, proof: VerifyDto): Promise<ContactDto>;

  /** The newest first. */
  invites(): Promise<readonly ListedInviteDto[]>;
  /** `invite-unknown`. */
  revokeInvite(id: string): Promise<void>;

  exportContacts(): Promise<VcardsDto>;
  /** `vcard-malformed`. */
  importContacts(request: VcardsDto): Promise<ImportReportDto>;
}
