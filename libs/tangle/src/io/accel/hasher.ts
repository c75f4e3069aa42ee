/**
 * BLAKE2b-256 backends behind the core's Hasher port: our own WebAssembly, sodium-native,
 * hash-wasm, and noble as the reference. Block ids, transaction ids and Merkle trees on a node go
 * through the one that `bestHasher` chose. Spec: docs/spec/01-block.md; ratios:
 * docs/performance.md.
 */
import { blake2b } from '@noble/hashes/blake2.js';
import { createBLAKE2b } from 'hash-wasm';
import { randomBytes, randomInt } from 'node:crypto';
import { powScore } from '../../core/block/pow.ts';
import { blockIdOf } from '../../core/codec/block.ts';
import { blockIdFromBytes, idToBytes } from '../../core/codec/ids.ts';
import { merkleRoot } from '../../core/crypto/merkle.ts';
import type { Hasher, QuickHashes } from '../../core/ports.ts';
import { loadSodium } from './native-module.ts';
import { BLAKE2B_WASM_URL, WasmHasher } from './wasm-hasher.ts';

export type HasherBackend = 'wasm' | 'sodium-native' | 'hash-wasm' | 'noble';

/** A Hasher that knows its own name, for logs and metrics; its function needs no `this`. */
export interface NamedHasher extends Hasher {
  readonly backend: HasherBackend;
  readonly blake2b256: (bytes: Uint8Array) => Uint8Array;
}

const DIGEST_SIZE = 32;
/** Lengths around the 128-byte block of BLAKE2b, where padding mistakes would show. */
const EDGE_LENGTHS = [0, 1, 31, 32, 63, 64, 65, 127, 128, 129, 255, 256, 257, 32_768];
const RANDOM_LENGTHS = 24;
/** Leaves of the trees that quick roots are checked with: no, one, even, odd, a power of two. */
const TREE_SIZES = [0, 1, 2, 3, 7, 8, 11];
/** Hashes of one heat, about half a millisecond; the heats of all candidates alternate. */
const HEAT_HASHES = 400;
const HEATS = 7;
/** A Merkle node, a short block, and the least block with a letter. */
const HEAT_SIZES_BYTES = [65, 600, 2_200];
const BLOCK_SIZES_BYTES = [600, 2_200];

/** The portable reference; always there. */
export function nobleBackend(): NamedHasher {
  return {
    backend: 'noble',
    blake2b256: (bytes) => blake2b(bytes, { dkLen: DIGEST_SIZE }),
  };
}

/** hash-wasm: one instance of the calling thread, used synchronously. */
export async function hashWasmBackend(): Promise<NamedHasher> {
  const instance = await createBLAKE2b(DIGEST_SIZE * 8);
  return {
    backend: 'hash-wasm',
    // `digest` copies out of the WASM memory, so a later call does not overwrite the result.
    blake2b256: (bytes) => instance.init().update(bytes).digest('binary'),
  };
}

/** libsodium, or undefined where the optional package is missing. */
export async function sodiumBackend(): Promise<NamedHasher | undefined> {
  const sodium = await loadSodium();
  if (!sodium) return undefined;
  return {
    backend: 'sodium-native',
    blake2b256: (bytes) => {
      const digest = new Uint8Array(DIGEST_SIZE);
      sodium.crypto_generichash(digest, bytes);
      return digest;
    },
  };
}

/** Our own code, or undefined where it was not built. */
export async function wasmBackend(url: URL = BLAKE2B_WASM_URL): Promise<NamedHasher | undefined> {
  const large = await hashWasmBackend().catch(() => nobleBackend());
  const wasm = await WasmHasher.load(url, large).catch(() => undefined);
  if (!wasm) return undefined;
  return {
    backend: 'wasm',
    blake2b256: (bytes) => wasm.blake2b256(bytes),
    quick: {
      hashBlock: (bytes) => wasm.hashBlock(bytes),
      rootOfIds: (ids) => wasm.rootOfIds(ids),
    },
  };
}

/**
 * Whether `hasher` equals noble on the edge lengths, on random lengths, and on a view into a larger
 * buffer; whether its results stay put when it is called again; and the same of its quick ways, if
 * it has any. Never throws.
 */
