/**
 * Everybody tries to read all lines of chat: the seed of a chain comes in a letter, so whoever
 * could open that letter holds the keys of the chain. Each line is opened with every key that
 * anybody holds, and must open with its own alone, for the one that it was written to.
 */
import { decodeChainContent } from '@tanglemail/mail/core/chain/content.ts';
import { decodeChainNote } from '@tanglemail/mail/core/chain/note.ts';
import {
  chainIdOf,
  personAudience,
  startChainKey,
  stepChain,
} from '@tanglemail/mail/core/chain/ratchet.ts';
import { CHAIN_NONCE } from '@tanglemail/mail/core/chain/sending.ts';
import { decodeEnvelope, type MailEnvelope } from '@tanglemail/mail/core/envelope/envelope.ts';
import type { MailAddress } from '@tanglemail/mail/core/identity/address.ts';
import type { OpenedLetter } from '@tanglemail/mail/core/letter/letter.ts';
import type { SealingSuite } from '@tanglemail/mail/core/ports.ts';
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';

/** A seed, who wrote it, and who could open its letter. */
export interface HeldSeed {
  readonly chainId: string;
  /** The secret of number 0. */
  readonly key: Uint8Array;
  readonly from: MailAddress;
  readonly holder: MailAddress;
  /** Whether the chain is for its holder. */
  readonly isMeant: boolean;
}

export interface TriedLines {
  /** Lines that opened for the one that they were written to. */
  readonly lines: number;
  /** Attempts with a key. */
  readonly lineAttempts: number;
  readonly faults: string[];
}

/** Greater than the number of lines on any chain of the simulated weeks. */
const MAX_NUMBERS = 256;
const TEXT = /line-\d+-(\d+)-(\d+)/u;

/** The seed in a letter that `holder` has opened, if there is one. */
export function seedIn(
  letter: OpenedLetter,
  networkId: bigint,
  holder: MailAddress,
): HeldSeed | undefined {
  const note = letter.kind === 'control' ? decodeChainNote(letter.message) : undefined;
  if (note?.ok !== true || note.value.type !== 'seed') return undefined;
  const { seed, audience } = note.value;
  const from = letter.senderAddress;
  const scope = { networkId, from, audience };
  const isMeant = bytesToHex(audience) === bytesToHex(personAudience(holder));
  return {
    chainId: chainIdOf(seed, scope),
    key: startChainKey(seed, scope),
    from,
    holder,
    isMeant,
  };
}

interface UsedKey extends HeldSeed {
  readonly tag: string;
  readonly messageKey: Uint8Array;
}

/**
 * Opens each of `tried` with every key of every seed that was used for one of `all`. `addresses`
 * are those of the people, by index.
 */
export function tryLines(
  tried: readonly Uint8Array[],
  all: readonly Uint8Array[],
  facts: { readonly seeds: readonly HeldSeed[]; readonly addresses: readonly MailAddress[] },
  suite: SealingSuite,
): TriedLines {
  const tags = new Set(all.flatMap(linesIn).map(({ tag }) => bytesToHex(tag)));
  const held = new Map(facts.seeds.map((one) => [`${one.chainId} ${one.holder}`, one]));
  const keys = [...held.values()].flatMap((seed) => usedKeysOf(seed, tags));
  const faults: string[] = [];
  let lines = 0;
  for (const [at, { tag, header, sealed }] of tried.flatMap(linesIn).entries()) {
    const opened = keys.flatMap((key) => {
      const plain = suite.chacha20poly1305Open(key.messageKey, CHAIN_NONCE, sealed, header);
      return plain === undefined ? [] : [{ key, plain }];
    });
    const [only] = opened;
    if (only === undefined) continue;
    const isRight =
      opened.length === 1 &&
      only.key.isMeant &&
      only.key.tag === bytesToHex(tag) &&
      isTextOf(only.plain, only.key, facts.addresses);
    if (isRight) lines += 1;
    else faults.push(`line ${at} opens with ${opened.length} keys, or for the wrong one`);
  }
  return { lines, lineAttempts: tried.flatMap(linesIn).length * keys.length, faults };
}

function linesIn(bytes: Uint8Array): MailEnvelope[] {
  const envelope = decodeEnvelope(bytes);
  return envelope.ok ? [envelope.value] : [];
}

/** The keys of a chain under whose tags something was sent. */
function usedKeysOf(seed: HeldSeed, tags: ReadonlySet<string>): UsedKey[] {
  const keys: UsedKey[] = [];
  let { key } = seed;
  for (let number = 0; number < MAX_NUMBERS; number += 1) {
    const step = stepChain(key);
    const tag = bytesToHex(step.tag);
    if (tags.has(tag)) keys.push({ ...seed, tag, messageKey: step.messageKey });
    key = step.nextKey;
  }
  return keys;
}

/** What is no text of the simulation says nothing about for whom it is. */
function isTextOf(
  plain: Uint8Array,
  { from, holder }: HeldSeed,
  addresses: readonly MailAddress[],
): boolean {
  const content = decodeChainContent(plain);
  if (!content.ok) return false;
  const [, writer, reader] = TEXT.exec(new TextDecoder().decode(content.value.message)) ?? [];
  if (writer === undefined) return true;
  return addresses[Number(writer)] === from && addresses[Number(reader)] === holder;
}
