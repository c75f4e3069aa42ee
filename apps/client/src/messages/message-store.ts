/**
 * The mails of the account: raw bytes exactly as they came, folders with UIDs and flags, and one
 * line for each list. Every change is one batch that its caller writes; observers add what follows
 * from it to the same batch. Before: inbox, outbox, the mailbox service and the bridges; after:
 * mail-stage.ts. Spec: docs/spec/40-client-store.md; folder rules: mail core, folder/folder.ts.
 */
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import {
  type FlagChange,
  type Folder,
  restoreFolder,
} from '@tanglemail/mail/core/folder/folder.ts';
import { ClientError } from '../client-error.ts';
import { nativeSha256 } from '../native-sha256.ts';
import { messageEntries, type MessageEntry, rawMessageKey } from '../store/collections.ts';
import { expungedUids, folders } from '../store/mailbox-collections.ts';
import type { SealedBatch, SealedStore } from '../store/sealed-store.ts';
import {
  FOLDER,
  type FolderId,
  type FolderName,
  isBelow,
  isStandard,
  parentOf,
  parseFolderId,
  STANDARD_FOLDERS,
  type StandardFolder,
} from './folder-name.ts';
import {
  entryOf,
  type FolderTotals,
  listed,
  type ListedMail,
  type MailChange,
  mailId,
  type MovedMail,
  type NewMail,
  sharedFlags,
  totalsOf,
} from './listed-mail.ts';
import { MailStage } from './mail-stage.ts';
import { MailState, positionOf, type Shelf, shelfOf } from './mail-state.ts';
import type { ChangeOrigin, MessageChange, MessageObserver } from './message-change.ts';

/** Folders of one account; each costs some memory and a line of every list. */
const MAX_FOLDERS = 1_000;

export class MessageStore {
  readonly #store: SealedStore;
  readonly #state = new MailState();
  readonly #observers = new Set<MessageObserver>();
  readonly #stages = new WeakMap<SealedBatch, MailStage>();
  #now: () => number | undefined = () => undefined;
  #filing: (mail: NewMail) => NewMail = (mail) => mail;

  private constructor(store: SealedStore) {
    this.#store = store;
  }

