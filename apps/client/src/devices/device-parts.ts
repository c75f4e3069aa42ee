/**
 * The parts of the account's devices, wired by hand. Before: client-parts.ts; after: the files
 * beside it.
 */
import { hostname } from 'node:os';
import { genesisToJson, type Genesis } from '@tanglemail/tangle/core/codec/genesis.ts';
import type { Logger } from '@tanglemail/tangle/io/logger.ts';
import type { Operation } from '@tanglemail/mail/core/self-log/operation.ts';
import type { SealingSuite } from '@tanglemail/mail/core/ports.ts';
import type { Account } from '../account/account.ts';
import type { EpochStore } from '../account/epoch-store.ts';
import { BackupKeeper } from '../backup/backup-keeper.ts';
import type { Chat } from '../chat/chat.ts';
import type { ClientConfig } from '../config/schema.ts';
import type { ContactBook } from '../contacts/contact-book.ts';
import type { OwnAddresses } from '../contacts/own-addresses.ts';
import type { OwnSettings } from '../contacts/own-settings.ts';
import type { DescriptorPublisher } from '../descriptor/publisher.ts';
import type { MailboxParts } from '../mailbox-parts.ts';
import type { NoteRouter } from '../inbox/note-router.ts';
import type { AccountSecrets } from '../keystore/keystore.ts';
import type { MessageStore } from '../messages/message-store.ts';
import type { Outbox } from '../outbox/outbox.ts';
import type { Sealer } from '../outbox/sealer.ts';
import type { Parcels } from '../parcels/parcels.ts';
import type { RentalBook } from '../rentals/rental-book.ts';
import type { Renter } from '../rentals/renter.ts';
import type { SealedBatch, SealedStore } from '../store/sealed-store.ts';
import type { WriteLock } from '../store/write-lock.ts';
import type { TagBook } from '../tags/tag-book.ts';
import type { TangleAccess } from '../tangle/tangle-access.ts';
import { ContactLog } from './contact-log.ts';
import { DeviceLog } from './device-log.ts';
import { DeviceManager, type LogJournal, type LogReader } from './device-manager.ts';
import { DeviceTags } from './device-tags.ts';
import { DraftLog } from './draft-log.ts';
import { EpochLines } from './epoch-lines.ts';
import { InviteLog } from './invite-log.ts';
import { MailLogReader } from './mail-log-apply.ts';
import { MailLog } from './mail-log.ts';
import { makeLinkArchive } from './link-archive.ts';
import { LinkHost } from './link-host.ts';
import { OwnLog } from './own-log.ts';
import { PayingDevice } from './paying-device.ts';
import { RescueShelf } from './rescue-shelf.ts';
import { RuleLog } from './rule-log.ts';
import { RecoveryBoxes } from './recovery-boxes.ts';
import { SentCopies } from './sent-copies.ts';
import { SelfNotes } from './self-notes.ts';
import { SelfTags } from './self-tags.ts';
import { TagRenewal } from './tag-renewal.ts';

export interface DevicePartsDeps {
  readonly account: Account;
  readonly config: ClientConfig;
  readonly secrets: AccountSecrets;
  readonly genesis: Genesis;
  readonly store: SealedStore;
  readonly writes: WriteLock;
  readonly tangle: TangleAccess;
  readonly epochs: EpochStore;
  readonly contacts: ContactBook;
  readonly messages: MessageStore;
  readonly mailbox: Pick<MailboxParts, 'rules' | 'drafts'>;
  readonly ownSettings: OwnSettings;
  readonly addresses: OwnAddresses;
  readonly book: RentalBook;
  readonly renter: Pick<Renter, 'payBy'>;
  readonly tags: TagBook;
  readonly publisher: DescriptorPublisher;
  readonly outbox: Outbox;
  readonly parcels: Parcels;
  readonly chat: Pick<Chat, 'endChainsTo'>;
  readonly sealer: Pick<Sealer, 'tagSelfBy'>;
  readonly notes: NoteRouter;
  readonly suite: SealingSuite;
  readonly logger: Logger;
}

export interface DeviceParts {
  readonly log: DeviceLog;
  readonly lines: EpochLines;
  readonly manager: DeviceManager;
  readonly tags: DeviceTags;
  readonly link: LinkHost;
  readonly payer: PayingDevice;
  readonly backups: BackupKeeper;
  readonly copies: SentCopies;
  readonly drafts: DraftLog;
}

