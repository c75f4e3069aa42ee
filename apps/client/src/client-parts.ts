/**
 * Every part of a running client, wired by hand in the order in which they need each other.
 * Before: client.ts; after: the folders beside it.
 */
import type { Genesis } from '@tanglemail/tangle/core/codec/genesis.ts';
import { genesisMilestone } from '@tanglemail/tangle/core/milestone/genesis.ts';
import type { Clock, Random } from '@tanglemail/tangle/core/ports.ts';
import { errorFields, type Logger } from '@tanglemail/tangle/io/logger.ts';
import { NodeClient } from '@tanglemail/tangle/io/node-client/node-client.ts';
import type { ProviderHint } from '@tanglemail/mail/core/identity/descriptor.ts';
import type { EpochState } from '@tanglemail/mail/core/identity/epoch.ts';
import type { SealingSuite } from '@tanglemail/mail/core/ports.ts';
import { bestSuite } from '@tanglemail/mail/io/crypto/native-suite.ts';
import { type Account, openAccount } from './account/account.ts';
import { EpochStore } from './account/epoch-store.ts';
import type { ClientEventDto } from './api/dto.ts';
import type { ClientConfig } from './config/schema.ts';
import { Chat } from './chat/chat.ts';
import type { ContactBook } from './contacts/contact-book.ts';
import type { OwnAddresses, PublishedDoors } from './contacts/own-addresses.ts';
import type { OwnSettings } from './contacts/own-settings.ts';
import { buildPeople, contactEvent } from './contacts/people-parts.ts';
import type { RequestSorter } from './contacts/request-sorter.ts';
import type { SafetyNumbers } from './contacts/safety-numbers.ts';
import { DescriptorPublisher } from './descriptor/publisher.ts';
import { DescriptorResolver } from './descriptor/resolver.ts';
import { buildDevices, type DeviceParts } from './devices/device-parts.ts';
import { FateBook } from './fates/fate-book.ts';
import { FilterScan } from './filters/filter-scan.ts';
import { HookBook } from './hooks/hook-book.ts';
import { HookRunner } from './hooks/hook-runner.ts';
import { LetterIntake } from './inbox/letter-intake.ts';
import { NOTE_FAMILIES, NoteRouter } from './inbox/note-router.ts';
import { NodeFeed } from './inbox/node-feed.ts';
import { ObjectFetcher } from './inbox/object-fetcher.ts';
import { PushWatch } from './inbox/push-watch.ts';
import { ProviderSync } from './inbox/provider-sync.ts';
import { StrangerScan } from './inbox/stranger-scan.ts';
import type { AccountSecrets } from './keystore/keystore.ts';
import { buildMailbox, type MailboxParts } from './mailbox-parts.ts';
import type { ListedMail } from './messages/listed-mail.ts';
import type { MessageStore } from './messages/message-store.ts';
import { isMail, storedCount } from './outbox/outbox-entry.ts';
import { Outbox } from './outbox/outbox.ts';
import { Sealer } from './outbox/sealer.ts';
import { Parcels } from './parcels/parcels.ts';
import { ReceiptBook } from './receipts/receipt-book.ts';
import { ChannelKeeper } from './rentals/channel-keeper.ts';
import { MailboxRecall } from './rentals/mailbox-recall.ts';
import { PaidRoom } from './rentals/paid-room.ts';
import { RentalBook } from './rentals/rental-book.ts';
import { Renter, type RentTerms } from './rentals/renter.ts';
import { summaryView } from './service/views.ts';
import { ClientEvents } from './service/client-events.ts';
import { incomingEvent, uploadView } from './service/parcel-views.ts';
import { SpamGuard } from './spam/spam-guard.ts';
import type { OutboxEntry } from './store/outbox-collections.ts';
import type { SealedStore } from './store/sealed-store.ts';
import { WriteLock } from './store/write-lock.ts';
import { TagBook } from './tags/tag-book.ts';
import { TagLists } from './tags/tag-lists.ts';
import { recallCheckpoint } from './tangle/ledger-checkpoint.ts';
import { fetchDuring, openTangle, type TangleAccess } from './tangle/tangle-access.ts';
import { WalletService } from './wallet/wallet-service.ts';

export interface ClientOptions {
  readonly config: ClientConfig;
  readonly secrets: AccountSecrets;
  readonly genesis: Genesis;
  readonly store: SealedStore;
}

export interface ClientDeps {
  readonly logger: Logger;
  readonly clock: Clock;
  readonly random: Random;
  /** Of the process: what programs that hooks start may get of it. Default: nothing. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** The way to the tangle; default openTangle. A simulation has one without sockets. */
  readonly openTangle?: typeof openTangle;
}

