/**
 * Every part of a running client, wired by hand in the order in which they need each other.
 * Before: client.ts; after: the folders beside it.
 */
import type { Genesis } from '@tanglemail/tangle/core/codec/genesis.ts';
import type { Clock, Random } from '@tanglemail/tangle/core/ports.ts';
import type { Logger } from '@tanglemail/tangle/io/logger.ts';
import { bestSuite } from '@tanglemail/mail/io/crypto/native-suite.ts';
import { type Account, openAccount } from './account/account.ts';
import { EpochStore } from './account/epoch-store.ts';
import type { ClientConfig } from './config/schema.ts';
import { ContactBook } from './contacts/contact-book.ts';
import { DescriptorPublisher } from './descriptor/publisher.ts';
import { DescriptorResolver } from './descriptor/resolver.ts';
import { LetterIntake } from './inbox/letter-intake.ts';
import { NodeFeed } from './inbox/node-feed.ts';
import { ProviderSync } from './inbox/provider-sync.ts';
import type { AccountSecrets } from './keystore/keystore.ts';
import { MessageStore } from './messages/message-store.ts';
import { storedCount } from './outbox/outbox-entry.ts';
import { Outbox } from './outbox/outbox.ts';
import { Sealer } from './outbox/sealer.ts';
import { RentalBook } from './rentals/rental-book.ts';
import { Renter, type RentTerms } from './rentals/renter.ts';
import { ClientEvents } from './service/client-events.ts';
import type { OutboxEntry } from './store/collections.ts';
import type { SealedStore } from './store/sealed-store.ts';
import { WriteLock } from './store/write-lock.ts';
import { TagBook } from './tags/tag-book.ts';
import { openTangle, type TangleAccess } from './tangle/tangle-access.ts';
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
}

/** What client.ts and the local service work with. */
export interface ClientParts extends ClientOptions {
  readonly writes: WriteLock;
  readonly logger: Logger;
  readonly tangle: TangleAccess;
  readonly account: Account;
  readonly epochs: EpochStore;
  readonly tags: TagBook;
  readonly contacts: ContactBook;
  readonly messages: MessageStore;
  readonly resolver: DescriptorResolver;
  readonly publisher: DescriptorPublisher;
  readonly outbox: Outbox;
  readonly book: RentalBook;
  readonly renter: Renter;
  readonly providerSync: ProviderSync;
  readonly nodeFeed: NodeFeed;
  readonly wallet: WalletService;
  readonly events: ClientEvents;
}

/** Builds all parts over an open store; nothing runs yet. */
export async function buildParts(options: ClientOptions, deps: ClientDeps): Promise<ClientParts> {
  const { config, secrets, genesis, store } = options;
  const { logger } = deps;
  const suite = bestSuite();
  const events = new ClientEvents(logger);
  const writes = new WriteLock();
  const epochStore = EpochStore.load(store);
  const tangle = await openTangle(
    { nodeUrl: config.node.url, genesis, powThreads: config.powThreads },
    deps,
  );
  const network = { networkId: tangle.networkId, name: genesis.name };
  const account = openAccount(secrets.accountRoot, network, suite);
  const tags = await TagBook.load(store);
  const contacts = await ContactBook.load({ account, store, tags, suite });
  const messages = await MessageStore.load(store);
  const book = await RentalBook.load({ account, store, writes });
  const wallet = await WalletService.open({ account, store, writes, tangle, events, logger });
  const renter = new Renter(termsOf(config), { tangle, book, wallet });
  const resolver = new DescriptorResolver({ tangle, store });
  const epochs = (): EpochStore['state'] => epochStore.state;
  const publisher = new DescriptorPublisher({
    account,
    store,
    tangle,
    resolver,
    suite,
    epochs,
    providers: () => book.hints(),
  });
  const sealer = new Sealer({ account, store, contacts, resolver, tangle, suite });
  const outbox = await Outbox.load({
    store,
    writes,
    tangle,
    sealer,
    providerAt: (hint) => renter.providerAt(hint),
    logger,
    onChange: (entry) => events.emit({ topic: 'outbox', data: outboxEvent(entry) }),
  });
  const intake = new LetterIntake({
    account,
    store,
    writes,
    tangle,
    contacts,
    tags,
    messages,
    epochs,
    suite,
    logger,
    onDelivered: (id) => {
      const mail = messages.get(id);
      if (mail === undefined) return;
      const { folder, entry } = mail;
      events.emit({ topic: 'inbox', data: { id, folder, uid: entry.uid } });
    },
  });
  const providerSync = new ProviderSync({ book, renter, tags, intake, tangle, logger });
  const nodeFeed = new NodeFeed({ tangle, store, intake });
  return {
    ...options,
    writes,
    logger,
    tangle,
    account,
    epochs: epochStore,
    tags,
    contacts,
    messages,
    resolver,
    publisher,
    outbox,
    book,
    renter,
    providerSync,
    nodeFeed,
    wallet,
    events,
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
