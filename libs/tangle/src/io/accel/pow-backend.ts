/**
 * The search for a nonce on one thread: the WebAssembly loop of `libs/tangle/wasm/pow.ts`, or a
 * plain loop over a Hasher where that file was not built. Path: pow-pool.ts → pow-worker.ts → here.
 * Spec: docs/spec/01-block.md, proof of work.
 */
import { randomBytes } from 'node:crypto';
import { searchNonce } from '../../core/block/pow.ts';
import { hashWasmBackend, hasherPassesSelfTest, nobleBackend } from './hasher.ts';
import type { NamedHasher } from './hasher.ts';
import { compileWasm, startWasm, type WasmMemory, type WasmModule } from './web-assembly.ts';

export type PowBackendName = 'wasm' | 'hash-wasm' | 'noble';

/** One way to search; synchronous, for one thread. */
export interface PowBackend {
  readonly name: PowBackendName;
  /** Nonces that a worker tries between two looks at the shared state: a few milliseconds. */
  readonly chunkSize: number;
  /**
   * The first of `count` nonces from `start` (modulo 2^64) whose hash with `digest` (32 bytes) has
   * at least `difficulty` leading zero bits, 0–64; undefined when there is none. `count` is even.
   */
  search(digest: Uint8Array, difficulty: number, start: bigint, count: number): bigint | undefined;
}

/** What a worker needs to build the backend that the pool chose; goes over as `workerData`. */
export interface PowBackendChoice {
  readonly name: PowBackendName;
  /** Compiled once, shared by all threads; present for `wasm` only. */
  readonly module?: WasmModule;
}

const POW_WASM_PATH = '../../../build/pow.wasm';
/** Where `npm run build` puts the compiled loop. */
export const POW_WASM_URL = new URL(POW_WASM_PATH, import.meta.url);

const MAX_DIFFICULTY = 64;
const SELF_TEST_BITS = [0, 1, 4, 7, 8, 9];

interface PowExports {
  readonly memory: Pick<WasmMemory, 'buffer'>;
  readonly INPUT: { readonly value: number };
  search(nonce: bigint, count: number, mask: bigint): number;
}

/**
 * The bits of a hash's first eight bytes, read as a little-endian u64, that must be zero.
 * Example: 12 bits are all of byte 0 and the upper half of byte 1: 0x000000000000f0ff.
 */
export function powMask(difficulty: number): bigint {
  let mask = 0n;
  for (let bit = 0; bit < difficulty; bit++) {
    mask |= 1n << BigInt(8 * (bit >>> 3) + 7 - (bit & 7));
  }
  return mask;
}

function assertDifficulty(difficulty: number): void {
  if (!Number.isInteger(difficulty) || difficulty < 0 || difficulty > MAX_DIFFICULTY) {
    throw new RangeError(`the difficulty must be an integer from 0 to ${MAX_DIFFICULTY}`);
  }
}

/** The WebAssembly loop. Throws when `module` does not have the exports of wasm/pow.ts. */
export function wasmPowBackend(module: WasmModule): PowBackend {
  const exports = startWasm(module) as PowExports;
  const offset = exports.INPUT.value;
  return {
    name: 'wasm',
    chunkSize: 16_384,
    search(digest, difficulty, start, count) {
      assertDifficulty(difficulty);
      new Uint8Array(exports.memory.buffer).set(digest, offset);
      // A u32 comes back as a signed number; counts stay far below 2^31.
      const found = exports.search(BigInt.asIntN(64, start), count, powMask(difficulty));
      return found === count ? undefined : BigInt.asUintN(64, start + BigInt(found));
    },
  };
}

/** The core's own loop over `hasher`. */
export function hasherPowBackend(hasher: NamedHasher): PowBackend {
  return {
    name: hasher.backend === 'hash-wasm' ? 'hash-wasm' : 'noble',
    chunkSize: hasher.backend === 'hash-wasm' ? 4_096 : 512,
    search(digest, difficulty, start, count) {
      assertDifficulty(difficulty);
      return searchNonce(digest, difficulty, start, count, hasher);
    },
  };
}

/** Whether `backend` finds the same first nonce as noble for several digests. Never throws. */
export function powBackendPassesSelfTest(backend: PowBackend): boolean {
  const reference = hasherPowBackend(nobleBackend());
  const starts = [0n, 2n ** 32n - 3n, 2n ** 64n - 5n];
  try {
    return starts.every((start) => {
      const digest = randomBytes(32);
      return SELF_TEST_BITS.every((bits) => {
        const expected = reference.search(digest, bits, start, 1_024);
        return backend.search(digest, bits, start, 1_024) === expected;
      });
    });
  } catch {
    return false;
  }
}

async function tryWasm(wasmUrl: URL): Promise<PowBackendChoice | undefined> {
  try {
    const module = await compileWasm(wasmUrl);
    const backend = wasmPowBackend(module);
    return powBackendPassesSelfTest(backend) ? { name: 'wasm', module } : undefined;
  } catch {
    return undefined;
  }
}

/** The fastest backend that passes its self-test here: `wasm`, then `hash-wasm`, then `noble`. */
export async function choosePowBackend(wasmUrl: URL = POW_WASM_URL): Promise<PowBackendChoice> {
  const wasm = await tryWasm(wasmUrl);
  if (wasm) return wasm;
  const hasher = await hashWasmBackend().catch(() => undefined);
  const passes = hasher !== undefined && hasherPassesSelfTest(hasher);
  return { name: passes ? 'hash-wasm' : 'noble' };
}

/** Builds the chosen backend on the thread that calls. */
export async function createPowBackend(choice: PowBackendChoice): Promise<PowBackend> {
  if (choice.module) return wasmPowBackend(choice.module);
  return hasherPowBackend(choice.name === 'hash-wasm' ? await hashWasmBackend() : nobleBackend());
}