/** What client.ts and the local service work with. */
export interface ClientParts extends ClientOptions {
  readonly writes: WriteLock;
  readonly logger: Logger;
  readonly tangle: TangleAccess;
  readonly account: Account;
  readonly epochs: EpochStore;
  readonly tags: TagBook;
  /** Single tags: those of chains. */
  readonly lists: TagLists;
  readonly contacts: ContactBook;
  readonly ownSettings: OwnSettings;
  readonly addresses: OwnAddresses;
  readonly safetyNumbers: SafetyNumbers;
  readonly messages: MessageStore;
  readonly mailbox: MailboxParts;
  readonly requests: RequestSorter;
  /** Ends every request that is under way when it is aborted. */
  readonly lifetime: AbortController;
  readonly resolver: DescriptorResolver;
  readonly publisher: DescriptorPublisher;
  readonly outbox: Outbox;
  /** What programs are told of the mails that they handed in. */
  readonly fates: FateBook;
  readonly book: RentalBook;
  readonly renter: Renter;
  readonly channels: ChannelKeeper;
  /** How much more mail is paid for. */
  readonly paidRoom: PaidRoom;
  readonly providerSync: ProviderSync;
  readonly nodeFeed: NodeFeed;
  readonly intake: LetterIntake;
  readonly hookBook: HookBook;
  readonly hookRunner: HookRunner;
  readonly receipts: ReceiptBook;
  /** Absent unless the settings ask for it. */
  readonly filterScan: FilterScan | undefined;
  /** Who takes the notes of which family: registered before anything is received. */
  readonly notes: NoteRouter;
  readonly parcels: Parcels;
  readonly wallet: WalletService;
  readonly chat: Chat;
  /** What is asked of strangers. */
  readonly spam: SpamGuard;
  /** Who tells us of new mail. */
  readonly push: PushWatch;
  readonly recall: MailboxRecall;
  readonly events: ClientEvents;
  readonly devices: DeviceParts;
}

/** Builds all parts over an open store; nothing runs yet. */
export async function buildParts(options: ClientOptions, deps: ClientDeps): Promise<ClientParts> {
  const { config, secrets, genesis, store } = options;
  const { logger, clock } = deps;
  const lifetime = new AbortController();
  const suite = bestSuite();
  const events = new ClientEvents(logger);
  const writes = new WriteLock();
  const epochs = EpochStore.load(store);
  const tangle = await (deps.openTangle ?? openTangle)(
    { nodeUrl: config.node.url, genesis, powThreads: config.powThreads },
    { ...deps, lifetime: lifetime.signal, checkpoint: recallCheckpoint(store) },
  );
  const network = { networkId: tangle.networkId, name: genesis.name };
  const account = openAccount(secrets.accountRoot, network, suite);
  const tags = await TagBook.load(store);
  const lists = await TagLists.load(store);
  const emit = (event: ClientEventDto): void => events.emit(event);
  const onOwnChange = (): void => {
    publisher.wake();
    spam.follow().then(
      () => inbox.providerSync.watchTags(),
      (error: unknown) => logger.error(errorFields(error), 'what is asked of strangers'),
    );
  };
  const core = { account, store, writes, tags, suite, logger };
  const people = await buildPeople(config.address, { ...core, clock, emit, onOwnChange });
  const base = { ...core, ...people, lists, tangle, epochs };
  const nowMs = (): number => tangle.clock.nowMs();
  people.messages.dateBy(() => Math.floor(nowMs() / 1_000));
  const mailbox = await buildMailbox({ ...base, random: tangle.random, nowMs });
  const market = await buildMarket(options, { ...base, events, lifetime });
  const resolver = new DescriptorResolver({
    tangle,
    store,
    writes,
    onConflict: (address) => events.emit(contactEvent(account, address)),
  });
  const state = (): EpochState => epochs.state;
  const providers = (): ProviderHint[] => market.book.hints();
  const doors = (): PublishedDoors => people.addresses.published();
  const publisher = new DescriptorPublisher({ ...base, resolver, epochs: state, providers, doors });
  const { retentionDays } = config.provider;
  const recall = new MailboxRecall({ ...base, ...market, resolver, retentionDays });
  const spam = new SpamGuard({ ...base, addresses: people.addresses });
  await spam.follow();
  const inbox = buildInbox(options, { ...base, ...market, events, spam });
  const filterScan = buildFilterScan(options, { ...base, ...inbox, lifetime, spam });
  const sealer = new Sealer({ ...base, resolver });
  const outbox = await buildOutbox({ ...base, ...market, ...inbox, resolver, events, sealer });
  const fates = await buildFates({ ...base, outbox, events });
  const receipts = connectReceipts(options, { ...base, ...inbox, outbox });
  const mail = { ...base, ...market, ...inbox, sealer, outbox, events };
  const parcels = await buildParcels(options, mail);
  const chat = await buildChat({ ...base, ...inbox, resolver, outbox, events });
  const all = { ...options, ...base, ...market, ...inbox, receipts, mailbox };
  const { notes } = inbox;
  const late = { publisher, outbox, parcels, chat, notes, sealer };
  const devices = await buildDevices({ ...all, ...late });
  const push = new PushWatch({
    ...market,
    logger,
    random: () => tangle.random.below(2 ** 20) / 2 ** 20,
    nowMs: () => tangle.clock.nowMs(),
  });
  const running = { lifetime, resolver, publisher, outbox, fates, chat, parcels, events, devices };
  const hooks = await buildHooks(base, deps);
  return { ...all, ...running, ...hooks, filterScan, spam, push, recall };
}