/** Opens the self-log, and makes this device at its first start. */
export async function buildDevices(deps: DevicePartsDeps): Promise<DeviceParts> {
  const { store, writes, tangle, epochs, publisher, outbox, suite, logger } = deps;
  const random = (length: number): Uint8Array => tangle.random.bytes(length);
  const nowMs = (): number => tangle.clock.nowMs();
  const made = { name: hostname(), nowMs: nowMs(), epochs: epochs.state };
  const log = await DeviceLog.load({ store, writes, suite, random }, made);
  const boxes = new RecoveryBoxes(store, writes);
  const rescues = await RescueShelf.load({ log, store, nowMs });
  const lastPublished = (): number | undefined => publisher.lastEpoch();
  const lines = new EpochLines({ log, epochs, random, lastPublished });
  const notes = new SelfNotes({
    address: deps.account.address,
    store,
    writes,
    log,
    boxes,
    outbox,
    suite,
    random,
    nowMs,
    logger,
    isSealedAnew: () => publisher.isCurrent(),
    onLine: (batch: SealedBatch) => {
      lines.adopt(batch);
      batch.whenWritten(() => publisher.wake());
    },
    onFork: () => manager.noteFork(),
  });
  const { mailbox, messages } = deps;
  const drafts = new DraftLog({ log, drafts: mailbox.drafts, messages, nowMs });
  const journals = [...buildJournals(deps, log), drafts];
  const { tags, renewal } = buildTags(deps, log);
  const mailReader = new MailLogReader({ ...deps, log, rescues });
  const copies = buildCopies(deps, log);
  // Drafts and copies first: where they lie is said like of any mail.
  const readers = [...journals, copies, mailReader, buildSelfTags(deps, log), renewal];
  const manager: DeviceManager = new DeviceManager({
    store,
    writes,
    log,
    notes,
    lines,
    boxes,
    journals,
    rescues,
    renewal,
    nowMs,
    logger,
    readers,
    onNewLine: () => publisher.wake(),
  });
  const later = (operations: readonly Operation[]): void => manager.applyLater(operations);
  copies.observe(later);
  new MailLog(log, deps.messages, rescues, later).observe();
  tags.register(deps.notes);
  notes.register(deps.notes);
  const backups = buildBackups(deps, boxes);
  const link = buildLink(deps, log, backups);
  const payer = new PayingDevice({ log, store, writes, book: deps.book });
  deps.renter.payBy(() => payer.isOwn());
  return { log, lines, manager, tags, link, backups, payer, copies, drafts };
}

function buildCopies(deps: DevicePartsDeps, log: DeviceLog): SentCopies {
  const { account, config, parcels, tangle } = deps;
  const { address } = account;
  const { inbox, releases, sealer } = parcels;
  const isPaid = config.send.copiesToProviders;
  const nowMs = (): number => tangle.clock.nowMs();
  const copies = new SentCopies({ ...deps, log, address, inbox, releases, isPaid, nowMs });
  sealer.tellCopiesBy((batch, key, letter) => copies.tell(batch, key, letter));
  return copies;
}

/** Under which tags this device writes to contacts, and what renews them after a removal. */
function buildTags(
  deps: DevicePartsDeps,
  log: DeviceLog,
): { readonly tags: DeviceTags; readonly renewal: TagRenewal } {
  const { account, chat, tangle } = deps;
  const tags = new DeviceTags({
    ...deps,
    address: account.address,
    own: log.own,
    random: (length) => tangle.random.bytes(length),
    onRenew: (batch, who) => chat.endChainsTo(batch, who),
  });
  return { tags, renewal: new TagRenewal({ ...deps, log, tags }) };
}

function buildSelfTags(deps: DevicePartsDeps, log: DeviceLog): SelfTags {
  const { sealer, ownSettings: settings, tangle } = deps;
  const below = (end: number): number => tangle.random.below(end);
  const selfTags = new SelfTags({ ...deps, log, settings, below });
  sealer.tagSelfBy((batch, isExact) => selfTags.take(batch, isExact));
  return selfTags;
}

/** What is shared beside mails: people, invites, the account's own settings, rules. */
function buildJournals(deps: DevicePartsDeps, log: DeviceLog): (LogReader & LogJournal)[] {
  const { contacts, store, mailbox, tangle } = deps;
  const nowMs = (): number => tangle.clock.nowMs();
  return [
    new ContactLog(log, contacts),
    new InviteLog({ log, contacts, store, nowMs }),
    new OwnLog(log, deps.ownSettings, deps.addresses),
    new RuleLog(log, mailbox.rules),
  ];
}

function buildBackups(deps: DevicePartsDeps, boxes: RecoveryBoxes): BackupKeeper {
  const { config, secrets, genesis, store, logger, tangle } = deps;
  const { clock, random } = tangle;
  return new BackupKeeper({
    config,
    secrets,
    genesis,
    store,
    logger,
    clock,
    random,
    noteBox: (publicKey) => boxes.add(publicKey, clock.nowMs()),
  });
}

function buildLink(deps: DevicePartsDeps, log: DeviceLog, backups: BackupKeeper): LinkHost {
  const { secrets, genesis, store, epochs, tangle, suite, logger } = deps;
  const { storeKey: _own, ...shared } = secrets;
  const makeArchive = async (): Promise<Uint8Array> =>
    await makeLinkArchive(store, {
      secrets: shared,
      genesis: genesisToJson(genesis),
      settings: backups.settings(),
      epochs: epochs.state,
      log: log.log,
    });
  return new LinkHost({ tangle, suite, logger, makeArchive });
}
