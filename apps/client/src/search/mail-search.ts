/**
 * Searching mails: words by the full-text index, everything else by the lists in memory, newest
 * first. Before: the mailbox service; after: index-keeper.ts, message-store.ts.
 * Spec: docs/spec/41-client-api.md §20.
 */
import { ClientError } from '../client-error.ts';
import type { FolderId } from '../messages/folder-name.ts';
import type { ListedMail } from '../messages/listed-mail.ts';
import type { MessageStore } from '../messages/message-store.ts';
import type { IndexKeeper } from './index-keeper.ts';
import { parseQuery, type SearchCondition, type SearchWord } from './query.ts';

export interface SearchResult {
  /** Newest first, each message once. */
  readonly mails: readonly ListedMail[];
  /** Found in all. */
  readonly total: number;
  /** Nothing was found letter by letter, so words with mistakes counted too. */
  readonly isFuzzy: boolean;
  /** Messages that the index does not know yet. */
  readonly pending: number;
}

export interface MailSearchDeps {
  readonly messages: MessageStore;
  readonly keeper: IndexKeeper;
}

type Test = (mail: ListedMail) => boolean;

export class MailSearch {
  readonly #deps: MailSearchDeps;

  constructor(deps: MailSearchDeps) {
    this.#deps = deps;
  }

  /** Throws ClientError `search-invalid`, `folder-unknown`. */
  async search(text: string, limit: number, offset = 0): Promise<SearchResult> {
    const { keeper } = this.#deps;
    const { words, conditions } = parseQuery(text);
    const test = this.#testOf(conditions);
    await keeper.settle();
    const isSure = words.every((word) => word.isNot || word.isFuzzy || word.isExact);
    let found = this.#find(words, test, false);
    const isFuzzy = found.length === 0 && !isSure;
    if (isFuzzy) found = this.#find(words, test, true);
    const total = found.length;
    found.sort((a, b) => b.entry.internalDate - a.entry.internalDate || b.entry.uid - a.entry.uid);
    const mails = found.slice(offset, offset + limit);
    return { mails, total, isFuzzy: isFuzzy && total > 0, pending: keeper.pending };
  }

  #find(words: readonly SearchWord[], test: Test, isLenient: boolean): ListedMail[] {
    const { messages, keeper } = this.#deps;
    const { index } = keeper;
    const wanted = words.filter((word) => !word.isNot);
    const without = new Set(
      words.filter((word) => word.isNot).flatMap((word) => index.match([word])),
    );
    if (wanted.length === 0) {
      const gone = new Set([...without].map((id) => index.keyOf(id)));
      return once(messages.all(), (mail) => !gone.has(mail.entry.messageKey) && test(mail));
    }
    const found: ListedMail[] = [];
    for (const id of index.match(wanted, isLenient)) {
      if (without.has(id)) continue;
      const key = index.keyOf(id);
      const mail = key === undefined ? undefined : messages.find(key).find(test);
      if (mail !== undefined) found.push(mail);
    }
    return found;
  }

  #testOf(conditions: readonly SearchCondition[]): Test {
    const tests = conditions.map((one): Test => {
      const test = this.#conditionTest(one);
      return one.isNot ? (mail) => !test(mail) : test;
    });
    return (mail) => tests.every((test) => test(mail));
  }

  #conditionTest(condition: SearchCondition): Test {
    switch (condition.kind) {
      case 'folder': {
        const id = this.#folder(condition.name);
        return (mail) => mail.folderId === id;
      }
      case 'flag': {
        const flag = condition.flag.toLowerCase();
        return ({ entry }) => entry.flags.some((one) => one.toLowerCase() === flag);
      }
      case 'attachment':
        return ({ entry }) => entry.hasAttachments;
      case 'date': {
        const { from, until } = condition;
        return ({ entry }) =>
          entry.internalDate * 1_000 >= from && entry.internalDate * 1_000 < until;
      }
      default: {
        const { from, until } = condition;
        return ({ entry }) => entry.sizeBytes >= from && entry.sizeBytes < until;
      }
    }
  }

  #folder(name: string): FolderId {
    const folder = this.#deps.messages.findFolder(name);
    if (folder === undefined) throw new ClientError('folder-unknown', name);
    return folder.id;
  }
}

/** Each message once, in the first folder where it passes. */
function once(mails: Iterable<ListedMail>, test: Test): ListedMail[] {
  const found = new Map<string, ListedMail>();
  for (const mail of mails) {
    if (!found.has(mail.entry.messageKey) && test(mail)) found.set(mail.entry.messageKey, mail);
  }
  return [...found.values()];
}
