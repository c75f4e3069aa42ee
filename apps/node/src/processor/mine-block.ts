/**
 * Makes a block of a payload for users who cannot do the work themselves, where the operator allows
 * it. Path: api/blocks.controller.ts → here → block-processor.ts. Spec: docs/spec/01-block.md.
 */
import { powDifficulty, powDigest } from '@tanglemail/tangle/core/block/pow.ts';
import { encodeBlockWithoutNonce, NONCE_LENGTH } from '@tanglemail/tangle/core/codec/block.ts';
import type { BlockId } from '@tanglemail/tangle/core/codec/ids.ts';
import { decodePayload } from '@tanglemail/tangle/core/codec/payload.ts';
import { fail, succeed, type Outcome } from '@tanglemail/tangle/core/outcome.ts';
import { MAX_BLOCK_SIZE, MAX_PARENTS } from '@tanglemail/tangle/core/params/limits.ts';
import type { NetworkParams } from '@tanglemail/tangle/core/params/networks.ts';
import type { Hasher } from '@tanglemail/tangle/core/ports.ts';
import { PowError, type PowPool } from '@tanglemail/tangle/io/accel/pow-pool.ts';
import type { NodeMetrics } from '@tanglemail/tangle/io/metrics/node-metrics.ts';

export interface MineDeps {
  readonly networkId: bigint;
  readonly params: NetworkParams;
  readonly loadBits: number;
  readonly hasher: Hasher;
  readonly powPool: Pick<PowPool, 'solve'>;
  readonly metrics: Pick<NodeMetrics, 'pow' | 'powHashes'>;
}

/** Bytes around a payload: version, network, parents and their count, length. */
const MAX_FRAME = 1 + 8 + 1 + MAX_PARENTS * 32 + 4 + NONCE_LENGTH;

/**
 * An encoded block with proof of work. `payloadBytes` begins with its type; undefined makes a block
 * without payload. Codes: those of the payload's form, `too-large`, `queue-full`.
 */
export async function mineBlock(
  payloadBytes: Uint8Array | undefined,
  parents: readonly BlockId[],
  deps: MineDeps,
): Promise<Outcome<Uint8Array>> {
  const payload = payloadBytes === undefined ? undefined : decodePayload(payloadBytes);
  if (payload !== undefined && !payload.ok) return payload;
  if ((payloadBytes?.length ?? 0) > MAX_BLOCK_SIZE - MAX_FRAME) return fail('too-large');
  const unmined = encodeBlockWithoutNonce({
    version: 1,
    networkId: deps.networkId,
    parents: [...new Set(parents)].toSorted(),
    payload: payload?.value ?? null,
  });
  const size = unmined.length + NONCE_LENGTH;
  const difficulty = powDifficulty(size, deps.params, deps.loadBits);
  try {
    const solution = await deps.powPool.solve(powDigest(unmined, deps.hasher), difficulty);
    deps.metrics.pow.observe(solution.elapsedMs / 1_000);
    deps.metrics.powHashes.inc(solution.hashes);
    const bytes = new Uint8Array(size);
    bytes.set(unmined);
    new DataView(bytes.buffer).setBigUint64(unmined.length, solution.nonce, true);
    return succeed(bytes);
  } catch (error) {
    if (error instanceof PowError) return fail('queue-full', 'proof of work');
    throw error;
  }
}
