/**
 * Everything that the local API offers, each call turned into calls of the parts. Before: api/ and
 * the command line; after: client.ts's parts. Spec: docs/spec/41-client-api.md.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import { formatLink, type TangleLink } from '@tanglemail/mail/core/identity/link.ts';
import { checkMessage } from '@tanglemail/mail/core/message/check.ts';
import { maxMessageSize } from '@tanglemail/mail/core/envelope/seal.ts';
import { PADDED_SIZES } from '@tanglemail/mail/core/limits.ts';
import { type ComposeAttachment, composeMessage } from '@tanglemail/mail/io/compose.ts';
import { addressText, emailText } from '../account/account.ts';
import type * as dto from '../api/dto.ts';
import type { AttachmentContent, ClientService } from '../api/service.ts';
import { ClientError } from '../client-error.ts';
import type { ClientParts } from '../client-parts.ts';
import { messageIdOf } from '../inbox/letter-intake.ts';
import type { SyncResult } from '../inbox/provider-sync.ts';
import type { ListedMail } from '../messages/listed-mail.ts';
import { confirmedOffers } from '../rentals/offer-directory.ts';
import type { SealedBatch } from '../store/sealed-store.ts';
import { countTags } from '../tags/tag-book.ts';
import { VERSION } from '../version.ts';
import { explained } from './explained.ts';
import { readAddress, readLink, readRecipient } from './recipients.ts';
import {
  contactView,
  messageView,
  offerView,
  outboxView,
  rentalView,
  showOrEmpty,
  summaryView,
} from './views.ts';

type AttachmentInput = NonNullable<dto.SendMessageDto['attachments']>[number];

const INVITE_LENGTH = 32;
const MESSAGE_ID_LENGTH = 16;
/** Replicas of one mailbox: what a descriptor can name. */
const MAX_RENTALS = 3;
const MAX_MESSAGE = maxMessageSize(PADDED_SIZES.at(-1) ?? 0, false);

export class LocalService implements ClientService {
  readonly #parts: ClientParts;
  #syncing: Promise<dto.SyncReportDto> | undefined;
  #lastSync: dto.StatusDto['lastSync'] = null;

  constructor(parts: ClientParts) {
    this.#parts = parts;
  }

  async status(): Promise<dto.StatusDto> {
    const { account, secrets, config, genesis, publisher, wallet, book } = this.#parts;
    const latest = await this.#latestMilestone();
    const { sequence, state, milestoneIndex } = publisher.status();
    const inbox = this.#parts.messages.folders().find((one) => one.name === 'INBOX');
    return {
      version: VERSION,
      address: addressText(account),
      email: emailText(account),
      account: { index: secrets.accountIndex },
      node: {
        url: config.node.url,
        reachable: latest !== null,
        networkName: genesis.name,
        latestMilestone: latest,
      },
      descriptor: {
        sequence: `${sequence}`,
        state,
        ...(milestoneIndex === undefined ? {} : { milestoneIndex }),
      },
      wallet: wallet.summary(),
      providers: book.hints().length,
      outbox: this.#parts.outbox.counts(),
      inbox: { total: inbox?.total ?? 0, unread: inbox?.unread ?? 0 },
      lastSync: this.#lastSync,
    };
  }

