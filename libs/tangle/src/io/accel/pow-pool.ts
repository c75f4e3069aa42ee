/**
 * Proof of work in worker threads, so that the main thread stays free: jobs run one after another,
 * each on all threads. Used by the client, the provider, the faucet and a node that works for
 * others. Path: io/node-client/block-issuer.ts → here → pow-worker.ts → pow-backend.ts.
 * Spec: docs/spec/01-block.md, proof of work.
 */
import { randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { searchNonce } from '../../core/block/pow.ts';
import { nobleBackend } from './hasher.ts';
import { choosePowBackend, POW_WASM_URL } from './pow-backend.ts';
import type { PowBackendChoice, PowBackendName } from './pow-backend.ts';
import { SHARED } from './pow-job.ts';
import type { PowFoundMessage, PowJobMessage } from './pow-job.ts';

/** `queue-full`: ask again later. `closed`: the pool is gone. `worker-failed`: a thread died. */
export type PowErrorCode = 'queue-full' | 'closed' | 'worker-failed';

/** Why the pool could not solve a job; cancellation rejects with the signal's own reason. */
export class PowError extends Error {
  override readonly name = 'PowError';
  readonly code: PowErrorCode;

  constructor(code: PowErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}

export interface PowProgress {
  /** Hashes done so far by all threads. */
  readonly hashes: number;
  readonly hashesPerSecond: number;
  /** Hashes that such a job takes on average: 2^difficulty; 37 % of all jobs take more. */
  readonly expectedHashes: number;
  readonly elapsedMs: number;
}

export interface PowSolution {
  readonly nonce: bigint;
  readonly hashes: number;
  readonly elapsedMs: number;
}

export interface PowPoolOptions {
  /** Worker threads; default all processors but one, 1–8. They start with the first job. */
  readonly threads?: number;
  /** Jobs that may wait behind the running one; default 64. */
  readonly maxQueued?: number;
  /** The compiled loop; default the one of `npm run build`. Fallbacks take over without it. */
  readonly wasmUrl?: URL;
  /** Time between two calls of `onProgress`; default 250 ms. */
  readonly progressIntervalMs?: number;
}

export interface SolveOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: PowProgress) => void;
}

interface Job {
  readonly message: PowJobMessage;
  readonly shared: BigInt64Array;
  readonly options: SolveOptions;
  readonly resolve: (solution: PowSolution) => void;
  readonly reject: (reason: unknown) => void;
  readonly onAbort: () => void;
  startedAtMs: number;
}

const MAX_THREADS = 8;
const WORKER_URL = new URL('./pow-worker.ts', import.meta.url);

/** Solves proofs of work. Keeps the process alive only while it has jobs. */
export class PowPool {
  /** Settles once the backend is chosen and tested; `solve` waits for it by itself. */
  readonly ready: Promise<PowBackendName>;
  readonly threads: number;
  readonly #choice: Promise<PowBackendChoice>;
  readonly #maxQueued: number;
  readonly #progressIntervalMs: number;
  #backend: PowBackendName | undefined;
  #workers: Worker[] = [];
  #queue: Job[] = [];
  #active: Job | undefined;
  #isStarting = false;
  #isClosed = false;
  #nextJobId = 1;
  #progressTimer: NodeJS.Timeout | undefined;