type OutboxParts = 'renter' | 'resolver' | 'events' | 'providerSync';

function buildOutbox(
  parts: Base & Pick<ClientParts, OutboxParts> & { readonly sealer: Sealer },
): Promise<Outbox> {
  const { renter, resolver, events, providerSync, sealer } = parts;
  return Outbox.load({
    ...parts,
    sealers: { message: sealer, note: sealer },
    providerAt: (hint) => renter.providerAt(hint),
    providersOf: async (address) => (await resolver.resolve(address))?.providers,
    watchTags: () => providerSync.watchTags(),
    onChange: (entry) => {
      if (isMail(entry)) events.emit({ topic: 'outbox', data: outboxEvent(entry) });
    },
    onWork: (entry, work) => {
      if (isMail(entry)) events.emit({ topic: 'outbox', data: { ...outboxEvent(entry), work } });
    },
  });
}

function buildFates(parts: Base & Pick<ClientParts, 'events' | 'outbox'>): Promise<FateBook> {
  const { events, messages } = parts;
  return FateBook.load({
    ...parts,
    onReport: (id) => {
      const mail = messages.get(id);
      if (mail === undefined) return;
      events.emit({ topic: 'inbox', data: { id, folder: mail.folder, uid: mail.entry.uid } });
    },
    onKeywords: () => events.emit({ topic: 'mailbox', data: { changed: 'flags' } }),
  });
}

/** Receipts, both ways: what comes in is told to the book, which speaks through the outbox. */
function connectReceipts(
  { config }: ClientOptions,
  parts: Base & Pick<ClientParts, 'intake' | 'notes' | 'outbox'>,
): ReceiptBook {
  const receipts = new ReceiptBook(config.receipts, parts);
  parts.intake.onReceiptWanted(
    (batch, wish) => receipts.filed(batch, wish),
    (wish) => receipts.promisesRead(wish),
  );
  parts.notes.on(NOTE_FAMILIES.receipt, (batch, note) => receipts.take(batch, note));
  parts.messages.observe((batch, change) => receipts.changed(batch, change));
  return receipts;
}

type ParcelParts = 'book' | 'renter' | 'intake' | 'outbox' | 'events' | 'providerSync';

/** What sends and fetches large mails, joined with the outbox and the inbox. */
async function buildParcels(
  { config }: ClientOptions,
  parts: Base & Pick<ClientParts, ParcelParts> & { readonly sealer: Sealer },
): Promise<Parcels> {
  const { events, outbox, providerSync } = parts;
  const parcels = await Parcels.load({
    ...parts,
    autoFetchBytes: config.mail.autoFetchBytes,
    watchTags: () => providerSync.watchTags(),
    onUpload: (upload) => events.emit({ topic: 'upload', data: uploadView(upload) }),
    onIncoming: (id, parcel) => events.emit({ topic: 'incoming', data: incomingEvent(id, parcel) }),
  });
  parcels.connect(outbox);
  return parcels;
}

type ChatParts = 'resolver' | 'outbox' | 'events' | 'providerSync' | 'intake' | 'notes';

function buildChat(parts: Base & Pick<ClientParts, ChatParts>): Promise<Chat> {
  const { providerSync, events } = parts;
  return Chat.load({
    ...parts,
    watchTags: () => providerSync.watchTags(),
    isWatching: (chainId) => providerSync.isWatching(chainId),
    onChange: (data) => events.emit({ topic: 'chat', data }),
  });
}

type Base = Pick<
  ClientParts,
  | 'account'
  | 'store'
  | 'writes'
  | 'tangle'
  | 'tags'
  | 'lists'
  | 'contacts'
  | 'addresses'
  | 'messages'
  | 'epochs'
  | 'logger'
> & { readonly suite: SealingSuite };

/** Money: the wallet, channels, and what is rented with them. */
async function buildMarket(
  { config }: ClientOptions,
  parts: Base & Pick<ClientParts, 'events' | 'lifetime'>,
): Promise<Pick<ClientParts, 'wallet' | 'book' | 'channels' | 'paidRoom' | 'renter'>> {
  const book = await RentalBook.load(parts);
  const wallet = await WalletService.open(parts);
  const channels = new ChannelKeeper({ ...parts, book, wallet });
  const lifetime = parts.lifetime.signal;
  const renter = new Renter(termsOf(config), { tangle: parts.tangle, book, channels, lifetime });
  return { wallet, book, channels, renter, paidRoom: new PaidRoom({ book, renter }) };
}

