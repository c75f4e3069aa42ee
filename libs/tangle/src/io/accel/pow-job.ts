/**
 * What the proof-of-work pool and its threads say to each other.
 * Path: pow-pool.ts → here ← pow-worker.ts. Spec: docs/spec/01-block.md, proof of work.
 */

/** One job, sent to every thread. */
export interface PowJobMessage {
  readonly jobId: number;
  /** `SHARED.words` BigInt64 words; a fresh buffer for every job, so that jobs never mix. */
  readonly shared: SharedArrayBuffer;
  readonly digest: Uint8Array;
  readonly difficulty: number;
  /** First nonce of chunk 0. */
  readonly start: bigint;
}

/** The answer of the one thread that found a nonce. */
export interface PowFoundMessage {
  readonly jobId: number;
  readonly nonce: bigint;
}

/** Indices of the words in the shared buffer. */
export const SHARED = {
  /** 1 while the job runs; the thread that finds a nonce and the pool that cancels set it to 0. */
  running: 0,
  /** The next chunk that no thread has taken. */
  nextChunk: 1,
  /** Hashes done by all threads. */
  hashes: 2,
  words: 3,
} as const;
