/**
 * What works on the mails that are there: rules, drafts, search, conversations, archives.
 * Before: client-parts.ts; after: the folders beside it.
 */
import type { Random } from '@tanglemail/tangle/core/ports.ts';
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import type { Logger } from '@tanglemail/tangle/io/logger.ts';
import type { MailAddress } from '@tanglemail/mail/core/identity/address.ts';
import { type Account, addressText, emailText } from './account/account.ts';
import { Importer } from './archive/importer.ts';
import type { ContactBook } from './contacts/contact-book.ts';
import { DraftBook } from './drafts/draft-book.ts';
import { Conversations } from './messages/conversations.ts';
import { FOLDER_ID_LENGTH, type FolderId } from './messages/folder-name.ts';
import type { MessageStore } from './messages/message-store.ts';
import { RuleBook } from './rules/rule-book.ts';
import { IndexKeeper } from './search/index-keeper.ts';
import { MailSearch } from './search/mail-search.ts';
import type { SealedStore } from './store/sealed-store.ts';
import type { WriteLock } from './store/write-lock.ts';

export interface MailboxDeps {
  readonly account: Account;
  readonly contacts: ContactBook;
  readonly store: SealedStore;
  readonly writes: WriteLock;
  readonly messages: MessageStore;
  readonly random: Random;
  readonly nowMs: () => number;
  readonly logger: Logger;
}

export interface MailboxParts {
  readonly rules: RuleBook;
  readonly drafts: DraftBook;
  readonly keeper: IndexKeeper;
  readonly search: MailSearch;
  readonly conversations: Conversations;
  readonly importer: Importer;
  /** A fresh id for a folder. */
  readonly newFolderId: () => FolderId;
}

/** Builds them over loaded mails; `keeper` begins its work with `start`. */
export async function buildMailbox(deps: MailboxDeps): Promise<MailboxParts> {
  const { account, contacts, store, messages, random } = deps;
  const senderOf = ({ sender }: { readonly sender?: MailAddress | undefined }): string => {
    if (sender === undefined) return '';
    const name = contacts.get(sender)?.name ?? '';
    return `${addressText(account, sender)} ${emailText(account, sender)} ${name}`;
  };
  const newFolderId = (): FolderId => bytesToHex(random.bytes(FOLDER_ID_LENGTH)) as FolderId;
  const rules = new RuleBook({ store, messages, senderOf });
  const drafts = await DraftBook.load(store, messages);
  const keeper = await IndexKeeper.load({ ...deps, senderOf });
  return {
    rules,
    drafts,
    keeper,
    search: new MailSearch({ messages, keeper }),
    conversations: new Conversations(messages),
    importer: new Importer({ ...deps, newFolderId }),
    newFolderId,
  };
}
