/**
 * Chat of one account: loads the books, ties them to inbox and outbox, and runs what is due by the
 * clock. Before: client-parts.ts, service/chat-service.ts; after: the files beside it.
 * Spec: docs/spec/43-chat.md.
 */
import { CHAIN_NOTE_FAMILY } from '@tanglemail/mail/core/chain/note.ts';
import { GROUP_NOTE_FAMILY } from '@tanglemail/mail/core/group/note.ts';
import type { MailAddress } from '@tanglemail/mail/core/identity/address.ts';
import { errorFields } from '@tanglemail/tangle/io/logger.ts';
import { ClientError } from '../client-error.ts';
import type { DescriptorResolver } from '../descriptor/resolver.ts';
import type { ChatMessage } from '../store/chat-collections.ts';
import type { SealedBatch } from '../store/sealed-store.ts';
import type { ChatContext, ChatDeps } from './chat-context.ts';
import { ChatInbox } from './chat-inbox.ts';
import { ChatKeeper } from './chat-keeper.ts';
import { ChatLog, type ConversationRef } from './chat-log.ts';
import { ChatOutbox } from './chat-outbox.ts';
import { ChatSealer } from './chat-sealer.ts';
import { GroupBook } from './group-book.ts';
import { GroupDesk } from './group-desk.ts';
import { GroupInbox } from './group-inbox.ts';
import { KeyBook } from './key-book.ts';
import { ReceivingBook } from './receiving-book.ts';
import { SendingBook } from './sending-book.ts';
import { WaitingBook } from './waiting-book.ts';

export class Chat {
  readonly log: ChatLog;
  readonly groups: GroupBook;
  readonly desk: GroupDesk;
  readonly #context: ChatContext;
  readonly #outbox: ChatOutbox;
  readonly #keeper: ChatKeeper;
  #answering: Promise<void> = Promise.resolve();

  private constructor(context: ChatContext) {
    this.#context = context;
    this.log = context.log;
    this.groups = context.groups;
    this.#outbox = new ChatOutbox(context);
    this.#keeper = new ChatKeeper(context, this.#outbox);
    const groupInbox: GroupInbox = new GroupInbox(context, (batch, sender, note, atMs) =>
      inbox.openChain(batch, sender, note, atMs),
    );
    const parts = { outbox: this.#outbox, groups: groupInbox };
    const inbox = new ChatInbox(context, parts, { answerSeeds: () => this.#answerSoon() });
    this.desk = new GroupDesk(context, groupInbox);
    const { intake, notes, outbox, keys } = context;
    intake.registerOpener(inbox);
    intake.registerKeeper((batch, arrival) => inbox.keep(batch, arrival));
    intake.registerReader((batch, letter) => {
      keys.note(batch, letter);
      return () => {};
    });
    notes.on(CHAIN_NOTE_FAMILY, (batch, note) => inbox.takeNote(batch, note));
    notes.on(GROUP_NOTE_FAMILY, (batch, note) => groupInbox.takeNote(batch, note));
    outbox.observe((entry) => this.#outbox.follow(entry));
  }

  /** Loads everything and registers at inbox and outbox; call it before anything is received. */
  static async load(
    deps: ChatDeps & { readonly resolver: Pick<DescriptorResolver, 'resolve'> },
  ): Promise<Chat> {
    const { store, account, tangle } = deps;
    const { networkId } = account;
    const waiting = await WaitingBook.load(store);
    const sending = await SendingBook.load(deps);
    const receiving = await ReceivingBook.load({ ...deps, networkId, waiting });
    const groups = await GroupBook.load({
      account,
      store,
      verifier: tangle.verifier,
      randomBytes: (length) => tangle.random.bytes(length),
    });
    const log = await ChatLog.load(store);
    const keys = new KeyBook(store);
    deps.outbox.addSealer('chat', new ChatSealer({ ...deps, sending }));
    return new Chat({ ...deps, log, sending, receiving, waiting, groups, keys });
  }

  /** Whether a message to this conversation goes as chat: they have accepted us, we them. */
  canSend(ref: ConversationRef): boolean {
    return this.#outbox.audienceOf(ref) !== undefined;
  }

  /**
   * Takes a message; it is durable, and on its way, when this resolves. Throws `chat-closed` where
   * we may not write (any more).
   */
  async send(ref: ConversationRef, text: string): Promise<ChatMessage> {
    const { writes, store } = this.#context;
    return writes.run(async () => {
      const batch = store.batch();
      const audience = this.#outbox.audienceOf(ref, batch);
      if (audience === undefined) throw new ClientError('chat-closed');
      const taken = this.#outbox.send(batch, ref, audience, text);
      await batch.write();
      taken.apply();
      return taken.message;
    });
  }

  async markRead(id: string): Promise<void> {
    const { writes, store, log, onChange } = this.#context;
    await writes.run(async () => {
      const batch = store.batch();
      const apply = log.markRead(batch, id);
      await batch.write();
      apply();
    });
    onChange({ conversation: id });
  }

  /** Forgets a message here. False when there is none. */
  async delete(id: string, number: number): Promise<boolean> {
    const { writes, store, log, onChange } = this.#context;
    const isDeleted = await writes.run(async () => {
      const message = log.message(id, number);
      if (message === undefined || message.isDeleted) return false;
      const batch = store.batch();
      const apply = log.delete(batch, message);
      await batch.write();
      apply();
      return true;
    });
    if (isDeleted) onChange({ conversation: id, message: number });
    return isDeleted;
  }

  /** Somebody else may read our chains to `who`: the next line to each of them begins a new one. */
  endChainsTo(batch: SealedBatch, who: MailAddress): () => void {
    return this.#context.sending.endTo(batch, who);
  }

  /** What is due by the clock; called every minute or so. */
  async tick(): Promise<void> {
    await this.#keeper.tick();
  }

  /** Answers seeds that could not be answered when they came. Never throws. */
  async answer(): Promise<void> {
    this.#answerSoon();
    await this.settle();
  }

  /** Waits for answers to seeds that are under way. */
  async settle(): Promise<void> {
    await this.#answering;
  }

  /** Not within the write lock that calls this: the answer waits for providers first. */
  #answerSoon(): void {
    const { logger } = this.#context;
    this.#answering = this.#answering
      .then(() => this.#keeper.answerSeeds())
      .catch((error: unknown) => logger.debug(errorFields(error), 'a seed is answered later'));
  }
}
