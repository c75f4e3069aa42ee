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
}

/** The module, or undefined where it is not installed or its binary does not load. */
export async function loadSodium(): Promise<Sodium | undefined> {
  try {
    // The name is a variable so that type checking does not ask for an optional package.
    const name: string = 'sodium-native';
    const loaded = (await import(name)) as Partial<Sodium> & { default?: Partial<Sodium> };
    const sodium = loaded.default ?? loaded;
    const isWhole =
      typeof sodium.crypto_generichash === 'function' &&
      typeof sodium.crypto_sign_verify_detached === 'function';
    return isWhole ? (sodium as Sodium) : undefined;
  } catch {
    return undefined;
  }
}
