/**
 * One thread of the proof-of-work pool. It takes chunks of nonces from a counter that all threads
 * of a job share, until one of them finds a nonce or the pool ends the job.
 * Path: pow-pool.ts → here → pow-backend.ts. Spec: docs/spec/01-block.md, proof of work.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { createPowBackend } from './pow-backend.ts';
import type { PowBackendChoice } from './pow-backend.ts';
import { SHARED } from './pow-job.ts';
import type { PowFoundMessage, PowJobMessage } from './pow-job.ts';

const port = parentPort;
const backend = await createPowBackend(workerData as PowBackendChoice);

port?.on('message', (job: PowJobMessage) => {
  const shared = new BigInt64Array(job.shared);
  const size = backend.chunkSize;
  while (Atomics.load(shared, SHARED.running) === 1n) {
    const chunk = Atomics.add(shared, SHARED.nextChunk, 1n);
    const first = BigInt.asUintN(64, job.start + chunk * BigInt(size));
    const nonce = backend.search(job.digest, job.difficulty, first, size);
    const tried = nonce === undefined ? size : Number(BigInt.asUintN(64, nonce - first)) + 1;
    Atomics.add(shared, SHARED.hashes, BigInt(tried));
    if (nonce === undefined) continue;
    const isFirst = Atomics.compareExchange(shared, SHARED.running, 1n, 0n) === 1n;
    if (isFirst) port.postMessage({ jobId: job.jobId, nonce } satisfies PowFoundMessage);
    return;
  }
});
