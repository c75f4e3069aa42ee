/**
 * Signature checks in worker threads, in batches of up to 64 claims, so that a node's main thread
 * spends microseconds on a signed block. Path: apps/node processor → here → verify-worker.ts.
 * Spec: docs/spec/02-transaction.md, signature rule; ratios: docs/performance.md.
 */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { SignatureClaim } from '../../core/ports.ts';
import { encodeClaims, isEncodable, MAX_BATCH_CLAIMS, MAX_QUEUED_BATCHES } from './verify-batch.ts';
import type { VerifyAnswer, VerifyRequest } from './verify-batch.ts';

/** `queue-full`: slow down. `closed`: the pool is gone. `worker-failed`: a thread died. */
export type VerifyPoolErrorCode = 'queue-full' | 'closed' | 'worker-failed';

/** Why the pool could not say true or false; never a verdict on a signature. */
export class VerifyPoolError extends Error {
  override readonly name = 'VerifyPoolError';
  readonly code: VerifyPoolErrorCode;

  constructor(code: VerifyPoolErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}

export interface VerifyPoolOptions {
  /** Worker threads; default all processors but one, 1–4. They start with the first batch. */
  readonly threads?: number;
  /** Batches of ≤ 64 claims that may wait; default 256. */
  readonly maxQueuedBatches?: number;
  /** The thread's script, for tests of crashes. */
  readonly workerUrl?: URL;
}

interface Batch {
  readonly batchId: number;
  readonly claims: readonly SignatureClaim[];
  readonly resolve: (verdicts: Uint8Array) => void;
  readonly reject: (error: VerifyPoolError) => void;
}

/** A thread and what it works on. Two batches per thread: it need not wait for the main thread. */
interface Thread {
  readonly worker: Worker;
  readonly batches: Map<number, Batch>;
}

const MAX_THREADS = 4;
const BATCHES_PER_THREAD = 2;
const WORKER_URL = new URL('./verify-worker.ts', import.meta.url);

/** Verifies under the STRICT rule. Keeps the process alive only while it has work. */
export class VerifyPool {
  readonly threads: number;
  readonly #maxQueued: number;
  readonly #workerUrl: URL;
  readonly #pool = new Set<Thread>();
  readonly #queue: Batch[] = [];
  #isClosed = false;
  #nextBatchId = 1;

  constructor(options: VerifyPoolOptions = {}) {
    const threads = options.threads ?? Math.min(MAX_THREADS, availableParallelism() - 1);
    this.threads = Math.max(1, Math.trunc(threads));
    this.#maxQueued = options.maxQueuedBatches ?? MAX_QUEUED_BATCHES;
    this.#workerUrl = options.workerUrl ?? WORKER_URL;
  }

  /** Batches that wait for a thread, for metrics. */
  get queuedBatches(): number {
    return this.#queue.length;
  }

  /**
   * One verdict per claim, in their order. Any number of claims; a claim of wrong lengths is false.
   * Rejects with VerifyPoolError; then nothing is known about any of the claims.
   */
  async verifyBatch(claims: readonly SignatureClaim[]): Promise<boolean[]> {
    if (this.#isClosed) throw new VerifyPoolError('closed', 'the pool is closed');
    const encodable = claims.filter(isEncodable);
    const batchCount = Math.ceil(encodable.length / MAX_BATCH_CLAIMS);
    if (this.#queue.length + batchCount > this.#maxQueued) {
      throw new VerifyPoolError('queue-full', `${this.#queue.length} batches wait already`);
    }
    const parts: Promise<Uint8Array>[] = [];
    for (let at = 0; at < encodable.length; at += MAX_BATCH_CLAIMS) {
      parts.push(this.#enqueue(encodable.slice(at, at + MAX_BATCH_CLAIMS)));
    }
    const verdicts = (await Promise.all(parts)).flatMap((part) => Array.from(part));
    let next = 0;
    return claims.map((claim) => isEncodable(claim) && verdicts[next++] === 1);
  }

  /** Rejects what waits, stops the threads. Calling it again does nothing. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const threads = [...this.#pool];
    this.#pool.clear();
    const batches = [...threads.flatMap((thread) => [...thread.batches.values()]), ...this.#queue];
    this.#queue.length = 0;
    for (const batch of batches) batch.reject(new VerifyPoolError('closed', 'the pool was closed'));
    await Promise.all(threads.map(({ worker }) => worker.terminate()));
  }

  #enqueue(claims: readonly SignatureClaim[]): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ batchId: this.#nextBatchId++, claims, resolve, reject });
      this.#dispatch();
    });
  }

  #dispatch(): void {
    while (this.#queue.length > 0) {
      const thread = this.#freeThread();
      const batch = thread && this.#queue.shift();
      if (!batch) return;
      if (thread.batches.size === 0) thread.worker.ref();
      thread.batches.set(batch.batchId, batch);
      const buffer = encodeClaims(batch.claims);
      const request: VerifyRequest = { batchId: batch.batchId, claims: buffer };
      thread.worker.postMessage(request, [buffer]);
    }
  }

  /** An idle thread, else a new one, else one with room, else undefined. */
  #freeThread(): Thread | undefined {
    let withRoom: Thread | undefined;
    for (const thread of this.#pool) {
      if (thread.batches.size === 0) return thread;
      if (thread.batches.size < BATCHES_PER_THREAD) withRoom = thread;
    }
    return this.#pool.size < this.threads ? this.#createThread() : withRoom;
  }

  #createThread(): Thread {
    // No flags of the process: some, like --input-type, are wrong for a thread.
    const worker = new Worker(this.#workerUrl, { execArgv: [] });
    const thread: Thread = { worker, batches: new Map() };
    worker.on('message', (answer: VerifyAnswer) => this.#onAnswer(thread, answer));
    worker.on('error', (error) => this.#onFailure(thread, error));
    worker.on('exit', () => this.#onFailure(thread, new Error('the thread ended')));
    this.#pool.add(thread);
    return thread;
  }

  #onAnswer(thread: Thread, { batchId, verdicts }: VerifyAnswer): void {
    const batch = thread.batches.get(batchId);
    thread.batches.delete(batchId);
    batch?.resolve(verdicts);
    this.#dispatch();
    if (thread.batches.size === 0) thread.worker.unref();
  }

  /** A dead thread takes its batches with it; the next batch starts a new thread. */
  #onFailure(thread: Thread, error: Error): void {
    if (!this.#pool.delete(thread)) return;
    void thread.worker.terminate();
    for (const batch of thread.batches.values()) {
      batch.reject(new VerifyPoolError('worker-failed', 'a verify thread failed', error));
    }
    this.#dispatch();
  }
}
