/**
 * What goes out from chat: a message on a chain to those who watch it and by letter to the others,
 * answers to who lacks something, and the second way when the first one fails. Before: chat.ts,
 * chat-inbox.ts; after: sending-book.ts, outbox.ts. Spec: docs/spec/43-chat.md.
 */
import { bytesToHex, hexToBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import { errorFields } from '@tanglemail/tangle/io/logger.ts';
import { encodeChainNote } from '@tanglemail/mail/core/chain/note.ts';
import { type ChainId, personAudience } from '@tanglemail/mail/core/chain/ratchet.ts';
import { utf8ToBytes } from '@tanglemail/mail/core/crypto/kdf.ts';
import { encodeFrame } from '@tanglemail/mail/core/group/frame.ts';
import { encodeGroupNote } from '@tanglemail/mail/core/group/note.ts';
import type { MailAddress } from '@tanglemail/mail/core/identity/address.ts';
import { letterIdFromBytes } from '@tanglemail/mail/core/letter/content.ts';
import { MAX_REQUESTED_NUMBERS } from '@tanglemail/mail/core/limits.ts';
import { RESEND_AFTER_MS } from '../outbox/outbox-entry.ts';
import type { ChatMessage, SentOnChain } from '../store/chat-collections.ts';
import type { OutboxEntry } from '../store/outbox-collections.ts';
import type { SealedBatch } from '../store/sealed-store.ts';
import { applyAll } from '../store/staged-map.ts';
import { type ChatContext, nowOf } from './chat-context.ts';
import type { ConversationRef } from './chat-log.ts';
import { encodeChatPayload } from './chat-sealer.ts';
import type { Audience } from './sending-book.ts';

const LETTER_ID_LENGTH = 16;

export class ChatOutbox {
  readonly #context: ChatContext;

  constructor(context: ChatContext) {
    this.#context = context;
  }

  /** Everybody who may read a conversation; undefined when we may not write to it (any more). */
  audienceOf({ id, kind }: ConversationRef, batch?: SealedBatch): Audience | undefined {
    const { account, contacts, groups, log } = this.#context;
    const lastReceivedAt = log.get(id, batch)?.lastReceivedAt ?? 0;
    if (kind === 'person') {
      const address = id as MailAddress;
      const contact = contacts.get(address);
      const { identityKey } = contact ?? {};
      if (contact?.state !== 'accepted' || !contact.knowsUs || !identityKey) return undefined;
      const audience = personAudienceOf(address);
      const holders = [{ address, identityKey }];
      return { id: audience, isGroup: false, holders, lastReceivedAt };
    }
    const members = groups.get(id)?.current().members ?? [];
    if (groups.ownRole(id) === undefined) return undefined;
    const others = members.filter((one) => one.address !== account.address);
    const holders = others.map(({ address, identityKey }) => ({
      address,
      identityKey: bytesToHex(identityKey),
    }));
    return { id, isGroup: true, holders, lastReceivedAt };
  }

  /** The same, by the id of a chain's audience. */
  audienceWith(audienceId: string, batch: SealedBatch): Audience | undefined {
    const { groups, log } = this.#context;
    if (groups.get(audienceId) !== undefined) {
      return this.audienceOf({ id: audienceId, kind: 'group' }, batch);
    }
    const people = log.list().filter(({ kind }) => kind === 'person');
    const ref = people.find(({ id }) => audienceId === personAudienceOf(id));
    return ref && this.audienceOf(ref, batch);
  }

  /** Takes a message of ours: it is shown, and on its way, once the batch is written. */
  send(
    batch: SealedBatch,
    ref: ConversationRef,
    audience: Audience,
    text: string,
  ): { readonly message: ChatMessage; readonly apply: () => void } {
    const { account, log, sending, outbox, tangle, onChange } = this.#context;
    const letterId = bytesToHex(tangle.random.bytes(LETTER_ID_LENGTH));
    const sentAt = nowOf(this.#context);
    const route = sending.route(batch, audience);
    const applies: (() => void)[] = [route.apply];
    const recipients: ChatMessage['recipients'] = [];
    const { chainId, watchers } = route;
    if (chainId !== undefined) {
      const message = this.#bodyOf(ref, text);
      const payload = encodeChatPayload({ chainId, sentAt, message });
      const accept = outbox.enqueueChat(batch, { audience: watchers, payload, letterId });
      for (const to of watchers) recipients.push({ to, outboxId: accept.id });
      applies.push(() => void accept());
    }
    for (const { address: to } of audience.holders) {
      if (watchers.includes(to)) continue;
      const accept = this.#enqueueLetter(batch, ref, to, { letterId, sentAt, text });
      recipients.push({ to, outboxId: accept.id });
      applies.push(() => void accept());
    }
    const added = log.add(batch, ref, {
      letterId,
      sender: account.address,
      isOwn: true,
      kind: 'text',
      text,
      sentAt,
      receivedAtMs: tangle.clock.nowMs(),
      recipients,
      isLeft: false,
    });
    const { message } = added;
    // The conversation knows the entries before the outbox starts them.
    const tell = (): void => onChange({ conversation: ref.id, message: message.number });
    return { message, apply: applyAll([added.apply, ...applies, tell]) };
  }

  /** A text as it stands in a chain message: in a group with its frame. */
  #bodyOf(ref: ConversationRef, text: string): Uint8Array {
    const body = utf8ToBytes(text);
    if (ref.kind === 'person') return body;
    const log = this.#context.groups.get(ref.id);
    if (log === undefined) throw new Error('broken invariant: the group is known');
    const heads = log.headsFor(this.#context.account.address);
    return encodeFrame({ groupId: log.groupId, heads, body });
  }

  #enqueueLetter(
    batch: SealedBatch,
    ref: ConversationRef,
    to: MailAddress,
    { letterId: id, sentAt, text }: Pick<ChatMessage, 'letterId' | 'sentAt' | 'text'>,
  ): ReturnType<ChatContext['outbox']['enqueueNote']> {
    const letterId = letterIdFromBytes(Buffer.from(id, 'hex'));
    const bytes = this.#bodyOf(ref, text);
    const body =
      ref.kind === 'person'
        ? encodeChainNote({ type: 'text', letterId, sentAt, text: bytes })
        : encodeGroupNote({ type: 'message', letterId, sentAt, frame: bytes });
    return this.#context.outbox.enqueueNote(batch, { to, body, dedupe: `line:${id}` });
  }

  /**
   * Sends again to `to` what it lacks of one of our chains (all of it, without numbers), and
   * begins a new chain in place of one whose seed it has lost.
   */
  answer(
    batch: SealedBatch,
    to: MailAddress,
    sent: SentOnChain,
    numbers: readonly number[],
  ): () => void {
    const { account, sending, log, outbox } = this.#context;
    const isAll = numbers.length === 0;
    const wanted = sent.sent.filter((one) => isAll || numbers.includes(one.number));
    const counted = sending.countAnswer(batch, sent, to, wanted.length);
    if (counted === undefined) return () => {};
    const applies: (() => void)[] = [counted];
    for (const { letterId } of wanted) {
      const message = log.find(account.address, letterId);
      const ref = message && log.get(message.conversation, batch);
      if (!message || !ref || message.isDeleted) continue;
      // Who has left, or was removed since, gets nothing more.
      const audience = this.audienceOf(ref, batch);
      if (!audience?.holders.some((one) => one.address === to)) continue;
      if (!isAll && this.#isByLetter(message, to)) continue;
      const accept = this.#enqueueLetter(batch, ref, to, message);
      // From now on the message is as far as this letter is.
      log.reroute(batch, message, [{ to, outboxId: accept.id }]);
      applies.push(() => void accept());
    }
    const chainId = sent.chainId as ChainId;
    const tags = wanted.slice(-MAX_REQUESTED_NUMBERS).map(({ tag }) => hexToBytes(tag));
    const body = encodeChainNote({ type: 'answered', chainId, tags });
    const accept = outbox.enqueueNote(batch, { to, body });
    applies.push(() => void accept());
    if (isAll) applies.push(this.#renew(batch, sent));
    return applyAll(applies);
  }

  /** Whether a message went to somebody by a letter that is on its way still, or is stored. */
  #isByLetter({ recipients }: ChatMessage, to: MailAddress): boolean {
    const route = recipients.find((one) => one.to === to);
    const entry = route && this.#context.outbox.get(route.outboxId);
    return entry?.form === 'note' && (!entry.isDone || entry.state === 'stored');
  }

  /** A new chain at once, so that the next message need not go by letter. */
  #renew(batch: SealedBatch, sent: SentOnChain): () => void {
    const { sending } = this.#context;
    if (!sending.isCurrent(batch, sent.chainId)) return () => {};
    const ended = sending.end(batch, sent.audience);
    const found = this.audienceWith(sent.audience, batch);
    if (found === undefined) return ended;
    return applyAll([ended, sending.route(batch, found).apply]);
  }

  /** Follows the outbox: what a chain could not carry goes by letter. Never throws. */
  follow(entry: OutboxEntry): void {
    if (entry.form !== 'chat' && entry.form !== 'note' && entry.form !== undefined) return;
    const message = this.#context.log.byOutbox(entry.id);
    if (message === undefined) return;
    const { conversation, number } = message;
    this.#context.onChange({ conversation, message: number });
    if (entry.form !== 'chat') return;
    const stuck = stuckPeople(entry, this.#context.tangle.clock.nowMs());
    if (stuck.length > 0) void this.#reroute(entry, stuck);
  }

  async #reroute(entry: OutboxEntry, people: readonly MailAddress[]): Promise<void> {
    const { writes, store, log, sending, logger, account } = this.#context;
    try {
      await writes.run(async () => {
        const message = log.byOutbox(entry.id);
        const ref = message && log.get(message.conversation);
        const audience = ref && this.audienceOf(ref);
        if (!message || !ref || !audience || message.sender !== account.address) return;
        const open = message.recipients.filter((one) => one.outboxId === entry.id);
        const due = open.filter(({ to }) => people.includes(to));
        const may = due.filter(({ to }) => audience.holders.some((one) => one.address === to));
        if (may.length === 0) return;
        const batch = store.batch();
        const applies: (() => void)[] = [];
        const routes = may.map(({ to }) => {
          const accept = this.#enqueueLetter(batch, ref, to, message);
          const unwatched = sending.noteUnwatched(batch, message.letterId, to, audience);
          applies.push(unwatched, () => void accept());
          return { to, outboxId: accept.id };
        });
        log.reroute(batch, message, routes);
        await batch.write();
        applyAll(applies)();
      });
    } catch (error) {
      logger.warn(errorFields(error), 'a line of chat waits for its second way');
    }
  }
}

function personAudienceOf(address: string): string {
  return bytesToHex(personAudience(address as MailAddress));
}

/** For whom an envelope of a chain has failed: sealed never, or stored by none of theirs. */
function stuckPeople(entry: OutboxEntry, nowMs: number): MailAddress[] {
  const audience = entry.audience ?? [entry.to];
  if (entry.state === 'failed' || entry.state === 'expired') return audience;
  const confirmed = entry.history.findLast((line) => line.state === 'confirmed');
  if (confirmed === undefined || nowMs - confirmed.atMs <= RESEND_AFTER_MS) return [];
  return audience.filter((to) => {
    const states = entry.deliveries.filter((one) => (one.to ?? entry.to) === to);
    const isStored = states.some((one) => one.state === 'stored');
    return !isStored && states.some((one) => one.state === 'absent');
  });
}
