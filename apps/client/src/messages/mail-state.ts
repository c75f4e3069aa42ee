/**
 * The mails in memory: folders with their counts, in which folders a message lies, and how many
 * lines hold the same bytes. Only a stage that was written changes it.
 * Before: message-store.ts; after: mail core, folder/folder.ts.
 * Spec: docs/spec/40-client-store.md, section "Folders".
 */
import {
  applyFolderDiff,
  type ExpungedUid,
  type Folder,
  type FolderDiff,
  type FolderView,
} from '@tanglemail/mail/core/folder/folder.ts';
import type { MessageEntry } from '../store/collections.ts';
import type { FolderId, FolderName } from './folder-name.ts';

/** A folder in memory with what its list shows first. */
export interface Shelf {
  readonly id: FolderId;
  name: FolderName;
  readonly folder: Folder<MessageEntry>;
  /** Ascending. */
  uids: number[];
  unread: number;
  /** This folder and no other: shared by all messages that lie only here. */
  readonly only: readonly FolderId[];
}

export function shelfOf(id: FolderId, name: FolderName, folder: Folder<MessageEntry>): Shelf {
  const unread = [...folder.messages.values()].filter(isUnread).length;
  return { id, name, folder, uids: [...folder.messages.keys()], unread, only: [id] };
}

export function isUnread(entry: { readonly flags: readonly string[] }): boolean {
  return !entry.flags.includes('\\Seen');
}

export class MailState {
  readonly shelves = new Map<FolderId, Shelf>();
  /** Folders of each message, by its key. */
  readonly places = new Map<string, readonly FolderId[]>();
  /** Lines of lists that hold the same bytes, by the hash of the bytes. */
  readonly holders = new Map<string, number>();

  /** Takes up a folder that was read from the disk. */
  addShelf(shelf: Shelf): void {
    this.shelves.set(shelf.id, shelf);
    for (const entry of shelf.folder.messages.values()) this.#noted(shelf, entry);
  }

  #noted(shelf: Shelf, { messageKey, emailId }: MessageEntry): void {
    const before = this.places.get(messageKey);
    this.places.set(messageKey, before === undefined ? shelf.only : [...before, shelf.id]);
    this.holders.set(emailId, (this.holders.get(emailId) ?? 0) + 1);
  }

  #dropped(shelf: Shelf, { messageKey, emailId }: MessageEntry): void {
    const rest = (this.places.get(messageKey) ?? []).filter((id) => id !== shelf.id);
    if (rest.length === 0) this.places.delete(messageKey);
    else this.places.set(messageKey, rest);
    const holders = (this.holders.get(emailId) ?? 1) - 1;
    if (holders === 0) this.holders.delete(emailId);
    else this.holders.set(emailId, holders);
  }

  /** Takes up one change of a folder after it was written. */
  apply(shelf: Shelf, diff: FolderDiff<MessageEntry>): void {
    const { folder } = shelf;
    for (const entry of diff.put) {
      const before = folder.messages.get(entry.uid);
      if (isUnread(entry)) shelf.unread += 1;
      if (before !== undefined) shelf.unread -= isUnread(before) ? 1 : 0;
      else {
        shelf.uids.push(entry.uid);
        this.#noted(shelf, entry);
      }
    }
    for (const { uid } of diff.expunged) {
      const entry = folder.messages.get(uid);
      if (entry === undefined) continue;
      if (isUnread(entry)) shelf.unread -= 1;
      this.#dropped(shelf, entry);
    }
    removeUids(
      shelf,
      diff.expunged.map((one) => one.uid),
    );
    applyFolderDiff(folder, diff);
  }
}

/** One is cut out; for many the list is made anew. */
function removeUids(shelf: Shelf, uids: readonly number[]): void {
  if (uids.length === 0) return;
  if (uids.length > 8) {
    const gone = new Set(uids);
    shelf.uids = shelf.uids.filter((uid) => !gone.has(uid));
    return;
  }
  for (const uid of uids) {
    const at = positionOf(shelf.uids, uid);
    if (shelf.uids[at] === uid) shelf.uids.splice(at, 1);
  }
}

/** The position of the first number that is not below `uid` in an ascending list. */
export function positionOf(uids: readonly number[], uid: number): number {
  let [low, high] = [0, uids.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((uids[middle] ?? 0) < uid) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** A folder as it will be when a batch is written: several changes may stand in one batch. */
export class StagedFolder implements FolderView<MessageEntry> {
  readonly shelf: Shelf;
  name: FolderName;
  readonly diffs: FolderDiff<MessageEntry>[] = [];
  readonly #put = new Map<number, MessageEntry | undefined>();
  readonly #byKey = new Map<string, number | undefined>();
  #expunged: readonly ExpungedUid[];

  constructor(shelf: Shelf) {
    this.shelf = shelf;
    this.name = shelf.name;
    this.#expunged = shelf.folder.expunged;
  }

  get uidNext(): number {
    return (this.diffs.at(-1) ?? this.shelf.folder).uidNext;
  }

  get modseq(): number {
    return (this.diffs.at(-1) ?? this.shelf.folder).modseq;
  }

  get firstRecentUid(): number {
    return (this.diffs.at(-1) ?? this.shelf.folder).firstRecentUid;
  }

  get expungedFloor(): number {
    return (this.diffs.at(-1) ?? this.shelf.folder).expungedFloor;
  }

  get expunged(): readonly ExpungedUid[] {
    return this.#expunged;
  }

  get messages(): { get(uid: number): MessageEntry | undefined } {
    const { folder } = this.shelf;
    return {
      get: (uid) => (this.#put.has(uid) ? this.#put.get(uid) : folder.messages.get(uid)),
    };
  }

  get uidByKey(): { get(messageKey: string): number | undefined } {
    const { folder } = this.shelf;
    return {
      get: (key) => (this.#byKey.has(key) ? this.#byKey.get(key) : folder.uidByKey.get(key)),
    };
  }

  /** Takes up a change for the changes that follow in the same batch. */
  stage(diff: FolderDiff<MessageEntry>): void {
    for (const entry of diff.put) {
      this.#put.set(entry.uid, entry);
      this.#byKey.set(entry.messageKey, entry.uid);
    }
    for (const { uid } of diff.expunged) {
      const entry = this.messages.get(uid);
      if (entry !== undefined) this.#byKey.set(entry.messageKey, undefined);
      this.#put.set(uid, undefined);
    }
    if (diff.expunged.length > 0) {
      const all = [...this.#expunged, ...diff.expunged];
      this.#expunged = all.filter((one) => one.modseq > diff.expungedFloor);
    }
    this.diffs.push(diff);
  }
}
