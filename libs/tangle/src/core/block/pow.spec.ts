/** Proof of work: difficulty steps, score, search. */
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { hexToBytes } from '../codec/ids.ts';
import { nobleHasher } from '../crypto/blake2b.ts';
import { NETWORK_PRESETS } from '../params/networks.ts';
import type { Hasher } from '../ports.ts';
import { powDifficulty, powDigest, powScore, searchNonce } from './pow.ts';

const params = NETWORK_PRESETS.main;

describe('powDifficulty', () => {
  it.each([
    [54, 18],
    [464, 18],
    [465, 19],
    [928, 19],
    [929, 20],
    [1_856, 20],
    [14_848, 23],
    [29_696, 24],
    [29_697, 25],
    [32_768, 25],
  ])('of %i bytes is %i bits', (sizeBytes, bits) => {
    expect(powDifficulty(sizeBytes, params, 0)).toBe(bits);
    expect(powDifficulty(sizeBytes, params, 3)).toBe(bits + 3);
  });

  it('never falls as the size grows', () => {
    const property = fc.property(fc.nat({ max: 32_767 }), (size) => {
      return powDifficulty(size, params, 0) <= powDifficulty(size + 1, params, 0);
    });
    expect(() => fc.assert(property)).not.toThrow();
  });
});

describe('powScore', () => {
  it('counts leading zero bits, most significant first', () => {
    const scores = ['80', '40', '01', '0080', '0001', '000000ff', ''].map((head) => {
      const hash = new Uint8Array(32);
      hash.set(hexToBytes(head));
      const hasher: Hasher = { blake2b256: () => hash };
      return powScore(new Uint8Array(54), hasher);
    });
    expect(scores).toEqual([0, 1, 7, 8, 15, 24, 256]);
  });

  it('is the score of the hash of hash and nonce', () => {
    const block = Uint8Array.from({ length: 60 }, (_, i) => i);
    const seen: Uint8Array[] = [];
    const hasher: Hasher = {
      blake2b256: (bytes) => {
        seen.push(bytes.slice());
        return nobleHasher.blake2b256(bytes);
      },
    };
    powScore(block, hasher);
    const digest = nobleHasher.blake2b256(block.subarray(0, 52));
    expect(seen).toEqual([block.subarray(0, 52), Uint8Array.of(...digest, ...block.subarray(52))]);
  });
});

describe('searchNonce', () => {
  it('finds a nonce that the score confirms', () => {
    const block = new Uint8Array(54);
    const digest = powDigest(block.subarray(0, 46), nobleHasher);
    const nonce = searchNonce(digest, 6, 1_000n, 5_000, nobleHasher);
    expect(nonce).toBeGreaterThanOrEqual(1_000n);
    new DataView(block.buffer).setBigUint64(46, nonce ?? 0n, true);
    expect(powScore(block, nobleHasher)).toBeGreaterThanOrEqual(6);
  });

  it('gives up after its count and wraps at 2^64', () => {
    const digest = new Uint8Array(32);
    const tried: bigint[] = [];
    const hasher: Hasher = {
      blake2b256: (bytes) => {
        tried.push(new DataView(bytes.buffer).getBigUint64(32, true));
        return new Uint8Array(32).fill(0xff);
      },
    };
    expect(searchNonce(digest, 1, 2n ** 64n - 2n, 3, hasher)).toBeUndefined();
    expect(tried).toEqual([2n ** 64n - 2n, 2n ** 64n - 1n, 0n]);
  });
});
