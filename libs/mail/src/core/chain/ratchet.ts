/**
 * The hash ratchet of a chain: one secret per number, from which the number's key and tag follow,
 * and the next secret. One way: nobody gets back from a secret to the one before. Stop before:
 * chain/note.ts (the seed in its letter); next: chain/sending.ts and chain/receiving.ts.
 * Spec: docs/spec/24-chain.md.
 */
import { bytesToHex } from '@noble/hashes/utils.js';
import { concatBytes, deriveKey, domain, sha256, u64Bytes } from '../crypto/kdf.ts';
import { TAG_LENGTH } from '../envelope/envelope.ts';
import type { MailAddress } from '../identity/address.ts';
import { mailAddressToBytes } from '../identity/address.ts';
import type { LetterId } from '../letter/content.ts';
import { LETTER_ID_LENGTH, letterIdFromBytes } from '../letter/content.ts';
import { assert } from '../outcome.ts';

export const CHAIN_SEED_LENGTH = 32;
export const CHAIN_KEY_LENGTH = 32;
export const CHAIN_ID_LENGTH = 16;
export const AUDIENCE_LENGTH = 32;

declare const brand: unique symbol;
/** The name of a chain, 16 bytes as 32 lowercase hex digits. Follows from its seed. */
export type ChainId = string & { readonly [brand]: 'ChainId' };

/** What a chain is bound to: the same seed gives other keys elsewhere. */
export interface ChainScope {
  readonly networkId: bigint;
  /** Who writes: the sender that the seed's letter proved. */
  readonly from: MailAddress;
  /** For whom, 32 bytes: `personAudience`, or a group's id. */
  readonly audience: Uint8Array;
}

/** What one number of a chain gives. */
export interface ChainStep {
  /** The secret of the number after, 32 bytes. */
  readonly nextKey: Uint8Array;
  /** 32 bytes, for one ChaCha20-Poly1305 sealing. */
  readonly messageKey: Uint8Array;
  /** The envelope's tag, 16 bytes. */
  readonly tag: Uint8Array;
}

/** The audience of a chain between two people. */
export function personAudience(to: MailAddress): Uint8Array {
  return sha256(concatBytes(domain('tmail/chain-person/v1'), mailAddressToBytes(to)));
}

/** networkId u64 ‖ from 24 ‖ audience 32. */
function scopeBytes(scope: ChainScope): readonly Uint8Array[] {
  assert(scope.audience.length === AUDIENCE_LENGTH, 'an audience has 32 bytes');
  return [u64Bytes(scope.networkId), mailAddressToBytes(scope.from), scope.audience];
}

/** The name of the chain of this seed. */
export function chainIdOf(seed: Uint8Array, scope: ChainScope): ChainId {
  assert(seed.length === CHAIN_SEED_LENGTH, 'a chain seed has 32 bytes');
  const id = deriveKey(seed, 'tmail/chain-id/v1', scopeBytes(scope), CHAIN_ID_LENGTH);
  return bytesToHex(id) as ChainId;
}

/** The secret of number 0. The seed is not needed afterwards and should be wiped. */
export function startChainKey(seed: Uint8Array, scope: ChainScope): Uint8Array {
  assert(seed.length === CHAIN_SEED_LENGTH, 'a chain seed has 32 bytes');
  return deriveKey(seed, 'tmail/chain-start/v1', scopeBytes(scope));
}

/** One step: what the number of `key` (32 bytes) gives. */
export function stepChain(key: Uint8Array): ChainStep {
  assert(key.length === CHAIN_KEY_LENGTH, 'a chain key has 32 bytes');
  const bytes = deriveKey(key, 'tmail/chain-step/v1', [], 64 + TAG_LENGTH);
  return { nextKey: bytes.slice(0, 32), messageKey: bytes.slice(32, 64), tag: bytes.slice(64) };
}

/** The letter id of a chain message that names none: both sides compute it, no byte is spent. */
export function chainLetterId(messageKey: Uint8Array): LetterId {
  const id = deriveKey(messageKey, 'tmail/chain-letter-id/v1', [], LETTER_ID_LENGTH);
  return letterIdFromBytes(id);
}
