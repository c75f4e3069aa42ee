/**
 * The chat area of the local API over the parts of chat. Before: api/chat.controller.ts; after:
 * chat/chat.ts. Spec: docs/spec/41-client-api.md section 22, docs/spec/43-chat.md.
 */
import { z } from 'zod';
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import { utf8ToBytes } from '@tanglemail/mail/core/crypto/kdf.ts';
import { stateHash } from '@tanglemail/mail/core/group/frame.ts';
import type { GroupLog } from '@tanglemail/mail/core/group/log.ts';
import type { MailAddress } from '@tanglemail/mail/core/identity/address.ts';
import { MAX_TEXT_SIZE } from '@tanglemail/mail/core/limits.ts';
import { addressText } from '../account/account.ts';
import type * as dto from '../api/chat-dto.ts';
import type { ChatService } from '../api/chat-service.ts';
import type { ClientService } from '../api/service.ts';
import type { ConversationRef } from '../chat/chat-log.ts';
import { ClientError } from '../client-error.ts';
import type { ClientParts } from '../client-parts.ts';
import type { ChatMessage, Conversation } from '../store/chat-collections.ts';
import { readRecipient } from './recipients.ts';

export type ChatServiceParts = Pick<
  ClientParts,
  'account' | 'contacts' | 'ownSettings' | 'chat' | 'outbox'
>;

const noticeForm = z.union([
  z.object({ lost: z.int() }),
  z.object({
    change: z.enum(['create', 'add', 'remove', 'leave', 'rename', 'promote', 'demote']),
    target: z.string().optional(),
    name: z.string().optional(),
  }),
]);

export class LocalChatService implements ChatService {
  readonly #parts: ChatServiceParts;
  readonly #sendMail: ClientService['sendMessage'];

  constructor(parts: ChatServiceParts, mail: Pick<ClientService, 'sendMessage'>) {
    this.#parts = parts;
    this.#sendMail = (message) => mail.sendMessage(message);
  }

  async conversations(): Promise<readonly dto.ConversationDto[]> {
    return this.#parts.chat.log.list().map((one) => this.#conversation(one));
  }

  #conversation(one: Conversation): dto.ConversationDto {
    const { id, kind, unread, lastAtMs, lastText } = one;
    const { chat } = this.#parts;
    const title =
      kind === 'group'
        ? (chat.groups.get(id)?.current().name ?? id)
        : this.#nameOf(id as MailAddress);
    const closed = this.#closedOf(one);
    const shown = { id, kind, title, unread, lastAtMs, lastText, isOpen: closed === undefined };
    return {
      ...shown,
      ...(kind === 'person' && { address: addressText(this.#parts.account, id as MailAddress) }),
      ...(closed !== undefined && { closed }),
    };
  }

  /** Why nothing can be written; undefined when it can. */
  #closedOf(one: Conversation): dto.ConversationDto['closed'] {
    const { chat, contacts } = this.#parts;
    if (chat.canSend(one)) return undefined;
    if (one.kind === 'group') return 'not-member';
    const state = contacts.get(one.id as MailAddress)?.state;
    if (state === 'accepted') return 'not-heard';
    return state === 'blocked' ? 'blocked' : 'not-accepted';
  }

  /** As a sentence or a title calls somebody. */
  #nameOf(address: MailAddress): string {
    const { account, contacts } = this.#parts;
    if (address === account.address) return 'you';
    const name = contacts.get(address)?.name ?? '';
    return name === '' ? addressText(account, address) : name;
  }

