/**
 * What the local API and the command line need of the client: one method a route. client.ts has
 * it; api/ turns HTTP into calls of it. Every method may throw ClientError; anything else that is
 * thrown is a mistake of ours and becomes `internal`. Spec: docs/spec/41-client-api.md.
 */
import type { BackupService } from './backup-service.ts';
import type { BridgeService } from './bridge-service.ts';
import type { OutboxService } from './outbox-service.ts';
import type { ChatService } from './chat-service.ts';
import type { ConfigurationDto } from './configuration-dto.ts';
import type { DevicesService } from './devices-service.ts';
import type {
  AddContactDto,
  AddressDto,
  ClientEventDto,
  ClosedDto,
  ContactDto,
  FolderDto,
  InviteDto,
  InviteRequestDto,
  MessageDto,
  MessagesQueryDto,
  MessageSummaryDto,
  OfferDto,
  OutboxItemDto,
  PageQueryDto,
  QueuedMessageDto,
  RentalDto,
  RentedDto,
  RentRequestDto,
  SendChoicesDto,
  SendMessageDto,
  SendTokensDto,
  SentTokensDto,
  SetFlagsDto,
  StatusDto,
  SyncReportDto,
  WalletDto,
  WalletLineDto,
} from './dto.ts';
import type { MailboxService } from './mailbox-service.ts';
import type { FilterService } from './filter-service.ts';
import type { HookService } from './hook-service.ts';
import type { ParcelsService } from './parcels-service.ts';

import type { PeopleService } from './people-service.ts';

/** The bytes of one attachment. */
export interface AttachmentContent {
  /** As the sender says, path separators removed; empty if it has no name. */
  readonly filename: string;
  readonly contentType: string;
  readonly content: Uint8Array;
}

/** The HTML of a message as its sender wrote it: untrusted. */
export interface HtmlBody {
  /** Empty for a message that has none. */
  readonly html: string;
  /** Pictures of the message itself by content id, without angle brackets. */
  readonly images: ReadonlyMap<string, Pick<AttachmentContent, 'contentType' | 'content'>>;
}

export interface ClientService {
  status(): Promise<StatusDto>;
  /** What the user chose in the configuration of the daemon. */
  configuration(): Promise<ConfigurationDto>;
  /** Of the account, or of one of its sub-addresses: `sub-address-unknown`. */
  address(subAddress?: string): Promise<AddressDto>;
  /** Makes a secret for one person and watches its tags from now on. */
  createInvite(request: InviteRequestDto): Promise<InviteDto>;

  /** By name. */
  contacts(): Promise<readonly ContactDto[]>;
  /** Adds, accepts or renames. `address-invalid`, `link-invalid`, `contact-is-self`. */
  addContact(request: AddContactDto): Promise<ContactDto>;
  /** `address` in any form of text. `contact-unknown`. */
  removeContact(address: string): Promise<void>;

  /**
   * Composes and queues; durable when it resolves. `recipient-unknown`, `descriptor-not-found`
   * where nothing has ever been published, `message-too-large`.
   */
  sendMessage(message: SendMessageDto): Promise<QueuedMessageDto>;
  /** Queues a message exactly as its bytes are, to `to` (at least one). `message-malformed` too. */
  sendRawMessage(
    raw: Uint8Array,
    to: readonly string[],
    choices?: SendChoicesDto,
  ): Promise<QueuedMessageDto>;
  /** Newest first. */
  outbox(query: PageQueryDto): Promise<readonly OutboxItemDto[]>;
  /** `outbox-unknown`. */
  outboxItem(id: string): Promise<OutboxItemDto>;

  folders(): Promise<readonly FolderDto[]>;
  /** Newest first. `folder-unknown`. */
  messages(query: MessagesQueryDto): Promise<readonly MessageSummaryDto[]>;
  /** `message-unknown`. */
  message(id: string): Promise<MessageDto>;
  /** The message's bytes exactly as they came. `message-unknown`. */
  rawMessage(id: string): Promise<Uint8Array>;
  /** `message-unknown`. */
  htmlBody(id: string): Promise<HtmlBody>;
  /** `message-unknown`, `attachment-unknown`. */
  attachment(id: string, index: number): Promise<AttachmentContent>;
  /** `message-unknown`. */
  setFlags(id: string, change: SetFlagsDto): Promise<MessageSummaryDto>;
  /** Fetches from every rented provider now. What failed at one is in the report. */
  sync(): Promise<SyncReportDto>;

  wallet(): Promise<WalletDto>;
  /**
   * Resolves when the transaction is in a block (confirmation is followed on). `address-invalid`,
   * `insufficient-funds`, `deposit-too-small`, `dust-change`, `node-unreachable` …
   */
  sendTokens(request: SendTokensDto): Promise<SentTokensDto>;
  /** Newest first. */
  walletHistory(query: PageQueryDto): Promise<readonly WalletLineDto[]>;

  /** Proven offers, cheapest first. */
  providers(): Promise<readonly OfferDto[]>;
  rentedProviders(): Promise<readonly RentalDto[]>;
  /** `provider-unknown`, `no-provider`, `already-rented`, `insufficient-funds` … */
  rentProvider(request: RentRequestDto): Promise<RentedDto>;
  /** `rental-unknown`, `channel-not-ready`, `provider-unreachable`. */
  closeProvider(bondId: string): Promise<ClosedDto>;

  /** Calls `listener` for each event until the returned function is called. Never throws at it. */
  subscribe(listener: (event: ClientEventDto) => void): () => void;
}

/** What the API calls, one service for each area; where one is absent, so are its routes. */
export interface ApiServices {
  readonly local: ClientService;
  readonly mailbox?: MailboxService;
  readonly people?: PeopleService;
  readonly filters?: FilterService;
  readonly hooks?: HookService;
  readonly backup?: BackupService;
  readonly outbox?: OutboxService;
  readonly chat?: ChatService;
  readonly parcels?: ParcelsService;
  readonly devices?: DevicesService;
  readonly bridge?: BridgeService;
}
