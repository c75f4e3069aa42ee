/**
 * The client's door to the tangle: one node's API, and beside it everything that is needed to
 * believe nothing that the node cannot prove. Before: outbox, descriptor, rentals, wallet; after:
 * tangle/io/node-client.
 */
import type { Genesis } from '@tanglemail/tangle/core/codec/genesis.ts';
import type { BlockId } from '@tanglemail/tangle/core/codec/ids.ts';
import { genesisMilestone } from '@tanglemail/tangle/core/milestone/genesis.ts';
import { LightClient } from '@tanglemail/tangle/core/milestone/light-client.ts';
import type { NetworkParams } from '@tanglemail/tangle/core/params/networks.ts';
import type { Clock, Hasher, Random, Verifier } from '@tanglemail/tangle/core/ports.ts';
import { bestHasher } from '@tanglemail/tangle/io/accel/hasher.ts';
import { type PowProgress, PowPool } from '@tanglemail/tangle/io/accel/pow-pool.ts';
import { bestVerifier } from '@tanglemail/tangle/io/accel/verifier.ts';
import type { Logger } from '@tanglemail/tangle/io/logger.ts';
import { BlockIssuer } from '@tanglemail/tangle/io/node-client/block-issuer.ts';
import { NodeClient } from '@tanglemail/tangle/io/node-client/node-client.ts';
import type { NodeEvents } from '@tanglemail/tangle/io/node-client/node-events.ts';
import { ProofChecker, ProofError } from '@tanglemail/tangle/io/node-client/proof-checker.ts';

/** Everything that needs the tangle gets this. */
export interface TangleAccess {
  readonly networkId: bigint;
  readonly params: NetworkParams;
  readonly node: NodeClient;
  readonly events: NodeEvents;
  readonly checker: ProofChecker;
  readonly issuer: BlockIssuer<PowProgress>;
  readonly hasher: Hasher;
  readonly verifier: Verifier;
  readonly clock: Clock;
  readonly random: Random;
  close(): Promise<void>;
}

export interface TangleOptions {
  readonly nodeUrl: string;
  readonly genesis: Genesis;
  readonly powThreads: number;
}

/** Starts the workers and checks the fast backends against the reference. */
export async function openTangle(
  options: TangleOptions,
  deps: { readonly clock: Clock; readonly random: Random; readonly logger: Logger },
): Promise<TangleAccess> {
  const { genesis } = options;
  const [hasher, verifier] = await Promise.all([bestHasher(), bestVerifier()]);
  const { networkId } = genesisMilestone(genesis, hasher);
  const node = new NodeClient({ baseUrl: options.nodeUrl, hasher });
  const lightClient = LightClient.fromGenesis(genesis, { hasher, verifier });
  const checker = new ProofChecker(lightClient, { hasher, clock: deps.clock, client: node });
  const pool = new PowPool({ threads: options.powThreads });
  await pool.ready;
  const events = node.events({ logger: deps.logger });
  const issuer = new BlockIssuer(
    { networkId, params: genesis.params },
    { node, proofOfWork: pool, checker, hasher, events },
  );
  return {
    networkId,
    params: genesis.params,
    node,
    events,
    checker,
    issuer,
    hasher,
    verifier,
    clock: deps.clock,
    random: deps.random,
    async close() {
      events.close();
      await pool.close();
    },
  };
}

/** Tagged data that a final milestone certainly contains. */
export interface ProvenTaggedData {
  readonly blockId: BlockId;
  readonly tag: Uint8Array;
  readonly data: Uint8Array;
  readonly milestoneIndex: number;
}

/**
 * The newest confirmed tagged data under `tag`, newest first, each with its proof checked. What a
 * node cannot prove is left out.
 */
export async function provenTaggedData(
  tangle: TangleAccess,
  tag: Uint8Array,
  limit: number,
): Promise<ProvenTaggedData[]> {
  const proven: ProvenTaggedData[] = [];
  for (const { blockId } of await tangle.node.taggedData(tag, limit)) {
    const found = await proveOne(tangle, blockId);
    if (found !== undefined) proven.push(found);
  }
  return proven;
}

async function proveOne(
  tangle: TangleAccess,
  blockId: BlockId,
): Promise<ProvenTaggedData | undefined> {
  const proof = await tangle.node.blockProof(blockId);
  try {
    const { milestone, block } = await tangle.checker.inclusion(blockId, proof);
    const { payload } = block;
    if (payload?.kind !== 'tagged-data') return undefined;
    const { tag, data } = payload;
    return { blockId, tag, data, milestoneIndex: milestone.header.index };
  } catch (error) {
    if (error instanceof ProofError) return undefined;
    throw error;
  }
}
