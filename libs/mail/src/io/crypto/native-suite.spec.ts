import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { bytesToHex } from '@noble/hashes/utils.js';
import { nobleVerifier } from '@tanglemail/tangle/core/crypto/ed25519-strict.ts';
import { nobleSuite } from '../../core/crypto/noble-suite.ts';
import { openEnvelope, sealEnvelope } from '../../core/envelope/seal.ts';
import { chooseBundle } from '../../core/identity/descriptor.ts';
import { letterIdFromBytes } from '../../core/letter/content.ts';
import { createKeyring } from '../../core/letter/keyring.ts';
import { makePerson, TEST_NETWORK, TEST_NOW } from '../../testing/people.ts';
import { fromHex, valueOf } from '../../testing/vectors.ts';
import { bestSuite, nativeSuite } from './native-suite.ts';

const suites = [
  ['noble', nobleSuite],
  ['native', nativeSuite],
] as const;
const bytesOf = (length: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: length, maxLength: length });

/** RFC 7748 section 5.2, first vector. */
const X25519 = {
  secret: 'a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4',
  publicKey: 'e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c',
  shared: 'c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552',
};

/** Public keys of low order, RFC 7748 section 6.1: 0, 1 and one of order 8. */
const LOW_ORDER = [
  '00'.repeat(32),
  `01${'00'.repeat(31)}`,
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
];

describe.each(suites)('%s suite', (_, suite) => {
  it('takes a secret that was written over for another one', () => {
    const publicKey = suite.x25519PublicKey(new Uint8Array(32).fill(9));
    const secret = new Uint8Array(32).fill(1);
    const before = suite.x25519(secret, publicKey);
    expect(suite.x25519(secret, publicKey)).toEqual(before);
    secret.fill(2);
    const after = suite.x25519(secret, publicKey);
    expect(after).toEqual(suite.x25519(new Uint8Array(32).fill(2), publicKey));
    expect(after).not.toEqual(before);
  });

  it('gives the published X25519 vector', () => {
    const shared = suite.x25519(fromHex(X25519.secret), fromHex(X25519.publicKey));
    expect(shared && bytesToHex(shared)).toBe(X25519.shared);
  });

  it('gives nothing for public keys of low order', () => {
    for (const key of LOW_ORDER) {
      expect(suite.x25519(fromHex(X25519.secret), fromHex(key))).toBeUndefined();
    }
  });

  it('throws at our own mistakes: keys of another length', () => {
    expect(() => suite.x25519(new Uint8Array(31), new Uint8Array(32))).toThrow();
    expect(() => suite.x25519(new Uint8Array(32), new Uint8Array(33))).toThrow();
    expect(() => suite.mlkemKeygen(new Uint8Array(63))).toThrow();
    expect(() => suite.mlkemEncapsulate(new Uint8Array(32), new Uint8Array(32))).toThrow();
  });

  it('opens nothing that was altered or is too short', () => {
    const [key, nonce, aad] = [new Uint8Array(32), new Uint8Array(12), new Uint8Array(3)];
    const sealed = suite.chacha20poly1305Seal(key, nonce, new Uint8Array(5), aad);
    expect(suite.chacha20poly1305Open(key, nonce, sealed, aad)).toEqual(new Uint8Array(5));
    const open = (bytes: Uint8Array): unknown => suite.chacha20poly1305Open(key, nonce, bytes, aad);
    expect(open(sealed.with(0, (sealed[0] ?? 0) ^ 1))).toBeUndefined();
    expect(open(sealed.with(20, (sealed[20] ?? 0) ^ 1))).toBeUndefined();
    expect(open(sealed.subarray(0, 15))).toBeUndefined();
    expect(open(new Uint8Array(16))).toBeUndefined();
  });
});

