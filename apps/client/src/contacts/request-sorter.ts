/**
 * Files what lies in Requests by what the user decided about its sender: accepted people's mail
 * goes to INBOX, blocked people's to Junk, that of a rejected request to Trash. Says nothing to
 * anybody outside. Before: contact-book.ts; after: messages. Spec: docs/spec/42-delivery.md.
 */
import { errorFields, type Logger } from '@tanglemail/tangle/io/logger.ts';
import { FOLDER } from '../messages/folder-name.ts';
import type { MessageStore } from '../messages/message-store.ts';
import type { Contact } from '../store/collections.ts';
import type { SealedStore } from '../store/sealed-store.ts';
import type { WriteLock } from '../store/write-lock.ts';
import type { ContactBook } from './contact-book.ts';

/** Mails that one write moves. */
const MAX_MOVED = 500;

const TARGETS = {
  accepted: FOLDER.INBOX,
  blocked: FOLDER.Junk,
  removed: FOLDER.Trash,
} as const satisfies Partial<Record<Contact['state'], unknown>>;

export interface RequestSorterDeps {
  readonly store: SealedStore;
  readonly writes: WriteLock;
  readonly contacts: ContactBook;
  readonly messages: Pick<MessageStore, 'list' | 'move'>;
  readonly logger: Logger;
}

export class RequestSorter {
  readonly #deps: RequestSorterDeps;
  /** A request was decided, and nothing has been moved since. */
  #isDue = false;

  constructor(deps: RequestSorterDeps) {
    this.#deps = deps;
    deps.contacts.observe((_batch, change) => {
      if (change.kind !== 'contact' || change.origin === 'remote') return;
      const { before, after } = change;
      if (before?.state === 'requested' && after.state !== 'requested') this.#isDue = true;
    });
  }

  /** Starts to move what a change that is now on the disk has decided. Never throws. */
  wake(): void {
    if (!this.#isDue) return;
    this.#isDue = false;
    this.settle().catch((error: unknown) => {
      this.#isDue = true;
      this.#deps.logger.warn(errorFields(error), 'mails of a request could not be moved');
    });
  }

  /**
   * Moves everything whose sender is decided. What a crash interrupts is done by the next call: at
   * each start there is one.
   */
  async settle(): Promise<number> {
    let moved = 0;
    for (const [state, folder] of Object.entries(TARGETS)) {
      for (;;) {
        const count = await this.#move(state as keyof typeof TARGETS, folder);
        moved += count;
        if (count < MAX_MOVED) break;
      }
    }
    return moved;
  }

  async #move(state: keyof typeof TARGETS, to: (typeof TARGETS)[keyof typeof TARGETS]) {
    const { store, writes, contacts, messages } = this.#deps;
    return writes.run(async () => {
      const ids = messages
        .list(FOLDER.Requests, Number.MAX_SAFE_INTEGER)
        .filter(({ entry }) => entry.sender && contacts.get(entry.sender)?.state === state)
        .slice(0, MAX_MOVED)
        .map((one) => one.id);
      if (ids.length === 0) return 0;
      const batch = store.batch();
      const { moved, apply } = messages.move(batch, ids, to);
      await batch.write();
      apply();
      return moved.length;
    });
  }
}
