/**
 * Makes the parts of a network and joins them, none of which runs yet. network.ts starts, stops and
 * shows them. Spec: docs/spec/07-gossip.md.
 */
import { randomBytes } from 'node:crypto';
import type { Hasher } from '../../core/ports.ts';
import { errorFields } from '../logger.ts';
import type { Logger } from '../logger.ts';
import { isRelayed } from './addresses.ts';
import { AutoPeering } from './auto-peering.ts';
import { BoundedDatastore } from './bounded-datastore.ts';
import { createNode, discoveryOf } from './create-node.ts';
import type { NodeDeps, TangleLibp2p } from './create-node.ts';
import { Discovery } from './discovery.ts';
import { Gate } from './gate.ts';
import { Gossip } from './gossip.ts';
import { GossipBudget } from './gossip-budget.ts';
import { createMessageIds, gossipTopics, syncProtocol } from './message-id.ts';
import type { GossipTopics } from './message-id.ts';
import { PackQueue } from './pack-queue.ts';
import { PeerRoster } from './peer-roster.ts';
import type { PeerSession } from './peer-session.ts';
import type { PeerStanding } from './peer-standing.ts';
import { Requester } from './requester.ts';
import { Responder } from './responder.ts';
import { StaticPeers } from './static-peers.ts';
import type { StaticPeer } from './static-peers.ts';
import { StreamWatch } from './stream-watch.ts';
import { SyncService } from './sync-service.ts';
import type {
  NetworkHandlers,
  NetworkLimits,
  NetworkMetrics,
  NetworkOptions,
  PeerId,
  PeerKey,
} from './types.ts';
import type { Finding } from './verdicts.ts';

/** What the parts are made from. */
export interface Blueprint {
  readonly options: NetworkOptions;
  readonly handlers: NetworkHandlers;
  readonly limits: NetworkLimits;
  readonly logger: Logger;
  readonly metrics: NetworkMetrics;
  readonly hasher: Hasher;
  readonly standing: PeerStanding;
  readonly ownKey: PeerKey;
  /** Static peers and those added at run time. */
  readonly statics: readonly StaticPeer[];
}

/** The parts of a network. */
export interface Parts {
  readonly node: TangleLibp2p;
  readonly gate: Gate;
  readonly roster: PeerRoster;
  readonly gossip: Gossip;
  readonly budget: GossipBudget;
  readonly packs: PackQueue;
  readonly sync: SyncService;
  readonly requester: Requester;
  readonly responder: Responder;
  readonly statics: StaticPeers;
  readonly auto: AutoPeering;
  readonly discovery: Discovery;
  readonly watch: StreamWatch;
  /** Records of connected peers, which libp2p must not forget. */
  readonly kept: Set<string>;
}

/** Bytes that libp2p may remember of peers: some ten thousand records. */
const PEER_STORE_BYTES = 16 << 20;

/** A clock that never goes back. */
export function nowMs(): number {
  return performance.now();
}

/** Runs `task` after a pause, unless what this returns is called before. */
function later(pauseMs: number, task: () => void): () => void {
  const timer = setTimeout(task, pauseMs);
  return () => clearTimeout(timer);
}

/** Closes all connections to a peer, in order. */
export function hangUp(node: TangleLibp2p, peer: PeerId, logger: Logger): void {
  node.hangUp(peer).catch((error: unknown) => {
    logger.debug({ peer: peer.toString(), ...errorFields(error) }, 'hang-up failed');
  });
}

/** The key of a peer's record in libp2p's memory. */
export function recordKey(peer: PeerId): string {
  return `/peers/${peer.toCID().toString()}`;
}

type Draft = { -readonly [Name in keyof Parts]: Parts[Name] };

export async function assemble(blueprint: Blueprint): Promise<Parts> {
  const { options, limits, standing, metrics } = blueprint;
  const parts = { kept: new Set<string>() } as Draft;
  const topics = gossipTopics(options.networkId);
  parts.budget = new GossipBudget(limits, {
    nowMs,
    report: (peer, finding) => standing.report(peer, finding),
  });
  parts.gate = new Gate(limits, {
    isBanned: (peer) => standing.isBanned(peer),
    isStatic: (peer) => parts.statics.has(peer),
    inboundPeers: () => parts.roster.count('inbound'),
    connections: (peer) => parts.node.getConnections(peer).length,
    metrics,
    nowMs,
  });
  const seed = randomBytes(8).readBigUInt64LE();
  const messageIds = await createMessageIds(topics, blueprint.hasher, seed);
  parts.node = await createNode(options, {
    topics,
    messageIds: {
      full: (topic, data) => messageIds.full(topic, data),
      // Every copy of a message passes here once: more of them than verdicts are duplicates.
      fast: (topic, data) => {
        metrics.count('message-received');
        return messageIds.fast(topic, data);
      },
    },
    limits,
    gater: parts.gate.gater(),
    datastore: new BoundedDatastore(PEER_STORE_BYTES, (key) => parts.kept.has(key)),
    wire: createWire(blueprint, parts),
    points: (peer) => standing.points(peer),
    logger: blueprint.logger,
  });
  addPeers(blueprint, parts);
  addExchange(blueprint, parts, topics);
  return parts;
}

