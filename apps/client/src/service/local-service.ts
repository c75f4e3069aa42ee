/**
 * Everything that the local API offers, each call turned into calls of the parts. Before: api/ and
 * the command line; after: client.ts's parts. Spec: docs/spec/41-client-api.md.
 */
import type { MailAddress } from '@tanglemail/mail/core/identity/address.ts';
import { formatAddress, formatEmail } from '@tanglemail/mail/core/identity/address.ts';
import { formatLink, type TangleLink } from '@tanglemail/mail/core/identity/link.ts';
import { addressText, emailText } from '../account/account.ts';
import type { ConfigurationDto } from '../api/configuration-dto.ts';
import type * as dto from '../api/dto.ts';
import type { AttachmentContent, HtmlBody, ClientService } from '../api/service.ts';
import { deliveryView } from './delivery-view.ts';
import { ClientError } from '../client-error.ts';
import type { ClientParts } from '../client-parts.ts';
import type { ContactBook } from '../contacts/contact-book.ts';
import type { SyncResult } from '../inbox/provider-sync.ts';
import type { ListedMail } from '../messages/listed-mail.ts';
import type { QueuedAlong } from '../outbox/outgoing.ts';
import { confirmedOffers } from '../rentals/offer-directory.ts';
import { countTags } from '../tags/tag-book.ts';
import { VERSION } from '../version.ts';
import { configurationView } from './configuration-view.ts';
import { explained } from './explained.ts';
import { MailSender } from './mail-sender.ts';
import { readAddress, readFullAddress, readLink } from './recipients.ts';
import {
  contactView,
  messageView,
  offerView,
  outboxView,
  rentalView,
  showOrEmpty,
  summaryView,
} from './views.ts';

const INVITE_LENGTH = 32;
/** Replicas of one mailbox: what a descriptor can name. */
const MAX_RENTALS = 3;

export class LocalService implements ClientService {
  readonly #parts: ClientParts;
  readonly #sender: MailSender;
  #syncing: Promise<dto.SyncReportDto> | undefined;
  #lastSync: dto.StatusDto['lastSync'] = null;

  constructor(parts: ClientParts) {
    this.#parts = parts;
    this.#sender = new MailSender(parts);
  }

