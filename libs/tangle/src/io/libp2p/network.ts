/**
 * A node's connection to its peers: gossip of blocks, milestones and the agreement, requests,
 * heartbeat, static peers, bans. Before: sockets; after: `apps/node/src/processor` and `sync`.
 * Input from peers never throws here; an unknown error on the wire path is ignored and logged at
 * debug level. Spec: docs/spec/07-gossip.md.
 */
import { nobleHasher } from '../../core/crypto/blake2b.ts';
import { MAX_CONSENSUS_SIZE } from '../../core/codec/consensus.ts';
import type { BlockId, MilestoneId } from '../../core/codec/ids.ts';
import { MAX_BLOCK_SIZE, MAX_MILESTONE_SIZE } from '../../core/params/limits.ts';
import type { Hasher } from '../../core/ports.ts';
import { errorFields } from '../logger.ts';
import type { Logger } from '../logger.ts';
import { parseAddress, relaysOf, transportOf } from './addresses.ts';
import { assemble, hangUp, nowMs, recordKey } from './assemble.ts';
import type { Parts } from './assemble.ts';
import { networkIdText, syncProtocol } from './message-id.ts';
import { MAX_ADDED_PEERS, PeerBook } from './peer-book.ts';
import type { PeerRecords } from './peer-book.ts';
import { peerKeyText } from './peer-key.ts';
import type { PeerSession } from './peer-session.ts';
import { PeerStanding } from './peer-standing.ts';
import type {
  Answered,
  AnsweredCones,
  ConeOptions,
  Requester,
  RequestOptions,
} from './requester.ts';
import { parseStaticPeer } from './static-peers.ts';
import type { StaticPeer } from './static-peers.ts';
import { LOOKS_PER_WATCH } from './stream-watch.ts';
import { DEFAULT_LIMITS, NetworkError, NO_METRICS } from './types.ts';
import type {
  Ban,
  KnownPeer,
  NetworkHandlers,
  NetworkLimits,
  NetworkMetrics,
  NetworkOptions,
  PeerInfo,
  PeerKey,
  RequestCounts,
} from './types.ts';
import type { Finding } from './verdicts.ts';
import { stopWhole } from './whole-stop.ts';

export interface NetworkDeps {
  readonly logger: Logger;
  readonly metrics?: NetworkMetrics;
  /** Hashes message ids and the blocks of answers; the portable one by default. */
  readonly hasher?: Hasher;
}

/** What is remembered of peers is written down this often, and when somebody changes it. */
const SAVE_INTERVAL_MS = 300_000;
/** The bans of so many milliseconds are written down together. */
const SAVE_PAUSE_MS = 2_000;

/** What waits while the network does not run. */
const NO_REQUESTS: RequestCounts = {
  queued: 0,
  queuedBy: { milestone: 0, window: 0, parents: 0, background: 0 },
  pending: 0,
  serving: 0,
  failed: 0,
};

interface Running extends Parts {
  readonly timers: readonly ReturnType<typeof setInterval>[];
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
  readonly #book: PeerBook;
  /** Peers added at run time, and how to reach them. */
  readonly #added = new Map<PeerKey, StaticPeer>();
  #records: PeerRecords | undefined;
  #running: Running | undefined;
  /** The last call of start or stop: they wait for each other. */
  #turn: Promise<void> = Promise.resolve();
  #saveTimer: ReturnType<typeof setTimeout> | undefined;

