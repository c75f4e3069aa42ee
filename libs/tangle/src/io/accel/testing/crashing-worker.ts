/**
 * A verify thread for tests: it ends itself when it is given a batch of exactly one claim and says
 * true to all claims of any other batch. Used by verify-pool.spec.ts.
 * Spec: docs/spec/02-transaction.md.
 */
import { parentPort } from 'node:worker_threads';
import { decodeClaims } from '../verify-batch.ts';
import type { VerifyAnswer, VerifyRequest } from '../verify-batch.ts';

parentPort?.on('message', ({ batchId, claims }: VerifyRequest) => {
  const { length } = decodeClaims(claims);
  if (length === 1) throw new Error('this thread was told to fail');
  const verdicts = new Uint8Array(length).fill(1);
  parentPort?.postMessage({ batchId, verdicts } satisfies VerifyAnswer);
});
