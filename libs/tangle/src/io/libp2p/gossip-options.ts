/**
 * Every option of gossipsub that this project sets, and why. Used by create-node.ts.
 * Spec: docs/spec/07-gossip.md, "Gossip".
 */
import { gossipsub } from '@libp2p/gossipsub';
import type { GossipTopics, MessageIds } from './message-id.ts';
import type { NetworkLimits, PeerKey } from './types.ts';

/** One pack with the envelope of the gossip protocol fits; larger RPCs end the stream. */
const MAX_RPC_BYTES = 128 * 1024;
/** A peer's gossip that waits; beyond it the stream breaks and the watch closes the connection. */
export const MAX_GOSSIP_BUFFER = 16 << 20;

export interface GossipOptionsDeps {
  readonly topics: GossipTopics;
  readonly messageIds: MessageIds;
  readonly limits: Pick<NetworkLimits, 'maxPerAddress'>;
  /** 0–100 points against a peer; they count against its gossip score. */
  readonly points: (peer: PeerKey) => number;
}

/** gossipsub as this network speaks it. */
export function createGossip(deps: GossipOptionsDeps): ReturnType<typeof gossipsub> {
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
    // For 16–50 peers; the reasons stand in the spec.
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
    // A node behind NAT has nothing but relayed connections.
    runOnLimitedConnection: true,
    maxInboundStreams: 2,
    maxOutboundStreams: 2,
    allowedTopics: [topics.blocks, topics.milestones, topics.consensus],
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
      topics: topicScores(topics),
      topicScoreCap: 50,
      appSpecificScore: (peer) => -deps.points(peer),
      appSpecificWeight: 1,
      // gate.ts bounds the peers of one address; whom it lets in must not be mute in secret.
      IPColocationFactorThreshold: deps.limits.maxPerAddress,
      IPColocationFactorWeight: -10,
      // Private networks put many nodes on one machine.
      IPColocationFactorWhitelist: new Set(['127.0.0.1', '::1']),
      behaviourPenaltyThreshold: 6,
      behaviourPenaltyWeight: -10,
      behaviourPenaltyDecay: 0.9,
      decayInterval: 1_000,
      decayToZero: 0.01,
      // Whoever invents keys makes an entry of each. Points against a peer are kept by us, longer.
      retainScore: 60_000,
    },
  });
}

function topicScores({ blocks, milestones, consensus }: GossipTopics) {
  return { [blocks]: TOPIC_SCORE, [milestones]: TOPIC_SCORE, [consensus]: CONSENSUS_SCORE };
}

/** The score of packs and milestones. Mesh deliveries are off: an idle tangle delivers nothing. */
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

/**
 * The score of the agreement. A first delivery counts a tenth: there are some hundred small
 * messages for each milestone, and they must not outweigh faults.
 */
const CONSENSUS_SCORE = { ...TOPIC_SCORE, firstMessageDeliveriesWeight: 0.05 };
