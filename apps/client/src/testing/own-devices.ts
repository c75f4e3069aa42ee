/**
 * For specs: devices of one account with all that they share, without a network. What one tells the
 * others is caught, and handed over as a test likes: late, twice, in any order.
 */
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import { nobleSuite as suite } from '@tanglemail/mail/core/crypto/noble-suite.ts';
import { epochOf } from '@tanglemail/mail/core/identity/epoch.ts';
import { deriveAccountRoot } from '@tanglemail/mail/core/identity/keys.ts';
import type { Operation } from '@tanglemail/mail/core/self-log/operation.ts';
import { SILENT_LOGGER } from '@tanglemail/tangle/io/logger.ts';
import { ContactLog } from '../devices/contact-log.ts';
import { DeviceLog } from '../devices/device-log.ts';
import { DeviceManager } from '../devices/device-manager.ts';
import { DraftLog } from '../devices/draft-log.ts';
import { EpochLines } from '../devices/epoch-lines.ts';
import { InviteLog } from '../devices/invite-log.ts';
import { makeLinkArchive, putLinkArchive, readLinkArchive } from '../devices/link-archive.ts';
import { MailLogReader } from '../devices/mail-log-apply.ts';
import { MailLog } from '../devices/mail-log.ts';
import { OwnLog } from '../devices/own-log.ts';
import { RecoveryBoxes } from '../devices/recovery-boxes.ts';
import { RescueShelf } from '../devices/rescue-shelf.ts';
import { RuleLog } from '../devices/rule-log.ts';
import { DeviceTags } from '../devices/device-tags.ts';
import { SentCopies } from '../devices/sent-copies.ts';
import { SelfNotes } from '../devices/self-notes.ts';
import { TagRenewal } from '../devices/tag-renewal.ts';
import { DraftBook } from '../drafts/draft-book.ts';
import type { ControlNote } from '../inbox/note-router.ts';
import { NoteRouter } from '../inbox/note-router.ts';
import { RuleBook } from '../rules/rule-book.ts';
import { orderedKey, type SealedBatch, type SealedStore } from '../store/sealed-store.ts';
import { type Disk, memoryStore, type PowerCut, sealedMemoryStore } from './memory-store.ts';
import { person, tangleWithoutNode } from './people.ts';

/** A device that runs over `disk`; `power.cut` ends it at one of its writes. */
export type OwnDevice = Awaited<ReturnType<typeof openOwnDevice>>;

export interface OwnDeviceOptions {
  readonly disk: Disk;
  readonly nowMs: () => number;
  readonly cut?: PowerCut;
  readonly name?: string;
}

const ACCOUNT = 1;

