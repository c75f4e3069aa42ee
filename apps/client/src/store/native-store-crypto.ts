/**
 * Sealing of the local store by libsodium and Node.js, for the daemon. Before: sealed-store.ts.
 * Spec: docs/spec/40-client-store.md; ratios: docs/performance.md.
 */
import { createHmac } from 'node:crypto';
import { loadSodium } from '@tanglemail/tangle/io/accel/native-module.ts';
import { PORTABLE_CRYPTO, type StoreCrypto } from './sealed-store.ts';

const TAG_LENGTH = 16;

/** The fastest that this machine has; the portable cipher where libsodium is not installed. */
export async function bestStoreCrypto(): Promise<StoreCrypto> {
  const sodium = await loadSodium();
  const hmacSha256: StoreCrypto['hmacSha256'] = (key, text) =>
    new Uint8Array(createHmac('sha256', key).update(text).digest());
  if (sodium === undefined) return { ...PORTABLE_CRYPTO, hmacSha256 };
  return {
    hmacSha256,
    seal: (key, nonce, associated, plain) => {
      const sealed = new Uint8Array(plain.length + TAG_LENGTH);
      sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(
        sealed,
        plain,
        associated,
        null,
        nonce,
        key,
      );
      return sealed;
    },
    open: (key, nonce, associated, sealed) => {
      if (sealed.length < TAG_LENGTH) throw new Error('too short to be sealed');
      const plain = new Uint8Array(sealed.length - TAG_LENGTH);
      sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(
        plain,
        null,
        sealed,
        associated,
        nonce,
        key,
      );
      return plain;
    },
  };
}
