/**
 * The libp2p node with its gossipsub: every option of the libraries that this project sets, and
 * why. Used by network.ts. Spec: docs/spec/07-gossip.md, "Connections" and "Gossip".
 */
import { gossipsub } from '@libp2p/gossipsub';
import type { GossipSub } from '@libp2p/gossipsub';
import { identify } from '@libp2p/identify';
import type { Identify } from '@libp2p/identify';
import { noise } from '@libp2p/noise';
import { tcp } from '@libp2p/tcp';
import { tls } from '@libp2p/tls';
import { yamux } from '@libp2p/yamux';
import { createLibp2p } from 'libp2p';
import type { Libp2p } from 'libp2p';
import type { GossipTopics, MessageIds } from './message-id.ts';
import type { NetworkLimits, NetworkOptions, PeerId, PeerKey } from './types.ts';

export interface NodeServices extends Record<string, unknown> {
  identify: Identify;
  pubsub: GossipSub;
}

export type TangleLibp2p = Libp2p<NodeServices>;

export interface NodeDeps {
  readonly topics: GossipTopics;
  readonly messageIds: MessageIds;
  readonly limits: NetworkLimits;
  readonly isBanned: (peer: PeerKey) => boolean;
  /** 0–100 points against a peer; they count against its gossip score. */
  readonly points: (peer: PeerKey) => number;
}

/** One pack with the envelope of the gossip protocol fits; larger RPCs end the stream. */
const MAX_RPC_BYTES = 128 * 1024;
/** A peer's gossip that waits; beyond it the stream breaks and the watch closes the connection. */
const MAX_GOSSIP_BUFFER = 16 << 20;
/** Handshakes per second from one address; on one machine all peers share the address. */
const INBOUND_PER_SECOND = 5;
const INBOUND_PER_SECOND_LOOPBACK = 50;

/** Builds the node without starting it. */
export async function createNode(options: NetworkOptions, deps: NodeDeps): Promise<TangleLibp2p> {
  const { maxConnections } = deps.limits;
  const loopback = options.listen.every(isLoopback);
  const deny = (peer: PeerId): boolean => deps.isBanned(peer.toString());
  return await createLibp2p<NodeServices>({
    start: false,
    privateKey: options.privateKey,
    nodeInfo: { name: 'tanglemail', version: '1', userAgent: 'tanglemail' },
    addresses: { listen: [...options.listen], announce: [...(options.announce ?? [])] },
    transports: [
      tcp({
        maxConnections,
        backlog: 64,
        closeServerOnMaxConnections: {
          closeAbove: maxConnections,
          listenBelow: Math.max(1, maxConnections - 20),
        },
      }),
    ],
    // TLS is native and the fastest; noise serves peers that have no TLS.
    connectionEncrypters: [tls(), noise()],
    streamMuxers: [
      yamux({
        maxInboundStreams: 32,
        maxOutboundStreams: 32,
        streamOptions: { maxReadBufferLength: 4 << 20, maxWriteBufferLength: MAX_GOSSIP_BUFFER },
      }),
    ],
    connectionManager: {
      maxConnections,
      maxParallelDials: 20,
      maxIncomingPendingConnections: 10,
      inboundConnectionThreshold: loopback ? INBOUND_PER_SECOND_LOOPBACK : INBOUND_PER_SECOND,
    },
    // STATUS frames are the heartbeat.
    connectionMonitor: { enabled: false },
    connectionGater: {
      denyDialPeer: deny,
      denyInboundEncryptedConnection: deny,
      denyOutboundEncryptedConnection: deny,
    },
    services: { identify: identify(), pubsub: createGossip(deps) },
  });
}

function createGossip(deps: NodeDeps): ReturnType<typeof gossipsub> {
  const { topics, messageIds } = deps;
  return gossipsub({
    // A block proves itself; signing every message costs most of the throughput.
    globalSignaturePolicy: 'StrictNoSign',
    emitSelf: false,
    allowPublishToZeroTopicPeers: true,
    ignoreDuplicatePublishError: true,
    fallbackToFloodsub: false,
    batchPublish: true,
    floodPublish: false,
    doPX: false,
    D: 6,
    Dlo: 4,
    Dhi: 8,
    Dlazy: 4,
    msgIdFn: (message) => messageIds.full(message.topic, message.data),
    fastMsgIdFn: (message) => messageIds.fast(message.topic, message.data ?? new Uint8Array()),
    msgIdToStrFn: (id) => Buffer.from(id).toString('latin1'),
    seenTTL: 120_000,
    // The default of 512 bytes adds messages without saving duplicates.
    idontwantMinDataSize: 16_384,
    maxInboundDataLength: MAX_RPC_BYTES,
    maxOutboundBufferSize: MAX_GOSSIP_BUFFER,
    allowedTopics: [topics.blocks, topics.milestones],
    maxTopicBytesPerPeer: 32_768,
    decodeRpcLimits: {
      maxSubscriptions: 32,
      maxMessages: 256,
      maxIhaveMessageIDs: 1_000,
      maxIwantMessageIDs: 1_000,
      maxIdontwantMessageIDs: 256,
      maxControlMessages: 64,
      maxPeerInfos: 16,
    },
    scoreThresholds: {
      gossipThreshold: -40,
      publishThreshold: -80,
      graylistThreshold: -160,
      acceptPXThreshold: 100,
      opportunisticGraftThreshold: 5,
    },
    scoreParams: {
      // Scores are inert until `topics` is set.
      topics: { [topics.blocks]: TOPIC_SCORE, [topics.milestones]: TOPIC_SCORE },
      topicScoreCap: 50,
      appSpecificScore: (peer) => -deps.points(peer),
      appSpecificWeight: 1,
      IPColocationFactorThreshold: 3,
      IPColocationFactorWeight: -10,
      // Private networks put many nodes on one machine.
      IPColocationFactorWhitelist: new Set(['127.0.0.1', '::1']),
      behaviourPenaltyThreshold: 6,
      behaviourPenaltyWeight: -10,
      behaviourPenaltyDecay: 0.9,
      decayInterval: 1_000,
      decayToZero: 0.01,
      retainScore: 3_600_000,
    },
  });
}

/** One score for both topics. Mesh deliveries are off: an idle tangle delivers nothing. */
const TOPIC_SCORE = {
  topicWeight: 1,
  timeInMeshWeight: 0.01,
  timeInMeshQuantum: 1_000,
  timeInMeshCap: 3_600,
  firstMessageDeliveriesWeight: 0.5,
  firstMessageDeliveriesDecay: 0.9,
  firstMessageDeliveriesCap: 50,
  meshMessageDeliveriesWeight: 0,
  meshMessageDeliveriesDecay: 0.5,
  meshMessageDeliveriesCap: 100,
  meshMessageDeliveriesThreshold: 20,
  meshMessageDeliveriesWindow: 10,
  meshMessageDeliveriesActivation: 5_000,
  meshFailurePenaltyWeight: 0,
  meshFailurePenaltyDecay: 0.5,
  // Counts squared: with the points of verdicts.ts a peer hears no more gossip after two invalid
  // messages and is banned at five. A greater weight would mute it for good before the ban, which
  // ends by itself, comes.
  invalidMessageDeliveriesWeight: -2,
  invalidMessageDeliveriesDecay: 0.99,
};

function isLoopback(address: string): boolean {
  return address.startsWith('/ip4/127.') || address.startsWith('/ip6/::1/');
}
