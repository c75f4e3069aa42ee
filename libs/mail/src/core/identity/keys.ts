/**
 * From the seed to every key of an account. What a device keeps is the account root, never the
 * seed: the epoch root comes from the seed on a path of its own, so that a stolen device cannot go
 * back in time. Stop before: identity/mnemonic.ts; next: identity/epoch.ts. Spec:
 * docs/spec/20-identity.md.
 */
import { publicKeyOf } from '@tanglemail/tangle/core/crypto/ed25519-strict.ts';
import { deriveKey, sha256, u32Bytes, utf8ToBytes } from '../crypto/kdf.ts';
import { assert } from '../outcome.ts';
import type { KeyPair, SealingSuite } from '../ports.ts';

/** The keys that every device of an account holds. All secrets are 32 bytes. */
export interface AccountKeys {
  /** Ed25519; certifies all others and signs the descriptor. Its hash is the address. */
  readonly account: KeyPair;
  /** X25519; long-term, part of every letter sent or received. */
  readonly identity: KeyPair;
  readonly walletRoot: Uint8Array;
  readonly channelRoot: Uint8Array;
  readonly mailboxRoot: Uint8Array;
  readonly introRoot: Uint8Array;
  /** Proves to a new device that an old one speaks (docs/spec/20-identity.md). */
  readonly deviceLinkSecret: Uint8Array;
}

/** What a device keeps of account `index` (u32): 32 bytes from the 64-byte seed. */
export function deriveAccountRoot(seed: Uint8Array, index: number): Uint8Array {
  assert(seed.length === 64, 'a seed has 64 bytes');
  return deriveKey(seed, 'tmail/account-root/v1', [u32Bytes(index)]);
}

/**
 * The secret of epoch 0 of account `index`. Used once, at set-up or restore, to start an EpochState
 * (identity/epoch.ts), and then wiped: whoever holds it can open every letter of the account.
 */
export function deriveEpochRoot(seed: Uint8Array, index: number): Uint8Array {
  assert(seed.length === 64, 'a seed has 64 bytes');
  return deriveKey(seed, 'tmail/epoch-root/v1', [u32Bytes(index)]);
}

/** All keys of an account from its root. */
export function deriveAccountKeys(root: Uint8Array, suite: SealingSuite): AccountKeys {
  assert(root.length === 32, 'an account root has 32 bytes');
  return {
    account: ed25519Pair(deriveKey(root, 'tmail/account-key/v1')),
    identity: x25519Pair(deriveKey(root, 'tmail/identity-key/v1'), suite),
    walletRoot: deriveKey(root, 'tmail/wallet-root/v1'),
    channelRoot: deriveKey(root, 'tmail/channel-root/v1'),
    mailboxRoot: deriveKey(root, 'tmail/mailbox-root/v1'),
    introRoot: deriveKey(root, 'tmail/intro-root/v1'),
    deviceLinkSecret: deriveKey(root, 'tmail/device-link/v1'),
  };
}

/** Ed25519 key `index` (u32) of the wallet: one per output, never used for identity. */
export function walletKey(keys: AccountKeys, index: number): KeyPair {
  return ed25519Pair(deriveKey(keys.walletRoot, 'tmail/wallet-key/v1', [u32Bytes(index)]));
}

/** Ed25519 voucher key of payment channel `index` (u32), fresh for each channel. */
export function channelKey(keys: AccountKeys, index: number): KeyPair {
  return ed25519Pair(deriveKey(keys.channelRoot, 'tmail/channel-key/v1', [u32Bytes(index)]));
}

/**
 * Ed25519 key of mailbox `index` (u32) at the provider with `bondId` (32 bytes). Two providers that
 * compare notes see two unrelated keys.
 */
export function mailboxKey(keys: AccountKeys, bondId: Uint8Array, index: number): KeyPair {
  assert(bondId.length === 32, 'a bond id has 32 bytes');
  const context = [bondId, u32Bytes(index)];
  return ed25519Pair(deriveKey(keys.mailboxRoot, 'tmail/mailbox-key/v1', context));
}

/**
 * X25519 intro key of a sub-address ('' for the plain address). Raising `generation` (u32) revokes
 * the older one: strangers who know only it are no longer found by a scan.
 */
export function introKey(
  keys: AccountKeys,
  subAddress: string,
  generation: number,
  suite: SealingSuite,
): KeyPair {
  const context = [sha256(utf8ToBytes(subAddress)), u32Bytes(generation)];
  return x25519Pair(deriveKey(keys.introRoot, 'tmail/intro-key/v1', context), suite);
}

function ed25519Pair(secretKey: Uint8Array): KeyPair {
  return { secretKey, publicKey: publicKeyOf(secretKey) };
}

function x25519Pair(secretKey: Uint8Array, suite: SealingSuite): KeyPair {
  return { secretKey, publicKey: suite.x25519PublicKey(secretKey) };
}
