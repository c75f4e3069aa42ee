/**
 * The changes of the mails that stand in one batch: each is put into the batch at once and seen by
 * the next; memory takes all of them up when the batch is on the disk.
 * Before: message-store.ts; after: mail-state.ts. Spec: docs/spec/40-client-store.md, "Folders".
 */
import {
  appendMessage,
  changeFlags,
  claimRecent,
  expungeMessages,
  type FlagChange,
  type FolderDiff,
  newFolder,
  type NewMessage,
} from '@tanglemail/mail/core/folder/folder.ts';
import {
  counters,
  messageEntries,
  type MessageEntry,
  rawMessageKey,
} from '../store/collections.ts';
import { expungedUids, type FolderRecord, folders } from '../store/mailbox-collections.ts';
import { orderedKey, type SealedBatch, type SealedStore } from '../store/sealed-store.ts';
import type { FolderId, FolderName } from './folder-name.ts';
import { type MailState, type Shelf, shelfOf, StagedFolder } from './mail-state.ts';

const UID_DIGITS = 10;
const UIDVALIDITY = 'uidvalidity';

export interface StageDeps {
  readonly store: SealedStore;
  readonly state: MailState;
  /** Unix seconds; undefined when nobody has said what time it is. */
  readonly nowSeconds: number | undefined;
}

export class MailStage {
  readonly #deps: StageDeps;
  readonly #batch: SealedBatch;
  readonly #staged = new Map<FolderId, StagedFolder>();
  /** What changes in memory, in order. */
  readonly #effects: (() => void)[] = [];
  /** Changes of the number of lines that hold the same bytes. */
  readonly #holders = new Map<string, number>();
  /** Folders that this batch makes, and those that it deletes. */
  readonly #folders = new Map<FolderId, Shelf | undefined>();
  #uidValidity: number | undefined;

  constructor(batch: SealedBatch, deps: StageDeps) {
    this.#batch = batch;
    this.#deps = deps;
  }

