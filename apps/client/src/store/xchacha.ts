/**
 * XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03 §2.3) over the ChaCha20-Poly1305 of a suite, so
 * that the machine's own cryptography seals the store: large values some fifty times faster than
 * the portable one. Before: sealed-store.ts.
 */
import { hchacha } from '@noble/ciphers/chacha.js';
import type { SealingSuite } from '@tanglemail/mail/core/ports.ts';

export const XCHACHA_NONCE_LENGTH = 24;
/** HChaCha20 takes these bytes of the nonce into the key; the others count for the cipher. */
const DERIVED_LENGTH = 16;
/** `expand 32-byte k`. */
const SIGMA = wordsOf(new TextEncoder().encode('expand 32-byte k'));

export type Aead = Pick<SealingSuite, 'chacha20poly1305Seal' | 'chacha20poly1305Open'>;

/** One value to seal or open: 32 bytes of key, 24 of nonce, and what it is bound to. */
export interface Sealing {
  readonly key: Uint8Array;
  readonly nonce: Uint8Array;
  readonly aad: Uint8Array;
}

export function xchachaSeal(suite: Aead, sealing: Sealing, plain: Uint8Array): Uint8Array {
  const { key, nonce } = derived(sealing);
  return suite.chacha20poly1305Seal(key, nonce, plain, sealing.aad);
}

/** Undefined when the bytes were not sealed like that. */
export function xchachaOpen(
  suite: Aead,
  sealing: Sealing,
  sealed: Uint8Array,
): Uint8Array | undefined {
  const { key, nonce } = derived(sealing);
  return suite.chacha20poly1305Open(key, nonce, sealed, sealing.aad);
}

function derived({ key, nonce }: Sealing): { key: Uint8Array; nonce: Uint8Array } {
  const words = new Uint32Array(8);
  hchacha(SIGMA, wordsOf(key), wordsOf(nonce.subarray(0, DERIVED_LENGTH)), words);
  const own = new Uint8Array(32);
  const view = new DataView(own.buffer);
  for (const [at, word] of words.entries()) view.setUint32(4 * at, word, true);
  const rest = new Uint8Array(12);
  rest.set(nonce.subarray(DERIVED_LENGTH), 4);
  return { key: own, nonce: rest };
}

function wordsOf(bytes: Uint8Array): Uint32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Uint32Array.from({ length: bytes.length / 4 }, (_, at) => view.getUint32(4 * at, true));
}
