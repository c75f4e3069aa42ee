/**
 * The receiver's end of a chain: which tags to watch, opening in any order, keys kept for what was
 * overtaken, and what is missing. Every function returns a new state; the shell writes it together
 * with the opened message. Stop before: envelope/envelope.ts; next: the inbox.
 * Spec: docs/spec/24-chain.md.
 */
import { bytesToHex } from '@noble/hashes/utils.js';
import { equalBytes } from '../crypto/kdf.ts';
import type { MailEnvelope } from '../envelope/envelope.ts';
import type { MailAddress } from '../identity/address.ts';
import { DEFAULT_LEASE_SECONDS } from '../identity/epoch.ts';
import type { LetterId } from '../letter/content.ts';
import { CHAIN_WINDOW, MAX_CHAIN_MESSAGES } from '../limits.ts';
import { fail, succeed } from '../outcome.ts';
import type { MailOutcome } from '../outcome.ts';
import type { SealingSuite } from '../ports.ts';
import type { ChainKind } from './content.ts';
import { decodeChainContent } from './content.ts';
import type { ChainSeedNote } from './note.ts';
import type { ChainId } from './ratchet.ts';
import { chainIdOf, chainLetterId, startChainKey, stepChain } from './ratchet.ts';
import { CHAIN_LIFE_SECONDS, CHAIN_NONCE } from './sending.ts';

/** Seconds that the key of an overtaken message is kept: a mailbox lease, 30 days. */
export const SKIPPED_KEY_SECONDS = DEFAULT_LEASE_SECONDS;
/** Seconds from a chain's opening until nothing of it can still arrive: its life and a lease. */
export const CHAIN_KEPT_SECONDS = CHAIN_LIFE_SECONDS + DEFAULT_LEASE_SECONDS;
/** How far ahead a sender's clock may be. */
export const MAX_SEED_AHEAD_SECONDS = 86_400;

/** The key of a message that later ones overtook. */
export interface SkippedKey {
  readonly number: number;
  /** 32 bytes. */
  readonly messageKey: Uint8Array;
  /** 16 bytes. */
  readonly tag: Uint8Array;
  /** When it was overtaken, unix seconds by our clock. */
  readonly since: number;
}

/** What a receiving device holds of a chain: nothing that opens what it opened before. */
export interface ReceivingChain {
  readonly chainId: ChainId;
  /** The secret of number `next`, 32 bytes. */
  readonly key: Uint8Array;
  /** The number after the highest one opened. */
  readonly next: number;
  /** Unix seconds; from then on the whole chain is deleted. */
  readonly keepUntil: number;
  /** By ascending number, all below `next`. */
  readonly skipped: readonly SkippedKey[];
}

/** An opened chain message. Its sender is the one of the seed's letter. */
export interface OpenedChainMessage {
  readonly number: number;
  readonly kind: ChainKind;
  readonly sentAt: number;
  readonly letterId: LetterId;
  readonly message: Uint8Array;
}

/**
 * The receiver's chain from a seed note. `from` is the sender that the letter proved; the caller
 * has looked at `note.audience` and holds no chain of that id yet: opening a known chain anew would
 * bring its used keys back. Code: `chain-seed-time` when the chain is over, or opened more than a
 * day in the future (the letter is kept and tried again).
 */
export function openReceivingChain(
  note: ChainSeedNote,
  from: { readonly networkId: bigint; readonly from: MailAddress },
  now: number,
): MailOutcome<ReceivingChain> {
  const keepUntil = note.openedAt + CHAIN_KEPT_SECONDS;
  if (now >= keepUntil) return fail('chain-seed-time', 'the chain is over');
  if (note.openedAt > now + MAX_SEED_AHEAD_SECONDS) return fail('chain-seed-time', 'in the future');
  const scope = { ...from, audience: note.audience };
  const chainId = chainIdOf(note.seed, scope);
  const key = startChainKey(note.seed, scope);
  return succeed({ chainId, key, next: 0, keepUntil, skipped: [] });
}

/** The keys of the numbers from `next` on that are watched, without changing anything. */
function* stepsAhead(chain: ReceivingChain): Generator<{
  readonly number: number;
  readonly messageKey: Uint8Array;
  readonly tag: Uint8Array;
  readonly nextKey: Uint8Array;
}> {
  const end = Math.min(chain.next + CHAIN_WINDOW, MAX_CHAIN_MESSAGES);
  let key = chain.key;
  for (let number = chain.next; number < end; number++) {
    const step = stepChain(key);
    yield { number, ...step };
    key = step.nextKey;
  }
}

/** The tags to look for: of every overtaken number, and of the 128 numbers from `next` on. */
export function watchedChainTags(
  chain: ReceivingChain,
): { readonly number: number; readonly tag: Uint8Array }[] {
  const ahead = [...stepsAhead(chain)];
  return [...chain.skipped, ...ahead].map(({ number, tag }) => ({ number, tag }));
}

