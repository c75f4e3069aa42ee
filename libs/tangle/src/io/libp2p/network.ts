/**
 * A node's connection to its peers: gossip of blocks and milestones, requests, heartbeat, static
 * peers, bans. Before: sockets; after: `apps/node/src/processor` and `sync`. Input from peers never
 * throws here; an unknown error on the wire path is ignored and logged at debug level.
 * Spec: docs/spec/07-gossip.md.
 */
import { randomBytes } from 'node:crypto';
import { nobleHasher } from '../../core/crypto/blake2b.ts';
import type { BlockId } from '../../core/codec/ids.ts';
import { MAX_BLOCK_SIZE, MAX_MILESTONE_SIZE } from '../../core/params/limits.ts';
import type { Hasher } from '../../core/ports.ts';
import { errorFields } from '../logger.ts';
import type { Logger } from '../logger.ts';
import { createNode } from './create-node.ts';
import type { TangleLibp2p } from './create-node.ts';
import { Gossip, gossipFault } from './gossip.ts';
import { createMessageIds, gossipTopics, syncProtocol } from './message-id.ts';
import { PackQueue } from './pack-queue.ts';
import { peerKeyText } from './peer-key.ts';
import type { PeerSession } from './peer-session.ts';
import { PeerStanding } from './peer-standing.ts';
import { Requester } from './requester.ts';
import type { Answered, AnsweredCones, ConeOptions, RequestOptions } from './requester.ts';
import { Responder } from './responder.ts';
import { parseStaticPeer, StaticPeers } from './static-peers.ts';
import { SyncService } from './sync-service.ts';
import { DEFAULT_LIMITS, NetworkError, NO_METRICS } from './types.ts';
import type {
  NetworkHandlers,
  NetworkLimits,
  NetworkMetrics,
  NetworkOptions,
  PeerId,
  PeerInfo,
  PeerKey,
  RequestCounts,
} from './types.ts';
import type { Finding } from './verdicts.ts';

export interface NetworkDeps {
  readonly logger: Logger;
  readonly metrics?: NetworkMetrics;
  /** Hashes message ids and the blocks of answers; the portable one by default. */
  readonly hasher?: Hasher;
}

/** The most that the connection manager knows (0–100): static peers are pruned last. */
const STATIC_PEER_TAG = { 'tanglemail-static': { value: 100 } };

/** What waits while the network does not run. */
const NO_REQUESTS: RequestCounts = {
  queued: 0,
  queuedBy: { milestone: 0, window: 0, parents: 0, background: 0 },
  pending: 0,
  serving: 0,
  failed: 0,
};

interface Running {
  readonly node: TangleLibp2p;
  readonly gossip: Gossip;
  readonly packs: PackQueue;
  readonly sync: SyncService;
  readonly requester: Requester;
  readonly responder: Responder;
  readonly statics: StaticPeers;
  readonly watch: ReturnType<typeof setInterval>;
}

export class TangleNetwork {
  /** The text of our own peer id. */
  readonly key: PeerKey;
  readonly #options: NetworkOptions;
  readonly #handlers: NetworkHandlers;
  readonly #limits: NetworkLimits;
  readonly #logger: Logger;
  readonly #metrics: NetworkMetrics;
  readonly #hasher: Hasher;
  readonly #standing: PeerStanding;
  readonly #suspects = new Set<PeerKey>();
  #running: Running | undefined;

