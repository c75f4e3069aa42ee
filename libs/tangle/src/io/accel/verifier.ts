/**
 * Ed25519 backends behind the core's Verifier port, all under the STRICT rule: the byte check of
 * core/crypto/ed25519-strict.ts first, then the library. A backend is used only after it gave the
 * right verdict for every vector of ed25519-vectors.ts in this process.
 * Path: core/ledger and verify-worker.ts → here. Spec: docs/spec/02-transaction.md, signature rule.
 */
import { createPublicKey, randomBytes, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import {
  isCanonicalSignature,
  nobleVerifier,
  publicKeyOf,
  signEd25519,
} from '../../core/crypto/ed25519-strict.ts';
import type { SignatureClaim, Verifier } from '../../core/ports.ts';
import { STRICT_VECTORS } from './ed25519-vectors.ts';
import { loadSodium } from './native-module.ts';

export type VerifierBackend = 'sodium-native' | 'node' | 'noble';

/** A Verifier that knows its own name, for logs and metrics. */
export interface NamedVerifier extends Verifier {
  readonly backend: VerifierBackend;
}

/** Imported public keys that the node backend keeps; an import costs 4 µs, a check 70. */
const MAX_KEY_OBJECTS = 1_024;
const ED25519_KEY_SIZE = 32;

/** The portable reference; always there. */
export function nobleStrictVerifier(): NamedVerifier {
  return {
    backend: 'noble',
    verify: (publicKey, message, signature) => nobleVerifier.verify(publicKey, message, signature),
  };
}

/** libsodium, or undefined where the optional package is missing. */
export async function sodiumVerifier(): Promise<NamedVerifier | undefined> {
  const sodium = await loadSodium();
  if (!sodium) return undefined;
  return {
    backend: 'sodium-native',
    verify: (publicKey, message, signature) =>
      isCanonicalSignature(publicKey, signature) &&
      sodium.crypto_sign_verify_detached(signature, message, publicKey),
  };
}

function importKey(publicKey: Uint8Array): KeyObject | undefined {
  try {
    // Newer than the type declarations: raw keys can be imported since Node 24.15.
    const source = {
      key: publicKey,
      format: 'raw-public',
      asymmetricKeyType: 'ed25519',
    } as unknown as Parameters<typeof createPublicKey>[0];
    return createPublicKey(source);
  } catch {
    return undefined;
  }
}

/** OpenSSL by node:crypto, with the last used public keys kept imported. */
export function nodeVerifier(): NamedVerifier {
  const keys = new Map<string, KeyObject>();
  const keyOf = (publicKey: Uint8Array): KeyObject | undefined => {
    const name = Buffer.from(publicKey.buffer, publicKey.byteOffset, ED25519_KEY_SIZE).toString(
      'latin1',
    );
    const key = keys.get(name) ?? importKey(publicKey);
    if (!key) return undefined;
    // Deleting and setting moves the key to the end: the first one is the least recently used.
    keys.delete(name);
    keys.set(name, key);
    if (keys.size > MAX_KEY_OBJECTS) {
      const oldest = keys.keys().next();
      if (!oldest.done) keys.delete(oldest.value);
    }
    return key;
  };
  return {
    backend: 'node',
    verify: (publicKey, message, signature) => {
      if (!isCanonicalSignature(publicKey, signature)) return false;
      const key = keyOf(publicKey);
      return key !== undefined && verify(null, message, key, signature);
    },
  };
}

/**
 * Whether `verifier` gives the STRICT verdict for every vector, accepts a fresh honest signature,
 * and refuses it after one flipped bit and with wrong lengths. Never throws.
 */
export function verifierPassesSelfTest(verifier: Verifier): boolean {
  try {
    const isRight = STRICT_VECTORS.every(
      ([publicKey, r, s, message, accept]) =>
        verifier.verify(bytes(publicKey), bytes(message), bytes(r + s)) === accept,
    );
    return isRight && passesHonestCases(verifier);
  } catch {
    return false;
  }
}

function passesHonestCases(verifier: Verifier): boolean {
  const secretKey = randomBytes(ED25519_KEY_SIZE);
  const publicKey = publicKeyOf(secretKey);
  const message = randomBytes(45);
  const signature = signEd25519(secretKey, message);
  const tampered = Uint8Array.from(signature);
  tampered[0] = (tampered[0] ?? 0) ^ 1;
  return (
    verifier.verify(publicKey, message, signature) &&
    !verifier.verify(publicKey, message, tampered) &&
    !verifier.verify(publicKey, message.subarray(1), signature) &&
    !verifier.verify(publicKey, message, signature.subarray(1)) &&
    !verifier.verify(publicKey.subarray(1), message, signature)
  );
}

function bytes(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex, 'hex'));
}

/** The fastest backend that passes its self-test here: sodium-native, node:crypto, noble. */
export async function bestVerifier(): Promise<NamedVerifier> {
  const sodium = await sodiumVerifier().catch(() => undefined);
  if (sodium && verifierPassesSelfTest(sodium)) return sodium;
  const node = nodeVerifier();
  return verifierPassesSelfTest(node) ? node : nobleStrictVerifier();
}

/** A verifier that remembers claims which were verified true. */
export interface CachedVerifier extends Verifier {
  /** Notes a claim that another verifier (a VerifyPool) found true. */
  remember(claim: SignatureClaim): void;
  /** Claims remembered now. */
  readonly size: number;
}

/** Longer messages are not remembered: the ledger signs at most some hundred bytes. */
const MAX_CACHED_MESSAGE_SIZE = 256;

/**
 * Wraps `inner` so that white flag need not check again what was checked when the block arrived.
 * The key is the whole claim, so a hit is never wrong. Only true verdicts are kept (a flood of
 * false ones cannot push them out), at most `maxEntries` (about 400 bytes each), oldest out first.
 */
export function cachedVerifier(inner: Verifier, maxEntries: number): CachedVerifier {
  const known = new Set<string>();
  const remember = ({ publicKey, message, signature }: SignatureClaim): void => {
    if (message.length > MAX_CACHED_MESSAGE_SIZE || maxEntries < 1) return;
    known.add(claimKey(publicKey, message, signature));
    if (known.size > maxEntries) {
      const oldest = known.values().next();
      if (!oldest.done) known.delete(oldest.value);
    }
  };
  return {
    remember,
    get size() {
      return known.size;
    },
    verify(publicKey, message, signature) {
      const isShort = message.length <= MAX_CACHED_MESSAGE_SIZE;
      if (isShort && known.has(claimKey(publicKey, message, signature))) return true;
      const isTrue = inner.verify(publicKey, message, signature);
      if (isTrue) remember({ publicKey, message, signature });
      return isTrue;
    },
  };
}

/** Unambiguous: the lengths stand before the bytes. */
function claimKey(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): string {
  const whole = Buffer.concat([publicKey, signature, message]);
  return `${publicKey.length},${signature.length},${whole.toString('latin1')}`;
}