/** Opens the account's device on a disk; on an empty one it is the account's first. */
export async function openOwnDevice({ disk, nowMs, cut, name = 'test' }: OwnDeviceOptions) {
  const memory = memoryStore(disk, cut);
  const store = sealedMemoryStore(memory.store);
  const owner = await person(ACCOUNT, store, tangleWithoutNode(nowMs));
  const { epochs, writes, account, contacts, messages, ownSettings, addresses } = owner;
  const { tangle } = owner;
  const random = (length: number): Uint8Array => tangle.random.bytes(length);
  const rules = new RuleBook({ store, messages, senderOf: () => '' });
  const drafts = await DraftBook.load(store, messages);
  const log = await DeviceLog.load(
    { store, writes, suite, random },
    { name, nowMs: nowMs(), epochs: epochs.state },
  );
  const boxes = new RecoveryBoxes(store, writes);
  const rescues = await RescueShelf.load({ log, store, nowMs });
  const lastPublished = (): number => epochOf(nowMs() / 1_000) + 7;
  const lines = new EpochLines({ log, epochs, random, lastPublished });
  let next = (await bytesIn(store)).length;
  // As the outbox does: what is to leave is on the disk with what it tells.
  const enqueueNote = (batch: SealedBatch, note: { readonly body: Uint8Array }) => {
    batch.putBytes('outboxPayload', orderedKey(next++), note.body);
    return Object.assign(() => ({}) as never, { id: 1 });
  };
  const notes = new SelfNotes({
    address: account.address,
    store,
    writes,
    log,
    boxes,
    suite,
    random,
    nowMs,
    outbox: { enqueueNote },
    logger: SILENT_LOGGER,
    isSealedAnew: () => true,
    onLine: (batch) => lines.adopt(batch),
    onFork: () => manager.noteFork(),
  });
  const journals = [
    new ContactLog(log, contacts),
    new InviteLog({ log, contacts, store, nowMs }),
    new OwnLog(log, ownSettings, addresses),
    new RuleLog(log, rules),
    new DraftLog({ log, drafts, messages, nowMs }),
  ];
  // Nothing is rented here: copies that no operation carries lie where they were sent.
  const copies = new SentCopies({
    address: account.address,
    log,
    messages,
    outbox: {
      enqueueCopy: () => {
        throw new Error('broken invariant: nobody keeps copies');
      },
      copyOf: () => undefined,
      recall: async () => false,
    },
    inbox: { takeCopy: () => () => {}, dropCopy: () => () => {} },
    releases: { add: () => {} },
    book: { wanted: () => [], list: () => [] },
    isPaid: true,
    nowMs,
    logger: SILENT_LOGGER,
  });
  const outbox = { enqueueNote, observe: () => () => {} };
  const own = { address: account.address, own: log.own, onRenew: () => () => {} };
  const shared = { store, writes, contacts, tags: owner.tags, outbox, logger: SILENT_LOGGER };
  const tags = new DeviceTags({ ...shared, ...own, random });
  const renewal = new TagRenewal({ ...shared, log, tags });
  const manager: DeviceManager = new DeviceManager({
    store,
    writes,
    log,
    notes,
    lines,
    boxes,
    journals,
    renewal,
    rescues,
    nowMs,
    logger: SILENT_LOGGER,
    readers: [...journals, copies, new MailLogReader({ log, messages, rescues, store, writes })],
    onNewLine: () => {},
  });
  const later = (operations: readonly Operation[]): void => manager.applyLater(operations);
  copies.observe(later);
  new MailLog(log, messages, rescues, later).observe();
  const router = new NoteRouter();
  notes.register(router);
  await manager.start();
  /** Takes a note up as the intake does, and lets it have its effect. */
  const take = async (body: Uint8Array): Promise<void> => {
    await writes.run(async () => {
      const batch = store.batch();
      const apply = router.take(batch, { sender: account.address, body } as ControlNote);
      await batch.write();
      apply();
    });
    await manager.settle();
  };
  /** Does something in one batch under the lock. */
  const change = async (work: (batch: SealedBatch) => () => unknown): Promise<void> =>
    writes.run(async () => {
      const batch = store.batch();
      const apply = work(batch);
      await batch.write();
      apply();
    });
  /** Everything that was told so far, notes that wait included. */
  const told = async (): Promise<readonly Uint8Array[]> => {
    await notes.flush();
    return await bytesIn(store);
  };
  const parts = { ...owner, log, copies, lines, boxes, rules, drafts, manager, disk };
  return { ...parts, selfNotes: notes, take, change, told, writeCount: memory.writes };
}

/** A disk as a device has it that was just linked to `device`. */
export async function linkedDisk(device: OwnDevice): Promise<Disk> {
  const secrets = {
    accountRoot: bytesToHex(deriveAccountRoot(new Uint8Array(64).fill(ACCOUNT), 0)),
    accountIndex: 0,
    createdAt: 1,
  };
  const facts = { secrets, genesis: '', settings: {}, log: device.log.log };
  const archive = await makeLinkArchive(device.store, { ...facts, epochs: device.epochs.state });
  const disk: Disk = new Map();
  const store = sealedMemoryStore(memoryStore(disk).store);
  const batch = store.batch();
  putLinkArchive(batch, store, readLinkArchive(archive), 'linked');
  await batch.write();
  return disk;
}

async function bytesIn(store: SealedStore): Promise<Uint8Array[]> {
  const notes: Uint8Array[] = [];
  for await (const { value } of store.scanBytes('outboxPayload')) notes.push(value);
  return notes;
}

/** Hands over what each has told until nobody has anything new to say. */
export async function meet(...devices: readonly OwnDevice[]): Promise<void> {
  const had = new Map(devices.map((one) => [one, 0]));
  for (let isNew = true; isNew;) {
    isNew = false;
    for (const from of devices) {
      const told = (await from.told()).slice(had.get(from) ?? 0);
      had.set(from, (had.get(from) ?? 0) + told.length);
      isNew ||= told.length > 0;
      for (const note of told) {
        for (const to of devices) if (to !== from) await to.take(note);
      }
    }
  }
}