describe('native and reference', () => {
  it('give the same X25519 keys and secrets', () => {
    fc.assert(
      fc.property(bytesOf(32), bytesOf(32), (secret, other) => {
        const publicKey = nobleSuite.x25519PublicKey(other);
        expect(nativeSuite.x25519PublicKey(other)).toEqual(publicKey);
        expect(nativeSuite.x25519(secret, publicKey)).toEqual(nobleSuite.x25519(secret, publicKey));
        // Any 32 bytes are a public key; the top bit is ignored on both sides.
        expect(nativeSuite.x25519(secret, other)).toEqual(nobleSuite.x25519(secret, other));
      }),
      { numRuns: 30 },
    );
  });

  it('give the same ML-KEM keys, and open each other’s capsules', () => {
    fc.assert(
      fc.property(bytesOf(64), bytesOf(32), bytesOf(1_088), (seed, message, noise) => {
        const [ours, theirs] = [nobleSuite.mlkemKeygen(seed), nativeSuite.mlkemKeygen(seed)];
        expect(theirs.publicKey).toEqual(ours.publicKey);
        const capsule = nobleSuite.mlkemEncapsulate(ours.publicKey, message);
        expect(nativeSuite.mlkemEncapsulate(theirs.publicKey, message)).toEqual(capsule);
        if (!capsule) throw new Error('no capsule');
        for (const ciphertext of [capsule.ciphertext, noise]) {
          const secret = nobleSuite.mlkemDecapsulate(ours.secretKey, ciphertext);
          expect(nativeSuite.mlkemDecapsulate(theirs.secretKey, ciphertext)).toEqual(secret);
        }
      }),
      { numRuns: 20 },
    );
  });

  it('give the same ciphertexts', () => {
    const any = fc.uint8Array({ maxLength: 300 });
    fc.assert(
      fc.property(bytesOf(32), bytesOf(12), any, any, (key, nonce, plaintext, aad) => {
        const sealed = nobleSuite.chacha20poly1305Seal(key, nonce, plaintext, aad);
        expect(nativeSuite.chacha20poly1305Seal(key, nonce, plaintext, aad)).toEqual(sealed);
        expect(nativeSuite.chacha20poly1305Open(key, nonce, sealed, aad)).toEqual(plaintext);
      }),
    );
  });

  it('seal the same envelope and open it', () => {
    const [alice, bob] = [makePerson(0), makePerson(1)];
    const { epoch, bundle } = chooseBundle(bob.descriptor, TEST_NOW);
    const identityKey = bob.descriptor.identityKey;
    const input = {
      networkId: TEST_NETWORK,
      tag: new Uint8Array(16),
      sender: alice.sender,
      recipient: { address: bob.address, identityKey, epoch, bundle },
      draft: {
        kind: 'message' as const,
        letterId: letterIdFromBytes(new Uint8Array(16)),
        sentAt: TEST_NOW,
        wantsReceipt: false,
        message: new Uint8Array(5_000).fill(0x41),
      },
      randomness: {
        ephemeralSecret: new Uint8Array(32).fill(5),
        kemMessage: new Uint8Array(32).fill(6),
      },
      maxEnvelope: 24_576,
    };
    const native = valueOf(sealEnvelope(input, nativeSuite));
    expect(native).toEqual(valueOf(sealEnvelope(input, nobleSuite)));
    const reader = { ...bob.reader, keyring: createKeyring(bob.epochs, nativeSuite) };
    const opened = openEnvelope(native.bytes, TEST_NETWORK, reader, nativeSuite, nobleVerifier);
    expect(valueOf(opened).senderAddress).toBe(alice.address);
  });
});

describe('best suite', () => {
  it('is the native one where it gives the right bytes', () => {
    expect(bestSuite()).toBe(nativeSuite);
  });

  it('is the reference where the other is wrong or missing', () => {
    const wrong = { ...nativeSuite, mlkemDecapsulate: () => new Uint8Array(32) };
    const missing = {
      ...nativeSuite,
      mlkemKeygen: () => {
        throw new Error('unsupported');
      },
    };
    expect(bestSuite(wrong)).toBe(nobleSuite);
    expect(bestSuite(missing)).toBe(nobleSuite);
  });
});
