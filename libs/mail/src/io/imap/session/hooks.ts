/**
 * What an IMAP or POP3 session needs of an account's mail. The bridge of the client stands behind
 * it; the protocol code knows nothing of stores or keys. Reading is from memory and synchronous
 * but for a message's bytes; every change resolves once it is durable.
 */
import type { ExpungedUid, FlagChange, FolderMessage } from '../../../core/folder/folder.ts';

/** Attributes of RFC 6154 that a folder can have. */
export type SpecialUse = '\\Archive' | '\\Drafts' | '\\Junk' | '\\Sent' | '\\Trash';

export interface ImapFolder {
  /** Never changes, also when the folder is renamed; MAILBOXID of RFC 8474. */
  readonly id: string;
  /** Unicode, parts divided by `/`; the inbox is `INBOX`. */
  readonly name: string;
  readonly specialUse: SpecialUse | undefined;
  readonly isSubscribed: boolean;
}

/** A folder as it stands now. It changes under the session's feet; only to be read. */
export interface ImapFolderState {
  readonly uidValidity: number;
  readonly uidNext: number;
  /** HIGHESTMODSEQ. */
  readonly modseq: number;
  readonly firstRecentUid: number;
  /** By UID, ascending. */
  readonly messages: ReadonlyMap<number, FolderMessage>;
  /** Ascending by modification number. */
  readonly expunged: readonly ExpungedUid[];
  /** Expunges up to this modification number may have been forgotten. */
  readonly expungedFloor: number;
}

export interface CopiedUid {
  readonly from: number;
  readonly to: number;
}

/** What a program puts into a folder. */
export interface AppendedMessage {
  readonly raw: Uint8Array;
  readonly flags: readonly string[];
  /** Unix seconds. */
  readonly internalDate: number;
}

/** From the first up to the one before the last. */
export interface UidRange {
  readonly from: number;
  readonly to: number;
}

/** Why a change was refused, as the response code that names it. */
export type ImapRefusal =
  | 'ALREADYEXISTS'
  | 'CANNOT'
  | 'LIMIT'
  | 'NONEXISTENT'
  | 'OVERQUOTA'
  | 'TOOBIG'
  | 'TRYCREATE';

/** Thrown by changes; the text is shown to the person. */
export class ImapRefused extends Error {
  readonly code: ImapRefusal;

  constructor(code: ImapRefusal, text: string) {
    super(text);
    this.name = 'ImapRefused';
    this.code = code;
  }
}

/** Storage that the account pays for, for QUOTA (RFC 9208). */
export interface ImapQuota {
  readonly usedBytes: number;
  readonly limitBytes: number;
}

/** The mail of one account. */
export interface ImapStore {
  folders(): readonly ImapFolder[];
  /** Undefined when there is no such folder (any more). */
  folder(id: string): ImapFolderState | undefined;
  /** Bytes of the message as `read` gives them, trace fields included. */
  sizeOf(message: FolderMessage): number;
  /** The whole message; undefined when it was expunged meanwhile. */
  read(message: FolderMessage): Promise<Uint8Array | undefined>;
  /**
   * A header field as people read it, for fields that are at hand without reading the message;
   * undefined for others. Lower-case name; an empty text where the message has no such field.
   */
  header(message: FolderMessage, name: string): string | undefined;
  /** UIDs whose text or header holds these words, where an index can tell; else undefined. */
  find(
    folderId: string,
    field: 'text' | 'body',
    words: string,
  ): Promise<ReadonlySet<number> | undefined>;
  /** THREADID of RFC 8474. */
  threadId(message: FolderMessage): string | undefined;
  quota(): ImapQuota | undefined;

  /** Folders above it that are missing come along; nobody is subscribed to them. */
  createFolder(name: string): Promise<ImapFolder>;
  renameFolder(id: string, name: string): Promise<void>;
  /** Its messages go to Trash. */
  deleteFolder(id: string): Promise<void>;
  subscribe(id: string, isSubscribed: boolean): Promise<void>;
  /** Takes messages up, all or none; gives their UIDs in this order. Throws ImapRefused. */
  append(folderId: string, messages: readonly AppendedMessage[]): Promise<readonly number[]>;
  changeFlags(
    folderId: string,
    uids: readonly number[],
    change: FlagChange,
    flags: readonly string[],
  ): Promise<void>;
  copy(folderId: string, uids: readonly number[], to: string): Promise<readonly CopiedUid[]>;
  move(folderId: string, uids: readonly number[], to: string): Promise<readonly CopiedUid[]>;
  expunge(folderId: string, uids: readonly number[]): Promise<void>;
  /** UIDs that are recent for this session from now on: no other is told so of the same. */
  claimRecent(folderId: string): Promise<UidRange>;
  /** Calls back after every change of any folder, until what it returns is called. */
  observe(listener: () => void): () => void;
}

/** Who may log in. */
export interface ImapLogin {
  /** Undefined for a wrong name or password. Throttled by the server that calls it. */
  login(user: string, password: string): Promise<ImapStore | undefined>;
}
