/**
 * The mails of the account: raw bytes exactly as they came, folders with UIDs and flags, and one
 * line for each list. Before: inbox and outbox; after: the local API.
 * Spec: docs/spec/40-client-store.md; folder rules: mail core, folder/folder.ts.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import {
  appendMessage,
  applyFolderDiff,
  changeFlags,
  type FlagChange,
  type Folder,
  type FolderDiff,
  type FolderMessage,
  newFolder,
  restoreFolder,
} from '@tanglemail/mail/core/folder/folder.ts';
import type { MailAddress } from '@tanglemail/mail/core/identity/address.ts';
import {
  counters,
  folderStates,
  messageEntries,
  type MessageEntry,
  rawMessageKey,
} from '../store/collections.ts';
import type { SealedBatch, SealedStore } from '../store/sealed-store.ts';
import { FOLDER, STANDARD_FOLDERS, type StandardFolder } from './folder-name.ts';
import type { ChangeOrigin, MessageChange, MessageObserver } from './message-change.ts';

/** Folders of every account. */
export const FOLDERS = STANDARD_FOLDERS;
export type FolderName = StandardFolder;

const UID_DIGITS = 10;
const UIDVALIDITY = 'uidvalidity';

/** A mail on its way into a folder. */
export interface NewMail {
  readonly folder: FolderName;
  readonly raw: Uint8Array;
  /** Sender and letter id for received mail, a local id for own copies: arrives once. */
  readonly messageKey: string;
  readonly receivedAtMs: number;
  readonly flags: readonly string[];
  /** Whose seal it was; absent for own copies. */
  readonly sender?: MailAddress;
  readonly isRegistered: boolean;
  /** Our sub-address by which it came. */
  readonly subAddress?: string;
  readonly hasAttachments: boolean;
  readonly fromName: string;
  readonly to: string;
  readonly subject: string;
  readonly messageId: string;
}

/** What stands in front of a folder's list. */
export interface FolderTotals {
  readonly name: FolderName;
  readonly total: number;
  readonly unread: number;
  readonly uidValidity: number;
  readonly uidNext: number;
}

/** One mail in a folder's list. */
export interface ListedMail {
  readonly id: string;
  readonly folder: FolderName;
  readonly entry: MessageEntry;
}

/** What a delivery or a flag change did; call `apply` once the batch is written. */
export interface MailChange {
  readonly id: string;
  readonly isNew: boolean;
  readonly apply: () => void;
}

export class MessageStore {
  readonly #store: SealedStore;
  readonly #folders = new Map<FolderName, Folder>();
  /** Facts beside the folder's own, by mail id. */
  readonly #entries = new Map<string, MessageEntry>();
  readonly #observers = new Set<MessageObserver>();

  private constructor(store: SealedStore) {
    this.#store = store;
  }

  static async load(store: SealedStore): Promise<MessageStore> {
    const messages = new MessageStore(store);
    for (const name of FOLDERS) await messages.#loadFolder(name);
    return messages;
  }

  /** Calls `observer` inside every change, with its batch, until the returned function is called. */
  observe(observer: MessageObserver): () => void {
    this.#observers.add(observer);
    return () => this.#observers.delete(observer);
  }

  #tell(batch: SealedBatch, change: MessageChange): void {
    for (const observer of this.#observers) observer(batch, change);
  }

