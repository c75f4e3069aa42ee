/**
 * What the network needs from its owner and what it tells about itself: options, handlers, limits,
 * counters. Wire: between the sockets of libp2p and `apps/node/src/processor`.
 * Spec: docs/spec/07-gossip.md.
 */
import type { Libp2p } from 'libp2p';
import type { BlockId, MilestoneId } from '../../core/codec/ids.ts';
import type { SyncStatus } from '../../core/codec/frame.ts';
import type { Finding, Verdict } from './verdicts.ts';

/** The text form of a libp2p peer id, which is the hash or the bytes of the peer's public key. */
export type PeerKey = string;

export type Connection = ReturnType<Libp2p['getConnections']>[number];
export type Stream = Connection['streams'][number];
export type PeerId = Connection['remotePeer'];

/** Everything that a peer can make us hold or do is bounded here; tests lower the times. */
export interface NetworkLimits {
  /** Peers that the node dials by itself, beside the static ones. */
  readonly maxPeers: number;
  /** Peers that dialled us; those beyond it are guests for `guestMs`. Static peers do not count. */
  readonly maxInbound: number;
  /** Inbound connections of one address (IPv4) or network of 64 bits (IPv6); not on loopback. */
  readonly maxPerAddress: number;
  /** Connections in all, unfinished and foreign ones included; a listener closes above it. */
  readonly maxConnections: number;
  /** A peer beyond the limits stays so long, to learn of others from us. */
  readonly guestMs: number;
  /** A connection that did not name our protocol within this time is closed. */
  readonly identifyTimeoutMs: number;
  /** The connections are looked over, and free places filled, this often. */
  readonly peeringIntervalMs: number;
  /** A pack leaves this long after its first block, or when it is full. */
  readonly packDelayMs: number;
  /** Bytes of one pack that more blocks may be added to. */
  readonly packBytes: number;
  /** Bytes of blocks that wait to be packed; beyond it the oldest are dropped. */
  readonly packQueueBytes: number;
  /** Blocks wait at most this long for a peer that subscribes. */
  readonly packQueueAgeMs: number;
  /**
   * Packs and milestones under validation, in all and from one peer, which never has more than are
   * still free; more are ignored. A peer's first one always has a place.
   */
  readonly maxValidating: number;
  readonly maxValidatingPerPeer: number;
  /** The same for messages of the agreement: packs that wait must never hold up votes. */
  readonly maxValidatingConsensus: number;
  readonly maxValidatingConsensusPerPeer: number;
  /** Gossip that one peer may send: bytes of its stream, messages, blocks; each per second. */
  readonly gossipBytesPerSecond: number;
  readonly gossipMessagesPerSecond: number;
  readonly gossipBlocksPerSecond: number;
  /** Messages of the agreement that one peer may send, per second, beside the others. */
  readonly consensusMessagesPerSecond: number;
  /** Streams that one peer may open per second, of gossip and of requests together. */
  readonly streamsPerSecond: number;
  /** Queries to the table of peers that one peer may make per second. */
  readonly tableQueriesPerSecond: number;
  /** STATUS is sent this often, and on change. */
  readonly statusIntervalMs: number;
  /** A peer that sends nothing for so long is dead: its connection is closed. */
  readonly peerSilenceMs: number;
  /** A request waits so long for the next frame of its answer, then the next peer is asked. */
  readonly requestTimeoutMs: number;
  /** A whole answer takes at most so long. */
  readonly answerTimeoutMs: number;
  /** After `requestTimeoutMs` an answer that came slower than this is given up. */
  readonly minAnswerBytesPerSecond: number;
  /** A request whose answer has not begun by then is sent to a second peer too. */
  readonly hedgeMs: number;
  /** Requests under way to all peers; each may bring an answer of 4 MiB. */
  readonly maxInFlight: number;
  /** Requests of all peers that are answered at once. */
  readonly maxServing: number;
  /** Requests under way to one peer, and the same bound for what one peer may ask of us. */
  readonly maxInFlightPerPeer: number;
  /** Requests that wait for a free place, in all. */
  readonly maxWaitingRequests: number;
  /** Requests that one peer may ask per second, and at once. */
  readonly requestsPerSecond: number;
  readonly requestsBurst: number;
  /** Bytes that one peer may draw per second, and at once. */
  readonly answerBytesPerSecond: number;
  readonly answerBytesBurst: number;
  /** First and greatest pause between two dials of one peer; of a static one the last bounds it. */
  readonly dialBackoffMinMs: number;
  readonly dialBackoffMaxMs: number;
  readonly staticBackoffMaxMs: number;
  readonly dialTimeoutMs: number;
  /** How long a banned peer stays out. */
  readonly banMs: number;
  /**
   * Bytes of gossip that wait for one peer; more for two watches in a row closes the connection.
   */
  readonly gossipBacklogBytes: number;
  /** The watch over muted and lagging peers runs this often. */
  readonly watchIntervalMs: number;
}