  /** Memory takes everything up; calling it again does nothing. */
  apply(): void {
    for (const effect of this.#effects.splice(0)) effect();
  }

  /** The folder as it will be; undefined when there is none. */
  find(id: FolderId): StagedFolder | undefined {
    const known = this.#staged.get(id);
    if (known !== undefined) return known;
    const shelf = this.#folders.has(id) ? this.#folders.get(id) : this.#deps.state.shelves.get(id);
    if (shelf === undefined) return undefined;
    const staged = new StagedFolder(shelf);
    this.#staged.set(id, staged);
    return staged;
  }

  /** Whether this batch makes a folder of this name. */
  hasName(name: FolderName): boolean {
    return [...this.#folders.values()].some((one) => one?.name === name);
  }

  folder(id: FolderId): StagedFolder {
    const staged = this.find(id);
    if (staged === undefined) throw new Error(`broken invariant: folder ${id} is loaded`);
    return staged;
  }

  /** Folders in which a message will lie. */
  placesOf(messageKey: string): FolderId[] {
    const ids = new Set([
      ...(this.#deps.state.places.get(messageKey) ?? []),
      ...this.#staged.keys(),
    ]);
    return [...ids].filter((id) => this.find(id)?.uidByKey.get(messageKey) !== undefined);
  }

  /** Adds a message to a folder, once. */
  append(
    id: FolderId,
    message: NewMessage<MessageEntry>,
  ): { readonly uid: number; readonly entry?: MessageEntry } {
    const folder = this.folder(id);
    const { nowSeconds: savedAt } = this.#deps;
    const dated = savedAt === undefined ? message : { ...message, savedAt };
    const { uid, diff } = appendMessage(folder, dated);
    if (diff === undefined) return { uid };
    this.#hold(message.emailId, 1);
    this.#put(folder, diff);
    const entry = folder.messages.get(uid);
    return entry === undefined ? { uid } : { uid, entry };
  }

  /** Writes the bytes of a message that is about to be added. */
  putRaw(emailId: string, raw: Uint8Array): void {
    const { store, state } = this.#deps;
    const isThere = (state.holders.get(emailId) ?? 0) + (this.#holders.get(emailId) ?? 0) > 0;
    if (!isThere) this.#batch.putBytes('messageRaw', rawMessageKey(store, emailId), raw);
  }

  /** Changes flags; gives each changed message before and after. */
  flag(
    id: FolderId,
    uids: readonly number[],
    change: FlagChange,
    flags: readonly string[],
  ): { readonly before: MessageEntry; readonly after: MessageEntry }[] {
    const folder = this.folder(id);
    const { diff } = changeFlags(folder, uids, change, flags);
    if (diff === undefined) return [];
    const changed = diff.put.flatMap((after) => {
      const before = folder.messages.get(after.uid);
      return before === undefined ? [] : [{ before, after }];
    });
    this.#put(folder, diff);
    return changed;
  }

  /** Takes messages out of a folder, and their bytes off the disk when nothing holds them. */
  expunge(id: FolderId, uids: readonly number[]): MessageEntry[] {
    const folder = this.folder(id);
    const diff = expungeMessages(folder, uids);
    if (diff === undefined) return [];
    const gone = diff.expunged.flatMap(({ uid }) => folder.messages.get(uid) ?? []);
    this.#putExpunged(folder, diff);
    this.#put(folder, diff);
    for (const { uid, emailId } of gone) {
      this.#batch.del('messageEntry', entryKey(id, uid));
      this.#release(emailId);
    }
    return gone;
  }

  /** Remembered expunges go with the floor that rises above them. */
  #putExpunged(folder: StagedFolder, diff: FolderDiff<MessageEntry>): void {
    const { id } = folder.shelf;
    const uids = diff.expunged.map((one) => one.uid);
    const key = expungedKey(id, diff.modseq);
    if (diff.modseq > diff.expungedFloor) {
      this.#batch.put(expungedUids, key, { modseq: diff.modseq, uids });
    }
    const forgotten = new Set<number>();
    for (const { modseq } of folder.expunged) {
      if (modseq > diff.expungedFloor) break;
      forgotten.add(modseq);
    }
    for (const modseq of forgotten) this.#batch.del('expunged', expungedKey(id, modseq));
  }

  /** Hands the recent messages to the session that asks first. */
  claimRecent(id: FolderId): number {
    const folder = this.folder(id);
    const { fromUid, diff } = claimRecent(folder);
    if (diff !== undefined) this.#put(folder, diff);
    return fromUid;
  }

  /** Makes an empty folder. UIDVALIDITY comes from a counter of the account. */
  create(id: FolderId, name: FolderName): void {
    const { store, state } = this.#deps;
    const uidValidity = this.#uidValidity ?? store.get(counters, UIDVALIDITY)?.next ?? 1;
    this.#uidValidity = uidValidity + 1;
    const shelf = shelfOf(id, name, newFolder<MessageEntry>(uidValidity));
    this.#batch.put(counters, UIDVALIDITY, { next: uidValidity + 1 });
    this.#batch.put(folders, id, recordOf(new StagedFolder(shelf)));
    this.#staged.delete(id);
    this.#folders.set(id, shelf);
    this.#effects.push(() => state.addShelf(shelf));
  }

  rename(id: FolderId, name: FolderName): void {
    const folder = this.folder(id);
    folder.name = name;
    this.#batch.put(folders, id, recordOf(folder));
    this.#effects.push(() => {
      folder.shelf.name = name;
    });
  }

  /** Forgets an empty folder. A new one of the same name gets another UIDVALIDITY. */
  remove(id: FolderId): void {
    const folder = this.folder(id);
    for (const { modseq } of folder.expunged) {
      this.#batch.del('expunged', expungedKey(id, modseq));
    }
    this.#batch.del('folder', id);
    this.#staged.delete(id);
    this.#folders.set(id, undefined);
    this.#effects.push(() => this.#deps.state.shelves.delete(id));
  }

  #put(folder: StagedFolder, diff: FolderDiff<MessageEntry>): void {
    const { shelf } = folder;
    for (const entry of diff.put)
      this.#batch.put(messageEntries, entryKey(shelf.id, entry.uid), entry);
    folder.stage(diff);
    this.#batch.put(folders, shelf.id, recordOf(folder));
    this.#effects.push(() => this.#deps.state.apply(shelf, diff));
  }

  #hold(emailId: string, change: number): number {
    const changed = (this.#holders.get(emailId) ?? 0) + change;
    this.#holders.set(emailId, changed);
    return (this.#deps.state.holders.get(emailId) ?? 0) + changed;
  }

  #release(emailId: string): void {
    if (this.#hold(emailId, -1) > 0) return;
    this.#batch.del('messageRaw', rawMessageKey(this.#deps.store, emailId));
  }
}

export function entryKey(id: FolderId, uid: number): string {
  return `${id}/${uid.toString().padStart(UID_DIGITS, '0')}`;
}

function expungedKey(id: FolderId, modseq: number): string {
  return `${id}/${orderedKey(modseq)}`;
}

/** The stored numbers of a folder. */
function recordOf(folder: StagedFolder): FolderRecord {
  const { name, uidNext, modseq, firstRecentUid, expungedFloor } = folder;
  const { uidValidity } = folder.shelf.folder;
  return { name, uidValidity, uidNext, modseq, firstRecentUid, expungedFloor };
}