/**
 * Opens an envelope. On success the key is no longer in the new state; on failure nothing changes,
 * so that a forger who copies a tag from the tangle burns no key. Codes: `chain-tag-unknown` (of
 * another chain, replayed, expired, or too far ahead), `chain-damaged`, `chain-content-unknown`,
 * `chain-malformed`. `now` in unix seconds. At worst 128 steps of the ratchet: the shell asks by a
 * table of `watchedChainTags` first.
 */
export function openChainMessage(
  chain: ReceivingChain,
  envelope: MailEnvelope,
  now: number,
  suite: SealingSuite,
): MailOutcome<{ readonly chain: ReceivingChain; readonly opened: OpenedChainMessage }> {
  const old = chain.skipped.find((one) => equalBytes(one.tag, envelope.tag));
  if (old) {
    const opened = openWith(old.messageKey, old.number, envelope, suite);
    if (!opened.ok) return opened;
    const skipped = chain.skipped.filter((one) => one !== old);
    return succeed({ chain: { ...chain, skipped }, opened: opened.value });
  }
  const overtaken: SkippedKey[] = [];
  for (const { number, messageKey, tag, nextKey } of stepsAhead(chain)) {
    if (!equalBytes(tag, envelope.tag)) {
      overtaken.push({ number, messageKey, tag, since: now });
      continue;
    }
    const opened = openWith(messageKey, number, envelope, suite);
    if (!opened.ok) return opened;
    const skipped = [...chain.skipped, ...overtaken];
    const moved = { ...chain, key: nextKey, next: number + 1, skipped };
    return succeed({ chain: moved, opened: opened.value });
  }
  return fail('chain-tag-unknown');
}

function openWith(
  messageKey: Uint8Array,
  number: number,
  envelope: MailEnvelope,
  suite: SealingSuite,
): MailOutcome<OpenedChainMessage> {
  const { header, sealed } = envelope;
  const plaintext = suite.chacha20poly1305Open(messageKey, CHAIN_NONCE, sealed, header);
  if (!plaintext) return fail('chain-damaged', `number ${number}`);
  const content = decodeChainContent(plaintext);
  if (!content.ok) return content;
  const { kind, sentAt, message, letterId = chainLetterId(messageKey) } = content.value;
  return succeed({ number, kind, sentAt, letterId, message });
}

/**
 * The numbers not opened yet of a chain that its sender says had `length` messages: overtaken ones
 * whose key is still here, and those never reached.
 */
export function missingNumbers(chain: ReceivingChain, length: number): number[] {
  const numbers = chain.skipped.map((one) => one.number).filter((number) => number < length);
  const end = Math.min(length, MAX_CHAIN_MESSAGES);
  for (let number = chain.next; number < end; number++) numbers.push(number);
  return numbers;
}

/**
 * The chain without the keys of messages that came, or will come, some other way: `tags` are
 * theirs. Numbers before the last of them that were not reached yet are overtaken by this. At most
 * 128 steps of the ratchet. `now` in unix seconds.
 */
export function releaseChainTags(
  chain: ReceivingChain,
  tags: readonly Uint8Array[],
  now: number,
): ReceivingChain {
  const released = new Set(tags.map(bytesToHex));
  const isReleased = (one: { readonly tag: Uint8Array }): boolean =>
    released.has(bytesToHex(one.tag));
  const ahead = [...stepsAhead(chain)];
  const reached = ahead.slice(0, ahead.findLastIndex(isReleased) + 1);
  const overtaken = reached.map(({ number, messageKey, tag }) => {
    return { number, messageKey, tag, since: now };
  });
  const skipped = [...chain.skipped, ...overtaken].filter((one) => !isReleased(one));
  if (reached.length === 0 && skipped.length === chain.skipped.length) return chain;
  const key = reached.at(-1)?.nextKey ?? chain.key;
  return { ...chain, key, next: chain.next + reached.length, skipped };
}

/** Seconds after which what was overtaken is asked for, though no length of the chain was told. */
export const GAP_SECONDS = 86_400;

/** Whether a number from `from` on was overtaken a day ago and has not come. */
export function hasGap(chain: ReceivingChain, from: number, now: number): boolean {
  return chain.skipped.some((one) => one.number >= from && now >= one.since + GAP_SECONDS);
}

/** The chain without keys older than 30 days; undefined when the whole chain is over. */
export function pruneReceivingChain(
  chain: ReceivingChain,
  now: number,
): ReceivingChain | undefined {
  if (now >= chain.keepUntil) return undefined;
  const skipped = chain.skipped.filter((one) => now < one.since + SKIPPED_KEY_SECONDS);
  return skipped.length === chain.skipped.length ? chain : { ...chain, skipped };
}

/**
 * Overwrites the keys of `old` that `current` does not hold, once `current` is written. Without a
 * `current` all of them: the chain is over.
 */
export function wipeReceivingChain(old: ReceivingChain, current?: ReceivingChain): void {
  const kept = new Set(current?.skipped.map((one) => one.messageKey));
  if (old.key !== current?.key) old.key.fill(0);
  for (const { messageKey } of old.skipped) if (!kept.has(messageKey)) messageKey.fill(0);
}
