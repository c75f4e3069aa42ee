/**
 * What sealing needs from the world: an interface only, synchronous. `core/crypto/noble-suite.ts`
 * is the portable reference that a browser uses, `io/crypto/native-suite.ts` the fast backend; a
 * test holds both to the same bytes. Spec: docs/spec/22-letter.md.
 */

/** An X25519 or Ed25519 key pair: 32 bytes each. */
export interface KeyPair {
  readonly secretKey: Uint8Array;
  readonly publicKey: Uint8Array;
}

/** An ML-KEM-768 key pair (FIPS 203). */
export interface KemKeyPair {
  /** 1,184 bytes. */
  readonly publicKey: Uint8Array;
  /** What the same suite's `mlkemDecapsulate` takes; opaque, never stored. Store the seed. */
  readonly secretKey: Uint8Array;
}

/** The primitives of sealing. Arguments of a wrong length are our own mistake and throw. */
export interface SealingSuite {
  /**
   * RFC 7748. `secret` and `publicKey` 32 bytes each; undefined when the shared secret would be
   * zero (a low-order public key, which a hostile peer may send).
   */
  x25519(secret: Uint8Array, publicKey: Uint8Array): Uint8Array | undefined;
  /** The public key of a 32-byte secret. */
  x25519PublicKey(secret: Uint8Array): Uint8Array;
  /** Deterministic from `seed`, 64 bytes (d and z of FIPS 203). */
  mlkemKeygen(seed: Uint8Array): KemKeyPair;
  /**
   * Deterministic from `message`, 32 uniform random bytes (m of FIPS 203). Undefined when
   * `publicKey` (1,184 bytes) holds a coefficient out of range.
   */
  mlkemEncapsulate(
    publicKey: Uint8Array,
    message: Uint8Array,
  ): { readonly ciphertext: Uint8Array; readonly sharedSecret: Uint8Array } | undefined;
  /** `ciphertext` 1,088 bytes → 32 bytes. A wrong ciphertext gives a wrong secret (FIPS 203). */
  mlkemDecapsulate(secretKey: Uint8Array, ciphertext: Uint8Array): Uint8Array;
  /** RFC 8439. `key` 32, `nonce` 12 bytes; the result is 16 bytes longer than `plaintext`. */
  chacha20poly1305Seal(
    key: Uint8Array,
    nonce: Uint8Array,
    plaintext: Uint8Array,
    aad: Uint8Array,
  ): Uint8Array;
  /** The plaintext, or undefined when the tag does not match. */
  chacha20poly1305Open(
    key: Uint8Array,
    nonce: Uint8Array,
    ciphertext: Uint8Array,
    aad: Uint8Array,
  ): Uint8Array | undefined;
}

export const X25519_KEY_LENGTH = 32;
export const MLKEM_PUBLIC_KEY_LENGTH = 1_184;
export const MLKEM_CIPHERTEXT_LENGTH = 1_088;
export const AEAD_TAG_LENGTH = 16;