  static async load(store: SealedStore): Promise<MessageStore> {
    const messages = new MessageStore(store);
    for await (const { key, value } of store.scan(folders)) {
      const id = parseFolderId(key);
      if (id !== undefined) await messages.#loadFolder(id, value);
    }
    const batch = store.batch();
    const missing = STANDARD_FOLDERS.filter((name) => !messages.#state.shelves.has(FOLDER[name]));
    const stage = messages.#stage(batch);
    for (const name of missing) stage.create(FOLDER[name], name as string as FolderName);
    if (missing.length > 0) await batch.write();
    stage.apply();
    return messages;
  }

  async #loadFolder(
    id: FolderId,
    record: { readonly name: string } & Parameters<typeof restoreFolder>[0],
  ): Promise<void> {
    const { name, ...numbers } = record;
    const entries: MessageEntry[] = [];
    const options = { prefix: `${id}/` };
    for await (const { value } of this.#store.scan(messageEntries, options)) entries.push(value);
    const expunged: { uid: number; modseq: number }[] = [];
    for await (const { value } of this.#store.scan(expungedUids, options)) {
      for (const uid of value.uids) expunged.push({ uid, modseq: value.modseq });
    }
    const folder = restoreFolder<MessageEntry>(numbers, entries, expunged);
    this.#state.addShelf(shelfOf(id, name as FolderName, folder));
  }

  /** Calls `observer` inside every change, with its batch, until what it returns is called. */
  observe(observer: MessageObserver): () => void {
    this.#observers.add(observer);
    return () => this.#observers.delete(observer);
  }

  /** Lets a clock, in Unix seconds, say when a mail came into a folder. */
  dateBy(nowSeconds: () => number): void {
    this.#now = nowSeconds;
  }

  /** Lets rules choose folder and flags of what is delivered to INBOX by somebody else. */
  fileBy(filing: (mail: NewMail) => NewMail): void {
    this.#filing = filing;
  }

  /** Totals of each folder: standard ones first, then by name. */
  folders(): FolderTotals[] {
    const own = [...this.#state.shelves.values()].filter((one) => !isStandard(one.id));
    own.sort((a, b) => (a.name < b.name ? -1 : 1));
    return [...STANDARD_FOLDERS.map((name) => this.#shelf(FOLDER[name])), ...own].map(totalsOf);
  }

  /** A folder by its id or name; upper and lower case matter only where names differ by them. */
  findFolder(text: string): FolderTotals | undefined {
    const id = parseFolderId(text);
    const byId = id === undefined ? undefined : this.#state.shelves.get(id);
    if (byId !== undefined) return totalsOf(byId);
    const all = [...this.#state.shelves.values()];
    const lower = text.toLowerCase();
    const found =
      all.find((one) => one.name === text) ?? all.find((one) => one.name.toLowerCase() === lower);
    return found === undefined ? undefined : totalsOf(found);
  }

  /** UIDs, flags and expunges as IMAP shows them; only to be read. Undefined when there is none. */
  folder(id: FolderId): Readonly<Folder<MessageEntry>> | undefined {
    return this.#state.shelves.get(id)?.folder;
  }

  /** The newest `limit` mails of a folder behind `offset` newer ones, with UIDs below `before`. */
  list(
    id: FolderId | StandardFolder,
    limit: number,
    before = Number.MAX_SAFE_INTEGER,
    offset = 0,
  ): ListedMail[] {
    const shelf = this.#state.shelves.get(id as FolderId);
    if (shelf === undefined) return [];
    const end = Math.max(0, positionOf(shelf.uids, before) - offset);
    const uids = shelf.uids.slice(Math.max(0, end - limit), end).toReversed();
    return uids.flatMap((uid) => listed(shelf, uid) ?? []);
  }

  /** All mails of a folder, or of all folders, in no particular order between folders. */
  *all(id?: FolderId): Generator<ListedMail> {
    for (const shelf of this.#state.shelves.values()) {
      if (id !== undefined && shelf.id !== id) continue;
      for (const uid of shelf.uids) {
        const mail = listed(shelf, uid);
        if (mail !== undefined) yield mail;
      }
    }
  }

  /** Mails in all folders together. */
  get size(): number {
    return [...this.#state.shelves.values()].reduce((sum, one) => sum + one.uids.length, 0);
  }

  /** A mail by its id, `INBOX.12`. */
  get(id: string): ListedMail | undefined {
    const { shelf, uid } = this.#place(id) ?? {};
    return shelf === undefined || uid === undefined ? undefined : listed(shelf, uid);
  }

  /** A message in each of its folders. */
  find(messageKey: string): ListedMail[] {
    const ids = this.#state.places.get(messageKey) ?? [];
    return ids.flatMap((id) => {
      const shelf = this.#shelf(id);
      const uid = shelf.folder.uidByKey.get(messageKey);
      return uid === undefined ? [] : (listed(shelf, uid) ?? []);
    });
  }

  /** Whether some message has exactly these bytes. */
  hasBytes(emailId: string): boolean {
    return this.#state.holders.has(emailId);
  }

  /** The bytes of a mail, as they were written by its sender. */
  raw(id: string): Uint8Array | undefined {
    const mail = this.get(id);
    return mail && this.rawOf(mail.entry.emailId);
  }

  rawOf(emailId: string): Uint8Array | undefined {
    return this.#store.getBytes('messageRaw', rawMessageKey(this.#store, emailId));
  }

  /** Puts a mail into the batch; one with a known key is there already and changes nothing. */
  deliver(batch: SealedBatch, given: NewMail, origin: ChangeOrigin = 'local'): MailChange {
    const isArchived = given.importedFrom !== undefined;
    const isFiled = origin === 'local' && given.folder === FOLDER.INBOX && !isArchived;
    const { change, entry, mail } = this.add(batch, isFiled ? this.#filing(given) : given);
    if (entry !== undefined) {
      const { messageKey, raw } = mail;
      const folderId = mail.folder as FolderId;
      this.tell(batch, { kind: 'delivered', origin, messageKey, folderId, entry, raw });
    }
    return change;
  }

  /** Adds without telling anybody: for who tells of it in another way. */
  add(
    batch: SealedBatch,
    mail: NewMail,
  ): { readonly change: MailChange; readonly entry?: MessageEntry; readonly mail: NewMail } {
    const stage = this.#stage(batch);
    const [known] = stage.placesOf(mail.messageKey);
    if (known !== undefined) {
      const uid = stage.folder(known).uidByKey.get(mail.messageKey) ?? 0;
      return { change: { id: mailId(known, uid), isNew: false, apply: () => {} }, mail };
    }
    const folderId = mail.folder as FolderId;
    const emailId = bytesToHex(nativeSha256(mail.raw));
    stage.putRaw(emailId, mail.raw);
    const { uid, entry } = stage.append(folderId, entryOf(mail, emailId));
    const change = { id: mailId(folderId, uid), isNew: true, apply: () => stage.apply() };
    return entry === undefined ? { change, mail } : { change, entry, mail };
  }

  /** Changes flags of one mail; undefined when it does not exist. */
  flag(
    batch: SealedBatch,
    id: string,
    change: FlagChange,
    flags: readonly string[],
    origin: ChangeOrigin = 'local',
  ): MailChange | undefined {
    if (this.get(id) === undefined) return undefined;
    return { id, isNew: false, apply: this.flagAll(batch, [id], change, flags, origin) };
  }

  /**
   * Changes flags of mails, and of the same messages in their other folders; `\Deleted` belongs to
   * one folder alone, because mail programs move by copying and deleting. Unknown ids are left out.
   */
  flagAll(
    batch: SealedBatch,
    ids: readonly string[],
    change: FlagChange,
    flags: readonly string[],
    origin: ChangeOrigin = 'local',
  ): () => void {
    const stage = this.#stage(batch);
    for (const [folderId, uids] of this.#byFolder(ids)) {
      for (const { before, after } of stage.flag(folderId, uids, change, flags)) {
        const { messageKey } = after;
        const added = sharedFlags(after.flags).filter((flag) => !before.flags.includes(flag));
        const removed = sharedFlags(before.flags).filter((flag) => !after.flags.includes(flag));
        if (added.length + removed.length === 0) continue;
        for (const other of stage.placesOf(messageKey)) {
          const uid = stage.folder(other).uidByKey.get(messageKey);
          if (other === folderId || uid === undefined) continue;
          stage.flag(other, [uid], 'add', added);
          stage.flag(other, [uid], 'remove', removed);
        }
        this.tell(batch, { kind: 'flags', origin, messageKey, added, removed });
      }
    }
    return () => stage.apply();
  }

  /**
   * Moves mails. Each gets a new id; a message that lies there already keeps the one it has there.
   * Unknown ids are left out. Throws ClientError `folder-unknown`.
   */
  move(
    batch: SealedBatch,
    ids: readonly string[],
    to: FolderId,
    origin: ChangeOrigin = 'local',
  ): { readonly moved: MovedMail[]; readonly apply: () => void } {
    const stage = this.#stageWith(batch, to);
    const moved: MovedMail[] = [];
    for (const [from, uids] of this.#byFolder(ids)) {
      if (from === to) continue;
      const entries = uids.flatMap((uid) => stage.folder(from).messages.get(uid) ?? []);
      for (const entry of entries) {
        const { uid } = stage.append(to, { ...entry, flags: sharedFlags(entry.flags) });
        moved.push({ from: mailId(from, entry.uid), id: mailId(to, uid) });
      }
      stage.expunge(from, uids);
      for (const { messageKey } of entries) {
        this.tell(batch, { kind: 'moved', origin, messageKey, from, to });
      }
    }
    return { moved, apply: () => stage.apply() };
  }

  /** Puts messages into one more folder. They keep their key, and share their flags from now on. */
  copy(
    batch: SealedBatch,
    ids: readonly string[],
    to: FolderId,
    origin: ChangeOrigin = 'local',
  ): { readonly moved: MovedMail[]; readonly apply: () => void } {
    const stage = this.#stageWith(batch, to);
    const moved: MovedMail[] = [];
    for (const [from, uids] of this.#byFolder(ids)) {
      for (const uid of uids) {
        const entry = stage.folder(from).messages.get(uid);
        if (entry === undefined) continue;
        const added = stage.append(to, { ...entry, flags: sharedFlags(entry.flags) });
        moved.push({ from: mailId(from, uid), id: mailId(to, added.uid) });
        const { messageKey } = entry;
        if (added.entry !== undefined) this.tell(batch, { kind: 'copied', origin, messageKey, to });
      }
    }
    return { moved, apply: () => stage.apply() };
  }

  /** Takes mails out of their folder for good. Unknown ids are left out. */
  expunge(
    batch: SealedBatch,
    ids: readonly string[],
    origin: ChangeOrigin = 'local',
  ): { readonly count: number; readonly apply: () => void } {
    const stage = this.#stage(batch);
    let count = 0;
    for (const [folderId, uids] of this.#byFolder(ids)) {
      for (const { messageKey } of stage.expunge(folderId, uids)) {
        count += 1;
        const isGone = stage.placesOf(messageKey).length === 0;
        this.tell(batch, { kind: 'expunged', origin, messageKey, folderId, isGone });
      }
    }
    return { count, apply: () => stage.apply() };
  }

  /** Takes a mail out without telling anybody: for who tells of it in another way. */
  remove(batch: SealedBatch, messageKey: string): () => void {
    const stage = this.#stage(batch);
    for (const id of stage.placesOf(messageKey)) {
      const uid = stage.folder(id).uidByKey.get(messageKey);
      if (uid !== undefined) stage.expunge(id, [uid]);
    }
    return () => stage.apply();
  }

  /** The first UID that no IMAP session was told of as recent; it is told now. */
  claimRecent(batch: SealedBatch, id: FolderId): { fromUid: number; apply: () => void } {
    const stage = this.#stageWith(batch, id);
    return { fromUid: stage.claimRecent(id), apply: () => stage.apply() };
  }

  /**
   * Makes a folder and those above it that are missing. `newId` gives each an id. Throws
   * ClientError `folder-exists`, `folders-too-many`.
   */
  createFolder(
    batch: SealedBatch,
    name: FolderName,
    newId: () => FolderId,
    origin: ChangeOrigin = 'local',
  ): { readonly id: FolderId; readonly apply: () => void } {
    const stage = this.#stage(batch);
    if (this.#named(name) !== undefined) throw new ClientError('folder-exists', name);
    const missing: FolderName[] = [];
    for (let one: FolderName | undefined = name; one !== undefined; one = parentOf(one)) {
      if (this.#named(one) === undefined && !stage.hasName(one)) missing.unshift(one);
    }
    if (this.#state.shelves.size + missing.length > MAX_FOLDERS) {
      throw new ClientError('folders-too-many', `at most ${MAX_FOLDERS}`);
    }
    let id = newId();
    for (const [at, one] of missing.entries()) {
      if (at > 0) id = newId();
      stage.create(id, one);
      this.tell(batch, { kind: 'folder-created', origin, folderId: id, name: one });
    }
    return { id, apply: () => stage.apply() };
  }

  /** Renames a folder and moves what lies below it along. Throws ClientError `folder-…`. */
  renameFolder(
    batch: SealedBatch,
    id: FolderId,
    name: FolderName,
    origin: ChangeOrigin = 'local',
  ): () => void {
    const stage = this.#stageWith(batch, id);
    const before = this.#shelf(id).name;
    if (isStandard(id)) throw new ClientError('folder-standard', before);
    if (before === name) return () => {};
    if (this.#named(name) !== undefined) throw new ClientError('folder-exists', name);
    if (isBelow(name, before)) throw new ClientError('folder-name-invalid', 'it lies below itself');
    const parent = parentOf(name);
    if (parent !== undefined && this.#named(parent) === undefined) {
      throw new ClientError('folder-unknown', parent);
    }
    for (const shelf of this.#withBelow(id)) {
      const renamed = `${name}${shelf.name.slice(before.length)}` as FolderName;
      stage.rename(shelf.id, renamed);
      this.tell(batch, { kind: 'folder-renamed', origin, folderId: shelf.id, name: renamed });
    }
    return () => stage.apply();
  }

  /** Deletes a folder and all below it; their mails go to Trash. Throws ClientError `folder-…`. */
  deleteFolder(batch: SealedBatch, id: FolderId, origin: ChangeOrigin = 'local'): () => void {
    const stage = this.#stageWith(batch, id);
    if (isStandard(id)) throw new ClientError('folder-standard', this.#shelf(id).name);
    for (const shelf of this.#withBelow(id).toReversed()) {
      const ids = shelf.uids.map((uid) => mailId(shelf.id, uid));
      this.move(batch, ids, FOLDER.Trash, origin);
      stage.remove(shelf.id);
      this.tell(batch, { kind: 'folder-deleted', origin, folderId: shelf.id });
    }
    return () => stage.apply();
  }

  /** Tells the observers of a change that `add` or `remove` was a part of. */
  tell(batch: SealedBatch, change: MessageChange): void {
    for (const observer of this.#observers) observer(batch, change);
  }

  #stage(batch: SealedBatch): MailStage {
    const known = this.#stages.get(batch);
    if (known !== undefined) return known;
    const deps = { store: this.#store, state: this.#state, nowSeconds: this.#now() };
    const stage = new MailStage(batch, deps);
    this.#stages.set(batch, stage);
    return stage;
  }

  /** The stage of a batch in which this folder is there. */
  #stageWith(batch: SealedBatch, id: FolderId): MailStage {
    const stage = this.#stage(batch);
    if (stage.find(id) === undefined) throw new ClientError('folder-unknown', id);
    return stage;
  }

  #shelf(id: FolderId): Shelf {
    const shelf = this.#state.shelves.get(id);
    if (shelf === undefined) throw new Error(`broken invariant: folder ${id} is loaded`);
    return shelf;
  }

  #named(name: FolderName): Shelf | undefined {
    return [...this.#state.shelves.values()].find((one) => one.name === name);
  }

  /** A folder and all below it, from the top down. */
  #withBelow(id: FolderId): Shelf[] {
    const top = this.#shelf(id);
    const below = [...this.#state.shelves.values()].filter((one) => isBelow(one.name, top.name));
    return [top, ...below.toSorted((a, b) => a.name.length - b.name.length)];
  }

  #place(id: string): { readonly shelf: Shelf; readonly uid: number } | undefined {
    const [, folderText = '', uidText = ''] = /^([^.]+)\.([0-9]{1,10})$/.exec(id) ?? [];
    const shelf = this.#state.shelves.get(folderText as FolderId);
    return shelf === undefined ? undefined : { shelf, uid: Number(uidText) };
  }

  #byFolder(ids: readonly string[]): Map<FolderId, number[]> {
    const found = new Map<FolderId, number[]>();
    for (const id of new Set(ids)) {
      const { shelf, uid } = this.#place(id) ?? {};
      if (shelf === undefined || uid === undefined) continue;
      const uids = found.get(shelf.id) ?? [];
      uids.push(uid);
      found.set(shelf.id, uids);
    }
    return found;
  }
}
