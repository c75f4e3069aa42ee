/**
 * The inbox as one POP3 session sees it: the mails that were there at the login, by number. What
 * is deleted goes to Trash when the session ends by QUIT, and not before. Source: RFC 1939 §4 to
 * §7. Before: pop3-session.ts; next: the store behind IMAP's hooks.
 */
import type { FolderMessage } from '../../core/folder/folder.ts';
import type { ImapStore } from '../imap/session/hooks.ts';

/** Ids of folders. */
export interface MaildropFolders {
  readonly inbox: string;
  readonly trash: string;
}

export class Maildrop {
  readonly #store: ImapStore;
  readonly #folders: MaildropFolders;
  readonly #messages: readonly FolderMessage[];
  readonly #deleted = new Set<number>();
  #last = 0;

  constructor(store: ImapStore, folders: MaildropFolders) {
    this.#store = store;
    this.#folders = folders;
    this.#messages = [...(store.folder(folders.inbox)?.messages.values() ?? [])];
  }

  /** Numbers of mails that are not deleted, ascending. */
  get numbers(): number[] {
    return this.#messages.flatMap((_, at) => (this.#deleted.has(at + 1) ? [] : [at + 1]));
  }

  /** Octets of them together. */
  get size(): number {
    return this.numbers.reduce((sum, number) => sum + this.sizeOf(number), 0);
  }

  /** The greatest number that was read: LAST of RFC 1460, which fetchmail asks for. */
  get last(): number {
    return this.#last;
  }

  /** Whether there is a mail of this number that is not deleted. */
  has(number: number): boolean {
    return number >= 1 && number <= this.#messages.length && !this.#deleted.has(number);
  }

  sizeOf(number: number): number {
    return this.#store.sizeOf(this.#at(number));
  }

  /** The same for a mail in every session (RFC 1939 §7): its key's hash, not its bytes'. */
  uniqueIdOf(number: number): string {
    const { emailId, uid } = this.#at(number);
    // Two copies of the same bytes are two mails.
    return `${emailId.slice(0, 40)}.${uid}`;
  }

  /** Undefined when it was expunged meanwhile. Reading it marks it as seen. */
  async read(number: number): Promise<Uint8Array | undefined> {
    const message = this.#at(number);
    const bytes = await this.#store.read(message);
    if (bytes === undefined) return undefined;
    this.#last = Math.max(this.#last, number);
    await this.#store.changeFlags(this.#folders.inbox, [message.uid], 'add', ['\\Seen']);
    return bytes;
  }

  /** Header and body, without marking anything. */
  async look(number: number): Promise<Uint8Array | undefined> {
    return this.#store.read(this.#at(number));
  }

  delete(number: number): void {
    this.#last = Math.max(this.#last, number);
    this.#deleted.add(number);
  }

  reset(): void {
    this.#deleted.clear();
    this.#last = 0;
  }

  /** Moves what is deleted to Trash; durable when it resolves. */
  async commit(): Promise<void> {
    if (this.#deleted.size === 0) return;
    const uids = [...this.#deleted].map((number) => this.#at(number).uid);
    await this.#store.move(this.#folders.inbox, uids, this.#folders.trash);
    this.#deleted.clear();
  }

  #at(number: number): FolderMessage {
    const message = this.#messages[number - 1];
    if (message === undefined) throw new Error('broken invariant: the number was checked');
    return message;
  }
}