  #person(address: MailAddress): dto.ChatPersonDto {
    const { account, contacts, ownSettings } = this.#parts;
    const isOwn = address === account.address;
    const name = isOwn ? ownSettings.get().profileName : (contacts.get(address)?.name ?? '');
    return { address: addressText(account, address), name };
  }

  async messages(id: string, page: dto.ChatPageDto): Promise<readonly dto.ChatMessageDto[]> {
    const { log } = this.#parts.chat;
    this.#known(id);
    const found = await log.page(id, page.limit, page.before);
    return found.map((one) => this.#message(one));
  }

  #known(id: string): Conversation {
    const known = this.#parts.chat.log.get(id);
    if (known === undefined) throw new ClientError('conversation-unknown', id);
    return known;
  }

  #message(message: ChatMessage): dto.ChatMessageDto {
    const { conversation, number, kind, isOwn, sender, isLeft, receivedAtMs } = message;
    return {
      conversation,
      number,
      kind,
      isOwn,
      sender: this.#person(sender),
      ...(kind === 'notice' ? this.#notice(message) : { text: message.text }),
      sentAtMs: message.sentAt * 1_000,
      receivedAtMs,
      isLeft,
      recipients: message.recipients.map((one) => this.#recipient(one)),
    };
  }

  #recipient({ to, outboxId }: ChatMessage['recipients'][number]): dto.ChatRecipientDto {
    const entry = this.#parts.outbox.get(outboxId);
    const own = entry?.deliveries.filter((one) => (one.to ?? entry.to) === to) ?? [];
    const storedCount = own.filter((one) => one.state === 'stored').length;
    const state = entry?.state ?? 'queued';
    const isOthers = state === 'stored' && storedCount === 0;
    return {
      ...this.#person(to),
      // One envelope for all: that another member's provider has it says nothing about this one.
      state: isOthers ? 'confirmed' : state,
      storedCount,
      providerCount: own.length,
      ...(entry?.error === undefined ? {} : { error: entry.error.code }),
    };
  }

  /** What a notice says: in a sentence, and as facts. */
  #notice({ text, sender }: ChatMessage): Pick<dto.ChatMessageDto, 'text' | 'notice'> {
    const notice = noticeForm.parse(JSON.parse(text));
    const author = this.#nameOf(sender);
    if ('lost' in notice) {
      const lines = notice.lost === 1 ? 'a message' : `${notice.lost} messages`;
      const said = `${lines} from ${author} did not arrive, and nobody has sent it again`;
      return { text: said, notice: { kind: 'lost', lines: notice.lost } };
    }
    const { change: kind, target, name } = notice;
    const address = target as MailAddress | undefined;
    const whom = address === undefined ? '' : this.#nameOf(address);
    const said: Record<typeof kind, string> = {
      create: `${author} founded the group “${name ?? ''}”`,
      add: `${author} added ${whom}`,
      remove: `${author} removed ${whom}`,
      leave: `${author} left`,
      rename: `${author} called the group “${name ?? ''}”`,
      promote: `${author} made ${whom} an admin`,
      demote: `${author} made ${whom} an ordinary member again`,
    };
    const isOwn = address === this.#parts.account.address;
    const facts = {
      kind,
      ...(address !== undefined && { target: { ...this.#person(address), isOwn } }),
      ...(name !== undefined && { name }),
    };
    return { text: said[kind], notice: facts };
  }

  async send({ to, text }: dto.SendChatDto): Promise<dto.SentChatDto> {
    const { account, chat } = this.#parts;
    const size = utf8ToBytes(text).length;
    if (size > MAX_TEXT_SIZE || text.trim() === '') {
      throw new ClientError('chat-text-invalid', `${size} bytes`);
    }
    const ref = this.#refOf(to);
    if (ref.id === account.address) throw new ClientError('contact-is-self');
    if (ref.kind === 'person' && !chat.canSend(ref)) {
      const address = addressText(account, ref.id as MailAddress);
      const sent = await this.#sendMail({ to: [address], subject: 'Chat message', text });
      const outboxId = sent.recipients[0]?.outboxId;
      return outboxId === undefined ? {} : { outboxId };
    }
    return { message: this.#message(await chat.send(ref, text)) };
  }

  /** A group by id or name, a conversation by id, or a person. */
  #refOf(to: string): ConversationRef {
    const { account, contacts, chat } = this.#parts;
    const wanted = to.trim();
    const known = chat.log.get(wanted);
    if (known !== undefined) return known;
    if (chat.groups.get(wanted) !== undefined) return { id: wanted, kind: 'group' };
    const named = chat.groups.list().filter((log) => log.current().name === wanted);
    const isPerson = contacts.byName(wanted) !== undefined;
    const [group] = named;
    if (group !== undefined && named.length === 1 && !isPerson) {
      return { id: group.groupId, kind: 'group' };
    }
    return { id: readRecipient(account, contacts, wanted).address, kind: 'person' };
  }

  async markRead(id: string): Promise<void> {
    this.#known(id);
    await this.#parts.chat.markRead(id);
  }

  async deleteMessage(id: string, number: number): Promise<void> {
    const isDeleted = await this.#parts.chat.delete(id, number);
    if (!isDeleted) throw new ClientError('message-unknown', `${number}`);
  }

  async foundGroup({ name, members }: dto.FoundGroupDto): Promise<dto.GroupDto> {
    const people = members.map((text) => this.#readPerson(text));
    return this.group(await this.#parts.chat.desk.found(name, people));
  }

  #readPerson(text: string): MailAddress {
    const { account, contacts } = this.#parts;
    return readRecipient(account, contacts, text).address;
  }

  async group(id: string): Promise<dto.GroupDto> {
    const log = this.#parts.chat.groups.get(id);
    if (log === undefined) throw new ClientError('group-unknown', id);
    return this.#group(log);
  }

  #group(log: GroupLog): dto.GroupDto {
    const { account, chat } = this.#parts;
    const { name, members } = log.current();
    const { groupId } = log;
    return {
      id: groupId,
      name,
      role: chat.groups.ownRole(groupId) ?? null,
      members: members.map(({ address, role }) => {
        const { name: known, address: text } = this.#person(address);
        return { address: text, name: known, role, isOwn: address === account.address };
      }),
      changes: log.changes().length,
      waiting: log.waiting().count,
      stateHash: bytesToHex(stateHash(log.headsFor(account.address))),
      equivocations: log.equivocations().map((proof) => ({
        author: this.#person(proof[0].author),
        changes: proof.map((one) => one.id),
      })),
    };
  }

  async changeGroup(id: string, change: dto.GroupChangeDto): Promise<dto.GroupDto> {
    const wish =
      'who' in change ? { kind: change.kind, who: this.#readPerson(change.who) } : change;
    await this.#parts.chat.desk.change(id, wish);
    return this.group(id);
  }
}
