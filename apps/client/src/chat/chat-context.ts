/**
 * What the parts of chat share: the books, the way out, the people. Wired by chat/chat.ts.
 * Spec: docs/spec/43-chat.md.
 */
import type { SealingSuite } from '@tanglemail/mail/core/ports.ts';
import type { Logger } from '@tanglemail/tangle/io/logger.ts';
import type { Account } from '../account/account.ts';
import type { ContactBook } from '../contacts/contact-book.ts';
import type { LetterIntake } from '../inbox/letter-intake.ts';
import type { NoteRouter } from '../inbox/note-router.ts';
import type { Outbox } from '../outbox/outbox.ts';
import type { SealedStore } from '../store/sealed-store.ts';
import type { WriteLock } from '../store/write-lock.ts';
import type { TagLists } from '../tags/tag-lists.ts';
import type { TangleAccess } from '../tangle/tangle-access.ts';
import type { ChatLog } from './chat-log.ts';
import type { GroupBook } from './group-book.ts';
import type { KeyBook } from './key-book.ts';
import type { ReceivingBook } from './receiving-book.ts';
import type { SendingBook } from './sending-book.ts';
import type { WaitingBook } from './waiting-book.ts';

/** Something of a conversation has changed. */
export interface ChatChange {
  readonly conversation: string;
  /** Number of the message, if it is about one. */
  readonly message?: number;
}

/** What chat needs of the rest of the client. */
export interface ChatDeps {
  readonly account: Account;
  readonly store: SealedStore;
  readonly writes: WriteLock;
  readonly tangle: Pick<TangleAccess, 'clock' | 'random' | 'verifier'>;
  readonly suite: SealingSuite;
  readonly contacts: Pick<ContactBook, 'get' | 'list'>;
  readonly outbox: Pick<Outbox, 'enqueueNote' | 'enqueueChat' | 'observe' | 'get' | 'addSealer'>;
  readonly intake: Pick<
    LetterIntake,
    'deliver' | 'registerOpener' | 'registerReader' | 'registerKeeper'
  >;
  readonly notes: NoteRouter;
  readonly lists: TagLists;
  /** Has the present tags watched at every rented provider that can be reached. Never throws. */
  readonly watchTags: () => Promise<void>;
  /** Whether every rented provider watches the tags of somebody's chain. */
  readonly isWatching: (chainId: string) => boolean;
  readonly onChange: (change: ChatChange) => void;
  readonly logger: Logger;
}

export interface ChatContext extends ChatDeps {
  readonly log: ChatLog;
  readonly sending: SendingBook;
  readonly receiving: ReceivingBook;
  readonly waiting: WaitingBook;
  readonly groups: GroupBook;
  readonly keys: KeyBook;
}

/** Unix seconds by our clock. */
export function nowOf({ tangle }: Pick<ChatDeps, 'tangle'>): number {
  return Math.floor(tangle.clock.nowMs() / 1_000);
}
