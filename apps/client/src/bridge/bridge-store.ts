/**
 * The account's mail as IMAP and POP3 show it: their hooks onto the store that the web client and
 * the command line use too. Reading is from the lists in memory; each change is one synced batch.
 * Before: mail io, imap/ and pop3/; after: messages/message-store.ts, drafts/draft-book.ts.
 * Spec: docs/spec/45-mail-programs.md.
 */
import { bytesToHex } from '@noble/hashes/utils.js';
import type { FlagChange, FolderMessage } from '@tanglemail/mail/core/folder/folder.ts';
import { readHeaders } from '@tanglemail/mail/core/message/headers.ts';
import {
  type AppendedMessage,
  type CopiedUid,
  type ImapFolder,
  type ImapFolderState,
  type ImapQuota,
  ImapRefused,
  type ImapRefusal,
  type ImapStore,
  type SpecialUse,
  type UidRange,
} from '@tanglemail/mail/io/imap/session/hooks.ts';
import { emailText } from '../account/account.ts';
import { ClientError, type ClientErrorCode } from '../client-error.ts';
import type { ClientParts } from '../client-parts.ts';
import { draftKey, draftVersion } from '../drafts/draft-book.ts';
import { FOLDER, type FolderId, readFolderName } from '../messages/folder-name.ts';
import { type ForeignFacts, readForeignMail } from '../messages/foreign-mail.ts';
import { mailId, type NewMail } from '../messages/listed-mail.ts';
import type { PaidRoom } from '../rentals/paid-room.ts';
import { hiddenFolders } from '../store/bridge-collections.ts';
import type { MessageEntry } from '../store/collections.ts';
import type { SealedBatch } from '../store/sealed-store.ts';
import { TraceFields } from './trace-fields.ts';

export type BridgeStoreParts = Pick<
  ClientParts,
  'account' | 'events' | 'mailbox' | 'messages' | 'store' | 'tangle' | 'writes'
> & { readonly paidRoom: Pick<PaidRoom, 'roomBytes'> };

const SPECIAL: Readonly<Record<string, SpecialUse | undefined>> = {
  [FOLDER.Archive]: '\\Archive',
  [FOLDER.Drafts]: '\\Drafts',
  [FOLDER.Junk]: '\\Junk',
  [FOLDER.Sent]: '\\Sent',
  [FOLDER.Trash]: '\\Trash',
};
const REFUSALS: Readonly<Partial<Record<ClientErrorCode, ImapRefusal>>> = {
  busy: 'LIMIT',
  'folder-exists': 'ALREADYEXISTS',
  'folder-name-invalid': 'CANNOT',
  'folder-standard': 'CANNOT',
  'folder-unknown': 'NONEXISTENT',
  'folders-too-many': 'LIMIT',
};
const KEY_LENGTH = 16;
/** In folders above this size words are looked up in the index, where they begin a word. */
const INDEXED_FROM = 2_000;
/** Mails that the index may find; more are no answer to a search. */
const MAX_FOUND = 200_000;
const FOLDERS_KEY = 'folders';
const MDN_SENT = '$MDNSent';
/** What the lists show of a mail whose header cannot be read. */
const UNREAD: ForeignFacts = {
  importedFrom: '',
  dateSeconds: undefined,
  isRegistered: false,
  hasAttachments: false,
  fromName: '',
  to: '',
  subject: '',
  messageId: '',
};

export class BridgeStore implements ImapStore {
  readonly #parts: BridgeStoreParts;
  readonly #traces: TraceFields;
  readonly #hidden: Set<string>;

  /** `serverName` stands in the trace fields. */
  constructor(parts: BridgeStoreParts, serverName: string) {
    this.#parts = parts;
    this.#traces = new TraceFields(parts.account, serverName);
    this.#hidden = new Set(parts.store.get(hiddenFolders, FOLDERS_KEY)?.ids);
  }

