/** The STRICT rule against the published edge cases and against everyday signatures. */
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { hexToBytes } from '../codec/ids.ts';
import {
  isCanonicalPublicKey,
  isCanonicalSignature,
  nobleVerifier,
  publicKeyOf,
  signEd25519,
} from './ed25519-strict.ts';

interface Vectors {
  readonly smallOrderEncodings: readonly string[];
  readonly cases: readonly {
    readonly publicKey: string;
    readonly signature: string;
    readonly messageHex: string;
    readonly accept: boolean;
  }[];
}

const vectors = JSON.parse(
  readFileSync(new URL('../../../../../test/vectors/ed25519-strict.json', import.meta.url), 'utf8'),
) as Vectors;

const SECRET = hexToBytes('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60');
const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 });

describe('STRICT', () => {
  it('gives the published verdict on every edge case', () => {
    const wrong = vectors.cases.filter(
      (one) =>
        nobleVerifier.verify(
          hexToBytes(one.publicKey),
          hexToBytes(one.messageHex),
          hexToBytes(one.signature),
        ) !== one.accept,
    );
    expect(vectors.cases.length).toBeGreaterThan(400);
    expect(wrong).toEqual([]);
  });

  it('refuses the ten small-order encodings as key and as R before any arithmetic', () => {
    const message = new Uint8Array(3);
    const key = publicKeyOf(SECRET);
    const signature = signEd25519(SECRET, message);
    expect(vectors.smallOrderEncodings).toHaveLength(10);
    for (const encoding of vectors.smallOrderEncodings.map((hex) => hexToBytes(hex))) {
      expect(isCanonicalPublicKey(encoding)).toBe(false);
      expect(isCanonicalSignature(encoding, signature)).toBe(false);
      const withR = Uint8Array.of(...encoding, ...signature.subarray(32));
      expect(isCanonicalSignature(key, withR)).toBe(false);
    }
  });

  it('refuses y at and above p, with either sign bit', () => {
    for (const low of [0xed, 0xee, 0xff]) {
      for (const high of [0x7f, 0xff]) {
        const encoding = new Uint8Array(32).fill(0xff);
        encoding[0] = low;
        encoding[31] = high;
        expect(isCanonicalPublicKey(encoding)).toBe(false);
      }
    }
    const largest = new Uint8Array(32).fill(0xff);
    largest[0] = 0xeb;
    largest[31] = 0x7f;
    expect(isCanonicalPublicKey(largest)).toBe(true);
  });

  it('refuses S at and above L and accepts L - 1 in the byte check', () => {
    const key = publicKeyOf(SECRET);
    const signature = signEd25519(SECRET, new Uint8Array(1));
    const order = hexToBytes('edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010');
    signature.set(order, 32);
    expect(isCanonicalSignature(key, signature)).toBe(false);
    signature[32] = 0xec;
    expect(isCanonicalSignature(key, signature)).toBe(true);
    signature[63] = 0x11;
    expect(isCanonicalSignature(key, signature)).toBe(false);
  });

  it('signs as RFC 8032 does (test 1)', () => {
    const key = publicKeyOf(SECRET);
    const signature = signEd25519(SECRET, new Uint8Array(0));
    expect(key).toEqual(
      hexToBytes('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a'),
    );
    expect(signature.subarray(0, 8)).toEqual(hexToBytes('e5564300c360ac72'));
    expect(nobleVerifier.verify(key, new Uint8Array(0), signature)).toBe(true);
  });

  it('accepts what it signs and nothing that differs in one bit', () => {
    const property = fc.property(bytes32, fc.uint8Array(), fc.nat(), (secret, message, n) => {
      const key = publicKeyOf(secret);
      const signature = signEd25519(secret, message);
      const changed = signature.slice();
      changed[(n >> 3) % 64]! ^= 1 << (n & 7);
      return (
        nobleVerifier.verify(key, message, signature) &&
        !nobleVerifier.verify(key, message, changed) &&
        !nobleVerifier.verify(key, Uint8Array.of(...message, 0), signature)
      );
    });
    expect(() => fc.assert(property, { numRuns: 10 })).not.toThrow();
  });

  it('says false, and throws nothing, for other lengths and for points off the curve', () => {
    const key = publicKeyOf(SECRET);
    const signature = signEd25519(SECRET, new Uint8Array(0));
    const none = new Uint8Array(0);
    expect(nobleVerifier.verify(key.subarray(1), none, signature)).toBe(false);
    expect(nobleVerifier.verify(key, none, signature.subarray(1))).toBe(false);
    expect(nobleVerifier.verify(none, none, none)).toBe(false);
    const offCurve = new Uint8Array(32);
    offCurve[0] = 2;
    expect(isCanonicalSignature(offCurve, signature)).toBe(true);
    expect(nobleVerifier.verify(offCurve, none, signature)).toBe(false);
  });
});
