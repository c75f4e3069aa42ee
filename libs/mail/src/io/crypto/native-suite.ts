/**
 * The sealing suite on Node's own crypto (OpenSSL 3.5), about ten times faster than the reference.
 * Encapsulation alone stays with the reference: OpenSSL draws its randomness itself, and a letter's
 * bytes must follow from its arguments on every backend. Spec: docs/spec/22-letter.md.
 */
import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  decapsulate,
  diffieHellman,
} from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { nobleEncapsulate, nobleSuite } from '../../core/crypto/noble-suite.ts';
import { equalBytes } from '../../core/crypto/kdf.ts';
import { assert } from '../../core/outcome.ts';
import { AEAD_TAG_LENGTH, MLKEM_CIPHERTEXT_LENGTH, X25519_KEY_LENGTH } from '../../core/ports.ts';
import type { KemKeyPair, SealingSuite } from '../../core/ports.ts';

/** DER heads of PKCS #8 and SubjectPublicKeyInfo; the raw key follows (RFC 8410, RFC 9935). */
const X25519_PRIVATE = Buffer.from('302e020100300506032b656e04220420', 'hex');
const X25519_PUBLIC = Buffer.from('302a300506032b656e032100', 'hex');
const MLKEM_PRIVATE = Buffer.from('3054020100300b060960864801650304040204428040', 'hex');
const MLKEM_PUBLIC_HEAD = 22;
const MLKEM_SEED_LENGTH = 64;

function privateKey(head: Uint8Array, raw: Uint8Array): KeyObject {
  return createPrivateKey({ key: Buffer.concat([head, raw]), format: 'der', type: 'pkcs8' });
}

/** The raw public key behind a DER head of `headLength` bytes. */
function rawPublicKey(secret: KeyObject, headLength: number): Uint8Array {
  const der = createPublicKey(secret).export({ format: 'der', type: 'spki' });
  return new Uint8Array(der.subarray(headLength));
}

/**
 * X25519 secrets as OpenSSL reads them, for as long as their bytes are held: one's own key is tried
 * on every stranger's envelope, and reading it is half of such a try.
 */
class ReadSecrets {
  readonly #known = new WeakMap<
    Uint8Array,
    { readonly raw: Uint8Array; readonly key: KeyObject }
  >();

  of(secret: Uint8Array): KeyObject {
    const known = this.#known.get(secret);
    // Bytes that were wiped or written over are another key.
    if (known !== undefined && equalBytes(known.raw, secret)) return known.key;
    const key = privateKey(X25519_PRIVATE, secret);
    this.#known.set(secret, { raw: secret.slice(), key });
    return key;
  }
}

const SECRETS = new ReadSecrets();

function x25519(secret: Uint8Array, publicKey: Uint8Array): Uint8Array | undefined {
  assert(secret.length === X25519_KEY_LENGTH, 'an X25519 secret has 32 bytes');
  assert(publicKey.length === X25519_KEY_LENGTH, 'an X25519 public key has 32 bytes');
  const other = createPublicKey({
    key: Buffer.concat([X25519_PUBLIC, publicKey]),
    format: 'der',
    type: 'spki',
  });
  const own = SECRETS.of(secret);
  try {
    return new Uint8Array(diffieHellman({ privateKey: own, publicKey: other }));
  } catch {
    // Both keys were read, so the only cause left is a shared secret of zero.
    return undefined;
  }
}

/** The secret key of this suite is the seed; OpenSSL expands it on each use in 0.04 ms. */
function mlkemKeygen(seed: Uint8Array): KemKeyPair {
  assert(seed.length === MLKEM_SEED_LENGTH, 'a KEM seed has 64 bytes');
  const publicKey = rawPublicKey(privateKey(MLKEM_PRIVATE, seed), MLKEM_PUBLIC_HEAD);
  return { publicKey, secretKey: seed.slice() };
}

