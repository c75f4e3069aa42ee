/**
 * A peer that speaks the protocol over real connections and answers as a test tells it to: out of
 * a true store, changed on the way. Used by specs of sync.
 */
import { generateKeyPair } from '@libp2p/crypto/keys';
import { MAX_ANSWER_SIZE, type SyncStatus } from '@tanglemail/tangle/core/codec/frame.ts';
import type { GenesisMilestone } from '@tanglemail/tangle/core/milestone/genesis.ts';
import { TangleNetwork } from '@tanglemail/tangle/io/libp2p/network.ts';
import type { ConeList, NetworkHandlers } from '@tanglemail/tangle/io/libp2p/types.ts';
import { SILENT_LOGGER } from '@tanglemail/tangle/io/logger.ts';
import { bestHasher } from '@tanglemail/tangle/io/accel/hasher.ts';
import { join } from 'node:path';
import { NodeStore } from '../store/node-store.ts';
import { conesFrom } from '../sync/serve-cones.ts';

/** What is false about it; what is left out is true. */
export interface FalsePeerOptions {
  readonly status?: Partial<SyncStatus>;
  readonly cones?: (cones: ConeList) => ConeList | Promise<ConeList>;
  readonly milestones?: (items: Uint8Array[]) => Uint8Array[] | Promise<Uint8Array[]>;
  /** Before each answer; Infinity never answers. */
  readonly delayMs?: number;
}

export interface FalsePeer {
  readonly network: TangleNetwork;
  /** Requests that came in. */
  readonly asked: { cones: number; milestones: number };
  /** A milestone of its store, encoded. */
  milestone(index: number): Uint8Array;
  /** The true cone of a milestone. */
  cones(index: number): Promise<ConeList>;
  close(): Promise<void>;
}

/** Starts a peer over the store in `folder`. */
export async function startFalsePeer(
  folder: string,
  root: GenesisMilestone,
  options: FalsePeerOptions,
): Promise<FalsePeer> {
  const { store, latest } = await NodeStore.open(join(folder, 'store'), root, await bestHasher());
  const { index } = latest.header;
  const asked = { cones: 0, milestones: 0 };
  const hung = Promise.withResolvers<void>();
  const pause = async (): Promise<void> => {
    const { delayMs = 0 } = options;
    if (delayMs === Number.POSITIVE_INFINITY) await hung.promise;
    else await new Promise((resolve) => setTimeout(resolve, delayMs));
  };
  const handlers: NetworkHandlers = {
    onPack: () => Promise.resolve('ignore'),
    onMilestone: () => Promise.resolve('ignore'),
    onConsensus: () => Promise.resolve('ignore'),
    getBlocks: (ids) => store.blocksFor(ids),
    getMilestones: async (from, count) => {
      asked.milestones += 1;
      await pause();
      const items = await store.milestones.range(from, count);
      return await (options.milestones?.(items) ?? items);
    },
    getCone: (one, skip, maxBytes) => store.conePart(one, skip, maxBytes),
    getCones: async (from, count, maxBytes) => {
      asked.cones += 1;
      await pause();
      const cones = await conesFrom(store, from, count, maxBytes);
      return await (options.cones?.(cones) ?? cones);
    },
    getConsensus: () => Promise.resolve([]),
    status: () => ({
      solidIndex: index,
      latestIndex: index,
      prunedIndex: 0,
      peers: 1,
      ...options.status,
    }),
  };
  const network = new TangleNetwork(
    {
      networkId: root.networkId,
      listen: ['/ip4/127.0.0.1/tcp/0'],
      peers: [],
      privateKey: await generateKeyPair('Ed25519'),
    },
    handlers,
    { logger: SILENT_LOGGER },
  );
  await network.start();
  const milestone = (one: number): Uint8Array => {
    const bytes = store.milestones.bytes(one);
    if (bytes === undefined) throw new Error(`milestone ${one} is not stored`);
    return bytes;
  };
  const cones = (one: number): Promise<ConeList> => conesFrom(store, one, 1, MAX_ANSWER_SIZE);
  const close = async (): Promise<void> => {
    hung.resolve();
    await network.stop();
    await store.close();
  };
  return { network, asked, milestone, cones, close };
}
