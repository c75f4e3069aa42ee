/**
 * Goal 5: the proof-of-work pool against noble and against its own WebAssembly loop called bare,
 * and how long the pool ever keeps the main thread busy.
 */
import { readFile } from 'node:fs/promises';
import { searchNonce } from '../../libs/tangle/src/core/block/pow.ts';
import { nobleHasher } from '../../libs/tangle/src/core/crypto/blake2b.ts';
import { POW_WASM_URL, powMask } from '../../libs/tangle/src/io/accel/pow-backend.ts';
import { PowPool } from '../../libs/tangle/src/io/accel/pow-pool.ts';
import { SeededRandom } from '../fuzz/random-objects.ts';
import { atLeast, valueAtMost, type Bench, type BenchContext, type Measurement } from './bench.ts';
import { compare, interleave, perSecond, repeat, type Contender } from './measure.ts';

/** No nonce reaches it, so that a bare search always tries all. */
const IMPOSSIBLE = 64;
const BARE_HASHES = 16_384;
const NOBLE_HASHES = 256;
/** Bits of a job of the pool: some 0.3 s of work, as for a small letter on a public network. */
const JOB_BITS = 20;
const QUICK_JOB_BITS = 14;

interface PowExports {
  readonly memory: { readonly buffer: ArrayBuffer };
  readonly INPUT: { readonly value: number };
  search(nonce: bigint, count: number, mask: bigint): number;
}

/** The compiled loop itself, without any of this project's code around it. */
async function bareLoop(digest: Uint8Array): Promise<() => void> {
  const api = (
    globalThis as unknown as {
      WebAssembly: {
        instantiate(bytes: Uint8Array): Promise<{ instance: { exports: unknown } }>;
      };
    }
  ).WebAssembly;
  const { instance } = await api.instantiate(await readFile(POW_WASM_URL));
  const exports = instance.exports as PowExports;
  new Uint8Array(exports.memory.buffer).set(digest, exports.INPUT.value);
  const mask = powMask(IMPOSSIBLE);
  let nonce = 0n;
  return () => {
    exports.search(nonce, BARE_HASHES, mask);
    nonce += BigInt(BARE_HASHES);
  };
}

/** The same work in every call; counts hashes, not calls. */
function hashing(quick: boolean, hashesPerCall: number, call: () => unknown): Contender {
  const calls = repeat(quick, call);
  return { run: async () => (await calls.run()) * hashesPerCall };
}

/** Jobs of the pool, as a client gives them. */
function solving(pool: PowPool, random: SeededRandom, bits: number, jobs: number): Contender {
  return {
    run: async () => {
      let hashes = 0;
      for (let i = 0; i < jobs; i++) hashes += (await pool.solve(random.bytes(32), bits)).hashes;
      return hashes;
    },
  };
}

/**
 * The longest time in ms that the main thread was busy between two looks, one each millisecond,
 * while the pool worked. CPU time: what other programs take does not count.
 */
async function longestStall(pool: PowPool, random: SeededRandom, bits: number): Promise<number> {
  let longest = 0;
  let last = process.threadCpuUsage();
  const timer = setInterval(() => {
    const { user, system } = process.threadCpuUsage(last);
    last = process.threadCpuUsage();
    longest = Math.max(longest, (user + system) / 1_000);
  }, 1);
  const onProgress = (): void => undefined;
  for (let i = 0; i < 5; i++) await pool.solve(random.bytes(32), bits, { onProgress });
  clearInterval(timer);
  return longest;
}

async function run(context: BenchContext): Promise<Measurement[]> {
  const { quick } = context;
  const random = new SeededRandom(context.seed);
  const digest = random.bytes(32);
  const pool = new PowPool({ threads: 1 });
  const bits = quick ? QUICK_JOB_BITS : JOB_BITS;
  try {
    const name = await pool.ready;
    if (name !== 'wasm') throw new Error(`the pool runs on ${name}: npm run build first`);
    const costs = await interleave(context.rounds, {
      pool: solving(pool, random, bits, quick ? 2 : 4),
      bare: hashing(quick, BARE_HASHES, await bareLoop(digest)),
      noble: hashing(quick, NOBLE_HASHES, () =>
        searchNonce(digest, IMPOSSIBLE, 0n, NOBLE_HASHES, nobleHasher),
      ),
    });
    const bare = compare(costs.pool, costs.bare, 'process');
    const noble = compare(costs.pool, costs.noble, 'process');
    return [
      {
        name: 'proof of work, pool / noble',
        value: perSecond(noble.value),
        limit: perSecond(noble.limit),
        unit: 'hashes/CPU s',
        ratio: noble.speedRatio,
        goal: atLeast(30),
      },
      {
        name: 'proof of work, pool / bare WASM loop',
        value: perSecond(bare.value),
        limit: perSecond(bare.limit),
        unit: 'hashes/CPU s',
        ratio: bare.speedRatio,
        goal: atLeast(0.9),
      },
      {
        name: 'longest stall of the main thread while the pool works',
        value: await longestStall(pool, random, bits),
        limit: null,
        unit: 'ms',
        ratio: null,
        goal: valueAtMost(20),
      },
    ];
  } finally {
    await pool.close();
  }
}

export const pow: Bench = { name: 'pow', goal: 5, run };
