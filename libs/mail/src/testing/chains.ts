/** Chains for tests: both ends of one chain with a fixed seed, and what travels on it. */
import { utf8ToBytes } from '@noble/hashes/utils.js';
import { makePerson, TEST_NETWORK, TEST_NOW } from './people.ts';
import { valueOf } from './vectors.ts';
import { nobleSuite } from '../core/crypto/noble-suite.ts';
import type { MailEnvelope } from '../core/envelope/envelope.ts';
import { decodeEnvelope } from '../core/envelope/envelope.ts';
import type { MailAddress } from '../core/identity/address.ts';
import type { MailOutcome } from '../core/outcome.ts';
import type { ChainContent } from '../core/chain/content.ts';
import type { ChainSeedNote } from '../core/chain/note.ts';
import type { ChainScope } from '../core/chain/ratchet.ts';
import { personAudience } from '../core/chain/ratchet.ts';
import type { OpenedChainMessage, ReceivingChain } from '../core/chain/receiving.ts';
import { openChainMessage, openReceivingChain } from '../core/chain/receiving.ts';
import type { SealedChainMessage, SendingChain } from '../core/chain/sending.ts';
import { openSendingChain, sealChainMessage } from '../core/chain/sending.ts';

/** Addresses of the vectors; no key is needed to send on a chain. */
export const FROM: MailAddress = makePerson(0).address;
export const SCOPE: ChainScope = {
  networkId: TEST_NETWORK,
  from: FROM,
  audience: personAudience(makePerson(1).address),
};
export const MAX_ENVELOPE = 24_576;

/** Both ends of the chain whose seed is 32 times `byte`. */
export function makeChain(byte = 0x5e): {
  readonly sending: SendingChain;
  readonly receiving: ReceivingChain;
  readonly note: ChainSeedNote;
} {
  const seed = new Uint8Array(32).fill(byte);
  const { chain, note } = openSendingChain({ seed, scope: SCOPE, openedAt: TEST_NOW });
  const from = { networkId: TEST_NETWORK, from: FROM };
  return { sending: chain, note, receiving: valueOf(openReceivingChain(note, from, TEST_NOW)) };
}

/** A line of chat. */
export function textOf(text: string, sentAt = TEST_NOW): ChainContent {
  return { kind: 'text', sentAt, message: utf8ToBytes(text) };
}

/** Seals `count` lines "0", "1" … */
export function sealMany(sending: SendingChain, count: number): SealedChainMessage[] {
  const sealed: SealedChainMessage[] = [];
  let chain = sending;
  for (let index = 0; index < count; index++) {
    const one = valueOf(sealChainMessage(chain, textOf(`${index}`), MAX_ENVELOPE, nobleSuite));
    sealed.push(one);
    ({ chain } = one);
  }
  return sealed;
}

export function envelopeOf(bytes: Uint8Array): MailEnvelope {
  return valueOf(decodeEnvelope(bytes));
}

/** Opens payload bytes on a chain. */
export function receive(
  chain: ReceivingChain,
  bytes: Uint8Array,
  now = TEST_NOW,
): MailOutcome<{ readonly chain: ReceivingChain; readonly opened: OpenedChainMessage }> {
  return openChainMessage(chain, envelopeOf(bytes), now, nobleSuite);
}

/** The chain after all of these were opened, in this order. */
export function receiveAll(
  chain: ReceivingChain,
  sealed: readonly SealedChainMessage[],
): ReceivingChain {
  return sealed.reduce((current, one) => valueOf(receive(current, one.bytes)).chain, chain);
}
