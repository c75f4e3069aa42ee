/**
 * Signatures of a simulation. The fast ones are a keyed checksum: whoever knows the public key
 * could forge them, but nothing in a simulation tries; a byzantine seat signs with its own key
 * whatever it wants. `realSigning` is Ed25519 as in a node.
 */
import {
  isCanonicalPublicKey,
  nobleVerifier,
  publicKeyOf,
  signEd25519,
} from '@tanglemail/tangle/core/crypto/ed25519-strict.ts';
import type { Verifier } from '@tanglemail/tangle/core/ports.ts';

/** Keys by number, and what they sign. */
export interface Signing {
  publicKey(key: number): Uint8Array;
  sign(key: number, message: Uint8Array): Uint8Array;
  readonly verifier: Verifier;
}

function checksum(key: Uint8Array, message: Uint8Array): Uint8Array {
  let a = 0x811c_9dc5;
  let b = 0x9747_b28c;
  for (const byte of key) a = Math.imul(a ^ byte, 0x0100_0193);
  for (const byte of message) {
    a = Math.imul(a ^ byte, 0x0100_0193);
    b = Math.imul((b << 13) | (b >>> 19), 0xcc9e_2d51) ^ a;
  }
  const words = new Uint32Array(16);
  for (let at = 0; at < 16; at += 1) words[at] = Math.imul(a + at, 0x1b87_3593) ^ (b + at);
  return new Uint8Array(words.buffer);
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}

/** Checksums that take a microsecond. */
export function fastSigning(): Signing {
  const publicKey = (key: number): Uint8Array => new Uint8Array(32).fill(key + 1);
  return {
    publicKey,
    sign: (key, message) => checksum(publicKey(key), message),
    verifier: { verify: (key, message, signature) => isEqual(checksum(key, message), signature) },
  };
}

/**
 * The same with only such keys for nodes as may be bonded: points of the curve. Numbers from
 * `below` on, those of users, stay what they were.
 */
export function bondable(signing: Signing, count: number, below: number): Signing {
  const numbers: number[] = [];
  for (let key = 0; key < below && numbers.length < count; key += 1) {
    if (isCanonicalPublicKey(signing.publicKey(key))) numbers.push(key);
  }
  if (numbers.length < count) throw new Error(`there are keys for ${numbers.length} nodes only`);
  const numberOf = (key: number): number => numbers[key] ?? key;
  return {
    publicKey: (key) => signing.publicKey(numberOf(key)),
    sign: (key, message) => signing.sign(numberOf(key), message),
    verifier: signing.verifier,
  };
}

/** Ed25519 by the STRICT rule. */
export function realSigning(verifier: Verifier = nobleVerifier): Signing {
  const secretKey = (key: number): Uint8Array => new Uint8Array(32).fill(key + 1);
  const known = new Map<number, Uint8Array>();
  return {
    publicKey: (key) => {
      const found = known.get(key) ?? publicKeyOf(secretKey(key));
      known.set(key, found);
      return found;
    },
    sign: (key, message) => signEd25519(secretKey(key), message),
    verifier,
  };
}
