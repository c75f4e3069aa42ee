/**
 * One thread of the verify pool: checks the signatures of a batch with the best backend of this
 * machine. Path: verify-pool.ts → here → verifier.ts. Spec: docs/spec/02-transaction.md.
 */
import { parentPort } from 'node:worker_threads';
import { bestVerifier } from './verifier.ts';
import { decodeClaims } from './verify-batch.ts';
import type { VerifyAnswer, VerifyRequest } from './verify-batch.ts';

const port = parentPort;
const verifier = await bestVerifier();

port?.on('message', ({ batchId, claims }: VerifyRequest) => {
  const verdicts = Uint8Array.from(decodeClaims(claims), ({ publicKey, message, signature }) =>
    verifier.verify(publicKey, message, signature) ? 1 : 0,
  );
  port.postMessage({ batchId, verdicts } satisfies VerifyAnswer, [verdicts.buffer]);
});
