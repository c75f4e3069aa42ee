/**
 * The certificate of an identity key: the account key's signature over it. It travels inside every
 * letter and, as part of the signed whole, in the descriptor. Spec: docs/spec/20-identity.md.
 */
import { signEd25519 } from '@tanglemail/tangle/core/crypto/ed25519-strict.ts';
import type { Verifier } from '@tanglemail/tangle/core/ports.ts';
import { concatBytes, domain, u64Bytes } from '../crypto/kdf.ts';
import type { KeyPair } from '../ports.ts';

/** "tmail/identity/v1\0" ‖ networkId u64 ‖ account key 32 ‖ identity key 32. */
function identityMessage(
  networkId: bigint,
  accountKey: Uint8Array,
  identityKey: Uint8Array,
): Uint8Array {
  const label = domain('tmail/identity/v1');
  return concatBytes(label, u64Bytes(networkId), accountKey, identityKey);
}

/** 64 bytes. Signing is deterministic, so every device writes the same certificate. */
export function certifyIdentity(
  networkId: bigint,
  account: KeyPair,
  identityKey: Uint8Array,
): Uint8Array {
  return signEd25519(account.secretKey, identityMessage(networkId, account.publicKey, identityKey));
}

/** Whether `accountKey` has certified `identityKey` on this network. */
export function isIdentityCertified(
  networkId: bigint,
  accountKey: Uint8Array,
  identityKey: Uint8Array,
  certificate: Uint8Array,
  verifier: Verifier,
): boolean {
  return verifier.verify(
    accountKey,
    identityMessage(networkId, accountKey, identityKey),
    certificate,
  );
}
