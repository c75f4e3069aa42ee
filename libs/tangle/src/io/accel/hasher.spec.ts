// Hash backends against the reference. Spec: docs/spec/01-block.md.
import { describe, expect, it } from '@jest/globals';
import { powScore } from '../../core/block/pow.ts';
import { blockIdOf } from '../../core/codec/block.ts';
import { blockIdFromBytes, type BlockId } from '../../core/codec/ids.ts';
import { nobleHasher } from '../../core/crypto/blake2b.ts';
import { rootOfIds } from '../../core/ledger/apply-milestone.ts';
import { MAX_BLOCK_SIZE, MAX_CONE } from '../../core/params/limits.ts';
import {
  bestHasher,
  hasherPassesSelfTest,
  hashWasmBackend,
  nobleBackend,
  sodiumBackend,
  wasmBackend,
  type NamedHasher,
} from './hasher.ts';

async function ownBackend(): Promise<NamedHasher> {
  const own = await wasmBackend();
  if (own === undefined) throw new Error('npm run build makes blake2b.wasm');
  return own;
}

function bytesOf(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 31 + length) % 251);
}

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
    expect(['wasm', 'sodium-native', 'hash-wasm']).toContain(hasher.backend);
    const input = new Uint8Array(1_000).fill(7);
    expect(Buffer.from(hasher.blake2b256(input))).toEqual(
      Buffer.from(nobleHasher.blake2b256(input)),
    );
  });
});

describe('our own code', () => {
  it('equals noble for every length up to five steps, and for what does not fit', async () => {
    const own = await ownBackend();
    const lengths = Array.from({ length: 641 }, (_, length) => length);
    for (const length of [...lengths, MAX_BLOCK_SIZE, MAX_CONE * 32, MAX_CONE * 32 + 1]) {
      const input = bytesOf(length);
      expect(Buffer.compare(own.blake2b256(input), nobleHasher.blake2b256(input))).toBe(0);
    }
  });

  it('hashes a block in one pass as in three', async () => {
    const { quick } = await ownBackend();
    const lengths = Array.from({ length: 400 }, (_, i) => i + 8);
    for (const length of [...lengths, MAX_BLOCK_SIZE]) {
      const block = bytesOf(length);
      const expected = {
        id: blockIdOf(block, nobleHasher),
        powScore: powScore(block, nobleHasher),
      };
      expect(quick?.hashBlock(block)).toEqual(expected);
    }
  });

  it('makes the root of any number of ids, also of more than a milestone has', async () => {
    const own = await ownBackend();
    const ids = (count: number): BlockId[] =>
      Array.from({ length: count }, (_, i) =>
        blockIdFromBytes(Uint8Array.from({ length: 32 }, (_byte, at) => (i >> (at % 24)) & 0xff)),
      );
    const counts = Array.from({ length: 70 }, (_, count) => count);
    for (const count of [...counts, 1_000, MAX_CONE + 1]) {
      const root = rootOfIds(ids(count), own);
      expect(Buffer.compare(root, rootOfIds(ids(count), nobleHasher))).toBe(0);
    }
  });

  it('is left out where it was not built', async () => {
    expect(await wasmBackend(new URL('file:///no/such/file.wasm'))).toBeUndefined();
  });
});

describe('the self-test refuses', () => {
  it('a quick way that is wrong', async () => {
    const { blake2b256, quick } = await ownBackend();
    if (quick === undefined) throw new Error('our own code has quick ways');
    const wrongScore = (bytes: Uint8Array) => ({ ...quick.hashBlock(bytes), powScore: 9 });
    const wrongRoot = (ids: readonly BlockId[]) => quick.rootOfIds(ids.toSorted());
    for (const changed of [{ hashBlock: wrongScore }, { rootOfIds: wrongRoot }]) {
      expect(hasherPassesSelfTest({ blake2b256, quick: { ...quick, ...changed } })).toBe(false);
    }
    expect(hasherPassesSelfTest({ blake2b256, quick })).toBe(true);
  });

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
