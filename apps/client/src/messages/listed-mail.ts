/**
 * What the mail store takes and gives. Before: message-store.ts; after: mail-state.ts.
 * Spec: docs/spec/40-client-store.md, section "Folders".
 */
import { readFacts, readHeaders } from '@tanglemail/mail/core/message/headers.ts';
import { MAX_REFERENCES } from '@tanglemail/mail/core/thread/thread.ts';
import type { MailAddress } from '@tanglemail/mail/core/identity/address.ts';
import type { MessageEntry } from '../store/collections.ts';
import { type FolderId, type FolderName, isStandard, type StandardFolder } from './folder-name.ts';
import type { Shelf } from './mail-state.ts';

/** A mail on its way into a folder. */
export interface NewMail {
  readonly folder: FolderId | StandardFolder;
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
  /** From an archive: whom its header names, or empty. Nothing proves it. */
  readonly importedFrom?: string;
}

/** What stands in front of a folder's list. */
export interface FolderTotals {
  readonly id: FolderId;
  readonly name: FolderName;
  readonly isStandard: boolean;
  readonly total: number;
  readonly unread: number;
  readonly uidValidity: number;
  readonly uidNext: number;
}

/** One mail in a folder's list. */
export interface ListedMail {
  readonly id: string;
  readonly folder: FolderName;
  readonly folderId: FolderId;
  readonly entry: MessageEntry;
}

/** What a change did; call `apply` once the batch is written. */
export interface MailChange {
  readonly id: string;
  readonly isNew: boolean;
  readonly apply: () => void;
}

/** A message that went into a folder: its id before, and the one that it has there. */
export interface MovedMail {
  readonly from: string;
  readonly id: string;
}

/** The totals of a folder. */
export function totalsOf({ id, name, folder, uids, unread }: Shelf): FolderTotals {
  const { uidValidity, uidNext } = folder;
  return { id, name, isStandard: isStandard(id), total: uids.length, unread, uidValidity, uidNext };
}

/** A line of a folder's list. */
export function listed(shelf: Shelf, uid: number): ListedMail | undefined {
  const entry = shelf.folder.messages.get(uid);
  const { id: folderId, name: folder } = shelf;
  return entry && { id: mailId(folderId, uid), folder, folderId, entry };
}

export function mailId(folder: FolderId, uid: number): string {
  return `${folder}.${uid}`;
}

/** Flags that a message has in all its folders: `\Deleted` belongs to one alone. */
export function sharedFlags(flags: readonly string[]): string[] {
  return flags.filter((flag) => flag !== '\\Deleted');
}

/** The line of a new mail; `emailId` is the hash of its bytes. */
export function entryOf(mail: NewMail, emailId: string): Omit<MessageEntry, 'uid' | 'modseq'> {
  const { messageKey, sender, subAddress, isRegistered, hasAttachments, importedFrom } = mail;
  const headers = readHeaders(mail.raw);
  const references = headers.ok ? readFacts(headers.value).references.slice(-MAX_REFERENCES) : [];
  return {
    messageKey,
    emailId,
    sizeBytes: mail.raw.length,
    internalDate: Math.floor(mail.receivedAtMs / 1_000),
    flags: [...mail.flags],
    ...(sender === undefined ? {} : { sender }),
    ...(subAddress === undefined ? {} : { subAddress }),
    isRegistered,
    hasAttachments,
    fromName: mail.fromName.slice(0, 998),
    to: mail.to.slice(0, 4_096),
    subject: mail.subject.slice(0, 998),
    messageId: mail.messageId.slice(0, 998),
    ...(importedFrom === undefined ? {} : { importedFrom }),
    ...(references.length === 0 ? {} : { references }),
  };
}
