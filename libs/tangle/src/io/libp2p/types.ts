/**
 * What the network needs from its owner and what it tells about itself: options, handlers, limits,
 * counters. Wire: between the sockets of libp2p and `apps/node/src/processor`.
 * Spec: docs/spec/07-gossip.md.
 */
import type { Libp2p } from 'libp2p';
import type { BlockId } from '../../core/codec/ids.ts';
import type { SyncStatus } from '../../core/codec/frame.ts';
import type { Verdict } from './verdicts.ts';

/** The text form of a libp2p peer id, which is the hash or the bytes of the peer's public key. */
export type PeerKey = string;

export type Connection = ReturnType<Libp2p['getConnections']>[number];
export type Stream = Connection['streams'][number];
export type PeerId = Connection['remotePeer'];

/** Everything that a peer can make us hold or do is bounded here; tests lower the times. */
export interface NetworkLimits {
  /** Connections in all; a listener closes above it. */
  readonly maxConnections: number;
  /** A pack leaves this long after its first block, or when it is full. */
  readonly packDelayMs: number;
  /** Bytes of one pack that more blocks may be added to. */
  readonly packBytes: number;
  /** Bytes of blocks that wait to be packed; beyond it the oldest are dropped. */
  readonly packQueueBytes: number;
  /** Blocks wait at most this long for a peer that subscribes. */
  readonly packQueueAgeMs: number;
  /** Packs and milestones under validation, in all and from one peer; more are ignored. */
  readonly maxValidating: number;
  readonly maxValidatingPerPeer: number;
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
  /** First and greatest pause between two dials of a static peer. */
  readonly dialBackoffMinMs: number;
  readonly dialBackoffMaxMs: number;
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
  maxConnections: 300,
  packDelayMs: 10,
  packBytes: 48 * 1024,
  packQueueBytes: 4 << 20,
  packQueueAgeMs: 60_000,
  maxValidating: 256,
  maxValidatingPerPeer: 64,
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
  readonly limits?: Partial<NetworkLimits>;
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
   * The whole cones of milestones `from`, `from + 1`, …, at most `count` (1–64) and together at most
   * `maxBytes` and MAX_CONE blocks: one that does not fit or is not there ends the list.
   */
  getCones(from: number, count: number, maxBytes: number): Promise<ConeList>;
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
  'dial-failed',
] as const;

export type NetworkEvent = (typeof NETWORK_EVENTS)[number];

export interface NetworkMetrics {
  count(event: NetworkEvent, amount?: number): void;
  /** Bytes of packs and milestones: handed to gossipsub once, or taken from it once. */
  gossipBytes(direction: 'in' | 'out', bytes: number): void;
}

export const NO_METRICS: NetworkMetrics = {
  count: () => undefined,
  gossipBytes: () => undefined,
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
  /** When it connected, in milliseconds since 1970. */
  readonly connectedMs: number;
  /** True for a peer of the configuration. */
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
 * What a request is for, most urgent first: the milestone that is next to be confirmed, those
 * after it, parents of gossiped blocks, and what can wait.
 */
export const REQUEST_PRIORITIES = ['milestone', 'window', 'parents', 'background'] as const;
export type RequestPriority = (typeof REQUEST_PRIORITIES)[number];

/** Requests by state, for /metrics and the dashboard. */
export interface RequestCounts {
  readonly queued: number;
  readonly queuedBy: Readonly<Record<RequestPriority, number>>;
  /** Requests to peers that have no answer yet. */
  readonly pending: number;
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
  | 'too-large';

/** An operation of the network that failed; input from peers never throws. */
export class NetworkError extends Error {
  readonly code: NetworkErrorCode;

  constructor(code: NetworkErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'NetworkError';
    this.code = code;
  }
}