  folders(): readonly ImapFolder[] {
    return this.#parts.messages.folders().map(({ id, name }) => {
      return { id, name, specialUse: SPECIAL[id], isSubscribed: !this.#hidden.has(id) };
    });
  }

  folder(id: string): ImapFolderState | undefined {
    return this.#parts.messages.folder(id as FolderId);
  }

  sizeOf(message: FolderMessage): number {
    return this.#trace(message).length + message.sizeBytes;
  }

  async read(message: FolderMessage): Promise<Uint8Array | undefined> {
    const raw = this.#parts.messages.rawOf(message.emailId);
    const trace = this.#trace(message);
    return raw === undefined || trace === '' ? raw : Buffer.concat([Buffer.from(trace), raw]);
  }

  #trace(message: FolderMessage): string {
    return this.#traces.of(message as MessageEntry);
  }

  header(message: FolderMessage, name: string): string | undefined {
    const { subject, messageId } = message as MessageEntry;
    if (name === 'subject') return subject;
    return name === 'message-id' ? messageId : undefined;
  }

  async find(
    folderId: string,
    _field: 'body' | 'text',
    words: string,
  ): Promise<ReadonlySet<number> | undefined> {
    const { messages, mailbox } = this.#parts;
    const folder = messages.folder(folderId as FolderId);
    const text = words.replaceAll(/["\\]/g, ' ').trim();
    if (folder === undefined || folder.messages.size < INDEXED_FROM || text === '')
      return undefined;
    const found = await mailbox.search.search(`"${text}"`, MAX_FOUND);
    const uids = found.mails.flatMap(({ entry }) => folder.uidByKey.get(entry.messageKey) ?? []);
    return found.pending > 0 ? undefined : new Set(uids);
  }

  threadId(message: FolderMessage): string | undefined {
    const entry = message as MessageEntry;
    const [first = entry.messageId] = entry.references ?? [];
    return first === ''
      ? undefined
      : `T${this.#parts.store.opaque(`thread ${first}`).slice(0, 32)}`;
  }

  quota(): ImapQuota | undefined {
    const { messages, paidRoom } = this.#parts;
    const room = paidRoom.roomBytes();
    if (room === undefined) return undefined;
    const sizes = new Map<string, number>();
    for (const { entry } of messages.all()) sizes.set(entry.emailId, entry.sizeBytes);
    const usedBytes = [...sizes.values()].reduce((sum, one) => sum + one, 0);
    return { usedBytes, limitBytes: usedBytes + room };
  }

  async createFolder(text: string): Promise<ImapFolder> {
    const { messages, mailbox } = this.#parts;
    const made: FolderId[] = [];
    const newId = (): FolderId => {
      const id = mailbox.newFolderId();
      made.push(id);
      return id;
    };
    const { id } = await this.#write('folders', (batch) => {
      const created = messages.createFolder(batch, readFolderName(text), newId);
      // Whoever makes a folder here subscribes to it too, or does not want to see it.
      const ids = [...this.#hiddenIds(), ...made];
      batch.put(hiddenFolders, FOLDERS_KEY, { ids });
      const apply = (): void => {
        created.apply();
        for (const one of made) this.#hidden.add(one);
      };
      return { id: created.id, apply };
    });
    return this.#folder(id);
  }

  async renameFolder(id: string, text: string): Promise<void> {
    const { messages } = this.#parts;
    const parent = text.split('/').slice(0, -1).join('/');
    // RFC 3501 §6.3.5: folders above the new name are made.
    if (parent !== '' && messages.findFolder(parent) === undefined) await this.createFolder(parent);
    await this.#write('folders', (batch) => ({
      apply: messages.renameFolder(batch, id as FolderId, readFolderName(text)),
    }));
  }

  async deleteFolder(id: string): Promise<void> {
    const { messages } = this.#parts;
    await this.#write('folders', (batch) => ({
      apply: messages.deleteFolder(batch, id as FolderId),
    }));
  }

  async subscribe(id: string, isSubscribed: boolean): Promise<void> {
    const { store, writes } = this.#parts;
    if (isSubscribed) this.#hidden.delete(id);
    else this.#hidden.add(id);
    const ids = this.#hiddenIds();
    await writes.run(() => store.batch().put(hiddenFolders, FOLDERS_KEY, { ids }).write());
  }

  /** Of folders that are still there. */
  #hiddenIds(): string[] {
    const there = new Set<string>(this.folders().map((one) => one.id));
    return [...this.#hidden].filter((one) => there.has(one));
  }

  async append(folderId: string, given: readonly AppendedMessage[]): Promise<readonly number[]> {
    if (folderId === FOLDER.Drafts) return this.#appendDrafts(given);
    const mails: (NewMail | number)[] = [];
    for (const message of given) mails.push(await this.#foreignMail(folderId, message));
    const { messages } = this.#parts;
    // Somebody may have deleted it while the mails were read.
    this.#folder(folderId);
    const { uids } = await this.#write('messages', (batch) => {
      const changes = mails.map((mail) =>
        typeof mail === 'number' ? undefined : messages.deliver(batch, mail),
      );
      return {
        uids: changes.map((change, at) => (change ? uidOf(change.id) : Number(mails[at]))),
        apply: () => changes.forEach((change) => change?.apply()),
      };
    });
    return uids;
  }

  /** A mail that a program brings; the UID of the one that is there already, in Sent. */
  async #foreignMail(
    folderId: string,
    { raw, flags, internalDate }: AppendedMessage,
  ): Promise<NewMail | number> {
    if (raw.length === 0) throw new ImapRefused('CANNOT', 'the mail is empty');
    // Old mails have headers that nobody reads; their owner moves them all the same.
    const facts = (await readForeignMail(raw)) ?? UNREAD;
    const isSent = folderId === FOLDER.Sent;
    const known = isSent ? this.#sentUid(facts.messageId, raw) : undefined;
    if (known !== undefined) return known;
    const { dateSeconds: _dateSeconds, importedFrom, ...described } = facts;
    const key = bytesToHex(this.#parts.tangle.random.bytes(KEY_LENGTH));
    return {
      ...described,
      ...(isSent ? {} : { importedFrom }),
      folder: folderId as FolderId,
      raw,
      flags,
      receivedAtMs: internalDate * 1_000,
      messageKey: `program:${key}`,
    };
  }

  /**
   * The copy that was kept when the mail was handed in: programs bring another one afterwards,
   * and nobody wants to see two. Their header may differ (Bcc, Status), the text may not.
   */
  #sentUid(messageId: string, raw: Uint8Array): number | undefined {
    if (messageId === '') return undefined;
    const { messages } = this.#parts;
    const all = [...(messages.folder(FOLDER.Sent)?.messages.values() ?? [])];
    const text = bodyOf(raw);
    const isSame = ({ emailId }: MessageEntry): boolean => {
      const kept = messages.rawOf(emailId);
      return kept !== undefined && bodyOf(kept).equals(text);
    };
    return all.findLast((entry) => entry.messageId === messageId && isSame(entry))?.uid;
  }

  async #appendDrafts(given: readonly AppendedMessage[]): Promise<readonly number[]> {
    const { mailbox, messages, tangle } = this.#parts;
    const nowMs = tangle.clock.nowMs();
    const versions = given.map(async ({ raw }) =>
      draftVersion(bytesToHex(tangle.random.bytes(KEY_LENGTH)), raw, nowMs),
    );
    const drafts = await Promise.all(versions);
    await this.#write('drafts', (batch) => {
      const applies = drafts.map((one) => mailbox.drafts.save(batch, one));
      return { apply: () => applies.forEach((apply) => apply()) };
    });
    return drafts.map(({ draftId, raw }) => {
      const places = messages.find(draftKey(draftId, raw));
      const saved = places.find((one) => one.folderId === FOLDER.Drafts);
      if (saved === undefined)
        throw new ImapRefused('NONEXISTENT', 'somebody deleted it meanwhile');
      return saved.entry.uid;
    });
  }

  async changeFlags(
    folderId: string,
    uids: readonly number[],
    change: FlagChange,
    flags: readonly string[],
  ): Promise<void> {
    const { messages } = this.#parts;
    const ids = idsOf(folderId, uids);
    // RFC 3503: what was answered stays answered.
    const isAnswered = (id: string): boolean =>
      messages.get(id)?.entry.flags.includes(MDN_SENT) === true;
    const kept = change === 'set' ? ids.filter(isAnswered) : [];
    const changed = change === 'remove' ? flags.filter((flag) => !isMdnSent(flag)) : flags;
    await this.#write('flags', (batch) => {
      messages.flagAll(batch, kept, change, [...flags, MDN_SENT]);
      const others = ids.filter((id) => !kept.includes(id));
      return { apply: messages.flagAll(batch, others, change, changed) };
    });
  }

  async copy(folderId: string, uids: readonly number[], to: string): Promise<CopiedUid[]> {
    const { messages } = this.#parts;
    const { moved } = await this.#write('messages', (batch) =>
      messages.copy(batch, idsOf(folderId, uids), to as FolderId),
    );
    return moved.map(({ from, id }) => ({ from: uidOf(from), to: uidOf(id) }));
  }

  async move(folderId: string, uids: readonly number[], to: string): Promise<CopiedUid[]> {
    const { messages } = this.#parts;
    const { moved } = await this.#write('messages', (batch) =>
      messages.move(batch, idsOf(folderId, uids), to as FolderId),
    );
    return moved.map(({ from, id }) => ({ from: uidOf(from), to: uidOf(id) }));
  }

  async expunge(folderId: string, uids: readonly number[]): Promise<void> {
    const { messages } = this.#parts;
    await this.#write('messages', (batch) => messages.expunge(batch, idsOf(folderId, uids)));
  }

  async claimRecent(folderId: string): Promise<UidRange> {
    const { messages } = this.#parts;
    return this.#write(undefined, (batch) => {
      const { fromUid, apply } = messages.claimRecent(batch, folderId as FolderId);
      return { from: fromUid, to: messages.folder(folderId as FolderId)?.uidNext ?? 0, apply };
    });
  }

  observe(listener: () => void): () => void {
    return this.#parts.messages.observe((batch) => {
      // What was written is applied behind the write: programs are told after that.
      batch.whenWritten(() => setImmediate(listener));
    });
  }

  #folder(id: string): ImapFolder {
    const folder = this.folders().find((one) => one.id === id);
    if (folder === undefined) throw new ImapRefused('NONEXISTENT', 'there is no such folder');
    return folder;
  }

  /** One synced batch, taken up by the lists; others are told that `changed` did. */
  async #write<T extends { readonly apply: () => void }>(
    changed: 'drafts' | 'flags' | 'folders' | 'messages' | undefined,
    change: (batch: SealedBatch) => T,
  ): Promise<T> {
    const { store, writes, events } = this.#parts;
    try {
      return await writes.run(async () => {
        const batch = store.batch();
        const result = change(batch);
        await batch.write();
        result.apply();
        if (changed !== undefined) events.emit({ topic: 'mailbox', data: { changed } });
        return result;
      });
    } catch (error) {
      const code = error instanceof ClientError ? REFUSALS[error.code] : undefined;
      if (code === undefined || !(error instanceof ClientError)) throw error;
      throw new ImapRefused(code, error.message);
    }
  }
}

function isMdnSent(flag: string): boolean {
  return flag.toLowerCase() === MDN_SENT.toLowerCase();
}

/** What stands behind the header, without the line breaks at its end. */
function bodyOf(raw: Uint8Array): Buffer {
  const headers = readHeaders(raw);
  let end = raw.length;
  while (end > 0 && (raw[end - 1] === 0x0a || raw[end - 1] === 0x0d)) end -= 1;
  return Buffer.from(raw.subarray(headers.ok ? headers.value.bodyOffset : 0, end));
}

function idsOf(folderId: string, uids: readonly number[]): string[] {
  return uids.map((uid) => mailId(folderId as FolderId, uid));
}

function uidOf(id: string): number {
  return Number(id.slice(id.lastIndexOf('.') + 1));
}

/** Whether this is how the account may be called at a login. */
export function isAccountName(parts: Pick<ClientParts, 'account'>, name: string): boolean {
  const email = emailText(parts.account);
  const given = name.trim().toLowerCase();
  return given === email || given === email.slice(0, email.indexOf('@'));
}
