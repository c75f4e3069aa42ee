/**
 * A peer on a thread of its own that never stops: it makes valid blocks of the least work and
 * publishes them as fast as its thread can, many times what a node takes. `start-flood.ts` starts
 * it and tells it what to name as parents; it counts what it offered in shared memory.
 */
import { generateKeyPair } from '@libp2p/crypto/keys';
import { powDifficulty, powDigest, searchNonce } from '@tanglemail/tangle/core/block/pow.ts';
import { encodeBlock, encodeBlockWithoutNonce } from '@tanglemail/tangle/core/codec/block.ts';
import type { BlockId } from '@tanglemail/tangle/core/codec/ids.ts';
import type { NetworkParams } from '@tanglemail/tangle/core/params/networks.ts';
import type { Hasher } from '@tanglemail/tangle/core/ports.ts';
import { bestHasher } from '@tanglemail/tangle/io/accel/hasher.ts';
import { TangleNetwork } from '@tanglemail/tangle/io/libp2p/network.ts';
import { SILENT_LOGGER } from '@tanglemail/tangle/io/logger.ts';
import { isMainThread, parentPort, workerData } from 'node:worker_threads';

/** What a test hands to the thread. */
export interface FloodOptions {
  readonly addresses: readonly string[];
  readonly networkId: bigint;
  readonly params: NetworkParams;
  /** [blocks offered, 1 to stop]; shared. */
  readonly counts: Int32Array;
}

export interface TestBlockDeps {
  readonly networkId: bigint;
  readonly params: NetworkParams;
  readonly hasher: Hasher;
}

/** Blocks between two looks at the parents and the stop sign. */
const BURST = 256;

/** A valid block of the least work with its number and sender in it. */
export function testBlock(
  sender: string,
  number: number,
  parents: readonly BlockId[],
  { networkId, params, hasher }: TestBlockDeps,
): Uint8Array {
  const data = Buffer.from(`${sender} ${number}`);
  const payload = { kind: 'tagged-data', tag: Buffer.from(sender), data } as const;
  const block = { version: 1, networkId, parents, payload } as const;
  const unmined = encodeBlockWithoutNonce(block);
  const bits = powDifficulty(unmined.length + 8, params, 0);
  const nonce = searchNonce(powDigest(unmined, hasher), bits, 0n, 1_000_000, hasher);
  if (nonce === undefined) throw new Error('a few bits are found in a million tries');
  return encodeBlock({ ...block, nonce });
}

/** A peer that has nothing to tell; start and stop it. */
export async function mutePeer(
  addresses: readonly string[],
  networkId: bigint,
): Promise<TangleNetwork> {
  return new TangleNetwork(
    {
      networkId,
      listen: ['/ip4/127.0.0.1/tcp/0'],
      peers: [...addresses],
      privateKey: await generateKeyPair('Ed25519'),
    },
    {
      onPack: () => Promise.resolve('ignore'),
      onMilestone: () => Promise.resolve('ignore'),
      onConsensus: () => Promise.resolve('ignore'),
      getBlocks: () => Promise.resolve([]),
      getMilestones: () => Promise.resolve([]),
      getCone: () => Promise.resolve([]),
      getCones: () => Promise.resolve({ cones: [], isTooLarge: false }),
      getConsensus: () => Promise.resolve([]),
      status: () => ({ solidIndex: 0, latestIndex: 0, prunedIndex: 0, peers: 1 }),
    },
    { logger: SILENT_LOGGER },
  );
}

async function flood({ addresses, networkId, params, counts }: FloodOptions): Promise<void> {
  const deps = { networkId, params, hasher: await bestHasher() };
  let parents: readonly BlockId[] = [];
  parentPort?.on('message', (named: readonly BlockId[]) => {
    parents = named;
  });
  const peer = await mutePeer(addresses, networkId);
  await peer.start();
  while (Atomics.load(counts, 1) === 0) {
    for (let i = 0; i < BURST && parents.length > 0 && peer.peers().length > 0; i++) {
      peer.publishBlock(testBlock('loud', Atomics.add(counts, 0, 1), parents, deps));
    }
    await new Promise(setImmediate);
  }
  await peer.stop();
}

if (!isMainThread) {
  await flood(workerData as FloodOptions);
  parentPort?.close();
}
