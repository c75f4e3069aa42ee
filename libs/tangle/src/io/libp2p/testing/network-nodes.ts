/**
 * For the specs of this folder: real networks on 127.0.0.1 with free ports, handlers over maps, and
 * a bare libp2p node that misbehaves on command.
 */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateKeyPair } from '@libp2p/crypto/keys';
import { blockIdOf } from '../../../core/codec/block.ts';
import type { BlockId } from '../../../core/codec/ids.ts';
import type { SyncStatus } from '../../../core/codec/frame.ts';
import { nobleHasher } from '../../../core/crypto/blake2b.ts';
import { SILENT_LOGGER } from '../../logger.ts';
import { createNode } from '../create-node.ts';
import type { TangleLibp2p } from '../create-node.ts';
import { createMessageIds, gossipTopics } from '../message-id.ts';
import type { GossipTopics } from '../message-id.ts';
import { TangleNetwork } from '../network.ts';
import { DEFAULT_LIMITS } from '../types.ts';
import type {
  ConeList,
  NetworkEvent,
  NetworkHandlers,
  NetworkLimits,
  NetworkOptions,
  PeerKey,
  PeerPrivateKey,
} from '../types.ts';
import type { Verdict } from '../verdicts.ts';

export const NETWORK_ID = 0x0123_4567_89ab_cdefn;
const LISTEN = ['/ip4/127.0.0.1/tcp/0'];

/**
 * Times short enough for tests; none of them is asserted. The limits on what a peer has to do in
 * time stay as they are: a machine that is busy with other tests must not make a peer bad.
 */
const FAST: Partial<NetworkLimits> = {
  dialBackoffMinMs: 50,
  dialBackoffMaxMs: 200,
  staticBackoffMaxMs: 200,
  statusIntervalMs: 200,
  peeringIntervalMs: 100,
};

export interface TestNode {
  readonly network: TangleNetwork;
  readonly packs: { blocks: Uint8Array[]; from: PeerKey }[];
  readonly milestones: Uint8Array[];
  /** Messages of the agreement, without their attempts. */
  readonly consensus: Uint8Array[];
  readonly stored: Map<BlockId, Uint8Array>;
  readonly events: Map<NetworkEvent, number>;
  readonly gossipBytes: { in: number; out: number };
  wireBytes: number;
  verdict: Verdict | Error;
  status: SyncStatus;
  milestonesOf: (from: number, count: number) => Uint8Array[];
  coneOf: (index: number, skip: number, maxBytes: number) => Uint8Array[];
  conesOf: (from: number, count: number, maxBytes: number) => ConeList;
  consensusOf: (epoch: number, views: readonly bigint[], ids: readonly string[]) => Uint8Array[];
}

const running = new Set<{ stop(): unknown }>();

const folders: string[] = [];

/** Ends everything that a spec started, and removes the state files. */
export async function stopAll(): Promise<void> {
  const all = [...running];
  running.clear();
  await Promise.all(all.map(async (node) => await Promise.resolve(node.stop())));
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
}

/** A path for what a node keeps of its peers; there is no file yet. */
export async function stateFile(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tangle-peers-'));
  folders.push(folder);
  return join(folder, 'peers.json');
}

export async function startNode(options: Partial<NetworkOptions> = {}): Promise<TestNode> {
  const packs: TestNode['packs'] = [];
  const milestones: Uint8Array[] = [];
  const consensus: Uint8Array[] = [];
  const stored = new Map<BlockId, Uint8Array>();
  const events = new Map<NetworkEvent, number>();
  const answer = (): Verdict => {
    if (node.verdict instanceof Error) throw node.verdict;
    return node.verdict;
  };
  const handlers: NetworkHandlers = {
    async onPack(blocks, from) {
      packs.push({ blocks: blocks.map((block) => block.slice()), from });
      return answer();
    },
    async onMilestone(bytes) {
      milestones.push(bytes.slice());
      return answer();
    },
    async onConsensus(bytes) {
      consensus.push(bytes.slice());
      return answer();
    },
    getBlocks: async (ids) => ids.flatMap((id) => stored.get(id) ?? []),
    getMilestones: async (from, count) => node.milestonesOf(from, count),
    getCone: async (index, skip, maxBytes) => node.coneOf(index, skip, maxBytes),
    getCones: async (from, count, maxBytes) => node.conesOf(from, count, maxBytes),
    getConsensus: async (epoch, views, ids) => node.consensusOf(epoch, views, ids),
    status: () => node.status,
  };
  const network = new TangleNetwork(
    {
      networkId: NETWORK_ID,
      listen: LISTEN,
      peers: [],
      privateKey: await generateKeyPair('Ed25519'),
      ...options,
      limits: { ...FAST, ...options.limits },
    },
    handlers,
    {
      logger: SILENT_LOGGER,
      metrics: {
        count: (event, by = 1) => events.set(event, (events.get(event) ?? 0) + by),
        gossipBytes: (direction, bytes) => {
          node.gossipBytes[direction] += bytes;
        },
        wireBytes: (bytes) => {
          node.wireBytes += bytes;
        },
      },
    },
  );
  const node: TestNode = {
    network,
    packs,
    milestones,
    consensus,
    stored,
    events,
    gossipBytes: { in: 0, out: 0 },
    wireBytes: 0,
    verdict: 'accept',
    status: { solidIndex: 1, latestIndex: 1, prunedIndex: 0, peers: 0 },
    milestonesOf: () => [],
    coneOf: () => [],
    conesOf: () => ({ cones: [], isTooLarge: false }),
    consensusOf: () => [],
  };
  await network.start();
  running.add(network);
  return node;
}

/** A libp2p node without any of our behaviour; it speaks the protocols when told to. */
export async function startBareNode(
  privateKey?: PeerPrivateKey,
  topics: GossipTopics = gossipTopics(NETWORK_ID),
): Promise<TangleLibp2p> {
  const node = await createNode(
    {
      networkId: NETWORK_ID,
      listen: LISTEN,
      peers: [],
      privateKey: privateKey ?? (await generateKeyPair('Ed25519')),
    },
    {
      topics,
      messageIds: await createMessageIds(topics, nobleHasher, 1n),
      limits: DEFAULT_LIMITS,
      points: () => 0,
    },
  );
  await node.start();
  running.add(node);
  return node;
}

export function connected(node: TestNode, peers: number): () => boolean {
  return () => node.network.peers().length === peers;
}

/** True once what the node publishes reaches so many peers. */
export function reaching(node: TestNode, peers: number): () => boolean {
  return () => node.network.peers().filter((peer) => peer.subscribed).length === peers;
}

/** True once the peers know each other's first STATUS: streams are open both ways. */
export function acquainted(...nodes: TestNode[]): () => boolean {
  return () =>
    nodes.every(({ network }) => {
      const peers = network.peers();
      return peers.length > 0 && peers.every((peer) => peer.status !== undefined);
    });
}

/** Bytes that stand for a block; the network does not look into them. */
export function fakeBlock(size = 200): Uint8Array {
  return new Uint8Array(randomBytes(size));
}

export function store(node: TestNode, ...blocks: Uint8Array[]): BlockId[] {
  return blocks.map((block) => {
    const id = blockIdOf(block, nobleHasher);
    node.stored.set(id, block);
    return id;
  });
}

export function eventCount(node: TestNode, event: NetworkEvent): number {
  return node.events.get(event) ?? 0;
}
