// Proof of work in threads: backends, progress, cancellation. Spec: docs/spec/01-block.md.
import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { searchNonce } from '../../core/block/pow.ts';
import { nobleHasher } from '../../core/crypto/blake2b.ts';
import { hashWasmBackend, nobleBackend } from './hasher.ts';
import {
  choosePowBackend,
  createPowBackend,
  hasherPowBackend,
  powBackendPassesSelfTest,
  powMask,
} from './pow-backend.ts';
import type { PowBackend } from './pow-backend.ts';
import { PowPool } from './pow-pool.ts';
import type { PowProgress } from './pow-pool.ts';

const digest = Uint8Array.from({ length: 32 }, (_, i) => (i * 7 + 1) & 0xff);
const MISSING = new URL('./no-such-file.wasm', import.meta.url);
/** Far beyond what a test machine can solve: such a job ends only by cancellation. */
const UNSOLVABLE_BITS = 60;

const isSolved = (bits: number, nonce: bigint): boolean =>
  searchNonce(digest, bits, nonce, 1, nobleHasher) === nonce;

let pool: PowPool | undefined;
afterEach(async () => {
  await pool?.close();
  pool = undefined;
});

describe('proof-of-work backends', () => {
  let wasm: PowBackend;
  beforeAll(async () => {
    wasm = await createPowBackend(await choosePowBackend());
  });

  it('the mask of 12 bits is byte 0 and the upper half of byte 1', () => {
    expect(powMask(0)).toBe(0n);
    expect(powMask(12)).toBe(0xf0ffn);
    expect(powMask(64)).toBe(2n ** 64n - 1n);
  });

  it('wasm finds the nonces that noble finds, across the end of the range too', () => {
    const backend = wasm;
    for (const start of [0n, 2n ** 32n - 7n, 2n ** 63n - 3n, 2n ** 64n - 9n]) {
      for (const bits of [0, 1, 5, 9, 10, 11]) {
        const expected = searchNonce(digest, bits, start, 4_096, nobleHasher);
        expect(backend.search(digest, bits, start, 4_096)).toBe(expected);
      }
    }
  });

  it('wasm, hash-wasm and noble pass the self-test', async () => {
    expect(powBackendPassesSelfTest(wasm)).toBe(true);
    expect(powBackendPassesSelfTest(hasherPowBackend(await hashWasmBackend()))).toBe(true);
    expect(powBackendPassesSelfTest(hasherPowBackend(nobleBackend()))).toBe(true);
  });

  it('the self-test refuses a backend that skips nonces', () => {
    const inner = wasm;
    const skipping: PowBackend = {
      ...inner,
      search: (bytes, bits, start, count) => inner.search(bytes, bits, start + 1n, count),
    };
    expect(powBackendPassesSelfTest(skipping)).toBe(false);
  });

  it('refuse a difficulty out of range', () => {
    expect(() => wasm.search(digest, 65, 0n, 2)).toThrow(RangeError);
    expect(() => hasherPowBackend(nobleBackend()).search(digest, -1, 0n, 2)).toThrow(RangeError);
  });

  it('hash-wasm takes over where the compiled loop is missing', async () => {
    expect(wasm.name).toBe('wasm');
    expect((await choosePowBackend(MISSING)).name).toBe('hash-wasm');
  });
});

describe('PowPool', () => {
  it('solves jobs one after another on two threads', async () => {
    pool = new PowPool({ threads: 2 });
    const difficulties = [0, 1, 8, 12, 14];
    const running = pool;
    const solutions = await Promise.all(difficulties.map((bits) => running.solve(digest, bits)));
    expect(running.backend).toBe('wasm');
    solutions.forEach(({ nonce, hashes }, i) => {
      expect(isSolved(difficulties[i] ?? 0, nonce)).toBe(true);
      expect(hashes).toBeGreaterThan(0);
    });
    expect(running.pending).toBe(0);
  });

  it('solves without the compiled loop', async () => {
    pool = new PowPool({ threads: 1, wasmUrl: MISSING });
    const { nonce } = await pool.solve(digest, 8);
    expect(pool.backend).toBe('hash-wasm');
    expect(isSolved(8, nonce)).toBe(true);
  });

  it('reports progress and stops on abort with the reason of the signal', async () => {
    pool = new PowPool({ threads: 2, progressIntervalMs: 5 });
    const controller = new AbortController();
    const reason = new Error('fresh tips');
    let last: PowProgress | undefined;
    const onProgress = (progress: PowProgress): void => {
      last = progress;
      if (progress.hashes > 100_000) controller.abort(reason);
    };
    const { signal } = controller;
    const job = pool.solve(digest, UNSOLVABLE_BITS, { signal, onProgress });
    await expect(job).rejects.toBe(reason);
    expect(last?.expectedHashes).toBe(2 ** UNSOLVABLE_BITS);
    expect(last?.hashesPerSecond).toBeGreaterThan(0);
    // The threads are free again.
    expect(isSolved(4, (await pool.solve(digest, 4)).nonce)).toBe(true);
  });

  it('drops a waiting job on abort, and refuses an aborted signal at once', async () => {
    pool = new PowPool({ threads: 1 });
    const [first, second] = [new AbortController(), new AbortController()];
    const running = pool.solve(digest, UNSOLVABLE_BITS, { signal: first.signal });
    const waiting = pool.solve(digest, UNSOLVABLE_BITS, { signal: second.signal });
    second.abort(new Error('second'));
    await expect(waiting).rejects.toThrow('second');
    expect(pool.pending).toBe(1);
    first.abort(new Error('first'));
    await expect(running).rejects.toThrow('first');
    await expect(pool.solve(digest, 1, { signal: first.signal })).rejects.toThrow('first');
  });

  it('queue-full: refuses more than maxQueued jobs', async () => {
    pool = new PowPool({ threads: 1, maxQueued: 1 });
    const controller = new AbortController();
    const { signal } = controller;
    await pool.ready;
    const first = pool.solve(digest, UNSOLVABLE_BITS, { signal });
    const second = pool.solve(digest, 1);
    controller.abort(new Error('stop'));
    const outcomes = await Promise.allSettled([first, second]);
    expect(outcomes).toMatchObject([
      { reason: { message: 'stop' } },
      { reason: { code: 'queue-full' } },
    ]);
  });

  it('closed: rejects running and later jobs', async () => {
    pool = new PowPool({ threads: 1 });
    const job = pool.solve(digest, UNSOLVABLE_BITS);
    const [outcome] = await Promise.allSettled([job, pool.close()]);
    expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'closed' } });
    await expect(pool.solve(digest, 1)).rejects.toMatchObject({ code: 'closed' });
  });

  it('refuses arguments out of range', async () => {
    pool = new PowPool({ threads: 1 });
    await expect(pool.solve(digest.subarray(1), 1)).rejects.toThrow(RangeError);
    await expect(pool.solve(digest, 65)).rejects.toThrow(RangeError);
    await expect(pool.solve(digest, 1.5)).rejects.toThrow(RangeError);
  });

  it('lets a process end that never closes it', () => {
    const url = new URL('./pow-pool.ts', import.meta.url);
    const script = `
      const { PowPool } = await import(${JSON.stringify(url)});
      const { nonce } = await new PowPool({ threads: 2 }).solve(new Uint8Array(32), 6);
      console.log(typeof nonce);`;
    const flags = ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', script];
    const output = execFileSync(process.execPath, flags, { encoding: 'utf8', timeout: 100_000 });
    expect(output.trim()).toBe('bigint');
  });
});