  async configuration(): Promise<ConfigurationDto> {
    return configurationView(this.#parts.config);
  }

  async status(): Promise<dto.StatusDto> {
    const { account, secrets, config, genesis, publisher, wallet, book } = this.#parts;
    const latest = await this.#latestMilestone();
    const { sequence, state, milestoneIndex } = publisher.status();
    const conflictAtMs = this.#parts.resolver.conflictAtMs(account.address);
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
        ...(conflictAtMs === undefined ? {} : { conflictAtMs }),
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

  async address(subAddress?: string): Promise<dto.AddressDto> {
    const { addresses } = this.#parts;
    if (subAddress !== undefined && !addresses.isLive(subAddress)) {
      throw new ClientError('sub-address-unknown', subAddress);
    }
    const link = { ...this.#ownLink(), ...(subAddress === undefined ? {} : { subAddress }) };
    return { address: formatAddress(link), email: formatEmail(link), link: formatLink(link) };
  }

  async createInvite(request: dto.InviteRequestDto): Promise<dto.InviteDto> {
    const { contacts, tangle } = this.#parts;
    const secret = tangle.random.bytes(INVITE_LENGTH);
    const { name = '', days } = request;
    const facts = { name, nowMs: tangle.clock.nowMs(), ...(days === undefined ? {} : { days }) };
    const { id, expiresAtMs } = await contacts.invites.create(secret, facts);
    // Its tags must be watched before the link is used.
    await this.#parts.providerSync.watchTags();
    return { link: formatLink({ ...this.#ownLink(), invite: secret }), id, expiresAtMs };
  }

  #ownLink(): TangleLink {
    const { account, book, ownSettings } = this.#parts;
    const { address, network } = account;
    const { profileName: name } = ownSettings.get();
    const providers = book.hints().map((one) => one.endpoint);
    return { address, network, providers, ...(name === '' ? {} : { name }) };
  }

  async contacts(): Promise<readonly dto.ContactDto[]> {
    return this.#parts.contacts.list().map((one) => contactView(this.#parts, one));
  }

  async addContact(request: dto.AddContactDto): Promise<dto.ContactDto> {
    const { account, contacts, tangle, resolver } = this.#parts;
    const link: Omit<TangleLink, 'network'> =
      request.link === undefined
        ? { ...readFullAddress(account, request.address ?? ''), providers: [] }
        : readLink(account, request.link);
    const { address } = link;
    if (address === account.address) throw new ClientError('contact-is-self');
    const name = request.name ?? suggestedName(contacts, address, link.name);
    if (contacts.isTaken(name, address)) throw new ClientError('name-taken', name);
    const { invite, subAddress: writeBy } = link;
    const { note } = request;
    const nowMs = tangle.clock.nowMs();
    await contacts.add(address, {
      name,
      nowMs,
      ...(note === undefined ? {} : { note }),
      ...(invite === undefined ? {} : { invite }),
      ...(writeBy === undefined ? {} : { writeBy }),
    });
    await this.#parts.requests.settle();
    // With the published keys, tags for mail from this contact can be watched at once.
    const descriptor = await resolver.resolve(address).catch(() => resolver.cached(address));
    if (descriptor !== undefined) await contacts.learnKeys(address, descriptor, nowMs);
    await this.#parts.providerSync.watchTags();
    const added = contacts.get(address);
    if (added === undefined) throw new ClientError('contact-unknown');
    return contactView(this.#parts, added);
  }

  async removeContact(address: string): Promise<void> {
    const { account, contacts } = this.#parts;
    const removed = await contacts.remove(readAddress(account, address));
    if (!removed) throw new ClientError('contact-unknown');
    await this.#parts.requests.settle();
  }

  async sendMessage(message: dto.SendMessageDto): Promise<dto.QueuedMessageDto> {
    return this.#sender.send(message);
  }

  async sendRawMessage(
    raw: Uint8Array,
    to: readonly string[],
    choices: dto.SendChoicesDto = {},
    alongside?: QueuedAlong,
  ): Promise<dto.QueuedMessageDto> {
    return this.#sender.sendRaw(raw, to, choices, alongside);
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
    const listed = messages.list(folder.id, query.limit, before, query.offset);
    return listed.map((mail) =>
      summaryView(account, contacts, mail, deliveryView(this.#parts.outbox, mail)),
    );
  }

  async message(id: string): Promise<dto.MessageDto> {
    const { account, contacts } = this.#parts;
    const mail = this.#mail(id);
    const delivery = deliveryView(this.#parts.outbox, mail);
    return messageView(account, contacts, mail, await this.rawMessage(id), delivery);
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

  async htmlBody(id: string): Promise<HtmlBody> {
    const { html = '', attachments } = await showOrEmpty(await this.rawMessage(id));
    const images = attachments.flatMap(({ contentId, contentType, content }) =>
      contentId === undefined ? [] : [[contentId, { contentType, content }] as const],
    );
    return { html, images: new Map(images) };
  }

  async setFlags(id: string, change: dto.SetFlagsDto): Promise<dto.MessageSummaryDto> {
    const { account, contacts, events, messages, store, writes } = this.#parts;
    await writes.run(async () => {
      const batch = store.batch();
      const changed = messages.flag(batch, this.#mail(id).id, change.change, change.flags);
      await batch.write();
      changed?.apply();
    });
    events.emit({ topic: 'mailbox', data: { changed: 'flags' } });
    const mail = this.#mail(id);
    return summaryView(account, contacts, mail, deliveryView(this.#parts.outbox, mail));
  }

  #mail(id: string): ListedMail {
    const mail = this.#parts.messages.get(id);
    if (mail === undefined) throw new ClientError('message-unknown', id);
    return mail;
  }

  /**
   * Fetches from every rented provider; calls that overlap share one pass. With `only` from those
   * alone, in a pass that begins after the call.
   */
  async sync(only?: ReadonlySet<string>): Promise<dto.SyncReportDto> {
    if (only !== undefined) await this.settle();
    this.#syncing ??= this.#syncAll(only).finally(() => {
      this.#syncing = undefined;
    });
    return this.#syncing;
  }

  /** A pass that begins after the call: one that is under way may not see what has just changed. */
  async #syncAnew(): Promise<void> {
    await this.settle();
    await this.sync();
  }

  async #syncAll(only?: ReadonlySet<string>): Promise<dto.SyncReportDto> {
    const { book, providerSync, tangle, publisher } = this.#parts;
    const namedBefore = book.hints().length;
    const report = { fetched: 0, held: 0, cost: 0n, errors: [] as dto.SyncReportDto['errors'] };
    for (const { bondId, isActive } of book.list()) {
      if (!isActive || only?.has(bondId) === false) continue;
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
    await this.#syncFilters(report);
    // A provider that was out of reach when a seed came has answered by now.
    await this.#parts.chat.answer();
    this.#lastSync = { at: tangle.clock.nowMs(), fetched: report.fetched };
    // One that knows our tags from now on is told to senders, and what waits for that may leave.
    if (book.hints().length > namedBefore) publisher.wake();
    return { ...report, cost: `${report.cost > 0n ? report.cost : 0n}` };
  }

  async #syncFilters(report: Pick<dto.SyncReportDto, 'fetched' | 'errors'>): Promise<void> {
    const { filterScan, lifetime } = this.#parts;
    if (filterScan === undefined) return;
    try {
      report.fetched += await explained(() => filterScan.sync(lifetime.signal));
    } catch (error) {
      const { code, message } = error instanceof ClientError ? error : new ClientError('internal');
      report.errors.push({ bondId: '', code, detail: message.slice(0, 512) });
    }
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

/**
 * The name of a contact that the user gave none: the one it has, else that of the link, unless
 * another contact is called so, or nearly so.
 */
function suggestedName(contacts: ContactBook, address: MailAddress, name = ''): string {
  const known = contacts.get(address);
  if (known?.state === 'accepted' && known.name !== '') return known.name;
  return contacts.freeName(name, address) || contacts.freeName(known?.name ?? '', address);
}
