/**
 * What operations of other devices mean for the mails of this one. It follows from the view alone,
 * so all devices come to the same, whatever the order in which operations arrive. Before:
 * device-manager.ts; after: mail store. Spec: docs/spec/26-self-log.md, section "Values".
 */
import {
  dotKey,
  flagOfElement,
  isKind,
  type Operation,
} from '@tanglemail/mail/core/self-log/operation.ts';
import { elementsOf, setKey } from '@tanglemail/mail/core/self-log/view.ts';
import { FOLDER, type FolderId, STANDARD_FOLDERS } from '../messages/folder-name.ts';
import type { MessageStore } from '../messages/message-store.ts';
import type { SealedBatch, SealedStore } from '../store/sealed-store.ts';
import type { WriteLock } from '../store/write-lock.ts';
import type { DeviceLog } from './device-log.ts';
import type { LogReader } from './device-manager.ts';
import { FolderSync, isDeletedFolder } from './folder-sync.ts';
import { NOWHERE } from './log-values.ts';
import { folderElement, ownerOf } from './mail-log.ts';
import type { RescueShelf } from './rescue-shelf.ts';

const STANDARD = new Map<string, FolderId>(
  STANDARD_FOLDERS.map((name) => [folderElement(FOLDER[name]), FOLDER[name]]),
);

/** What operations touch: flags and folders of messages. */
interface Touched {
  readonly flags: Map<string, Set<string>>;
  readonly places: Set<string>;
}

export interface MailLogDeps {
  readonly log: DeviceLog;
  readonly messages: MessageStore;
  readonly rescues: RescueShelf;
  readonly store: SealedStore;
  readonly writes: WriteLock;
}

export class MailLogReader implements LogReader {
  readonly #log: DeviceLog;
  readonly #messages: MessageStore;
  readonly #rescues: RescueShelf;
  readonly #folders: FolderSync;
  /** Folders that were made for the operations that are about to be applied. */
  readonly #made: FolderId[] = [];
  /** Message keys of mails that are or were here, by what the log calls them. */
  #keys: Map<string, string> | undefined;