/** Who is connected, and who is to be. */
function addPeers(blueprint: Blueprint, parts: Draft): void {
  const { options, limits, metrics, logger, standing, ownKey } = blueprint;
  const { node } = parts;
  const shared = { random: Math.random, nowMs, logger, metrics };
  parts.statics = new StaticPeers(blueprint.statics, limits, {
    ...shared,
    dial: async (address, signal) => void (await node.dial(address, { signal })),
    isConnected: (peer) => node.getConnections(peer).length > 0,
    ownKey,
    later,
  });
  parts.roster = new PeerRoster(limits, {
    protocol: syncProtocol(options.networkId),
    connectionsOf: (peer) => node.getConnections(peer),
    isStatic: (peer) => parts.statics.has(peer),
    hangUp: (peer, reason) => {
      logger.debug({ peer: peer.toString(), reason }, 'leaving peer');
      hangUp(node, peer, logger);
    },
    onOurs: (peer) => onOurs(blueprint, parts, peer),
    onForeign: (peer) => {
      parts.gate.rest(peer, 'foreign');
      parts.auto.onForeign(peer);
    },
    onSilent: (peer) => parts.gate.rest(peer, 'silent'),
    onSurplus: (peer) => parts.gate.rest(peer, 'surplus'),
    metrics,
    nowMs,
  });
  // Without discovery a node has the peers that its operator chose, and no others.
  const { bootstrap, dht, mdns, privateAddresses } = discoveryOf(options);
  const isOn = bootstrap.length > 0 || dht !== 'off' || mdns;
  parts.auto = new AutoPeering(isOn ? limits : { ...limits, maxPeers: 0 }, {
    ...shared,
    dial: async (addresses, signal) => void (await node.dial(addresses, { signal })),
    isTaken: (peer) =>
      peer === ownKey ||
      parts.statics.has(peer) ||
      parts.roster.has(peer) ||
      parts.gate.isResting(peer) ||
      standing.isBanned(peer),
    chosen: () =>
      parts.roster
        .chosen()
        .flatMap((peer) => node.getConnections(peer)[0] ?? [])
        .map(({ remotePeer, remoteAddr }) => ({ key: remotePeer.toString(), address: remoteAddr })),
    epochMs: Date.now,
  });
  parts.discovery = new Discovery({
    node,
    // What the local network tells of are its own addresses.
    privateAddresses: privateAddresses || mdns,
    onFound: (peer, addresses) => {
      if (peer !== ownKey) parts.auto.add(peer, addresses);
    },
    hasFreePlaces: () => parts.roster.count('outbound') < limits.maxPeers,
    nowMs,
    logger,
  });
}

/** A connected peer turned out to be one of our network. */
function onOurs({ logger }: Blueprint, parts: Draft, peer: PeerId): void {
  const { node, sync, statics, auto, discovery } = parts;
  logger.info({ peer: peer.toString() }, 'peer connected');
  const [connection] = node.getConnections(peer);
  // What we dialled can be dialled again; the address of who dialled us is not where it listens.
  const isDialled = connection?.direction === 'outbound' && !isRelayed(connection.remoteAddr);
  const address = isDialled ? connection.remoteAddr.toString() : undefined;
  if (!statics.has(peer.toString())) auto.onGood(peer.toString(), address);
  sync.onPeerConnected(peer);
  sync.announceStatus();
  discovery.onPeer();
}

/** What is exchanged: requests and gossip. */
function addExchange(blueprint: Blueprint, parts: Draft, topics: GossipTopics): void {
  const { options, limits, handlers, hasher, standing, logger, metrics } = blueprint;
  const { node, budget } = parts;
  const shared = { logger, metrics, nowMs };
  const report = (session: PeerSession, finding: Finding): void =>
    standing.report(session.key, finding);
  parts.responder = new Responder(limits, { ...shared, handlers, report });
  parts.sync = new SyncService(limits, {
    ...shared,
    protocol: syncProtocol(options.networkId),
    connectionsOf: (peer) => node.getConnections(peer),
    status: () => handlers.status(),
    report,
    requester: () => parts.requester,
    responder: parts.responder,
  });
  parts.requester = new Requester(limits, {
    ...shared,
    sessions: () => parts.sync.sessions,
    consensusPeers: () => parts.gossip.consensusPeers(),
    report,
    hasher,
  });
  parts.gossip = new Gossip(limits, {
    ...shared,
    pubsub: node.services.pubsub,
    topics,
    handlers,
    budget,
    report: (peer, finding) => standing.report(peer, finding),
    connectionsOf: (peer) => node.getConnections(peer),
    counters: (peer) => parts.sync.session(peer)?.counters,
  });
  parts.watch = new StreamWatch(limits, {
    peers: () => parts.sync.sessions.map(({ peerId }) => peerId),
    connectionsOf: (peer) => node.getConnections(peer),
    hangUp: (peer) => hangUp(node, peer, logger),
    logger,
    metrics,
  });
  parts.packs = new PackQueue(limits, {
    canPublish: () => parts.gossip.canPublish(),
    publish: async (pack, blocks) => await parts.gossip.publishPack(pack, blocks),
    onDropped: (blocks) => metrics.count('block-dropped', blocks),
    nowMs,
  });
}

/** Counts and judges what comes on the streams of gossip and to the table of peers. */
function createWire({ metrics }: Blueprint, { budget }: Draft): NonNullable<NodeDeps['wire']> {
  return {
    gossip: {
      // gossipsub closes the older of two streams by itself; the ban ends more of them.
      onStream: (peer) => {
        budget.onStream(peer);
        return true;
      },
      onBytes: (peer, bytes) => {
        metrics.wireBytes(bytes);
        budget.onBytes(peer, bytes);
        return true;
      },
    },
    table: {
      onStream: () => true,
      onBytes: (peer, bytes) => budget.onTableBytes(peer, bytes),
    },
  };
}
