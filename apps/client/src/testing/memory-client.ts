/**
 * A client without tangle and disk that keeps real state, so that API and command line are tested
 * against something that remembers: what is sent lies in the outbox and in Sent, what is paid is
 * gone from the balance, what does not exist is not found.
 */
import { randomBytes } from 'node:crypto';
import type {
  AddContactDto,
  ClientEventDto,
  ContactDto,
  MessageDto,
  MessagesQueryDto,
  MessageSummaryDto,
  OfferDto,
  OutboxItemDto,
  PageQueryDto,
  QueuedMessageDto,
  RentalDto,
  RentRequestDto,
  SendMessageDto,
  SendTokensDto,
  SetFlagsDto,
  SyncReportDto,
  WalletLineDto,
} from '../api/dto.ts';
import type { AttachmentContent, ClientService, HtmlBody } from '../api/service.ts';
import { ClientError } from '../client-error.ts';
import { configOf } from '../config/schema.ts';
import { configurationView } from '../service/configuration-view.ts';

const ADDRESS = 'tmt1qmemory';
const FOLDERS = ['INBOX', 'Requests', 'Sent', 'Drafts', 'Archive', 'Junk', 'Trash'];
/** The storage deposit that no output may stay below. */
const LEAST_AMOUNT = 1_000n;

const id32 = (): string => randomBytes(32).toString('hex');

interface StoredMail {
  readonly raw: Uint8Array;
  readonly attachments: readonly AttachmentContent[];
  message: MessageDto;
}

export class MemoryClient implements ClientService {
  /** Set: the next call of a service method throws it. */
  failure: Error | undefined;
  balance = 5_000_000n;
  readonly mails = new Map<string, StoredMail>();
  readonly items: OutboxItemDto[] = [];
  readonly people = new Map<string, ContactDto>();
  readonly lines: WalletLineDto[] = [];
  readonly offers: OfferDto[] = [offer('aa'.repeat(32), 12_000), offer('bb'.repeat(32), 34_000)];
  readonly rentals: RentalDto[] = [];
  readonly #listeners = new Set<(event: ClientEventDto) => void>();
  #uid = 0;
  #synced: { at: number; fetched: number } | null = null;

