/**
 * The JSON of chat in the local API. Spec: docs/spec/41-client-api.md section 22.
 */
import { z } from 'zod';
import { outboxStates } from '../store/outbox-collections.ts';
import { MAX_PAGE_ITEMS } from './dto.ts';

const count = z.int().min(0);
const timeMs = z.int().min(0);
const addressText = z.string().min(1).max(128);
const who = z.string().min(1).max(1_024);
/** An address (48 hex digits) or a group's id (64). */
export const conversationIdDto = z.string().regex(/^(?:[0-9a-f]{48}|[0-9a-f]{64})$/);

export const chatPersonDto = z.object({ address: addressText, name: z.string() });

export const conversationDto = z.object({
  id: conversationIdDto,
  kind: z.enum(['person', 'group']),
  /** The contact's name or address, or the group's name. */
  title: z.string(),
  /** Of a person, as others write it. */
  address: addressText.optional(),
  unread: count,
  lastAtMs: timeMs,
  /** The beginning of the last line; empty when there is none. */
  lastText: z.string(),
  /** Whether a line can be sent here. */
  isOpen: z.boolean(),
  /**
   * Why not: we have blocked them, we have not accepted them (any more), nothing of theirs has
   * come yet, we are no member (any more). To a person who is not blocked a line goes as a
   * contact request.
   */
  closed: z.enum(['blocked', 'not-accepted', 'not-heard', 'not-member']).optional(),
});

/** What a notice tells, for whoever says it in another language. Its author is the sender. */
export const chatNoticeDto = z.object({
  kind: z.enum(['create', 'add', 'remove', 'leave', 'rename', 'promote', 'demote', 'lost']),
  target: chatPersonDto.extend({ isOwn: z.boolean() }).optional(),
  /** What the group is called from then on. */
  name: z.string().optional(),
  /** Lines that are lost. */
  lines: count.optional(),
});

export const chatRecipientDto = z.object({
  address: addressText,
  name: z.string(),
  state: z.enum(outboxStates),
  /** Receipts that were checked, of how many providers. */
  storedCount: count,
  providerCount: count,
  /** What went wrong, if something did. */
  error: z.string().optional(),
});

export const chatMessageDto = z.object({
  conversation: conversationIdDto,
  number: count,
  kind: z.enum(['text', 'notice']),
  isOwn: z.boolean(),
  sender: chatPersonDto,
  /** Of a notice: what happened, in English. Text of others is not to be trusted. */
  text: z.string(),
  /** Of a notice: the same as facts. */
  notice: chatNoticeDto.optional(),
  sentAtMs: timeMs,
  receivedAtMs: timeMs,
  /** Of a group: the sender was no member any more when it came. */
  isLeft: z.boolean(),
  /** Of our own: one for each person. */
  recipients: z.array(chatRecipientDto),
});

export const sendChatDto = z.strictObject({
  /** A contact's name, an address, or the id or name of a group. */
  to: who,
  text: z.string().min(1).max(16_000),
});

export const sentChatDto = z.object({
  /** Absent when it went as a contact request, which is a mail. */
  message: chatMessageDto.optional(),
  /** Entry of the outbox that carries the contact request. */
  outboxId: z.string().optional(),
});

export const chatPageDto = z.strictObject({
  limit: z.coerce.number().int().min(1).max(MAX_PAGE_ITEMS).default(50),
  /** Messages below this number. */
  before: z.coerce.number().int().min(1).optional(),
});

export const foundGroupDto = z.strictObject({
  name: z.string().min(1).max(64),
  members: z.array(who).max(24).default([]),
});

const changeKind = z.enum(['add', 'remove', 'promote', 'demote']);
export const groupChangeDto = z.union([
  z.strictObject({ kind: changeKind, who }),
  z.strictObject({ kind: z.literal('rename'), name: z.string().min(1).max(64) }),
  z.strictObject({ kind: z.literal('leave') }),
]);

export const groupDto = z.object({
  id: conversationIdDto,
  name: z.string(),
  /** Our own; null once we are out. */
  role: z.enum(['founder', 'admin', 'member']).nullable(),
  members: z.array(
    z.object({
      address: addressText,
      name: z.string(),
      role: z.enum(['founder', 'admin', 'member']),
      /** It is this account; its name is the one that letters give. */
      isOwn: z.boolean(),
    }),
  ),
  /** Changes that we hold, and those that wait for others. */
  changes: count,
  waiting: count,
  /** For people who compare whether they see the same. */
  stateHash: z.string(),
  /** Authors who have told two stories, and the ids of the two changes that prove it. */
  equivocations: z.array(z.object({ author: chatPersonDto, changes: z.array(z.string()) })),
});

export type ConversationDto = z.infer<typeof conversationDto>;
export type ChatRecipientDto = z.infer<typeof chatRecipientDto>;
export type ChatPersonDto = z.infer<typeof chatPersonDto>;
export type ChatNoticeDto = z.infer<typeof chatNoticeDto>;
export type ChatMessageDto = z.infer<typeof chatMessageDto>;
export type SendChatDto = z.infer<typeof sendChatDto>;
export type SentChatDto = z.infer<typeof sentChatDto>;
export type ChatPageDto = z.infer<typeof chatPageDto>;
export type FoundGroupDto = z.infer<typeof foundGroupDto>;
export type GroupChangeDto = z.infer<typeof groupChangeDto>;
export type GroupDto = z.infer<typeof groupDto>;