export const DEFAULT_LIMITS: NetworkLimits = {
  maxPeers: 16,
  maxInbound: 128,
  maxPerAddress: 8,
  maxConnections: 300,
  guestMs: 15_000,
  identifyTimeoutMs: 10_000,
  peeringIntervalMs: 2_000,
  packDelayMs: 10,
  packBytes: 48 * 1024,
  packQueueBytes: 4 << 20,
  packQueueAgeMs: 60_000,
  maxValidating: 256,
  maxValidatingPerPeer: 64,
  maxValidatingConsensus: 128,
  maxValidatingConsensusPerPeer: 16,
  gossipBytesPerSecond: 16 << 20,
  gossipMessagesPerSecond: 2_000,
  gossipBlocksPerSecond: 20_000,
  consensusMessagesPerSecond: 200,
  streamsPerSecond: 5,
  tableQueriesPerSecond: 10,
  statusIntervalMs: 5_000,
  peerSilenceMs: 20_000,
  requestTimeoutMs: 5_000,
  answerTimeoutMs: 15_000,
  minAnswerBytesPerSecond: 8 << 10,
  hedgeMs: 1_000,
  maxInFlight: 32,
  maxServing: 64,
  maxInFlightPerPeer: 8,
  maxWaitingRequests: 1_024,
  requestsPerSecond: 50,
  requestsBurst: 200,
  answerBytesPerSecond: 32 << 20,
  answerBytesBurst: 64 << 20,
  dialBackoffMinMs: 1_000,
  dialBackoffMaxMs: 60_000,
  staticBackoffMaxMs: 15_000,
  dialTimeoutMs: 10_000,
  banMs: 300_000,
  gossipBacklogBytes: 4 << 20,
  watchIntervalMs: 5_000,
};

export interface NetworkOptions {
  readonly networkId: bigint;
  /** Multiaddrs such as `/ip4/0.0.0.0/tcp/15600`; port 0 takes a free one. */
  readonly listen: readonly string[];
  /** Static peers: multiaddrs that end in `/p2p/<peer id>`; dialled for ever. */
  readonly peers: readonly string[];
  /** Addresses told to peers instead of the listening ones, for a node behind NAT. */
  readonly announce?: readonly string[];
  readonly privateKey: PeerPrivateKey;
  /** File of bans, peers added at run time and peers to dial first; none is kept without it. */
  readonly stateFile?: string;
  readonly discovery?: Partial<DiscoveryOptions>;
  readonly nat?: Partial<NatOptions>;
  readonly limits?: Partial<NetworkLimits>;
}

/** How a node finds peers that nobody told it; all of it is off by default. */
export interface DiscoveryOptions {
  /** Peers to begin with, multiaddrs with `/p2p/…`; dialled while places are free. */
  readonly bootstrap: readonly string[];
  /**
   * The distributed table of peers. `auto`: a server once a public address of ours is known (told
   * by `announce` or proven by others), a client before. Where private addresses are told, a
   * server at once.
   */
  readonly dht: 'off' | 'auto' | 'client' | 'server';
  /** Looks for peers on the local network by multicast. */
  readonly mdns: boolean;
  /** Takes and tells addresses of private networks; else public ones only. */
  readonly privateAddresses: boolean;
}

