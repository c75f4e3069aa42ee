/**
 * Conversations and their messages, each message once whichever way it came. Before: chat/chat.ts;
 * after: the local API. Spec: docs/spec/43-chat.md.
 */
import type { MailAddress } from '@tanglemail/mail/core/identity/address.ts';
import {
  chatIndex,
  type ChatMessage,
  chatMessages,
  type Conversation,
  conversations,
} from '../store/chat-collections.ts';
import type { RecordOf } from '../store/collections.ts';
import { orderedKey, type SealedBatch, type SealedStore } from '../store/sealed-store.ts';
import { applyAll, StagedMap } from '../store/staged-map.ts';

/** A person or a group. */
export type ConversationRef = Pick<Conversation, 'id' | 'kind'>;

/** A message on its way into a conversation. */
export type NewChatMessage = Omit<ChatMessage, 'number' | 'conversation' | 'isDeleted'>;

export interface AddedMessage {
  readonly message: ChatMessage;
  /** False: it was there, and nothing changes. */
  readonly isNew: boolean;
  readonly apply: () => void;
}

type Place = RecordOf<typeof chatIndex>;

const SHOWN_TEXT = 256;

export class ChatLog {
  readonly #store: SealedStore;
  readonly #conversations = new StagedMap<Conversation>();
  /** What one batch adds: a repetition within it must be seen too. */
  readonly #places = new StagedMap<Place>();

  private constructor(store: SealedStore) {
    this.#store = store;
  }

  static async load(store: SealedStore): Promise<ChatLog> {
    const log = new ChatLog(store);
    for await (const { value } of store.scan(conversations, { prefix: 'c/' })) {
      log.#conversations.load(value.id, value);
    }
    return log;
  }

  /** The newest first. */
  list(): Conversation[] {
    return this.#conversations.values().toSorted((a, b) => b.lastAtMs - a.lastAtMs);
  }

  get(id: string, batch?: SealedBatch): Conversation | undefined {
    return this.#conversations.get(id, batch);
  }

  /** Makes a conversation without messages; one that is there stays as it is. */
  open(batch: SealedBatch, { id, kind }: ConversationRef, nowMs: number): () => void {
    if (this.get(id, batch) !== undefined) return () => {};
    const empty = { next: 1, unread: 0, lastAtMs: nowMs, lastText: '', lastReceivedAt: 0 };
    return this.#put(batch, { id, kind, ...empty });
  }

  /** Adds a message; the same letter id of the same sender again changes nothing. */
  add(batch: SealedBatch, ref: ConversationRef, fresh: NewChatMessage): AddedMessage {
    const key = this.#placeKey(fresh.sender, fresh.letterId);
    const place = this.#places.get(key, batch) ?? this.#store.get(chatIndex, key);
    const known = place && this.message(place.conversation, place.number);
    if (known !== undefined) return { message: known, isNew: false, apply: () => {} };
    if (place !== undefined) {
      const number = { number: place.number, conversation: place.conversation };
      const message = { ...fresh, ...number, isDeleted: false };
      return { message, isNew: false, apply: () => {} };
    }
    const opened = this.open(batch, ref, fresh.receivedAtMs);
    const before = this.get(ref.id, batch);
    if (before === undefined) throw new Error('broken invariant: the conversation is there');
    const where = { conversation: ref.id, number: before.next };
    const message: ChatMessage = { ...fresh, ...where, isDeleted: false };
    batch.put(chatMessages, this.#messageKey(where), message);
    batch.put(chatIndex, key, where);
    for (const { outboxId } of fresh.recipients) batch.put(chatIndex, outboxKey(outboxId), where);
    const isHeard = !fresh.isOwn && fresh.kind === 'text';
    const { receivedAtMs } = fresh;
    const counted = this.#put(batch, {
      ...before,
      next: before.next + 1,
      unread: before.unread + (isHeard ? 1 : 0),
      lastAtMs: Math.max(before.lastAtMs, receivedAtMs),
      lastText: cut(fresh.kind === 'text' ? fresh.text : ''),
      lastReceivedAt: isHeard ? Math.floor(receivedAtMs / 1_000) : before.lastReceivedAt,
    });
    const applies = [opened, this.#places.set(batch, key, where), counted];
    return { message, isNew: true, apply: applyAll(applies) };
  }

  message(conversation: string, number: number): ChatMessage | undefined {
    return this.#store.get(chatMessages, this.#messageKey({ conversation, number }));
  }

  /** A message by its sender and letter id. */
  find(sender: MailAddress, letterId: string): ChatMessage | undefined {
    const place = this.#store.get(chatIndex, this.#placeKey(sender, letterId));
    return place && this.message(place.conversation, place.number);
  }

  /** The message of ours that an entry of the outbox carries. */
  byOutbox(outboxId: number): ChatMessage | undefined {
    const place = this.#store.get(chatIndex, outboxKey(outboxId));
    return place && this.message(place.conversation, place.number);
  }

  /** The newest `limit` messages below number `before`, newest first. */
  async page(id: string, limit: number, before?: number): Promise<ChatMessage[]> {
    const page: ChatMessage[] = [];
    const prefix = `m/${this.#store.opaque(`messages/${id}`)}/`;
    const end = before === undefined ? {} : { before: `${prefix}${orderedKey(before)}` };
    const options = { prefix, reverse: true, ...end };
    for await (const { value } of this.#store.scan(chatMessages, options)) {
      if (page.length >= limit) break;
      if (!value.isDeleted) page.push(value);
    }
    return page;
  }

  /** Sends a message of ours to some people by other entries of the outbox. */
  reroute(batch: SealedBatch, message: ChatMessage, routes: ChatMessage['recipients']): void {
    const { conversation, number } = message;
    const rerouted = new Map(routes.map((one) => [one.to, one]));
    const recipients = message.recipients.map((one) => rerouted.get(one.to) ?? one);
    batch.put(chatMessages, this.#messageKey(message), { ...message, recipients });
    for (const { outboxId } of routes) {
      batch.put(chatIndex, outboxKey(outboxId), { conversation, number });
    }
  }

  /** Everything of a conversation was seen. */
  markRead(batch: SealedBatch, id: string): () => void {
    const known = this.get(id, batch);
    if (known === undefined || known.unread === 0) return () => {};
    return this.#put(batch, { ...known, unread: 0 });
  }

  /** Forgets the text of a message, here only; that it was there is remembered. */
  delete(batch: SealedBatch, message: ChatMessage): () => void {
    batch.put(chatMessages, this.#messageKey(message), { ...message, text: '', isDeleted: true });
    const known = this.get(message.conversation, batch);
    const isLast = known !== undefined && known.next === message.number + 1;
    return isLast ? this.#put(batch, { ...known, lastText: '' }) : () => {};
  }

  #put(batch: SealedBatch, conversation: Conversation): () => void {
    const { id } = conversation;
    batch.put(conversations, `c/${this.#store.opaque(`conversation/${id}`)}`, conversation);
    return this.#conversations.set(batch, id, conversation);
  }

  #messageKey({ conversation, number }: Pick<ChatMessage, 'conversation' | 'number'>): string {
    return `m/${this.#store.opaque(`messages/${conversation}`)}/${orderedKey(number)}`;
  }

  #placeKey(sender: MailAddress, letterId: string): string {
    return `i/${this.#store.opaque(`${sender}:${letterId}`)}`;
  }
}

function outboxKey(id: number): string {
  return `o/${orderedKey(id)}`;
}

/** The beginning of a text, no character cut in two. */
function cut(text: string): string {
  return text.slice(0, SHOWN_TEXT).replace(/[\ud800-\udbff]$/, '');
}