/** How mail comes in, from providers and from the node. */
function buildInbox(
  { config }: ClientOptions,
  parts: Base & Pick<ClientParts, 'book' | 'renter' | 'events' | 'spam'>,
): Pick<ClientParts, 'providerSync' | 'nodeFeed' | 'intake' | 'notes'> {
  const notes = new NoteRouter();
  const { tangle, store, messages, epochs, events, spam } = parts;
  const intake = new LetterIntake({
    ...parts,
    notes,
    epochs: () => epochs.state,
    onDelivered: (id) => {
      const mail = messages.get(id);
      if (mail === undefined) return;
      const { folder, entry } = mail;
      events.emit({ topic: 'inbox', data: { id, folder, uid: entry.uid } });
    },
  });
  const retainPerDay = termsOf(config).maxDebitPerDay;
  const fetcher = new ObjectFetcher({ retainPerDay }, { ...parts, intake });
  const strangers = new StrangerScan(intake, fetcher, spam);
  const isWaitedFor = (tag: Uint8Array): boolean => intake.isExact(tag);
  const { find } = config.mail;
  const told = { tags: find.includes('tags'), buckets: find.includes('buckets') };
  return {
    providerSync: new ProviderSync({ ...parts, fetcher, strangers, isWaitedFor, told }),
    nodeFeed: new NodeFeed({ tangle, store, intake: guarded(intake, spam) }),
    intake,
    notes,
  };
}

/** Programs that are told of new mail. */
async function buildHooks(
  parts: Base,
  { environment = {} }: Pick<ClientDeps, 'environment'>,
): Promise<Pick<ClientParts, 'hookBook' | 'hookRunner'>> {
  const { account, contacts, messages, tangle } = parts;
  const nowMs = (): number => tangle.clock.nowMs();
  const book = await HookBook.load({ ...parts, nowMs });
  messages.observe((batch, change) => book.note(batch, change));
  const summaryOf = (mail: ListedMail) => summaryView(account, contacts, mail);
  const runner = new HookRunner({ ...parts, book, summaryOf, nowMs, environment });
  return { hookBook: book, hookRunner: runner };
}

/** The search for mail by filters, over the client's own node and those that are held to it. */
function buildFilterScan(
  { config, genesis }: ClientOptions,
  parts: Base & Pick<ClientParts, 'intake' | 'lifetime' | 'spam'>,
): FilterScan | undefined {
  const { find, filterNodes, filterStrangers: strangers, filterDecoys: decoys } = config.mail;
  if (!find.includes('filters')) return undefined;
  const { addresses, tangle, lifetime } = parts;
  const { hasher } = tangle;
  const fetch = fetchDuring(lifetime.signal);
  const others = filterNodes.map((baseUrl) => new NodeClient({ baseUrl, hasher, fetch }));
  const isOther = (one: NodeClient): boolean => one.baseUrl !== tangle.node.baseUrl;
  const nodes = [tangle.node, ...others.filter(isOther)];
  const { id: genesisId } = genesisMilestone(genesis, hasher);
  const introKeys = (): Uint8Array[] => addresses.doors().map(({ intro }) => intro.publicKey);
  const tags = {
    watched: (): Uint8Array[] => [...parts.tags.watched(), ...parts.lists.watched()],
  };
  const intake = guarded(parts.intake, parts.spam);
  const deps = { ...parts, tags, intake, nodes, genesisId, introKeys };
  return new FilterScan({ strangers, decoys }, deps);
}

/** The intake for envelopes that no provider has chosen: strangers' are held to what is asked. */
function guarded(intake: LetterIntake, spam: SpamGuard): Pick<LetterIntake, 'isOurs' | 'take'> {
  return {
    isOurs: (envelope, arrivedAt) => spam.admits(intake, envelope, arrivedAt),
    take: (bytes) => intake.take(bytes),
  };
}

function outboxEvent(entry: OutboxEntry): {
  id: string;
  state: OutboxEntry['state'];
  storedCount: number;
  providerCount: number;
} {
  return {
    id: `${entry.id}`,
    state: entry.state,
    storedCount: storedCount(entry),
    providerCount: entry.deliveries.length,
  };
}

/** What the settings allow to be paid. */
function termsOf({ provider }: ClientConfig): RentTerms {
  return {
    retentionDays: provider.retentionDays,
    monthlyPriceCap: BigInt(provider.maxPricePerMonth),
    deposit: BigInt(provider.deposit),
    credit: BigInt(provider.credit),
    maxDebitPerDay: BigInt(provider.maxDebitPerDay),
  };
}