export const DEFAULT_DISCOVERY: DiscoveryOptions = {
  bootstrap: [],
  dht: 'off',
  mdns: false,
  privateAddresses: false,
};

/** How a node that nobody can dial gets inbound connections, and helps others to them. */
export interface NatOptions {
  /** Asks relays for a place and is dialled through them. */
  readonly useRelays: boolean;
  /** Relays for others, within these bounds; undefined: not at all. */
  readonly relay: RelayLimits | undefined;
  /** Turns a relayed connection into a direct one where the routers let it (DCUtR). */
  readonly holePunching: boolean;
  /** Asks peers whether they can dial us, and answers them the same question. */
  readonly autonat: boolean;
}

export const DEFAULT_NAT: NatOptions = {
  useRelays: false,
  relay: undefined,
  holePunching: false,
  autonat: false,
};

/** What a relay gives away. */
export interface RelayLimits {
  /** Nodes that may be dialled through us. */
  readonly maxReservations: number;
  /** Bytes and time of one relayed connection, after which it is cut. */
  readonly maxBytes: number;
  readonly maxMs: number;
}

/** The key of a peer, as `loadPeerKey` gives it. */
export type PeerPrivateKey =
  NonNullable<Parameters<typeof import('libp2p').createLibp2p>[0]> extends {
    privateKey?: infer K;
  }
    ? NonNullable<K>
    : never;

/**
 * What the owner answers. A handler that throws is logged and counts as `ignore` or as no answer.
 */
export interface NetworkHandlers {
  /** A pack of 1–512 encoded blocks, not looked into yet. The verdict decides about relaying. */
  onPack(blocks: Uint8Array[], from: PeerKey): Promise<Verdict>;
  /** One encoded milestone with its certificate. */
  onMilestone(bytes: Uint8Array, from: PeerKey): Promise<Verdict>;
  /** One encoded message of the agreement, without its attempt; its form is good. */
  onConsensus(bytes: Uint8Array, from: PeerKey): Promise<Verdict>;
  /** The blocks that are stored, in any order; at most 256 ids are asked. */
  getBlocks(ids: readonly BlockId[]): Promise<Uint8Array[]>;
  /** Encoded milestones `from`, `from + 1`, … without a gap, at most `count` (1–64). */
  getMilestones(from: number, count: number): Promise<Uint8Array[]>;
  /**
   * The blocks newly referenced by milestone `index` in white-flag order, from position `skip` on.
   * May stop once the sum of bytes is greater than `maxBytes`, not before: a shorter answer counts
   * as the end of the cone. Empty at the end and for an unknown or pruned milestone.
   */
  getCone(index: number, skip: number, maxBytes: number): Promise<Uint8Array[]>;
  /**
   * The whole cones of milestones `from`, `from + 1`, …, at most `count` (1–64) and together at
   * most `maxBytes` and MAX_CONE blocks: one that does not fit or is not there ends the list.
   */
  getCones(from: number, count: number, maxBytes: number): Promise<ConeList>;
  /**
   * Encoded messages of the agreement: what is known of the views of this epoch, and the proposals
   * of these milestones; at most 16 of each are asked, and at least one. What is longer than
   * MAX_CONSENSUS_ANSWER bytes is cut off.
   */
  getConsensus(
    epoch: number,
    views: readonly bigint[],
    ids: readonly MilestoneId[],
  ): Promise<Uint8Array[]>;
  /** Our own status, for the heartbeat. */
  status(): SyncStatus;
}

/** Whole cones of milestones that follow each other. */
export interface ConeList {
  readonly cones: readonly (readonly Uint8Array[])[];
  /** True when there is none because the first alone is too large. */
  readonly isTooLarge: boolean;
}

/** Counters of what happens; the closed set is the label of one metric. */
export const NETWORK_EVENTS = [
  'pack-sent',
  'pack-received',
  'block-sent',
  'block-received',
  'block-dropped',
  'milestone-sent',
  'milestone-received',
  'consensus-sent',
  'consensus-received',
  'verdict-accept',
  'verdict-ignore',
  'verdict-reject',
  'request-sent',
  'request-answered',
  'request-timed-out',
  'request-failed',
  'request-hedged',
  'request-served',
  'request-refused',
  'frame-invalid',
  'peer-banned',
  'peer-muted',
  'peer-silent',
  'peer-foreign',
  'peer-surplus',
  'connection-refused',
  'dial-started',
  'dial-failed',
  'message-received',
] as const;

