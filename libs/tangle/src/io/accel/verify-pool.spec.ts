// Signature checks in threads: order, bounds, crashes. Spec: docs/spec/02-transaction.md.
import { afterEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { publicKeyOf, signEd25519 } from '../../core/crypto/ed25519-strict.ts';
import type { SignatureClaim } from '../../core/ports.ts';
import { decodeClaims, encodeClaims } from './verify-batch.ts';
import { VerifyPool } from './verify-pool.ts';

const CRASHING_WORKER = new URL('./testing/crashing-worker.ts', import.meta.url);
const secretKey = new Uint8Array(32).fill(9);
const publicKey = publicKeyOf(secretKey);

function claim(number: number, isTrue: boolean): SignatureClaim {
  const message = new Uint8Array(8);
  new DataView(message.buffer).setUint32(0, number);
  const signature = signEd25519(secretKey, message);
  if (!isTrue) message[7] = 1;
  return { publicKey, message, signature };
}

let pool: VerifyPool | undefined;
afterEach(async () => {
  await pool?.close();
  pool = undefined;
});

describe('claims on their way to a thread', () => {
  it('come out as they went in', () => {
    const claims = fc.array(
      fc.record({
        publicKey: fc.uint8Array({ minLength: 32, maxLength: 32 }),
        signature: fc.uint8Array({ minLength: 64, maxLength: 64 }),
        message: fc.uint8Array({ maxLength: 200 }),
      }),
      { maxLength: 64 },
    );
    fc.assert(
      fc.property(claims, (list) => {
        expect(decodeClaims(encodeClaims(list))).toEqual(list);
      }),
    );
  });
});

describe('VerifyPool', () => {
  it('gives one verdict per claim, in order, over several batches', async () => {
    pool = new VerifyPool({ threads: 2 });
    const expected = Array.from({ length: 150 }, (_, i) => i % 3 !== 0);
    const claims = expected.map((isTrue, i) => claim(i, isTrue));
    expect(await pool.verifyBatch(claims)).toEqual(expected);
    expect(await pool.verifyBatch([])).toEqual([]);
  });

  it('says false to wrong lengths without asking a thread', async () => {
    pool = new VerifyPool({ threads: 1 });
    const good = claim(1, true);
    const short = { ...good, signature: good.signature.subarray(1) };
    const noKey = { ...good, publicKey: new Uint8Array() };
    expect(await pool.verifyBatch([short, good, noKey])).toEqual([false, true, false]);
  });

  it('queue-full: refuses more than maxQueuedBatches', async () => {
    pool = new VerifyPool({ threads: 1, maxQueuedBatches: 2 });
    const claims = Array.from({ length: 64 * 3 }, () => claim(1, true));
    await expect(pool.verifyBatch(claims)).rejects.toMatchObject({ code: 'queue-full' });
    expect(await pool.verifyBatch(claims.slice(0, 2))).toEqual([true, true]);
  });

  it('worker-failed: rejects the batch of a dead thread and goes on with a new one', async () => {
    pool = new VerifyPool({ threads: 1, workerUrl: CRASHING_WORKER });
    const one = claim(1, true);
    await expect(pool.verifyBatch([one])).rejects.toMatchObject({ code: 'worker-failed' });
    expect(await pool.verifyBatch([one, one])).toEqual([true, true]);
    await expect(pool.verifyBatch([one])).rejects.toMatchObject({ code: 'worker-failed' });
    expect(await pool.verifyBatch([one, one, one])).toEqual([true, true, true]);
  });

  it('closed: rejects what waits and what comes later', async () => {
    pool = new VerifyPool({ threads: 1 });
    const waiting = pool.verifyBatch([claim(1, true)]);
    const [outcome] = await Promise.allSettled([waiting, pool.close()]);
    expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'closed' } });
    await expect(pool.verifyBatch([])).rejects.toMatchObject({ code: 'closed' });
  });
});
