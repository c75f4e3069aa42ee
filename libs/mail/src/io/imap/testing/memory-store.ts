/**
 * For specs: an account's mail in memory, by the same rules for folders that the client's store
 * keeps. What it says of text it finds by reading, as a store without an index does.
 */
import { createHash } from 'node:crypto';
import {
  appendMessage,
  applyFolderDiff,
  changeFlags,
  claimRecent,
  expungeMessages,
  type Folder,
  type FolderDiff,
  type FolderMessage,
  newFolder,
} from '../../../core/folder/folder.ts';
import {
  type AppendedMessage,
  type CopiedUid,
  type ImapFolder,
  ImapRefused,
  type ImapStore,
  type SpecialUse,
  type UidRange,
} from '../session/hooks.ts';

const SPECIAL: Record<string, SpecialUse | undefined> = {
  Archive: '\\Archive',
  Drafts: '\\Drafts',
  Junk: '\\Junk',
  Sent: '\\Sent',
  Trash: '\\Trash',
};

interface Shelf {
  name: string;
  isSubscribed: boolean;
  readonly folder: Folder;
}

export class MemoryStore implements ImapStore {
  readonly #shelves = new Map<string, Shelf>();
  readonly #bytes = new Map<string, Uint8Array>();
  readonly #listeners = new Set<() => void>();
  /** When a message comes into a folder. */
  nowSeconds = 1_793_610_672;
  #uidValidity = 1_000;
  #keys = 0;

  constructor() {
    for (const name of ['INBOX', ...Object.keys(SPECIAL)]) this.#create(name, true);
  }

  #create(name: string, isSubscribed = false): ImapFolder {
    const id = `F${this.#shelves.size}`;
    this.#shelves.set(id, { name, isSubscribed, folder: newFolder(++this.#uidValidity) });
    return this.folders().find((one) => one.id === id)!;
  }

  folders(): ImapFolder[] {
    return Array.from(this.#shelves, ([id, { name, isSubscribed }]) => {
      return { id, name, isSubscribed, specialUse: SPECIAL[name] };
    });
  }

  folder(id: string): Folder | undefined {
    return this.#shelves.get(id)?.folder;
  }

  #folder(id: string): Folder {
    const folder = this.folder(id);
    if (folder === undefined) throw new ImapRefused('NONEXISTENT', 'there is no such folder');
    return folder;
  }

  idOf(name: string): string {
    return this.folders().find((one) => one.name === name)!.id;
  }

  sizeOf(message: FolderMessage): number {
    return message.sizeBytes;
  }

  async read(message: FolderMessage): Promise<Uint8Array | undefined> {
    return this.#bytes.get(message.emailId);
  }

  header(): undefined {
    return undefined;
  }

  async find(): Promise<undefined> {
    return undefined;
  }

  threadId(message: FolderMessage): string {
    return `T${message.emailId.slice(0, 8)}`;
  }

  quota(): { usedBytes: number; limitBytes: number } {
    return { usedBytes: 1_500, limitBytes: 10_240 };
  }

  async createFolder(name: string): Promise<ImapFolder> {
    if (this.folders().some((one) => one.name === name)) {
      throw new ImapRefused('ALREADYEXISTS', 'there is such a folder');
    }
    const parts = name.split('/');
    const above = parts.slice(0, -1).map((_, at) => parts.slice(0, at + 1).join('/'));
    const missing = above.filter((parent) => !this.folders().some((one) => one.name === parent));
    return this.#changed(() => {
      for (const parent of missing) this.#create(parent);
      return this.#create(name);
    });
  }

  async renameFolder(id: string, name: string): Promise<void> {
    this.#changed(() => {
      this.#shelves.get(id)!.name = name;
    });
  }

  async deleteFolder(id: string): Promise<void> {
    if (SPECIAL[this.#shelves.get(id)?.name ?? ''] !== undefined || id === 'F0') {
      throw new ImapRefused('CANNOT', 'the folder is needed');
    }
    this.#changed(() => this.#shelves.delete(id));
  }

  async subscribe(id: string, isSubscribed: boolean): Promise<void> {
    this.#shelves.get(id)!.isSubscribed = isSubscribed;
  }

  async append(folderId: string, messages: readonly AppendedMessage[]): Promise<number[]> {
    return messages.map((message) => this.deliver(folderId, message));
  }

  /** Takes a message up, as the inbox does and as APPEND does. */
  deliver(folderId: string, message: AppendedMessage): number {
    const emailId = createHash('sha256').update(message.raw).digest('hex').slice(0, 32);
    this.#bytes.set(emailId, message.raw);
    const folder = this.#folder(folderId);
    const { uid, diff } = appendMessage(folder, {
      messageKey: `key ${++this.#keys}`,
      emailId,
      sizeBytes: message.raw.length,
      internalDate: message.internalDate,
      savedAt: this.nowSeconds,
      flags: message.flags,
    });
    this.#apply(folder, diff);
    return uid;
  }

  async changeFlags(
    folderId: string,
    uids: readonly number[],
    change: 'add' | 'remove' | 'set',
    flags: readonly string[],
  ): Promise<void> {
    const folder = this.#folder(folderId);
    this.#apply(folder, changeFlags(folder, uids, change, flags).diff);
  }

  async copy(folderId: string, uids: readonly number[], to: string): Promise<CopiedUid[]> {
    const [source, target] = [this.#folder(folderId), this.#folder(to)];
    const copied: CopiedUid[] = [];
    for (const from of uids) {
      const message = source.messages.get(from);
      if (message === undefined) continue;
      const { uid, diff } = appendMessage(target, { ...message, savedAt: this.nowSeconds });
      this.#apply(target, diff);
      copied.push({ from, to: uid });
    }
    return copied;
  }

  async move(folderId: string, uids: readonly number[], to: string): Promise<CopiedUid[]> {
    const moved = await this.copy(folderId, uids, to);
    await this.expunge(folderId, uids);
    return moved;
  }

  async expunge(folderId: string, uids: readonly number[]): Promise<void> {
    const folder = this.#folder(folderId);
    this.#apply(folder, expungeMessages(folder, uids));
  }

  async claimRecent(folderId: string): Promise<UidRange> {
    const folder = this.#folder(folderId);
    const { fromUid, diff } = claimRecent(folder);
    this.#apply(folder, diff);
    return { from: fromUid, to: folder.firstRecentUid };
  }

  observe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #apply(folder: Folder, diff: FolderDiff | undefined): void {
    if (diff !== undefined) this.#changed(() => applyFolderDiff(folder, diff));
  }

  #changed<T>(change: () => T): T {
    const result = change();
    for (const listener of this.#listeners) listener();
    return result;
  }
}
