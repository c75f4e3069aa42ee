/**
 * The sender's end of a chain: opens it with a fresh seed, seals messages, says when the next seed
 * is due. Every function returns a new state; the shell writes it together with the sealed bytes
 * before anything leaves the machine. Stop before: chain/content.ts; next: envelope/envelope.ts,
 * the outbox. Spec: docs/spec/24-chain.md.
 */
import { concatBytes } from '../crypto/kdf.ts';
import { envelopeHeader, sealedBytes } from '../envelope/envelope.ts';
import { EPOCH_SECONDS, epochOf } from '../identity/epoch.ts';
import type { LetterId } from '../letter/content.ts';
import { MAX_CHAIN_MESSAGES, PADDED_SIZES } from '../limits.ts';
import { assert, fail, succeed } from '../outcome.ts';
import type { MailOutcome } from '../outcome.ts';
import type { SealingSuite } from '../ports.ts';
import { AEAD_TAG_LENGTH } from '../ports.ts';
import type { ChainContent } from './content.ts';
import { chainContentSize, encodeChainContent } from './content.ts';
import type { ChainSeedNote } from './note.ts';
import type { ChainId, ChainScope } from './ratchet.ts';
import { chainIdOf, chainLetterId, startChainKey, stepChain } from './ratchet.ts';

/** Messages after which a sender opens the next chain. */
export const RESEED_AFTER_MESSAGES = 100;
/** Silence after which an answer goes out on a fresh chain: 24 hours. */
export const RESEED_AFTER_SECONDS = 86_400;
/** Silence after which the length of a chain is told, in case its last messages are lost. */
export const TELL_LENGTH_AFTER_SECONDS = 86_400;
/** Seconds that a chain may be sent on at all: two epochs, for a sender who cannot re-seed. */
export const CHAIN_LIFE_SECONDS = 2 * EPOCH_SECONDS;
/** Every message key is used once. */
export const CHAIN_NONCE = new Uint8Array(12);

/** What the sending device holds of a chain: nothing that opens what it sent. */
export interface SendingChain {
  readonly chainId: ChainId;
  /** The secret of number `next`, 32 bytes. */
  readonly key: Uint8Array;
  /** The number of the next message, which is also how many were sealed. */
  readonly next: number;
  /** Unix seconds. */
  readonly openedAt: number;
  /** When the last message was sealed; `openedAt` before the first. */
  readonly lastSentAt: number;
}

/** A chain message as an envelope, with the state that must be written beside it. */
export interface SealedChainMessage {
  readonly chain: SendingChain;
  /** The payload's bytes behind its type. */
  readonly bytes: Uint8Array;
  readonly sizeClass: number;
  readonly number: number;
  readonly letterId: LetterId;
}

/**
 * A new chain and the note that its letter carries. `seed`: 32 fresh random bytes. `previous`: the
 * chain that this one follows, so that a receiver who never saw its seed can tell.
 */
export function openSendingChain(input: {
  readonly seed: Uint8Array;
  readonly scope: ChainScope;
  readonly openedAt: number;
  readonly previous?: SendingChain;
}): { readonly chain: SendingChain; readonly note: ChainSeedNote } {
  const { seed, scope, openedAt, previous } = input;
  const chainId = chainIdOf(seed, scope);
  const key = startChainKey(seed, scope);
  const chain = { chainId, key, next: 0, openedAt, lastSentAt: openedAt };
  const note: ChainSeedNote = { type: 'seed', seed, audience: scope.audience, openedAt };
  if (!previous) return { chain, note };
  const ended = { chainId: previous.chainId, length: previous.next };
  return { chain, note: { ...note, previous: ended } };
}

/** Why the next message should go out on a fresh chain. */
export type ReseedReason = 'epoch' | 'count' | 'direction';

/**
 * Whether a fresh seed is due before a message at `now`; undefined when not. `lastReceivedAt`: when
 * the other side last wrote, by our clock. In a group: when anybody else did.
 */
export function reseedReason(
  chain: SendingChain,
  now: number,
  lastReceivedAt?: number,
): ReseedReason | undefined {
  if (epochOf(now) !== epochOf(chain.openedAt)) return 'epoch';
  if (chain.next >= RESEED_AFTER_MESSAGES) return 'count';
  const isAnswer = lastReceivedAt !== undefined && lastReceivedAt > chain.lastSentAt;
  const isOld = now - chain.lastSentAt >= RESEED_AFTER_SECONDS;
  return isAnswer && isOld ? 'direction' : undefined;
}

/**
 * Whether those who watch a chain must be told how many messages went on it: nothing that comes
 * after the last `told` ones shows that they were lost. The next seed may take weeks, or never be.
 */
export function isLengthDue(chain: SendingChain, told: number, now: number): boolean {
  return chain.next > told && now - chain.lastSentAt >= TELL_LENGTH_AFTER_SECONDS;
}

/** Bytes of the largest chain message in an envelope of `maxEnvelope` bytes (a padded size). */
export function maxChainMessageSize(maxEnvelope: number, isNamed: boolean): number {
  const sizeClass = PADDED_SIZES.findLastIndex((size) => size <= maxEnvelope);
  if (sizeClass < 0) return 0;
  return sealedBytes(sizeClass) - AEAD_TAG_LENGTH - chainContentSize(0, isNamed);
}

/**
 * Seals the next message. The result's state and bytes are written in one batch before the bytes
 * leave; the old state is then wiped. Codes: `chain-spent` (2,000 messages or two epochs: open the
 * next chain), `message-too-large` (the detail gives the greatest size). A failure uses no key.
 */
export function sealChainMessage(
  chain: SendingChain,
  content: ChainContent,
  maxEnvelope: number,
  suite: SealingSuite,
): MailOutcome<SealedChainMessage> {
  if (chain.next >= MAX_CHAIN_MESSAGES) return fail('chain-spent', 'no number is left');
  if (content.sentAt >= chain.openedAt + CHAIN_LIFE_SECONDS) {
    return fail('chain-spent', 'two epochs old');
  }
  const isNamed = content.letterId !== undefined;
  const limit = maxChainMessageSize(maxEnvelope, isNamed);
  if (content.message.length > limit) return fail('message-too-large', `at most ${limit} bytes`);
  const needed = chainContentSize(content.message.length, isNamed) + AEAD_TAG_LENGTH;
  const sizeClass = PADDED_SIZES.findIndex((_, at) => sealedBytes(at) >= needed);
  assert(sizeClass >= 0, 'what is within the limit fits a class');
  const { nextKey, messageKey, tag } = stepChain(chain.key);
  const header = envelopeHeader(sizeClass, tag);
  const plaintext = encodeChainContent(content, sealedBytes(sizeClass) - AEAD_TAG_LENGTH);
  const body = suite.chacha20poly1305Seal(messageKey, CHAIN_NONCE, plaintext, header);
  const letterId = content.letterId ?? chainLetterId(messageKey);
  const lastSentAt = Math.max(chain.lastSentAt, content.sentAt);
  return succeed({
    chain: { ...chain, key: nextKey, next: chain.next + 1, lastSentAt },
    bytes: concatBytes(header, body),
    sizeClass,
    number: chain.next,
    letterId,
  });
}
