/**
 * BLAKE2b-256 backends behind the core's Hasher port: sodium-native, hash-wasm, and noble as the
 * reference. Block ids, transaction ids and Merkle trees on a node go through the one that
 * `bestHasher` chose. Spec: docs/spec/01-block.md; ratios: docs/performance.md.
 */
import { blake2b } from '@noble/hashes/blake2.js';
import { createBLAKE2b } from 'hash-wasm';
import { randomBytes, randomInt } from 'node:crypto';
import type { Hasher } from '../../core/ports.ts';
import { loadSodium } from './native-module.ts';

export type HasherBackend = 'sodium-native' | 'hash-wasm' | 'noble';

/** A Hasher that knows its own name, for logs and metrics. */
export interface NamedHasher extends Hasher {
  readonly backend: HasherBackend;
}

const DIGEST_SIZE = 32;
/** Lengths around the 128-byte block of BLAKE2b, where padding mistakes would show. */
const EDGE_LENGTHS = [0, 1, 31, 32, 63, 64, 65, 127, 128, 129, 255, 256, 257, 32_768];
const RANDOM_LENGTHS = 24;
/** Hashes of one heat, about half a millisecond; the heats of all candidates alternate. */
const HEAT_HASHES = 400;
const HEATS = 7;
/** A Merkle node, a short block, and the least block with a letter. */
const HEAT_SIZES_BYTES = [65, 600, 2_200];

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

/**
 * Whether `hasher` equals noble on the edge lengths, on random lengths, and on a view into a larger
 * buffer; and whether its results stay put when it is called again. Never throws.
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
    return kept.every(
      ({ actual, expected }) =>
        actual.length === DIGEST_SIZE && Buffer.compare(actual, expected) === 0,
    );
  } catch {
    return false;
  }
}

function heatMs(hasher: Hasher, inputs: readonly Uint8Array[]): number {
  const start = performance.now();
  for (let i = 0; i < HEAT_HASHES; i++) {
    hasher.blake2b256(inputs[i % inputs.length] ?? new Uint8Array());
  }
  return performance.now() - start;
}

/**
 * The quickest of the candidates. Each counts by its best heat, because a busy machine only makes a
 * heat slower, and the first heats are those of code that is not compiled yet.
 */
function quickest(candidates: readonly NamedHasher[]): NamedHasher | undefined {
  const inputs = HEAT_SIZES_BYTES.map((size) => new Uint8Array(randomBytes(size)));
  const times = candidates.map(() => Infinity);
  for (let heat = 0; heat < HEATS; heat++) {
    candidates.forEach((hasher, i) => {
      times[i] = Math.min(times[i] ?? Infinity, heatMs(hasher, inputs));
    });
  }
  return candidates[times.indexOf(Math.min(...times))];
}

/**
 * The fastest backend of this machine that equals the reference. Which of libsodium and hash-wasm
 * is faster depends on processor and Node version (0.7 to 1.6 either way), so a short race decides;
 * a wrong choice costs speed, never correctness.
 */
export async function bestHasher(): Promise<NamedHasher> {
  const candidates: NamedHasher[] = [];
  for (const load of [sodiumBackend, hashWasmBackend]) {
    const candidate = await load().catch(() => undefined);
    if (candidate && hasherPassesSelfTest(candidate)) candidates.push(candidate);
  }
  return quickest(candidates) ?? nobleBackend();
}