  #enter(): void {
    const { failure } = this;
    this.failure = undefined;
    if (failure !== undefined) throw failure;
  }

  async configuration() {
    this.#enter();
    return configurationView(configOf({}));
  }

  async status() {
    this.#enter();
    const inbox = [...this.mails.values()].filter(({ message }) => message.folder === 'INBOX');
    return {
      version: '0.1.0',
      address: ADDRESS,
      email: `${ADDRESS}@tangle.alt`,
      account: { index: 0 },
      node: {
        url: 'http://127.0.0.1:14265',
        reachable: true,
        networkName: 'dev-memory',
        latestMilestone: { index: 42, timestampMs: 1_800_000_000_000 },
      },
      descriptor: { sequence: '1', state: 'confirmed' as const, milestoneIndex: 41 },
      wallet: { balance: `${this.balance}`, address: 'twt1qmemory' },
      providers: this.rentals.length,
      outbox: { queued: this.items.filter((one) => one.state === 'queued').length, failed: 0 },
      inbox: {
        total: inbox.length,
        unread: inbox.filter(({ message }) => !message.flags.includes('\\Seen')).length,
      },
      lastSync: this.#synced,
    };
  }

  async address() {
    this.#enter();
    return { address: ADDRESS, email: `${ADDRESS}@tangle.alt`, link: `tangle:${ADDRESS}` };
  }

  async createInvite({ name }: { name?: string | undefined }) {
    this.#enter();
    const secret = randomBytes(32).toString('base64url');
    const link = `tangle:${ADDRESS}?${name ? `name=${name}&` : ''}invite=${secret}`;
    return { link, id: id32(), expiresAtMs: 1_802_592_000_000 };
  }

  async contacts() {
    this.#enter();
    return [...this.people.values()].toSorted((a, b) => a.name.localeCompare(b.name));
  }

  async addContact({ link, address, name }: AddContactDto): Promise<ContactDto> {
    this.#enter();
    const text = (link ?? address ?? '').replace(/^tangle:/, '').replace(/\?.*$/, '');
    if (!text.startsWith('tmt1')) throw new ClientError('address-invalid', 'address-prefix');
    if (text === ADDRESS) throw new ClientError('contact-is-self');
    const contact: ContactDto = {
      address: text,
      email: `${text}@tangle.alt`,
      name: name ?? '',
      state: 'accepted',
      addedAtMs: 1_800_000_000_000,
      knowsUs: false,
    };
    this.people.set(text, contact);
    return contact;
  }

  async removeContact(address: string): Promise<void> {
    this.#enter();
    if (!this.people.delete(address)) throw new ClientError('contact-unknown', address);
  }

  async sendMessage(message: SendMessageDto): Promise<QueuedMessageDto> {
    this.#enter();
    const head = `Subject: ${message.subject}\r\nMessage-ID: <${id32()}@tangle.alt>\r\n\r\n`;
    const attachments = (message.attachments ?? []).map((one) => ({
      filename: one.filename,
      contentType: one.contentType ?? 'application/octet-stream',
      content: new Uint8Array(Buffer.from(one.contentBase64, 'base64')),
    }));
    const raw = new TextEncoder().encode(head + message.text);
    return this.#queue(raw, message.to, message.subject, attachments);
  }

  async sendRawMessage(raw: Uint8Array, to: readonly string[]): Promise<QueuedMessageDto> {
    this.#enter();
    const subject = /^Subject: (.*)$/m.exec(new TextDecoder().decode(raw))?.[1];
    if (subject === undefined) throw new ClientError('message-malformed', 'message-header-missing');
    return this.#queue(raw, to, subject.trim(), []);
  }

  #queue(
    raw: Uint8Array,
    to: readonly string[],
    subject: string,
    attachments: readonly AttachmentContent[],
  ): QueuedMessageDto {
    if (raw.length > 24_000) throw new ClientError('message-too-large', `${raw.length} bytes`);
    const addresses = to.map((one) => this.#resolve(one));
    const messageId = `<${id32()}@tangle.alt>`;
    const recipients = addresses.map((address) => {
      const item = outboxItem(`${this.items.length + 1}`, messageId, address, subject);
      this.items.push(item);
      this.#emit({ topic: 'outbox', data: eventOf(item) });
      return { address: address.address, outboxId: item.id };
    });
    this.deliver('Sent', raw, attachments, { subject, address: ADDRESS });
    return { id: messageId, recipients };
  }

  #resolve(text: string): { address: string; name: string } {
    const named = [...this.people.values()].filter((one) => one.name === text);
    const [contact] = named;
    if (named.length === 1 && contact !== undefined) return contact;
    if (!text.startsWith('tmt1')) throw new ClientError('recipient-unknown', text);
    return { address: text, name: this.people.get(text)?.name ?? '' };
  }

  /** Moves a mail of the outbox on, as the tangle and the providers would. */
  advance(id: string, change: Partial<OutboxItemDto>): void {
    const at = this.items.findIndex((one) => one.id === id);
    const item = { ...(this.items[at] as OutboxItemDto), ...change };
    item.history = [...item.history, { state: item.state, atMs: 1_800_000_000_000 + at }];
    this.items[at] = item;
    this.#emit({ topic: 'outbox', data: eventOf(item) });
  }

  async outbox({ limit, before }: PageQueryDto) {
    this.#enter();
    return pageOf(this.items.toReversed(), limit, before);
  }

  async outboxItem(id: string): Promise<OutboxItemDto> {
    this.#enter();
    const item = this.items.find((one) => one.id === id);
    if (item === undefined) throw new ClientError('outbox-unknown', id);
    return item;
  }

  /** Puts a message into a folder, as a sync would. */
  deliver(
    folder: string,
    raw: Uint8Array,
    attachments: readonly AttachmentContent[],
    facts: { subject: string; address: string; name?: string; text?: string; html?: string },
  ): MessageDto {
    this.#uid += 1;
    const message: MessageDto = {
      id: `${folder}.${this.#uid}`,
      uid: this.#uid,
      folder,
      from: { address: facts.address, name: facts.name ?? '', verified: true },
      to: ADDRESS,
      subject: facts.subject,
      dateMs: 1_800_000_000_000 + this.#uid,
      sizeBytes: raw.length,
      flags: [],
      hasAttachments: attachments.length > 0,
      messageId: `<${id32()}@tangle.alt>`,
      text: facts.text ?? new TextDecoder().decode(raw).split('\r\n\r\n').slice(1).join('\r\n\r\n'),
      ...(facts.html === undefined ? {} : { html: facts.html }),
      attachments: attachments.map(({ filename, contentType, content }, index) => ({
        index,
        filename,
        contentType,
        sizeBytes: content.length,
      })),
      headers: [{ name: 'Subject', value: facts.subject }],
      verified: { senderAddress: facts.address, how: 'seal' },
    };
    this.mails.set(message.id, { raw, attachments, message });
    this.#emit({ topic: 'inbox', data: { id: message.id, folder, uid: message.uid } });
    return message;
  }

  async folders() {
    this.#enter();
    return FOLDERS.map((name) => {
      const mails = [...this.mails.values()].filter(({ message }) => message.folder === name);
      const unread = mails.filter(({ message }) => !message.flags.includes('\\Seen')).length;
      const uidNext = this.#uid + 1;
      return {
        id: name,
        name,
        isStandard: true,
        total: mails.length,
        unread,
        uidValidity: 1,
        uidNext,
      };
    });
  }

  async messages(query: MessagesQueryDto): Promise<MessageSummaryDto[]> {
    const { folder, limit, before, offset = 0 } = query;
    this.#enter();
    if (!FOLDERS.includes(folder)) throw new ClientError('folder-unknown', folder);
    const all = [...this.mails.values()].map((one) => one.message);
    const inside = all.filter((one) => one.folder === folder).toReversed();
    return pageOf(inside, offset + limit, before).slice(offset);
  }

  #mail(id: string): StoredMail {
    const mail = this.mails.get(id);
    if (mail === undefined) throw new ClientError('message-unknown', id);
    return mail;
  }

  async message(id: string): Promise<MessageDto> {
    this.#enter();
    return this.#mail(id).message;
  }

  async rawMessage(id: string): Promise<Uint8Array> {
    this.#enter();
    return this.#mail(id).raw;
  }

  async htmlBody(id: string): Promise<HtmlBody> {
    this.#enter();
    return { html: this.#mail(id).message.html ?? '', images: new Map() };
  }

  async attachment(id: string, index: number): Promise<AttachmentContent> {
    this.#enter();
    const attachment = this.#mail(id).attachments[index];
    if (attachment === undefined) throw new ClientError('attachment-unknown', `${index}`);
    return attachment;
  }

  async setFlags(id: string, { flags, change }: SetFlagsDto): Promise<MessageSummaryDto> {
    this.#enter();
    const mail = this.#mail(id);
    const now = new Set(change === 'set' ? [] : mail.message.flags);
    for (const flag of flags) {
      if (change === 'remove') now.delete(flag);
      else now.add(flag);
    }
    mail.message = { ...mail.message, flags: [...now] };
    return mail.message;
  }

  async sync(): Promise<SyncReportDto> {
    this.#enter();
    this.#synced = { at: 1_800_000_000_500, fetched: 0 };
    return { fetched: 0, cost: '0', held: 0, errors: [] };
  }

  async wallet() {
    this.#enter();
    const asOf = { index: 42, timestampMs: 1_800_000_000_000 };
    return { balance: `${this.balance}`, address: 'twt1qmemory', asOf, pending: '0' };
  }

  async sendTokens({ to, amount }: SendTokensDto) {
    this.#enter();
    if (!/^(twt1|[0-9a-f]{64}$)/.test(to)) throw new ClientError('address-invalid', 'twt1…');
    const units = BigInt(amount);
    if (units < LEAST_AMOUNT) throw new ClientError('deposit-too-small', `${units}`);
    if (units > this.balance) throw new ClientError('insufficient-funds', `${units}`);
    this.balance -= units;
    const transactionId = id32();
    const id = `${this.lines.length + 1}`;
    this.lines.push({ id, atMs: 1, kind: 'sent', amount, detail: to, transactionId });
    this.#emit({ topic: 'wallet', data: { balance: `${this.balance}` } });
    return { transactionId, blockId: id32() };
  }

  async walletHistory({ limit, before }: PageQueryDto) {
    this.#enter();
    return pageOf(this.lines.toReversed(), limit, before);
  }

  async providers() {
    this.#enter();
    return this.offers;
  }

  async rentedProviders() {
    this.#enter();
    return this.rentals;
  }

  async rentProvider({ bondId, deposit, credit }: RentRequestDto) {
    this.#enter();
    const chosen = this.offers.find((one) => bondId === undefined || one.bondId === bondId);
    if (chosen === undefined) throw new ClientError('provider-unknown', bondId);
    if (this.rentals.some((one) => one.bondId === chosen.bondId)) {
      throw new ClientError('already-rented');
    }
    const balance = credit ?? '100000';
    const channelId = id32().padEnd(68, '0');
    const rental: RentalDto = {
      bondId: chosen.bondId,
      endpoint: chosen.endpoint,
      mailboxId: id32(),
      balance,
      retentionDays: 30,
      isActive: true,
      channel: {
        channelId,
        amount: deposit ?? '1000000',
        signed: balance,
        expiry: 1_900_000_000,
        state: 'open',
      },
      storedObjects: 0,
      audits: { ok: 0, failed: 0 },
      fetchesFailed: 0,
      tagsRegistered: 4,
      lastSyncAt: 0,
    };
    this.rentals.push(rental);
    return { bondId: chosen.bondId, mailboxId: rental.mailboxId, channelId, balance };
  }

  async closeProvider(bondId: string) {
    this.#enter();
    const at = this.rentals.findIndex((one) => one.bondId === bondId);
    if (at < 0) throw new ClientError('rental-unknown', bondId);
    this.rentals.splice(at, 1);
    return { state: 'closing' };
  }

  subscribe(listener: (event: ClientEventDto) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Listeners at present. */
  get listenerCount(): number {
    return this.#listeners.size;
  }

  #emit(event: ClientEventDto): void {
    for (const listener of this.#listeners) listener(event);
  }
}

function eventOf({ id, state, storedCount, providerCount }: OutboxItemDto) {
  return { id, state, storedCount, providerCount };
}

function pageOf<T extends { readonly id: string }>(
  newestFirst: readonly T[],
  limit: number,
  before: string | undefined,
): T[] {
  const from = before === undefined ? 0 : newestFirst.findIndex((one) => one.id === before) + 1;
  return newestFirst.slice(from, from + limit);
}

function outboxItem(
  id: string,
  messageId: string,
  to: { readonly address: string; readonly name: string },
  subject: string,
): OutboxItemDto {
  return {
    id,
    messageId,
    to: { address: to.address, name: to.name },
    subject,
    sizeBytes: 512,
    createdAtMs: 1_800_000_000_000,
    state: 'queued',
    providerCount: 1,
    storedCount: 0,
    heldCount: 0,
    proofChecked: false,
    isReducedSecrecy: false,
    isRegistered: false,
    wantsReceipt: false,
    canRecall: true,
    times: {},
    receipts: [],
    history: [{ state: 'queued', atMs: 1_800_000_000_000 }],
  };
}

function offer(bondId: string, price: number): OfferDto {
  return {
    bondId,
    endpoint: `https://${bondId.slice(0, 4)}.example`,
    seq: '7',
    prices: {
      rentPerMiBDay: 100,
      ingressPerMiB: 50,
      egressPerMiB: 50,
      perObject: 1,
      perRequest: 1,
      perPushDay: 10,
    },
    pricePerMonth: `${price}`,
    minChannel: '100000',
    minRetentionDays: 1,
    maxRetentionDays: 90,
    isBonded: false,
    validUntil: 1_900_000_000,
    confirmedIn: 40,
  };
}