  /** Throws RangeError when an address of the options cannot be parsed. */
  constructor(options: NetworkOptions, handlers: NetworkHandlers, deps: NetworkDeps) {
    this.#options = options;
    this.#handlers = handlers;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#logger = deps.logger;
    this.#metrics = deps.metrics ?? NO_METRICS;
    this.#hasher = deps.hasher ?? nobleHasher;
    this.#book = new PeerBook(options.stateFile, networkIdText(options.networkId));
    this.key = peerKeyText(options.privateKey);
    for (const peer of [...options.peers, ...(options.discovery?.bootstrap ?? [])]) {
      parseStaticPeer(peer);
    }
    for (const address of [...options.listen, ...(options.announce ?? [])]) parseAddress(address);
    this.#standing = new PeerStanding({
      banMs: this.#limits.banMs,
      nowMs,
      onBan: (peer, finding) => this.#onBan(peer, finding),
    });
  }

  /** Listens and dials. Rejects when an address cannot be listened on; nothing runs then. */
  async start(): Promise<void> {
    await this.#inTurn(async () => await this.#start());
  }

  /** Ends dialling, requests, streams and connections; what waits to be published still leaves. */
  async stop(): Promise<void> {
    await this.#inTurn(async () => await this.#stop());
  }

  async #inTurn(task: () => Promise<void>): Promise<void> {
    const run = this.#turn.then(task);
    this.#turn = run.catch(() => undefined);
    await run;
  }

  async #start(): Promise<void> {
    if (this.#running !== undefined) return;
    await this.#remember();
    const { peers, listen } = this.#options;
    const parts = await assemble({
      options: this.#options,
      handlers: this.#handlers,
      limits: this.#limits,
      logger: this.#logger,
      metrics: this.#metrics,
      hasher: this.#hasher,
      standing: this.#standing,
      ownKey: this.key,
      statics: [...[...peers, ...relaysOf(listen)].map(parseStaticPeer), ...this.#added.values()],
    });
    const running: Running = { ...parts, timers: this.#createTimers(parts) };
    this.#running = running;
    this.#listen(running);
    try {
      await this.#startParts(running);
    } catch (error) {
      await this.#stop();
      throw error;
    }
    this.#logger.info({ peer: this.key, addresses: this.addresses() }, 'network started');
  }

  async #stop(): Promise<void> {
    const running = this.#running;
    if (running === undefined) return;
    this.#running = undefined;
    for (const timer of running.timers) clearInterval(timer);
    clearTimeout(this.#saveTimer);
    this.#saveTimer = undefined;
    running.requester.stop();
    running.responder.stop();
    await Promise.all([running.discovery.stop(), running.auto.stop(), running.statics.stop()]);
    await running.packs.close();
    await this.#saveQuietly(running);
    await running.sync.stop();
    await stopWhole(running.node);
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

  /**
   * Says an encoded message of the agreement. What is said again within two minutes needs another
   * `attempt` (from 0, one more each time), or gossip drops it without a word.
   */
  async publishConsensus(bytes: Uint8Array, attempt: number): Promise<void> {
    if (bytes.length > MAX_CONSENSUS_SIZE) throw new NetworkError('too-large', 'too large');
    await this.#running?.gossip.publishConsensus(bytes, attempt);
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

  /** See {@link Requester.consensus}. */
  async requestConsensus(
    epoch: number,
    views: readonly bigint[],
    ids: readonly MilestoneId[],
    options?: RequestOptions,
  ): Promise<Answered> {
    return await this.#requester().consensus({ epoch, views, ids }, options);
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

  /**
   * Adds a peer that is dialled for ever and never dropped, like those of the configuration, and
   * remembers it; a ban ends. Throws NetworkError `address-invalid`, `too-large` (256 were added
   * already), `state-unwritable` (it is added, and will be forgotten at the next start).
   */
  async addPeer(address: string): Promise<void> {
    const peer = parseAdded(address);
    if (!this.#added.has(peer.key) && this.#added.size >= MAX_ADDED_PEERS) {
      throw new NetworkError('too-large', `${MAX_ADDED_PEERS} peers were added already`);
    }
    this.#added.set(peer.key, peer);
    this.#standing.unban(peer.key);
    this.#running?.statics.add(peer);
    await this.#save();
  }

  /**
   * Forgets a peer that was added, or one that was found, and disconnects it; false when nothing is
   * known of it. A peer of the configuration comes back at the next start.
   */
  async removePeer(id: PeerKey): Promise<boolean> {
    const added = this.#added.delete(id);
    const running = this.#running;
    const isStatic = running?.statics.remove(id) ?? false;
    running?.auto.forget(id);
    const session = running?.sync.session(id);
    if (running !== undefined && session !== undefined) {
      hangUp(running.node, session.peerId, this.#logger);
    }
    await this.#save();
    return added || isStatic || session !== undefined;
  }

  /** Keeps a peer out for `forMs` milliseconds, over restarts too. */
  async ban(id: PeerKey, forMs: number): Promise<void> {
    this.#standing.ban(id, forMs, 'operator');
    await this.#save();
  }

  /** Lets a peer in again; false when it was not banned. */
  async unban(id: PeerKey): Promise<boolean> {
    const was = this.#standing.unban(id);
    if (was) await this.#save();
    return was;
  }

  /** The bans that have not ended. */
  bans(): Ban[] {
    return this.#standing.bans(Date.now());
  }

  /** Peers that were good to us, the last ones first: they are dialled first after a restart. */
  knownPeers(): KnownPeer[] {
    return this.#running?.auto.known() ?? [...(this.#records?.known ?? [])];
  }

  /** The connected peers of our network, oldest first. */
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

  /** Takes over what an earlier run wrote down, once. */
  async #remember(): Promise<void> {
    if (this.#records !== undefined) return;
    const { records, problem } = await this.#book.read();
    if (problem !== undefined) this.#logger.warn({ problem }, 'peers.json is left out');
    this.#records = records;
    this.#standing.restore(records.bans, Date.now());
    for (const address of records.added) {
      const peer = tryParse(address);
      if (peer !== undefined) this.#added.set(peer.key, peer);
    }
  }

  #createTimers({ roster, auto, watch }: Parts): ReturnType<typeof setInterval>[] {
    const peering = (): void => {
      roster.tick();
      auto.tick();
    };
    return [
      setInterval(() => watch.look(), this.#limits.watchIntervalMs / LOOKS_PER_WATCH),
      setInterval(peering, this.#limits.peeringIntervalMs),
      setInterval(() => void this.#saveQuietly(this.#running), SAVE_INTERVAL_MS),
    ];
  }

  #listen({ node, sync, roster, statics, packs, discovery, kept }: Running): void {
    kept.add(recordKey(node.peerId));
    node.addEventListener('peer:connect', ({ detail: peer }) => {
      kept.add(recordKey(peer));
      roster.onConnected(peer);
      statics.onConnected(peer.toString());
    });
    node.addEventListener('peer:identify', ({ detail }) => {
      roster.onIdentified(detail.peerId, detail.protocols);
      if (!roster.isOurs(detail.peerId.toString())) return;
      discovery.hear(detail.peerId.toString(), detail.listenAddrs);
    });
    node.addEventListener('peer:disconnect', ({ detail: peer }) => {
      const wasOurs = roster.isOurs(peer.toString());
      kept.delete(recordKey(peer));
      roster.onDisconnected(peer);
      sync.onPeerDisconnected(peer);
      statics.onDisconnected(peer.toString());
      if (!wasOurs) return;
      sync.announceStatus();
      this.#logger.info({ peer: peer.toString() }, 'peer disconnected');
    });
    node.services.pubsub.addEventListener('subscription-change', () => packs.flush());
  }

  async #startParts(running: Running): Promise<void> {
    const { node, roster, sync, statics, gossip, budget, auto, discovery } = running;
    // Before anybody can connect: identify tells what we speak once only.
    await node.handle(
      syncProtocol(this.#options.networkId),
      (stream, connection) => {
        if (!budget.onStream(connection.remotePeer.toString())) {
          stream.abort(new Error('too many streams'));
          return;
        }
        roster.admit(connection.remotePeer);
        sync.onInboundStream(stream, connection);
      },
      { maxInboundStreams: 2, maxOutboundStreams: 2, runOnLimitedConnection: true },
    );
    await node.start();
    gossip.start();
    sync.start();
    for (const peer of (this.#options.discovery?.bootstrap ?? []).map(parseStaticPeer)) {
      auto.add(peer.key, [peer.address.toString()], { isBootstrap: true });
    }
    for (const { id, addresses, ...seen } of this.#records?.known ?? []) {
      auto.add(id, addresses, seen);
    }
    statics.start();
    discovery.start();
    auto.tick();
  }

  #infoOf(running: Running, session: PeerSession, subscribers: Set<PeerKey>): PeerInfo[] {
    const [connection] = running.node.getConnections(session.peerId);
    if (connection === undefined) return [];
    return [
      {
        id: session.key,
        address: connection.remoteAddr.toString(),
        direction: connection.direction,
        transport: transportOf(connection),
        connectedMs: session.connectedMs,
        static: running.statics.has(session.key),
        subscribed: subscribers.has(session.key),
        points: Math.round(this.#standing.points(session.key)),
        ...(session.status === undefined ? {} : { status: session.status }),
        counters: { ...session.counters },
      },
    ];
  }

  #onBan(peer: PeerKey, finding: Ban['finding']): void {
    this.#metrics.count('peer-banned');
    this.#logger.warn({ peer, finding }, 'peer banned');
    const running = this.#running;
    if (running === undefined) return;
    for (const one of running.node.getPeers()) {
      if (one.toString() === peer) hangUp(running.node, one, this.#logger);
    }
    if (finding !== 'operator') this.#saveSoon();
  }

  /** A crowd of peers that are banned one after the other must not write the file for each. */
  #saveSoon(): void {
    this.#saveTimer ??= setTimeout(() => {
      this.#saveTimer = undefined;
      void this.#saveQuietly(this.#running);
    }, SAVE_PAUSE_MS);
  }

  async #save(): Promise<void> {
    await this.#book.write({
      added: [...this.#added.values()].map(({ address }) => address.toString()),
      bans: this.bans(),
      known: this.knownPeers(),
    });
  }

  /** What is written by itself may fail: a full disk must not end the network. */
  async #saveQuietly(running: Running | undefined): Promise<void> {
    if (running === undefined) return;
    this.#records = { added: [], bans: [], known: running.auto.known() };
    await this.#save().catch((error: unknown) => {
      this.#logger.warn(errorFields(error), 'peers.json not written');
    });
  }
}

function tryParse(address: string): StaticPeer | undefined {
  try {
    return parseStaticPeer(address);
  } catch {
    return undefined;
  }
}

function parseAdded(address: string): StaticPeer {
  const peer = tryParse(address);
  if (peer !== undefined) return peer;
  throw new NetworkError('address-invalid', 'expected a multiaddress that ends in /p2p/<peer id>');
}