/** How a connection is carried; the closed set is the label of one metric. */
export const PEER_TRANSPORTS = ['tcp', 'websocket', 'quic', 'relay'] as const;

export type PeerTransport = (typeof PEER_TRANSPORTS)[number];

/** A ban that has not ended. */
export interface Ban {
  readonly id: PeerKey;
  /** When it ends, in milliseconds since 1970. */
  readonly untilMs: number;
  /** What the peer did last; `operator` when a person banned it. */
  readonly finding: Finding | 'operator';
}

/** A peer that the node would dial by itself. */
export interface KnownPeer {
  readonly id: PeerKey;
  readonly addresses: readonly string[];
  /** When it was last seen connected, in milliseconds since 1970. */
  readonly lastSeenMs: number;
  /** Whether we dialled it with success, at the first of its addresses; else it came to us. */
  readonly dialled: boolean;
}

export type NetworkEvent = (typeof NETWORK_EVENTS)[number];

export interface NetworkMetrics {
  count(event: NetworkEvent, amount?: number): void;
  /** Bytes of gossiped messages: handed to gossipsub once, or taken from it once. */
  gossipBytes(direction: 'in' | 'out', bytes: number): void;
  /** Bytes of gossip streams as they came, with duplicates and control messages. */
  wireBytes(bytes: number): void;
}

export const NO_METRICS: NetworkMetrics = {
  count: () => undefined,
  gossipBytes: () => undefined,
  wireBytes: () => undefined,
};

/** Counters of one peer since it connected. */
export interface PeerCounters {
  packsReceived: number;
  blocksReceived: number;
  milestonesReceived: number;
  rejected: number;
  requestsSent: number;
  requestsTimedOut: number;
  requestsServed: number;
  bytesServed: number;
}

export interface PeerInfo {
  readonly id: PeerKey;
  /** The remote multiaddr of the connection. */
  readonly address: string;
  readonly direction: 'inbound' | 'outbound';
  readonly transport: PeerTransport;
  /** When it connected, in milliseconds since 1970. */
  readonly connectedMs: number;
  /** True for a peer of the configuration and for one added at run time. */
  readonly static: boolean;
  /** True when our blocks reach it: it subscribes to them and the stream to it is open. */
  readonly subscribed: boolean;
  /** Points against the peer; at 100 it is banned. */
  readonly points: number;
  /** Absent until the peer's first STATUS. */
  readonly status?: SyncStatus;
  readonly counters: Readonly<PeerCounters>;
}

/**
 * What a request is for, most urgent first: the milestone that is next to be confirmed and the
 * agreement on those behind it, milestones after it, parents of gossiped blocks, and what can wait.
 */
export const REQUEST_PRIORITIES = ['milestone', 'window', 'parents', 'background'] as const;
export type RequestPriority = (typeof REQUEST_PRIORITIES)[number];

/** Requests by state, for /metrics and the dashboard. */
export interface RequestCounts {
  /** Requests that wait for a free place, in all and by priority. */
  readonly queued: number;
  readonly queuedBy: Readonly<Record<RequestPriority, number>>;
  /** Requests to peers that have no answer yet. */
  readonly pending: number;
  /** Requests of peers that are being answered. */
  readonly serving: number;
  /** Requests that brought no answer, since the start. */
  readonly failed: number;
}

export type NetworkErrorCode =
  | 'no-peers'
  | 'timed-out'
  | 'aborted'
  | 'busy'
  | 'stopped'
  | 'too-large'
  | 'address-invalid'
  | 'state-unwritable';

/** An operation of the network that failed; input from peers never throws. */
export class NetworkError extends Error {
  readonly code: NetworkErrorCode;

  constructor(code: NetworkErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'NetworkError';
    this.code = code;
  }
}