  /** Throws RangeError when a static peer's address cannot be parsed. */
  constructor(options: NetworkOptions, handlers: NetworkHandlers, deps: NetworkDeps) {
    this.#options = options;
    this.#handlers = handlers;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#logger = deps.logger;
    this.#metrics = deps.metrics ?? NO_METRICS;
    this.#hasher = deps.hasher ?? nobleHasher;
    this.key = peerKeyText(options.privateKey);
    for (const peer of options.peers) parseStaticPeer(peer);
    this.#standing = new PeerStanding({
      banMs: this.#limits.banMs,
      nowMs,
      onBan: (peer, finding) => this.#onBan(peer, finding),
    });
  }

  /** Listens and dials. Rejects when an address cannot be listened on. */
  async start(): Promise<void> {
    if (this.#running !== undefined) return;
    const topics = gossipTopics(this.#options.networkId);
    const messageIds = await createMessageIds(
      topics,
      this.#hasher,
      randomBytes(8).readBigUInt64LE(),
    );
    const node = await createNode(this.#options, {
      topics,
      messageIds,
      limits: this.#limits,
      isBanned: (peer) => this.#standing.isBanned(peer),
      points: (peer) => this.#standing.points(peer),
    });
    const running = this.#assemble(node);
    this.#running = running;
    this.#listen(running);
    try {
      await node.start();
      await this.#startParts(running);
    } catch (error) {
      await this.stop();
      throw error;
    }
    this.#logger.info({ peer: this.key, addresses: this.addresses() }, 'network started');
  }

  /** Ends dialling, requests, streams and connections; what waits to be published still leaves. */
  async stop(): Promise<void> {
    const running = this.#running;
    if (running === undefined) return;
    this.#running = undefined;
    clearInterval(running.watch);
    running.requester.stop();
    running.responder.stop();
    await running.statics.stop();
    await running.packs.close();
    await running.sync.stop();
    await running.node.stop();
  }

  /** Queues an encoded block for the next pack. Never waits; see pack-queue.ts for its bounds. */
  publishBlock(bytes: Uint8Array): void {
    if (bytes.length > MAX_BLOCK_SIZE) throw new NetworkError('too-large', 'block too large');
    this.#running?.packs.add(bytes);
  }

  /** Publishes an encoded milestone with its certificate at once. */
  async publishMilestone(bytes: Uint8Array): Promise<void> {
    if (bytes.length > MAX_MILESTONE_SIZE) throw new NetworkError('too-large', 'too large');
    await this.#running?.gossip.publishMilestone(bytes);
  }

  /** See {@link Requester.blocks}. */
  async requestBlocks(ids: readonly BlockId[], options?: RequestOptions): Promise<Uint8Array[]> {
    return await this.#requester().blocks(ids, options);
  }

  /** See {@link Requester.milestones}. */
  async requestMilestones(
    from: number,
    count: number,
    options?: RequestOptions,
  ): Promise<Answered> {
    return await this.#requester().milestones(from, count, options);
  }

  /** See {@link Requester.cone}. */
  async requestCone(index: number, options?: ConeOptions): Promise<Answered> {
    return await this.#requester().cone(index, options);
  }

  /** See {@link Requester.cones}. */
  async requestCones(
    from: number,
    count: number,
    options?: RequestOptions,
  ): Promise<AnsweredCones> {
    return await this.#requester().cones(from, count, options);
  }

  /** Our status changed: peers hear of it within 100 ms, and every five seconds anyway. */
  announceStatus(): void {
    this.#running?.sync.announceStatus();
  }

  /** Books what the owner found out later about what a peer sent (see verdicts.ts). */
  reportPeer(peer: PeerKey, finding: Finding): void {
    this.#standing.report(peer, finding);
  }

  /** The same for an answer to a request of ours; the peer is asked less from now on, too. */
  blameAnswer(peer: PeerKey, finding: Finding): void {
    this.#running?.requester.noteFault(peer);
    this.reportPeer(peer, finding);
  }

  /** The connected peers, oldest first. */
  peers(): PeerInfo[] {
    const running = this.#running;
    if (running === undefined) return [];
    const subscribers = new Set(running.gossip.subscribers());
    return running.sync.sessions.flatMap((session) => this.#infoOf(running, session, subscribers));
  }

  /** The listening addresses with our peer id, as other nodes need them. */
  addresses(): string[] {
    return this.#running?.node.getMultiaddrs().map((address) => address.toString()) ?? [];
  }

  requestCounts(): RequestCounts {
    const running = this.#running;
    if (running === undefined) return NO_REQUESTS;
    return { ...running.requester.counts(), serving: running.responder.serving };
  }

  #requester(): Requester {
    if (this.#running === undefined) throw new NetworkError('stopped', 'network is not running');
    return this.#running.requester;
  }

  #assemble(node: TangleLibp2p): Running {
    const shared = { logger: this.#logger, metrics: this.#metrics, nowMs };
    const report = (session: PeerSession, finding: Finding): void =>
      this.#standing.report(session.key, finding);
    const responder = new Responder(this.#limits, { ...shared, handlers: this.#handlers, report });
    const sync: SyncService = new SyncService(this.#limits, {
      ...shared,
      protocol: syncProtocol(this.#options.networkId),
      connectionsOf: (peer) => node.getConnections(peer),
      status: () => this.#handlers.status(),
      report,
      requester: () => requester,
      responder,
    });
    const requester = new Requester(this.#limits, {
      ...shared,
      sessions: () => sync.sessions,
      report,
      hasher: this.#hasher,
    });
    const gossip = new Gossip(this.#limits, {
      ...shared,
      pubsub: node.services.pubsub,
      topics: gossipTopics(this.#options.networkId),
      handlers: this.#handlers,
      report: (peer, finding) => this.#standing.report(peer, finding),
      connectionsOf: (peer) => node.getConnections(peer),
      counters: (peer) => sync.session(peer)?.counters,
    });
    const packs = new PackQueue(this.#limits, {
      canPublish: () => gossip.canPublish(),
      publish: async (pack, blocks) => await gossip.publishPack(pack, blocks),
      onDropped: (blocks) => this.#metrics.count('block-dropped', blocks),
      nowMs,
    });
    const statics = this.#createStatics(node);
    const watch = setInterval(() => this.#watch(), this.#limits.watchIntervalMs);
    return { node, gossip, packs, sync, requester, responder, statics, watch };
  }

  #createStatics(node: TangleLibp2p): StaticPeers {
    return new StaticPeers(this.#options.peers.map(parseStaticPeer), this.#limits, {
      dial: async (address, signal) => {
        await node.dial(address, { signal });
      },
      isConnected: (peer) => node.getConnections(peer).length > 0,
      ownKey: this.key,
      random: Math.random,
      nowMs,
      logger: this.#logger,
      metrics: this.#metrics,
    });
  }

  #listen({ node, sync, statics, packs }: Running): void {
    node.addEventListener('peer:connect', ({ detail: peer }) => {
      statics.onConnected(peer.toString());
      sync.onPeerConnected(peer);
      sync.announceStatus();
      this.#logger.info({ peer: peer.toString() }, 'peer connected');
    });
    node.addEventListener('peer:disconnect', ({ detail: peer }) => {
      sync.onPeerDisconnected(peer);
      statics.onDisconnected(peer.toString());
      sync.announceStatus();
      this.#suspects.delete(peer.toString());
      this.#logger.info({ peer: peer.toString() }, 'peer disconnected');
    });
    node.services.pubsub.addEventListener('subscription-change', () => packs.flush());
  }

  async #startParts({ node, sync, statics, gossip }: Running): Promise<void> {
    await node.handle(
      syncProtocol(this.#options.networkId),
      (stream, connection) => sync.onInboundStream(stream, connection),
      { maxInboundStreams: 2, maxOutboundStreams: 2 },
    );
    for (const peer of statics.all)
      await node.peerStore.merge(peer.peerId, { tags: STATIC_PEER_TAG });
    gossip.start();
    sync.start();
    statics.start();
  }

  #infoOf(running: Running, session: PeerSession, subscribers: Set<PeerKey>): PeerInfo[] {
    const [connection] = running.node.getConnections(session.peerId);
    if (connection === undefined) return [];
    return [
      {
        id: session.key,
        address: connection.remoteAddr.toString(),
        direction: connection.direction,
        connectedMs: session.connectedMs,
        static: running.statics.has(session.key),
        subscribed: subscribers.has(session.key),
        points: Math.round(this.#standing.points(session.key)),
        ...(session.status === undefined ? {} : { status: session.status }),
        counters: { ...session.counters },
      },
    ];
  }

  /** Closes the connection to peers whose gossip stream is faulty on two watches in a row. */
  #watch(): void {
    const { node, sync } = this.#running ?? {};
    if (node === undefined || sync === undefined) return;
    for (const session of sync.sessions) {
      const connections = node.getConnections(session.peerId);
      const fault = gossipFault(connections, this.#limits.gossipBacklogBytes);
      if (fault === undefined) this.#suspects.delete(session.key);
      else if (!this.#suspects.has(session.key)) this.#suspects.add(session.key);
      else {
        this.#suspects.delete(session.key);
        this.#metrics.count('peer-muted');
        this.#logger.debug({ peer: session.key, fault }, 'gossip stream faulty');
        this.#hangUp(session.peerId);
      }
    }
  }

  #onBan(peer: PeerKey, finding: Finding): void {
    this.#metrics.count('peer-banned');
    this.#logger.warn({ peer, finding, banMs: this.#limits.banMs }, 'peer banned');
    const session = this.#running?.sync.session(peer);
    if (session !== undefined) this.#hangUp(session.peerId);
  }

  #hangUp(peer: PeerId): void {
    this.#running?.node.hangUp(peer).catch((error: unknown) => {
      this.#logger.debug({ peer: peer.toString(), ...errorFields(error) }, 'hang-up failed');
    });
  }
}

/** A clock that never goes back. */
function nowMs(): number {
  return performance.now();
}
