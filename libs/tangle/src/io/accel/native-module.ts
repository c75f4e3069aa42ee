/**
 * Loads sodium-native, which is an optional dependency: a platform without a prebuilt binary simply
 * lacks it, and the portable backends take its place. Only the functions used here are declared.
 * Spec: docs/architecture.md.
 */

/** The part of sodium-native that this project uses; every argument is a plain byte array. */
export interface Sodium {
  /** Writes BLAKE2b of `input` with digest size `output.length` and no key into `output`. */
  crypto_generichash(output: Uint8Array, input: Uint8Array): void;
  /** Ed25519 verification of libsodium; throws on wrong lengths. */
  crypto_sign_verify_detached(
    signature: Uint8Array,
    message: Uint8Array,
    publicKey: Uint8Array,
  ): boolean;
  /** Writes ciphertext and tag of XChaCha20-Poly1305 into `sealed`, 16 bytes more than `plain`. */
  crypto_aead_xchacha20poly1305_ietf_encrypt(
    sealed: Uint8Array,
    plain: Uint8Array,
    associated: Uint8Array,
    secretNonce: null,
    nonce: Uint8Array,
    key: Uint8Array,
  ): number;
  /** The way back; throws when `sealed` was changed. */
  crypto_aead_xchacha20poly1305_ietf_decrypt(
    plain: Uint8Array,
    secretNonce: null,
    sealed: Uint8Array,
    associated: Uint8Array,
    nonce: Uint8Array,
    key: Uint8Array,
  ): number;
}

/** What a build of the module must have. */
const NEEDED: readonly (keyof Sodium)[] = [
  'crypto_generichash',
  'crypto_sign_verify_detached',
  'crypto_aead_xchacha20poly1305_ietf_encrypt',
  'crypto_aead_xchacha20poly1305_ietf_decrypt',
];

/** The module, or undefined where it is not installed or its binary does not load. */
export async function loadSodium(): Promise<Sodium | undefined> {
  try {
    // The name is a variable so that type checking does not ask for an optional package.
    const name: string = 'sodium-native';
    const loaded = (await import(name)) as Partial<Sodium> & { default?: Partial<Sodium> };
    const sodium = loaded.default ?? loaded;
    const isWhole = NEEDED.every((one) => typeof sodium[one] === 'function');
    return isWhole ? (sodium as Sodium) : undefined;
  } catch {
    return undefined;
  }
}