function mlkemDecapsulate(secretKey: Uint8Array, ciphertext: Uint8Array): Uint8Array {
  assert(ciphertext.length === MLKEM_CIPHERTEXT_LENGTH, 'a KEM ciphertext has 1,088 bytes');
  return new Uint8Array(decapsulate(privateKey(MLKEM_PRIVATE, secretKey), ciphertext));
}

function seal(
  key: Uint8Array,
  nonce: Uint8Array,
  plaintext: Uint8Array,
  aad: Uint8Array,
): Uint8Array {
  const options = { authTagLength: AEAD_TAG_LENGTH };
  const cipher = createCipheriv('chacha20-poly1305', key, nonce, options);
  cipher.setAAD(aad, { plaintextLength: plaintext.length });
  const sealed = new Uint8Array(plaintext.length + AEAD_TAG_LENGTH);
  sealed.set(cipher.update(plaintext));
  cipher.final();
  sealed.set(cipher.getAuthTag(), plaintext.length);
  return sealed;
}

function open(
  key: Uint8Array,
  nonce: Uint8Array,
  ciphertext: Uint8Array,
  aad: Uint8Array,
): Uint8Array | undefined {
  const length = ciphertext.length - AEAD_TAG_LENGTH;
  if (length < 0) return undefined;
  const options = { authTagLength: AEAD_TAG_LENGTH };
  const decipher = createDecipheriv('chacha20-poly1305', key, nonce, options);
  decipher.setAAD(aad, { plaintextLength: length });
  decipher.setAuthTag(ciphertext.subarray(length));
  const plaintext = new Uint8Array(decipher.update(ciphertext.subarray(0, length)));
  try {
    decipher.final();
  } catch {
    return undefined;
  }
  return plaintext;
}

/** X25519, ML-KEM-768 and ChaCha20-Poly1305 by OpenSSL; the same bytes as `nobleSuite`. */
export const nativeSuite: SealingSuite = {
  x25519,
  x25519PublicKey: (secret) =>
    rawPublicKey(privateKey(X25519_PRIVATE, secret), X25519_PUBLIC.length),
  mlkemKeygen,
  mlkemEncapsulate: nobleEncapsulate,
  mlkemDecapsulate,
  chacha20poly1305Seal: seal,
  chacha20poly1305Open: open,
};

/**
 * The native suite if it gives the reference's bytes on this machine, else the reference: an
 * OpenSSL without ML-KEM, or one that is wrong, costs speed and never a letter.
 */
export function bestSuite(candidate: SealingSuite = nativeSuite): SealingSuite {
  if (candidate !== nativeSuite) return proven(candidate);
  best ??= proven(nativeSuite);
  return best;
}

/** What the machine can do does not change, and a run of the reference takes some 50 ms. */
let best: SealingSuite | undefined;

function proven(candidate: SealingSuite): SealingSuite {
  try {
    return isEqualToReference(candidate) ? candidate : nobleSuite;
  } catch {
    return nobleSuite;
  }
}

/** One run of every primitive on fixed inputs, compared byte for byte. */
function isEqualToReference(candidate: SealingSuite): boolean {
  const outputs = [nobleSuite, candidate].map((suite) => {
    const seed = new Uint8Array(64).fill(0x5a);
    const secret = seed.subarray(0, 32);
    const publicKey = suite.x25519PublicKey(secret);
    const kem = suite.mlkemKeygen(seed);
    const capsule = suite.mlkemEncapsulate(kem.publicKey, secret);
    const shared = suite.x25519(secret, publicKey);
    if (!capsule || !shared) return [];
    const sealed = suite.chacha20poly1305Seal(shared, new Uint8Array(12), seed, publicKey);
    const opened = suite.chacha20poly1305Open(shared, new Uint8Array(12), sealed, publicKey);
    const decapsulated = suite.mlkemDecapsulate(kem.secretKey, capsule.ciphertext);
    return [publicKey, kem.publicKey, capsule.ciphertext, shared, sealed, opened, decapsulated];
  });
  const [reference = [], native = []] = outputs;
  return (
    native.length === reference.length &&
    native.every((one, index) => one && equalBytes(one, reference[index] ?? new Uint8Array(0)))
  );
}
