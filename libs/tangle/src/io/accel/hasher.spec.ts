// Hash backends against the reference. Spec: docs/spec/01-block.md.
import { describe, expect, it } from '@jest/globals';
import { nobleHasher } from '../../core/crypto/blake2b.ts';
import {
  bestHasher,
  hasherPassesSelfTest,
  hashWasmBackend,
  nobleBackend,
  sodiumBackend,
} from './hasher.ts';

describe('hash backends', () => {
  it('hash-wasm and noble pass the self-test', async () => {
    expect(hasherPassesSelfTest(await hashWasmBackend())).toBe(true);
    expect(hasherPassesSelfTest(nobleBackend())).toBe(true);
  });

  it('sodium-native passes the self-test where it is installed', async () => {
    const sodium = await sodiumBackend();
    expect(sodium === undefined || hasherPassesSelfTest(sodium)).toBe(true);
  });

  it('the best one is one of them and equals the reference', async () => {
    const hasher = await bestHasher();
    expect(['sodium-native', 'hash-wasm']).toContain(hasher.backend);
    const input = new Uint8Array(1_000).fill(7);
    expect(Buffer.from(hasher.blake2b256(input))).toEqual(
      Buffer.from(nobleHasher.blake2b256(input)),
    );
  });
});

describe('the self-test refuses', () => {
  it('another digest size', () => {
    const short = { blake2b256: (bytes: Uint8Array) => nobleHasher.blake2b256(bytes).subarray(1) };
    expect(hasherPassesSelfTest(short)).toBe(false);
  });

  it('a hasher that is wrong for one length only', () => {
    const wrongAt128 = {
      blake2b256: (bytes: Uint8Array) =>
        nobleHasher.blake2b256(bytes.length === 128 ? bytes.subarray(1) : bytes),
    };
    expect(hasherPassesSelfTest(wrongAt128)).toBe(false);
  });

  it('a hasher that reuses its result buffer', () => {
    const shared = new Uint8Array(32);
    const reusing = {
      blake2b256: (bytes: Uint8Array) => {
        shared.set(nobleHasher.blake2b256(bytes));
        return shared;
      },
    };
    expect(hasherPassesSelfTest(reusing)).toBe(false);
  });

  it('a hasher that throws', () => {
    const throwing = {
      blake2b256: (): Uint8Array => {
        throw new Error('no');
      },
    };
    expect(hasherPassesSelfTest(throwing)).toBe(false);
  });
});