  /** The newest milestone, its certificate checked; null when the node cannot be reached. */
  async #latestMilestone(): Promise<dto.MilestoneRefDto | null> {
    const { node, checker } = this.#parts.tangle;
    try {
      const { header } = await checker.milestone(await node.milestone('latest'));
      return { index: header.index, timestampMs: header.timestampMs };
    } catch {
      return null;
    }
  }

  async address(): Promise<dto.AddressDto> {
    const { account } = this.#parts;
    return {
      address: addressText(account),
      email: emailText(account),
      link: formatLink(this.#ownLink()),
    };
  }

  async createInvite(request: dto.InviteRequestDto): Promise<dto.InviteDto> {
    const { contacts, tangle } = this.#parts;
    const secret = tangle.random.bytes(INVITE_LENGTH);
    await contacts.invite(secret, request.name ?? '', tangle.clock.nowMs());
    // Its tags must be watched before the link is used.
    await this.#parts.providerSync.watchTags();
    return { link: formatLink({ ...this.#ownLink(), invite: secret }) };
  }

  #ownLink(): TangleLink {
    const { account, book } = this.#parts;
    const { address, network } = account;
    return { address, network, providers: book.hints().map((one) => one.endpoint) };
  }

  async contacts(): Promise<readonly dto.ContactDto[]> {
    const { account, contacts } = this.#parts;
    return contacts.list().map((one) => contactView(account, one));
  }

  async addContact(request: dto.AddContactDto): Promise<dto.ContactDto> {
    const { account, contacts, tangle, resolver } = this.#parts;
    const link =
      request.link === undefined
        ? { address: readAddress(account, request.address ?? '') }
        : readLink(account, request.link);
    const { address } = link;
    if (address === account.address) throw new ClientError('contact-is-self');
    const suggested = 'name' in link ? link.name : undefined;
    const name = request.name ?? suggested ?? contacts.get(address)?.name ?? '';
    const invite = 'invite' in link ? link.invite : undefined;
    const facts = { name, nowMs: tangle.clock.nowMs() };
    await contacts.add(address, invite === undefined ? facts : { ...facts, invite });
    // With the published keys, tags for mail from this contact can be watched at once.
    const descriptor = await resolver.resolve(address).catch(() => resolver.cached(address));
    if (descriptor !== undefined) await contacts.learnKeys(address, descriptor);
    await this.#parts.providerSync.watchTags();
    const added = contacts.get(address);
    if (added === undefined) throw new ClientError('contact-unknown');
    return contactView(account, added);
  }

  async removeContact(address: string): Promise<void> {
    const { account, contacts } = this.#parts;
    const removed = await contacts.remove(readAddress(account, address));
    if (!removed) throw new ClientError('contact-unknown');
  }

  async sendMessage(message: dto.SendMessageDto): Promise<dto.QueuedMessageDto> {
    const { account, contacts, tangle } = this.#parts;
    const recipients = message.to.map((text) => readRecipient(account, contacts, text));
    const id = bytesToHex(tangle.random.bytes(MESSAGE_ID_LENGTH));
    const raw = await explained(() =>
      composeMessage({
        from: emailText(account),
        to: recipients.map((address) => emailText(account, address)),
        subject: message.subject,
        text: message.text,
        attachments: (message.attachments ?? []).map(readAttachment),
        messageId: `<${id}@tangle.alt>`,
        dateMs: tangle.clock.nowMs(),
        ...(message.inReplyTo === undefined
          ? {}
          : { inReplyTo: message.inReplyTo, references: [message.inReplyTo] }),
      }),
    );
    return this.queue(raw, recipients);
  }

  async sendRawMessage(raw: Uint8Array, to: readonly string[]): Promise<dto.QueuedMessageDto> {
    const { account, contacts } = this.#parts;
    const recipients = to.map((text) => readRecipient(account, contacts, text));
    return this.queue(raw, recipients);
  }

  /**
   * The same bytes to each recipient once, a copy in Sent; all of it one synced write, with what
   * `alongside` puts into its batch: it gives what is to be done once that is written.
   */
  async queue(
    raw: Uint8Array,
    recipients: readonly ReturnType<typeof readRecipient>[],
    alongside: (batch: SealedBatch) => () => void = () => () => {},
  ): Promise<dto.QueuedMessageDto> {
    const { account, store, writes, messages, outbox, tangle } = this.#parts;
    const checked = checkMessage(raw, MAX_MESSAGE);
    if (!checked.ok) {
      const isLarge = checked.code === 'message-too-large';
      const detail = isLarge ? `${raw.length} bytes, at most ${MAX_MESSAGE} fit` : checked.code;
      throw new ClientError(isLarge ? 'message-too-large' : 'message-malformed', detail);
    }
    const { to, subject, attachments } = await showOrEmpty(raw);
    const messageId = messageIdOf(raw);
    const emailId = bytesToHex(sha256(raw));
    return writes.run(async () => {
      const batch = store.batch();
      const copy = messages.deliver(batch, {
        folder: 'Sent',
        raw,
        messageKey: `sent:${bytesToHex(tangle.random.bytes(MESSAGE_ID_LENGTH))}`,
        receivedAtMs: tangle.clock.nowMs(),
        flags: ['\\Seen'],
        isRegistered: false,
        hasAttachments: attachments.length > 0,
        fromName: '',
        to: to.map((one) => one.address).join(', '),
        subject,
        messageId,
      });
      const unique = [...new Set(recipients)];
      const accept = outbox.enqueue(batch, {
        recipients: unique,
        raw,
        emailId,
        messageId,
        subject,
      });
      const applyAlongside = alongside(batch);
      await batch.write();
      copy.apply();
      applyAlongside();
      const queued = accept().map((entry) => ({
        address: addressText(account, entry.to),
        outboxId: `${entry.id}`,
      }));
      return { id: messageId, recipients: queued };
    });
  }

  async outbox(query: dto.PageQueryDto): Promise<readonly dto.OutboxItemDto[]> {
    const { account, contacts, outbox } = this.#parts;
    const before = query.before === undefined ? undefined : Number(query.before);
    const entries = await outbox.list(query.limit, before);
    return entries.map((entry) => outboxView(account, contacts, entry, outbox.workOf(entry.id)));
  }

  async outboxItem(id: string): Promise<dto.OutboxItemDto> {
    const { account, contacts, outbox } = this.#parts;
    const entry = /^[0-9]{1,15}$/.test(id) ? outbox.get(Number(id)) : undefined;
    if (entry === undefined) throw new ClientError('outbox-unknown', id);
    return outboxView(account, contacts, entry, outbox.workOf(entry.id));
  }

  async folders(): Promise<readonly dto.FolderDto[]> {
    return this.#parts.messages.folders();
  }

  async messages(query: dto.MessagesQueryDto): Promise<readonly dto.MessageSummaryDto[]> {
    const { account, contacts, messages } = this.#parts;
    const folder = messages.findFolder(query.folder);
    if (folder === undefined) throw new ClientError('folder-unknown', query.folder);
    const before = query.before === undefined ? undefined : this.#mail(query.before).entry.uid;
    const listed = messages.list(folder.id, query.limit, before);
    return listed.map((mail) => summaryView(account, contacts, mail));
  }

  async message(id: string): Promise<dto.MessageDto> {
    const { account, contacts } = this.#parts;
    return messageView(account, contacts, this.#mail(id), await this.rawMessage(id));
  }

  async rawMessage(id: string): Promise<Uint8Array> {
    const raw = this.#parts.messages.raw(this.#mail(id).id);
    if (raw === undefined) throw new ClientError('message-unknown', id);
    return raw;
  }

  async attachment(id: string, index: number): Promise<AttachmentContent> {
    const { attachments } = await showOrEmpty(await this.rawMessage(id));
    const found = attachments[index];
    if (found === undefined) throw new ClientError('attachment-unknown', `${id} #${index}`);
    const { filename, contentType, content } = found;
    return { filename, contentType, content };
  }

  async setFlags(id: string, change: dto.SetFlagsDto): Promise<dto.MessageSummaryDto> {
    const { account, contacts, messages, store, writes } = this.#parts;
    await writes.run(async () => {
      const batch = store.batch();
      const changed = messages.flag(batch, this.#mail(id).id, change.change, change.flags);
      await batch.write();
      changed?.apply();
    });
    return summaryView(account, contacts, this.#mail(id));
  }

  #mail(id: string): ListedMail {
    const mail = this.#parts.messages.get(id);
    if (mail === undefined) throw new ClientError('message-unknown', id);
    return mail;
  }

  /** Fetches from every rented provider; calls that overlap share one pass. */
  async sync(): Promise<dto.SyncReportDto> {
    this.#syncing ??= this.#syncAll().finally(() => {
      this.#syncing = undefined;
    });
    return this.#syncing;
  }

  /** A pass that begins after the call: one that is under way may not see what has just changed. */
  async #syncAnew(): Promise<void> {
    await this.settle();
    await this.sync();
  }

  async #syncAll(): Promise<dto.SyncReportDto> {
    const { book, providerSync, tangle } = this.#parts;
    const report = { fetched: 0, held: 0, cost: 0n, errors: [] as dto.SyncReportDto['errors'] };
    for (const { bondId, isActive } of book.list()) {
      if (!isActive) continue;
      try {
        const result: SyncResult = await explained(() => providerSync.sync(bondId));
        report.fetched += result.fetched;
        report.held += result.held;
        report.cost += result.cost;
        const refused = result.errors.map((code) => ({ bondId, code, detail: '' }));
        report.errors.push(...refused);
      } catch (error) {
        const { code, message } =
          error instanceof ClientError ? error : new ClientError('internal');
        report.errors.push({ bondId, code, detail: message.slice(0, 512) });
      }
    }
    this.#lastSync = { at: tangle.clock.nowMs(), fetched: report.fetched };
    return { ...report, cost: `${report.cost > 0n ? report.cost : 0n}` };
  }

  /** Resolves when no synchronisation is under way. Never throws. */
  async settle(): Promise<void> {
    await this.#syncing?.catch(() => undefined);
  }

  async wallet(): Promise<dto.WalletDto> {
    return explained(() => this.#parts.wallet.view());
  }

  async sendTokens(request: dto.SendTokensDto): Promise<dto.SentTokensDto> {
    return explained(() => this.#parts.wallet.send(request));
  }

  async walletHistory(query: dto.PageQueryDto): Promise<readonly dto.WalletLineDto[]> {
    return this.#parts.wallet.history(query);
  }

  async providers(): Promise<readonly dto.OfferDto[]> {
    const offers = await explained(() => confirmedOffers(this.#parts.tangle));
    const views = offers.map((one) => offerView(one));
    return views.toSorted((a, b) => (BigInt(a.pricePerMonth) < BigInt(b.pricePerMonth) ? -1 : 1));
  }

  async rentedProviders(): Promise<readonly dto.RentalDto[]> {
    const { book } = this.#parts;
    return book.list().map((one) => rentalView(book, one, countTags(one.registered)));
  }

  async rentProvider(request: dto.RentRequestDto): Promise<dto.RentedDto> {
    const { book, renter, publisher } = this.#parts;
    const known = request.bondId === undefined ? undefined : book.get(request.bondId);
    const isWanted = known?.isActive === true && !known.isEnded;
    if (isWanted && book.openChannel(known) !== undefined) throw new ClientError('already-rented');
    if (!isWanted && book.wanted().length >= MAX_RENTALS) throw new ClientError('rentals-too-many');
    const { bondId, deposit, credit } = request;
    const rental = await explained(() =>
      renter.rent({
        ...(bondId === undefined ? {} : { bondId }),
        ...(deposit === undefined ? {} : { deposit: BigInt(deposit) }),
        ...(credit === undefined ? {} : { credit: BigInt(credit) }),
      }),
    );
    // The provider must know our tags before anybody is told to write there.
    await this.#syncAnew();
    publisher.wake();
    const { channelId } = book.openChannel(rental) ?? {};
    const { mailboxId, balance } = book.get(rental.bondId) ?? rental;
    if (channelId === undefined) throw new ClientError('channel-not-ready');
    return { bondId: rental.bondId, mailboxId, channelId, balance };
  }

  async closeProvider(bondId: string): Promise<dto.ClosedDto> {
    const { renter, publisher, book } = this.#parts;
    if (book.get(bondId) === undefined) throw new ClientError('rental-unknown', bondId);
    // Whether or not the provider answers: from now on no mail should be sent there.
    const ended = explained(() => renter.end(bondId)).finally(() => publisher.wake());
    const { state, claimTransactionId } = await ended;
    return claimTransactionId === undefined ? { state } : { state, claimTransactionId };
  }

  subscribe(listener: (event: dto.ClientEventDto) => void): () => void {
    return this.#parts.events.subscribe(listener);
  }
}

function readAttachment(input: AttachmentInput): ComposeAttachment {
  const { filename, contentType, contentBase64 } = input;
  const content = Buffer.from(contentBase64, 'base64');
  return contentType === undefined ? { filename, content } : { filename, contentType, content };
}