  constructor(options: PowPoolOptions = {}) {
    const threads = options.threads ?? Math.min(MAX_THREADS, availableParallelism() - 1);
    this.threads = Math.max(1, Math.trunc(threads));
    this.#maxQueued = options.maxQueued ?? 64;
    this.#progressIntervalMs = options.progressIntervalMs ?? 250;
    this.#choice = choosePowBackend(options.wasmUrl ?? POW_WASM_URL);
    this.ready = this.#choice.then((choice) => {
      this.#backend = choice.name;
      return choice.name;
    });
  }

  /** The backend in use; undefined until `ready`. */
  get backend(): PowBackendName | undefined {
    return this.#backend;
  }

  /** Jobs that run or wait. */
  get pending(): number {
    return this.#queue.length + (this.#active ? 1 : 0);
  }

  /**
   * Finds a nonce for `digest` (BLAKE2b-256 of the block without its nonce, 32 bytes) with at least
   * `difficulty` leading zero bits (0–64). Rejects with PowError, with the signal's reason when it
   * aborts, or with RangeError for arguments out of range.
   */
  solve(digest: Uint8Array, difficulty: number, options: SolveOptions = {}): Promise<PowSolution> {
    if (digest.length !== 32) return Promise.reject(new RangeError('the digest has 32 bytes'));
    if (!Number.isInteger(difficulty) || difficulty < 0 || difficulty > 64) {
      return Promise.reject(new RangeError('the difficulty must be an integer from 0 to 64'));
    }
    if (this.#isClosed) return Promise.reject(new PowError('closed', 'the pool is closed'));
    if (options.signal?.aborted) return Promise.reject(options.signal.reason as Error);
    if (this.#queue.length >= this.#maxQueued) {
      return Promise.reject(new PowError('queue-full', `${this.#maxQueued} jobs wait already`));
    }
    return new Promise((resolve, reject) => {
      const buffer = new SharedArrayBuffer(SHARED.words * 8);
      const message: PowJobMessage = {
        jobId: this.#nextJobId++,
        shared: buffer,
        digest: Uint8Array.from(digest),
        difficulty,
        start: randomBytes(8).readBigUInt64LE(),
      };
      const shared = new BigInt64Array(buffer);
      shared[SHARED.running] = 1n;
      const onAbort = (): void => this.#cancel(job);
      const job: Job = { message, shared, options, resolve, reject, onAbort, startedAtMs: 0 };
      options.signal?.addEventListener('abort', onAbort, { once: true });
      this.#queue.push(job);
      void this.#startNext();
    });
  }

  /** Rejects what waits, stops the threads. Calling it again does nothing. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const jobs = this.#active ? [this.#active, ...this.#queue] : this.#queue;
    for (const job of jobs) this.#settle(job).reject(new PowError('closed', 'the pool was closed'));
    this.#active = undefined;
    this.#queue = [];
    await this.#stopWorkers();
  }

  async #startNext(): Promise<void> {
    if (this.#active || this.#isStarting || this.#queue.length === 0) return;
    this.#isStarting = true;
    const choice = await this.#choice;
    this.#isStarting = false;
    const job = this.#queue.shift();
    if (!job) return;
    this.#active = job;
    job.startedAtMs = performance.now();
    while (this.#workers.length < this.threads) this.#workers.push(this.#createWorker(choice));
    for (const worker of this.#workers) {
      worker.ref();
      worker.postMessage(job.message);
    }
    const { onProgress } = job.options;
    if (onProgress) {
      const report = (): void => onProgress(this.#progressOf(job));
      this.#progressTimer = setInterval(report, this.#progressIntervalMs);
    }
  }

  #createWorker(choice: PowBackendChoice): Worker {
    // No flags of the process: some, like --input-type, are wrong for a thread.
    const worker = new Worker(WORKER_URL, { workerData: choice, execArgv: [] });
    worker.on('message', (found: PowFoundMessage) => this.#onFound(found));
    worker.on('error', (error) => this.#onWorkerFailed(worker, error));
    worker.on('exit', () => this.#onWorkerFailed(worker, new Error('the thread ended')));
    return worker;
  }

  #onFound(found: PowFoundMessage): void {
    const job = this.#active;
    if (!job || found.jobId !== job.message.jobId) return;
    const { hashes, elapsedMs } = this.#progressOf(job);
    this.#finishActive(job);
    // One more look with the reference: a wrong nonce would cost the block, a check costs 5 µs.
    const { digest, difficulty } = job.message;
    const isRight = searchNonce(digest, difficulty, found.nonce, 1, nobleBackend()) !== undefined;
    if (isRight) job.resolve({ nonce: found.nonce, hashes, elapsedMs });
    else job.reject(new PowError('worker-failed', 'a thread returned a wrong nonce'));
    void this.#startNext();
  }

  #onWorkerFailed(worker: Worker, error: Error): void {
    if (!this.#workers.includes(worker)) return;
    const job = this.#active;
    // All threads go: the next job starts with fresh ones.
    void this.#stopWorkers();
    if (job) {
      this.#finishActive(job);
      job.reject(new PowError('worker-failed', 'a proof-of-work thread failed', error));
    }
    void this.#startNext();
  }

  #cancel(job: Job): void {
    const reason = job.options.signal?.reason as Error;
    if (job === this.#active) {
      this.#finishActive(job);
      job.reject(reason);
      void this.#startNext();
      return;
    }
    const index = this.#queue.indexOf(job);
    if (index === -1) return;
    this.#queue.splice(index, 1);
    this.#settle(job).reject(reason);
  }

  #finishActive(job: Job): void {
    this.#settle(job);
    this.#active = undefined;
    if (this.#queue.length === 0) for (const worker of this.#workers) worker.unref();
  }

  /** Stops the threads' work on `job` and drops what listens for it. */
  #settle(job: Job): Job {
    Atomics.store(job.shared, SHARED.running, 0n);
    job.options.signal?.removeEventListener('abort', job.onAbort);
    if (job === this.#active) clearInterval(this.#progressTimer);
    return job;
  }

  #progressOf(job: Job): PowProgress {
    const hashes = Number(Atomics.load(job.shared, SHARED.hashes));
    const elapsedMs = performance.now() - job.startedAtMs;
    const hashesPerSecond = elapsedMs > 0 ? (hashes * 1_000) / elapsedMs : 0;
    return { hashes, hashesPerSecond, expectedHashes: 2 ** job.message.difficulty, elapsedMs };
  }

  async #stopWorkers(): Promise<void> {
    const workers = this.#workers;
    this.#workers = [];
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}