  constructor({ log, messages, rescues, store, writes }: MailLogDeps) {
    this.#log = log;
    this.#messages = messages;
    this.#rescues = rescues;
    this.#folders = new FolderSync(
      messages,
      () => log.view(),
      async (step) =>
        writes.run(async () => {
          const batch = store.batch();
          const apply = step(batch);
          await batch.write();
          apply();
        }),
    );
  }

  /** Folders first: mails lie in them. */
  async prepare(operations: readonly Operation[]): Promise<void> {
    this.#made.push(...(await this.#folders.run(operations)));
  }

  apply(batch: SealedBatch, operations: readonly Operation[]): (() => void)[] {
    const touched = this.#touchedBy(operations);
    for (const id of this.#made.splice(0)) this.#noteMadeFolder(touched, id);
    return [
      ...[...touched.flags].flatMap(([owner, elements]) =>
        this.#applyFlags(batch, owner, elements),
      ),
      ...[...touched.places].flatMap((owner) => this.#applyPlaces(batch, owner)),
    ];
  }

  #touchedBy(operations: readonly Operation[]): Touched {
    const touched: Touched = {
      flags: new Map(),
      places: new Set(),
    };
    for (const operation of operations) {
      if (isKind(operation, 'add')) noteElement(touched, operation.body);
      if (isKind(operation, 'remove')) {
        for (const dot of operation.body.dots) {
          const added = this.#log.log.operations.get(dotKey(dot));
          if (added && isKind(added, 'add')) noteElement(touched, added.body);
        }
      }
    }
    return touched;
  }

  /** Mails may have been put into a folder before this device knew it. */
  #noteMadeFolder({ places }: Touched, id: FolderId): void {
    for (const [key, elements] of this.#log.view().sets) {
      const owner = key.split('/')[1];
      if (owner !== undefined && key === setKey('folder', owner) && elements.has(id)) {
        places.add(owner);
      }
    }
  }

  /** Made at the first need, in one pass over all mails; it follows what is delivered. */
  #keyOf(owner: string): string | undefined {
    if (this.#keys === undefined) {
      const keys = new Map<string, string>();
      const note = (messageKey: string): unknown => keys.set(ownerOf(messageKey), messageKey);
      for (const { entry } of this.#messages.all()) note(entry.messageKey);
      this.#messages.observe((_batch, change) => {
        if (change.kind === 'delivered' || change.kind === 'draft-saved') note(change.messageKey);
      });
      this.#keys = keys;
    }
    return this.#keys.get(owner);
  }

  #applyFlags(batch: SealedBatch, owner: string, touched: ReadonlySet<string>): (() => void)[] {
    const messageKey = this.#keyOf(owner);
    const [mail] = messageKey === undefined ? [] : this.#messages.find(messageKey);
    if (mail === undefined) return [];
    const held = new Set(elementsOf(this.#log.view(), 'flag', owner));
    const has = (one: string): boolean => mail.entry.flags.includes(flagOfElement(one));
    const add = [...touched].filter((one) => held.has(one) && !has(one)).map(flagOfElement);
    const remove = [...touched].filter((one) => !held.has(one) && has(one)).map(flagOfElement);
    return [
      ...(add.length === 0 ? [] : [this.#messages.flagAll(batch, [mail.id], 'add', add, 'remote')]),
      ...(remove.length === 0
        ? []
        : [this.#messages.flagAll(batch, [mail.id], 'remove', remove, 'remote')]),
    ];
  }

  /** A message lies where the log says; a concurrent move rescues it from a deletion. */
  #applyPlaces(batch: SealedBatch, owner: string): (() => void)[] {
    const messageKey = this.#keyOf(owner);
    const mails = messageKey === undefined ? [] : this.#messages.find(messageKey);
    const [mail] = mails;
    const elements = elementsOf(this.#log.view(), 'folder', owner);
    if (elements.length === 0) return [];
    const wanted = [...new Set(elements.flatMap((one) => this.#folderOf(one) ?? []))];
    if (mail === undefined) return this.#rescue(batch, owner, wanted);
    const isGone = elements.every((one) => one === NOWHERE);
    // A folder that is not known yet: the message stays where it is until then.
    if (wanted.length === 0 && !isGone) return [];
    const missing = wanted.filter((id) => !mails.some((one) => one.folderId === id));
    const left = mails.filter((one) => !wanted.includes(one.folderId));
    const applies = missing.map((id) => this.#messages.copy(batch, [mail.id], id, 'remote').apply);
    const ids = left.map((one) => one.id);
    if (ids.length > 0) applies.push(this.#messages.expunge(batch, ids, 'remote').apply);
    return applies;
  }

  /** Deleted here, and moved elsewhere by a device that did not know it: it comes back. */
  #rescue(batch: SealedBatch, owner: string, [folder]: readonly FolderId[]): (() => void)[] {
    const kept = folder === undefined ? undefined : this.#rescues.find(owner);
    if (folder === undefined || kept === undefined) return [];
    // Its flags and further folders follow, as for any mail that comes after what is said of it.
    return [this.#messages.deliver(batch, { ...kept, folder }, 'remote').apply];
  }

  #folderOf(element: string): FolderId | undefined {
    const standard = STANDARD.get(element);
    if (standard !== undefined) return standard;
    // What lay in a folder that was deleted lies in Trash, on every device.
    if (isDeletedFolder(this.#log.view(), element)) return FOLDER.Trash;
    return this.#messages.folder(element as FolderId) === undefined
      ? undefined
      : (element as FolderId);
  }
}

function noteElement(
  touched: Touched,
  { set, owner, element }: { set: string; owner: string; element: string },
): void {
  if (set === 'folder') touched.places.add(owner);
  if (set !== 'flag') return;
  const elements = touched.flags.get(owner) ?? new Set<string>();
  elements.add(element);
  touched.flags.set(owner, elements);
}