export function hasherPassesSelfTest(hasher: Hasher): boolean {
  try {
    const reference = nobleBackend();
    const lengths = [...EDGE_LENGTHS];
    for (let i = 0; i < RANDOM_LENGTHS; i++) lengths.push(randomInt(0, 2_048));
    const kept: { actual: Uint8Array; expected: Uint8Array }[] = [];
    for (const length of lengths) {
      const input = randomBytes(length + 3).subarray(2, 2 + length);
      kept.push({ actual: hasher.blake2b256(input), expected: reference.blake2b256(input) });
    }
    const isRight = kept.every(
      ({ actual, expected }) =>
        actual.length === DIGEST_SIZE && Buffer.compare(actual, expected) === 0,
    );
    return isRight && (hasher.quick === undefined || quickIsRight(hasher.quick, lengths));
  } catch {
    return false;
  }
}

/** Blocks of these lengths and the next, their nonce random; trees of these and more leaves. */
function quickIsRight(quick: QuickHashes, lengths: readonly number[]): boolean {
  const reference = nobleBackend();
  const blocks = lengths.flatMap((length) => [length + 7, length + 8]).filter((size) => size > 7);
  const areBlocksRight = blocks.every((size) => {
    const block = new Uint8Array(randomBytes(size));
    const { id, powScore: score } = quick.hashBlock(block);
    return id === blockIdOf(block, reference) && score === powScore(block, reference);
  });
  return areBlocksRight && TREE_SIZES.every((size) => rootIsRight(quick, size, reference));
}

function rootIsRight(quick: QuickHashes, size: number, reference: Hasher): boolean {
  const ids = Array.from({ length: size }, () => blockIdFromBytes(randomBytes(DIGEST_SIZE)));
  const leaves = ids.map((id) => idToBytes(id));
  const [first, again] = [quick.rootOfIds(ids), quick.rootOfIds(ids)];
  const expected = merkleRoot(leaves, reference);
  return Buffer.compare(first, expected) === 0 && Buffer.compare(again, expected) === 0;
}

type Contender = (bytes: Uint8Array) => unknown;

function heatMs(hash: Contender, inputs: readonly Uint8Array[]): number {
  const start = performance.now();
  for (let i = 0; i < HEAT_HASHES; i++) hash(inputs[i % inputs.length] ?? new Uint8Array());
  return performance.now() - start;
}

/**
 * Which of the contenders is the quickest; -1 if there are none. Each counts by its best heat,
 * because a busy machine only makes a heat slower, and the first heats are those of code that is
 * not compiled yet.
 */
function quickest(contenders: readonly Contender[], sizesBytes: readonly number[]): number {
  const inputs = sizesBytes.map((size) => new Uint8Array(randomBytes(size)));
  const times = contenders.map(() => Infinity);
  for (let heat = 0; heat < HEATS; heat++) {
    contenders.forEach((hash, i) => {
      times[i] = Math.min(times[i] ?? Infinity, heatMs(hash, inputs));
    });
  }
  return times.indexOf(Math.min(...times));
}

/** `hasher` with these quick ways, if they beat its own way of hashing whole blocks. */
function withQuick(hasher: NamedHasher, quick: QuickHashes | undefined): NamedHasher {
  if (quick === undefined || hasher.quick === quick) return hasher;
  const slowly: Contender = (bytes) => [powScore(bytes, hasher), blockIdOf(bytes, hasher)];
  const winner = quickest([slowly, (bytes) => quick.hashBlock(bytes)], BLOCK_SIZES_BYTES);
  return winner === 1 ? { ...hasher, quick } : hasher;
}

/**
 * The fastest backend of this machine that equals the reference. Which of them is faster depends on
 * processor and Node version (0.7 to 1.6 either way), so a short race decides; a wrong choice costs
 * speed, never correctness. The quick ways of our own code come with it where they win.
 */
export async function bestHasher(): Promise<NamedHasher> {
  const candidates: NamedHasher[] = [];
  for (const load of [wasmBackend, sodiumBackend, hashWasmBackend]) {
    const candidate = await load().catch(() => undefined);
    if (candidate && hasherPassesSelfTest(candidate)) candidates.push(candidate);
  }
  const contenders = candidates.map(({ blake2b256 }) => blake2b256);
  const best = candidates[quickest(contenders, HEAT_SIZES_BYTES)];
  const quick = candidates.find(({ backend }) => backend === 'wasm')?.quick;
  return best === undefined ? nobleBackend() : withQuick(best, quick);
}
