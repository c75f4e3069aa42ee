/**
 * The client's door to the tangle: one node's API, and beside it everything that is needed to
 * believe nothing that the node cannot prove. Before: outbox, descriptor, rentals, wallet; after:
 * tangle/io/node-client. Spec: docs/spec/05-light-client.md.
 */
import { networkIdOf, type Genesis } from '@tanglemail/tangle/core/codec/genesis.ts';
import type { BlockId, OutputId } from '@tanglemail/tangle/core/codec/ids.ts';
import { blockIdOf } from '@tanglemail/tangle/core/codec/block.ts';
import { encodePayload } from '@tanglemail/tangle/core/codec/payload.ts';
import { transactionIdOf } from '@tanglemail/tangle/core/codec/transaction.ts';
import { LightClient } from '@tanglemail/tangle/core/milestone/light-client.ts';
import type { LightClientCrypto } from '@tanglemail/tangle/core/milestone/light-client.ts';
import type { NetworkParams } from '@tanglemail/tangle/core/params/networks.ts';
import type { Clock, Hasher, Random, Verifier } from '@tanglemail/tangle/core/ports.ts';
import { bestHasher } from '@tanglemail/tangle/io/accel/hasher.ts';
import { type PowProgress, PowPool } from '@tanglemail/tangle/io/accel/pow-pool.ts';
import { bestVerifier } from '@tanglemail/tangle/io/accel/verifier.ts';
import type { Logger } from '@tanglemail/tangle/io/logger.ts';
import { BlockIssuer } from '@tanglemail/tangle/io/node-client/block-issuer.ts';
import type { ProofOfWork } from '@tanglemail/tangle/io/node-client/block-issuer.ts';
import { isNotFound } from '@tanglemail/tangle/io/node-client/errors.ts';
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
  /** The threads that seek nonces of blocks, for what else needs one. */
  readonly proofOfWork: ProofOfWork<PowProgress>;
  readonly hasher: Hasher;
  readonly verifier: Verifier;
  readonly clock: Clock;
  readonly random: Random;
  /** What the light client knows by now; kept over a restart, it cannot be led back. */
  checkpoint(): Uint8Array;
  close(): Promise<void>;
}

export interface TangleOptions {
  readonly nodeUrl: string;
  readonly genesis: Genesis;
  readonly powThreads: number;
}

export interface TangleDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** What an earlier run of this client knew (ledger-checkpoint.ts). */
  readonly checkpoint: Uint8Array | undefined;
  /** Ends every request when the client stops. */
  readonly lifetime: AbortSignal;
}

/** `fetch` for as long as `lifetime` is not aborted. */
export function fetchDuring(lifetime: AbortSignal): typeof fetch {
  return async (input, init) => {
    const { signal } = init ?? {};
    const both = signal ? AbortSignal.any([signal, lifetime]) : lifetime;
    return fetch(input, { ...init, signal: both });
  };
}

/** Starts the workers and checks the fast backends against the reference. */
export async function openTangle(options: TangleOptions, deps: TangleDeps): Promise<TangleAccess> {
  const { genesis, nodeUrl, powThreads } = options;
  const { clock, random, logger, checkpoint, lifetime } = deps;
  const [hasher, verifier] = await Promise.all([bestHasher(), bestVerifier()]);
  const node = new NodeClient({ baseUrl: nodeUrl, hasher, fetch: fetchDuring(lifetime) });
  const crypto = { hasher, verifier };
  const networkId = networkIdOf(genesis, hasher);
  const lightClient = startLightClient(genesis, checkpoint, crypto);
  const checker = new ProofChecker(lightClient, { hasher, clock, client: node });
  const pool = new PowPool({ threads: powThreads });
  await pool.ready;
  const events = node.events({ logger });
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
    proofOfWork: pool,
    hasher,
    verifier,
    clock,
    random,
    checkpoint: () => lightClient.checkpoint(),
    async close() {
      events.close();
      await pool.close();
    },
  };
}

/** From the checkpoint if it is of this network: the store is sealed, so it is our own. */
function startLightClient(
  genesis: Genesis,
  checkpoint: Uint8Array | undefined,
  crypto: LightClientCrypto,
): LightClient {
  if (checkpoint === undefined) return LightClient.fromGenesis(genesis, crypto);
  const known = LightClient.fromCheckpoint(checkpoint, crypto);
  if (!known.ok) throw new Error(`broken invariant: a stored checkpoint is one (${known.code})`);
  return known.value.state.networkId === networkIdOf(genesis, crypto.hasher)
    ? known.value
    : LightClient.fromGenesis(genesis, crypto);
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
 * node cannot prove is left out, and what is `known` is not asked for; `listed` is how many it
 * named.
 */
export async function provenTaggedData(
  tangle: Pick<TangleAccess, 'node' | 'checker'>,
  tag: Uint8Array,
  limit: number,
  known: ReadonlySet<BlockId> = new Set(),
): Promise<{ readonly proven: ProvenTaggedData[]; readonly listed: number }> {
  const proven: ProvenTaggedData[] = [];
  const items = (await tangle.node.taggedData(tag, limit)).slice(0, limit);
  for (const { blockId } of items) {
    if (known.has(blockId)) continue;
    const found = await proveOne(tangle, blockId);
    if (found !== undefined) proven.push(found);
  }
  return { proven, listed: items.length };
}

async function proveOne(
  tangle: Pick<TangleAccess, 'node' | 'checker'>,
  blockId: BlockId,
): Promise<ProvenTaggedData | undefined> {
  try {
    const proof = await tangle.node.blockProof(blockId);
    const { milestone, block } = await tangle.checker.inclusion(blockId, proof);
    const { payload } = block;
    if (payload?.kind !== 'tagged-data') return undefined;
    const { tag, data } = payload;
    return { blockId, tag, data, milestoneIndex: milestone.header.index };
  } catch (error) {
    if (error instanceof ProofError || isNotFound(error)) return undefined;
    throw error;
  }
}

/**
 * The second in which a milestone applied a transaction that spends `outputId`, proven; undefined
 * while the node says that the output is unspent. Throws ProofError when it says otherwise and
 * cannot prove it: a channel that is forgotten is a deposit that is lost.
 */
export async function provenSpendTime(
  tangle: Pick<TangleAccess, 'node' | 'checker' | 'hasher'>,
  outputId: OutputId,
): Promise<number | undefined> {
  const { node, checker, hasher } = tangle;
  const { spent } = await node.output(outputId);
  if (spent === undefined) return undefined;
  const blockId = blockIdOf(await node.includedBlock(spent.transactionId), hasher);
  const proof = await node.blockProof(blockId);
  const { milestone, block, applied } = await checker.inclusion(blockId, proof);
  const { payload } = block;
  const isSpender =
    applied &&
    payload?.kind === 'transaction' &&
    payload.inputs.includes(outputId) &&
    transactionIdOf(encodePayload(payload), hasher) === spent.transactionId;
  if (!isSpender) throw new ProofError({ ok: false, action: 'reject', code: 'proof-invalid' });
  return Math.floor(milestone.header.timestampMs / 1_000);
}
