/**
 * The conversations of the account, own sent mails among them, kept in step with the mail store.
 * Before: the mailbox service; after: mail core, thread/thread.ts.
 * Spec: docs/spec/41-client-api.md §20.
 */
import { type Threaded, ThreadForest, withParents } from '@tanglemail/mail/core/thread/thread.ts';
import type { MessageEntry } from '../store/collections.ts';
import { FOLDER, type FolderId } from './folder-name.ts';
import type { ListedMail } from './listed-mail.ts';
import type { MessageStore } from './message-store.ts';

/** One message of a conversation, in the first of its folders, and which one it answers. */
export interface ConversationMail {
  readonly mail: ListedMail;
  /** Id of a mail in the same conversation. */
  readonly parent: string | undefined;
}

/** Mails oldest first; at least one. */
export type Conversation = readonly ListedMail[];

/** What is thrown away, suspect or not written yet is no part of a conversation. */
const LEFT_OUT: ReadonlySet<FolderId> = new Set([FOLDER.Trash, FOLDER.Junk, FOLDER.Drafts]);

export class Conversations {
  readonly #messages: MessageStore;
  #forest: ThreadForest | undefined;
  /** Conversations as they were last put together; undefined when something has changed. */
  #threads: readonly (readonly Threaded[])[] | undefined;

  constructor(messages: MessageStore) {
    this.#messages = messages;
    messages.observe((batch, change) => {
      if (change.kind === 'delivered') {
        // A forest that is planted while the batch is written does not know the mail yet.
        batch.whenWritten(() => {
          this.#forest?.add(threaded(change.entry));
          this.#threads = undefined;
        });
      } else if (change.kind === 'expunged' && change.isGone) {
        this.#forest = undefined;
        this.#threads = undefined;
      }
    });
  }

  /**
   * Those with a mail in `folder` (or in any), the one with the newest mail first; behind the one
   * whose id is `before`.
   */
  list(limit: number, folder?: FolderId, before?: string): Conversation[] {
    const found: Conversation[] = [];
    let isBehind = before === undefined;
    for (const thread of this.#all()) {
      if (found.length === limit) break;
      const mails = thread.flatMap((one) => this.#shown(one.key) ?? []);
      const isIn = folder === undefined || mails.some((one) => one.folderId === folder);
      if (mails.length === 0 || !isIn) continue;
      if (isBehind) found.push(mails);
      else isBehind = idOf(mails) === before;
    }
    return found;
  }

  /** The conversation of a mail, with the mail that each one answers. */
  of(mail: ListedMail): ConversationMail[] {
    const thread = this.#all().find((one) => one.some((m) => m.key === mail.entry.messageKey));
    const shown = (key: string): ListedMail | undefined =>
      key === mail.entry.messageKey ? mail : this.#shown(key);
    return withParents(thread ?? []).flatMap(({ message, parent }) => {
      const found = shown(message.key);
      if (found === undefined) return [];
      return [{ mail: found, parent: parent === undefined ? undefined : shown(parent)?.id }];
    });
  }

  #shown(key: string): ListedMail | undefined {
    return this.#messages.find(key).find((one) => !LEFT_OUT.has(one.folderId));
  }

  #all(): readonly (readonly Threaded[])[] {
    this.#forest ??= this.#grown();
    this.#threads ??= this.#forest.threads().toSorted((a, b) => newest(b) - newest(a));
    return this.#threads;
  }

  #grown(): ThreadForest {
    const forest = new ThreadForest();
    for (const { entry } of this.#messages.all()) forest.add(threaded(entry));
    return forest;
  }
}

function threaded(entry: MessageEntry): Threaded {
  const { messageKey: key, internalDate: date, references = [] } = entry;
  return { key, messageId: entry.messageId.replaceAll(/[<>\s]/g, ''), references, date };
}

/** A conversation is named by its first mail. */
export function idOf(conversation: Conversation): string {
  return conversation[0]?.id ?? '';
}

function newest(thread: readonly Threaded[]): number {
  return thread.at(-1)?.date ?? 0;
}
