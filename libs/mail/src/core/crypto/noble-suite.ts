/**
 * The portable reference of the sealing suite, by @noble/*. Every other backend is held to its
 * bytes. Spec: docs/spec/22-letter.md.
 */
import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import { x25519 } from '@noble/curves/ed25519.js';
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js';
import type { KemKeyPair, SealingSuite } from '../ports.ts';
import { AEAD_TAG_LENGTH, MLKEM_PUBLIC_KEY_LENGTH, X25519_KEY_LENGTH } from '../ports.ts';
import { assert } from '../outcome.ts';

/** RFC 7748, with undefined for a low-order public key. */
export function nobleX25519(secret: Uint8Array, publicKey: Uint8Array): Uint8Array | undefined {
  assert(secret.length === X25519_KEY_LENGTH, 'an X25519 secret has 32 bytes');
  assert(publicKey.length === X25519_KEY_LENGTH, 'an X25519 public key has 32 bytes');
  try {
    return x25519.getSharedSecret(secret, publicKey);
  } catch {
    // The lengths are right, so the only cause left is a shared secret of zero.
    return undefined;
  }
}

/**
 * FIPS 203 ML-KEM-768 with the randomness as an argument; undefined for a public key that fails the
 * modulus check of section 7.2.
 */
export function nobleEncapsulate(
  publicKey: Uint8Array,
  message: Uint8Array,
): { ciphertext: Uint8Array; sharedSecret: Uint8Array } | undefined {
  assert(message.length === 32, 'the randomness of an encapsulation has 32 bytes');
  assert(publicKey.length === MLKEM_PUBLIC_KEY_LENGTH, 'a KEM public key has 1,184 bytes');
  try {
    const { cipherText, sharedSecret } = ml_kem768.encapsulate(publicKey, message);
    return { ciphertext: cipherText, sharedSecret };
  } catch {
    return undefined;
  }
}

function open(
  key: Uint8Array,
  nonce: Uint8Array,
  ciphertext: Uint8Array,
  aad: Uint8Array,
): Uint8Array | undefined {
  if (ciphertext.length < AEAD_TAG_LENGTH) return undefined;
  const cipher = chacha20poly1305(key, nonce, aad);
  try {
    return cipher.decrypt(ciphertext);
  } catch {
    return undefined;
  }
}

/** The reference suite: about ten times slower than the native one, the same bytes. */
export const nobleSuite: SealingSuite = {
  x25519: nobleX25519,
  x25519PublicKey: (secret) => x25519.getPublicKey(secret),
  mlkemKeygen: (seed): KemKeyPair => ml_kem768.keygen(seed),
  mlkemEncapsulate: nobleEncapsulate,
  mlkemDecapsulate: (secretKey, ciphertext) => ml_kem768.decapsulate(ciphertext, secretKey),
  chacha20poly1305Seal: (key, nonce, plaintext, aad) =>
    chacha20poly1305(key, nonce, aad).encrypt(plaintext),
  chacha20poly1305Open: open,
};