  async #loadFolder(name: FolderName): Promise<void> {
    const state = this.#store.get(folderStates, stateKey(name));
    if (state === undefined) {
      await this.#createFolder(name);
      return;
    }
    const loaded: FolderMessage[] = [];
    for await (const { value } of this.#store.scan(messageEntries, { prefix: `${name}/` })) {
      loaded.push(value);
      this.#entries.set(mailId(name, value.uid), value);
    }
    this.#folders.set(name, restoreFolder(state, loaded, []));
  }

  /** UIDVALIDITY comes from a counter of the account, never from a constant. */
  async #createFolder(name: FolderName): Promise<void> {
    const uidValidity = this.#store.get(counters, UIDVALIDITY)?.next ?? 1;
    const folder = newFolder(uidValidity);
    const batch = this.#store.batch();
    batch.put(counters, UIDVALIDITY, { next: uidValidity + 1 });
    batch.put(folderStates, stateKey(name), stateOf(folder, folder));
    await batch.write();
    this.#folders.set(name, folder);
  }

  /** Totals of each folder. */
  folders(): FolderTotals[] {
    return FOLDERS.map((name) => {
      const { messages, uidValidity, uidNext } = this.#folder(name);
      const unread = [...messages.values()].filter((one) => !one.flags.includes('\\Seen')).length;
      return { name, total: messages.size, unread, uidValidity, uidNext };
    });
  }

  /** The newest `limit` mails of a folder, newest first, with UIDs below `before`. */
  list(name: FolderName, limit: number, before = Number.MAX_SAFE_INTEGER): ListedMail[] {
    const uids = [...this.#folder(name).messages.keys()].filter((uid) => uid < before);
    const wanted = uids.slice(Math.max(0, uids.length - limit)).toReversed();
    return wanted.map((uid) => this.get(mailId(name, uid))).filter((one) => one !== undefined);
  }

  /** A mail by its id, `INBOX.12`. */
  get(id: string): ListedMail | undefined {
    const entry = this.#entries.get(id);
    const folder = FOLDERS.find((name) => id.startsWith(`${name}.`));
    return entry && folder ? { id, folder, entry } : undefined;
  }

  /** The bytes of a mail, as they were written by its sender. */
  raw(id: string): Uint8Array | undefined {
    const mail = this.#entries.get(id);
    return mail && this.#store.getBytes('messageRaw', rawMessageKey(this.#store, mail.emailId));
  }

  /** Puts a mail into the batch; one with a known key is there already and changes nothing. */
  deliver(batch: SealedBatch, mail: NewMail, origin: ChangeOrigin = 'local'): MailChange {
    const folder = this.#folder(mail.folder);
    const emailId = bytesToHex(sha256(mail.raw));
    const appended = appendMessage(folder, {
      messageKey: mail.messageKey,
      emailId,
      sizeBytes: mail.raw.length,
      internalDate: Math.floor(mail.receivedAtMs / 1_000),
      flags: mail.flags,
    });
    const id = mailId(mail.folder, appended.uid);
    if (appended.diff === undefined) return { id, isNew: false, apply: () => {} };
    const { sender, isRegistered, hasAttachments, fromName, to, subject, messageId } = mail;
    const { subAddress } = mail;
    const facts = {
      ...(sender === undefined ? {} : { sender }),
      ...(subAddress === undefined ? {} : { subAddress }),
      isRegistered,
      hasAttachments,
      fromName: fromName.slice(0, 998),
      to: to.slice(0, 4_096),
      subject: subject.slice(0, 998),
      messageId: messageId.slice(0, 998),
    };
    batch.putBytes('messageRaw', rawMessageKey(this.#store, emailId), mail.raw);
    const apply = this.#putDiff(batch, mail.folder, appended.diff, () => facts);
    for (const message of appended.diff.put) {
      const entry = { ...facts, ...message, flags: [...message.flags] };
      const { messageKey, raw } = mail;
      const folderId = FOLDER[mail.folder];
      this.#tell(batch, { kind: 'delivered', origin, messageKey, folderId, entry, raw });
    }
    return { id, isNew: true, apply };
  }

  /** Changes flags of one mail; undefined when it does not exist. */
  flag(
    batch: SealedBatch,
    id: string,
    change: FlagChange,
    flags: readonly string[],
    origin: ChangeOrigin = 'local',
  ): MailChange | undefined {
    const mail = this.get(id);
    if (mail === undefined) return undefined;
    const { diff } = changeFlags(this.#folder(mail.folder), [mail.entry.uid], change, flags);
    if (diff === undefined) return { id, isNew: false, apply: () => {} };
    const before = mail.entry.flags;
    for (const { messageKey, flags: after } of diff.put) {
      const added = after.filter((flag) => !before.includes(flag));
      const removed = before.filter((flag) => !after.includes(flag));
      this.#tell(batch, { kind: 'flags', origin, messageKey, added, removed });
    }
    return { id, isNew: false, apply: this.#putDiff(batch, mail.folder, diff, () => mail.entry) };
  }

  #putDiff(
    batch: SealedBatch,
    name: FolderName,
    diff: FolderDiff,
    factsOf: (message: FolderMessage) => Omit<MessageEntry, keyof FolderMessage>,
  ): () => void {
    const folder = this.#folder(name);
    const entries = diff.put.map((message): MessageEntry => {
      const flags = [...message.flags];
      return { ...factsOf(message), ...message, flags };
    });
    for (const entry of entries) batch.put(messageEntries, entryKey(name, entry.uid), entry);
    batch.put(folderStates, stateKey(name), stateOf(folder, diff));
    return () => {
      applyFolderDiff(folder, diff);
      for (const entry of entries) this.#entries.set(mailId(name, entry.uid), entry);
    };
  }

  #folder(name: FolderName): Folder {
    const folder = this.#folders.get(name);
    if (folder === undefined) throw new Error(`broken invariant: folder ${name} is loaded`);
    return folder;
  }
}

function mailId(folder: FolderName, uid: number): string {
  return `${folder}.${uid}`;
}

function entryKey(folder: FolderName, uid: number): string {
  return `${folder}/${uid.toString().padStart(UID_DIGITS, '0')}`;
}

function stateKey(folder: FolderName): string {
  return `folder/${folder}`;
}

/** The stored numbers of a folder after `change`. */
function stateOf(
  folder: Folder,
  change: Pick<FolderDiff, 'uidNext' | 'modseq' | 'firstRecentUid' | 'expungedFloor'>,
): { uidValidity: number } & Pick<
  FolderDiff,
  'uidNext' | 'modseq' | 'firstRecentUid' | 'expungedFloor'
> {
  const { uidNext, modseq, firstRecentUid, expungedFloor } = change;
  return { uidValidity: folder.uidValidity, uidNext, modseq, firstRecentUid, expungedFloor };
}
