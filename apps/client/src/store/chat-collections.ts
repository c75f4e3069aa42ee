/**
 * What chat stores: chains of both directions, groups, conversations and their messages. Byte
 * strings are lowercase hex, times milliseconds since 1970 unless the name says seconds or `at`.
 * Spec: docs/spec/40-client-store.md, docs/spec/43-chat.md.
 */
import { z } from 'zod';
import { MAX_CHAIN_MESSAGES, MAX_TEXT_SIZE } from '@tanglemail/mail/core/limits.ts';
import { collection, count, hex, mailAddress, type RecordOf } from './collections.ts';

const id16 = hex.length(32);
const id32 = hex.length(64);
const people = z.array(mailAddress).max(25);

/** A list of tags that providers watch for us: a part of a chain's. Key `t/`, opaque(id). */
export const tagLists = collection(
  'chain',
  z.strictObject({
    /** The chain's id, a slash, the number of the first tag. */
    id: z.string().max(64),
    /** The chain that the tags belong to. */
    source: id16,
    tags: z.array(id16).max(256),
    /** Not looked for any more; kept until every provider has been told. */
    isDropped: z.boolean(),
  }),
);

/** Our own chains to one audience, newest first. Key `s/`, opaque(audience). */
export const sendingChains = collection(
  'chain',
  z.strictObject({
    audience: id32,
    chains: z
      .array(
        z.strictObject({
          chainId: id16,
          /** Mail core, chain/state.ts. Never restored from a backup. */
          state: hex.max(200),
          /** Everybody who was sent the seed, and the key to which. */
          holders: z.array(z.strictObject({ address: mailAddress, identityKey: id32 })).max(25),
          /** Who has said that the tags are watched. */
          watchers: people,
          /** How many messages its watchers were told that it has. */
          told: count,
          /** Somebody who left can read it, or nobody can: nothing more goes on it. */
          isEnded: z.boolean(),
        }),
      )
      .max(2),
  }),
);

/** What went on one of our chains, to answer who lacks it. Key `p/`, opaque(chain id). */
export const sentOnChains = collection(
  'chain',
  z.strictObject({
    chainId: id16,
    audience: id32,
    holders: people,
    /** Unix seconds. */
    openedAt: count,
    sent: z
      .array(z.strictObject({ number: count, letterId: id16, tag: id16 }))
      .max(MAX_CHAIN_MESSAGES),
    /** How many messages each person was sent again. */
    answered: z.array(z.strictObject({ to: mailAddress, times: count })).max(25),
  }),
);

/** A chain of somebody else's. Key `r/`, opaque(chain id). */
export const receivingChains = collection(
  'chain',
  z.strictObject({
    chainId: id16,
    from: mailAddress,
    audience: id32,
    /** Mail core, chain/state.ts. */
    state: hex,
    /** Whether its sender was told that the tags are watched. */
    isAnswered: z.boolean(),
    /** Tags of the numbers below this are watched; 0: none any more. */
    listed: count,
    /** Gaps below this number were seen, and asked for. */
    asked: count.default(0),
    /** Losses below this number were told to the user. */
    lost: count.default(0),
  }),
);

const ask = { since: count, asks: count, askedAt: count };

/** A chain of which something is missing. Key `a/`, opaque(chain id). */
export const missingChains = collection(
  'chain',
  z.strictObject({
    chainId: id16,
    from: mailAddress,
    audience: id32,
    /** How many messages its sender says it had. */
    length: count,
    ...ask,
  }),
);

/** An envelope that nothing opens yet. Key `w/`, number (16 digits). */
export const waitingEnvelopes = collection('chain', z.strictObject({ bytes: hex, ...ask }));

/** A change of a group. Key `g/`, opaque(group id), slash, its number in our log (6 digits). */
export const groupChanges = collection('group', z.strictObject({ groupId: id32, bytes: hex }));

/** A note of a group that is not known yet. Key `n/`, number (16 digits). */
export const groupNotes = collection(
  'group',
  z.strictObject({
    groupId: id32,
    sender: mailAddress,
    receivedAtMs: count,
    body: hex,
  }),
);

/** Keys of whoever has written to us, as the letter proved them. Key `k/`, opaque(address). */
export const certifiedKeys = collection(
  'group',
  z.strictObject({ accountKey: id32, identityKey: id32, certificate: hex.length(128) }),
);

/** One person or one group. Key `c/`, opaque(id). */
export const conversations = collection(
  'chatMessage',
  z.strictObject({
    /** The person's address, or the group's id. */
    id: z.string().max(64),
    kind: z.enum(['person', 'group']),
    /** Number of the next message. */
    next: count,
    /** Messages of others after the last look. */
    unread: count,
    lastAtMs: count,
    lastText: z.string().max(256),
    /** When somebody else last wrote, unix seconds by our clock; 0: never. */
    lastReceivedAt: count,
  }),
);

/** Key `m/`, opaque(conversation), slash, number (16 digits). */
export const chatMessages = collection(
  'chatMessage',
  z.strictObject({
    number: count,
    conversation: z.string().max(64),
    letterId: id16,
    sender: mailAddress,
    isOwn: z.boolean(),
    /** `notice`: the client tells what happened; `text` is then a code and its facts. */
    kind: z.enum(['text', 'notice']),
    text: z.string().max(MAX_TEXT_SIZE),
    /** Unix seconds by the sender's clock. */
    sentAt: count,
    receivedAtMs: count,
    /** Of our own: who gets it, and by which entry of the outbox. */
    recipients: z.array(z.strictObject({ to: mailAddress, outboxId: count })).max(25),
    /** Of a group: its sender was no member any more when it came. */
    isLeft: z.boolean(),
    isDeleted: z.boolean(),
  }),
);

/** Where a message is. Key `i/`, opaque(sender and letter id); `o/`, outbox id (16 digits). */
export const chatIndex = collection(
  'chatMessage',
  z.strictObject({ conversation: z.string().max(64), number: count }),
);

export type TagList = RecordOf<typeof tagLists>;
export type SendingRecord = RecordOf<typeof sendingChains>;
export type SendingLine = SendingRecord['chains'][number];
export type SentOnChain = RecordOf<typeof sentOnChains>;
export type ReceivingRecord = RecordOf<typeof receivingChains>;
export type MissingChain = RecordOf<typeof missingChains>;
export type WaitingRecord = RecordOf<typeof waitingEnvelopes>;
export type PendingGroupNote = RecordOf<typeof groupNotes>;
export type Conversation = RecordOf<typeof conversations>;
export type ChatMessage = RecordOf<typeof chatMessages>;
