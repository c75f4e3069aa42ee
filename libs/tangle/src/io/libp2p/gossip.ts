/**
 * The gossip plane: topics, validators, publication, and the watch over peers whose gossip stream
 * is mute or lags. Before: gossipsub; after: the handlers of `apps/node`, whose verdict decides
 * whether a message is relayed. Spec: docs/spec/07-gossip.md, "Gossip".
 */
import { TopicValidatorResult } from '@libp2p/gossipsub';
import type { GossipSub, Message } from '@libp2p/gossipsub';
import { addAttempt, decodeConsensusMessage, dropAttempt } from '../../core/codec/consensus.ts';
import { decodePack } from '../../core/codec/pack.ts';
import { assert } from '../../core/outcome.ts';
import { MAX_MILESTONE_SIZE } from '../../core/params/limits.ts';
import { errorFields } from '../logger.ts';
import type { Logger } from '../logger.ts';
import type { GossipBudget } from './gossip-budget.ts';
import type { GossipTopics } from './message-id.ts';
import type {
  Connection,
  NetworkHandlers,
  NetworkLimits,
  NetworkMetrics,
  PeerCounters,
  PeerId,
  PeerKey,
  Stream,
} from './types.ts';
import { ValidationPlaces } from './validation-places.ts';
import { consensusFinding, FINDINGS, milestoneFinding, packFinding } from './verdicts.ts';
import type { Finding, Verdict } from './verdicts.ts';

export interface GossipDeps {
  readonly pubsub: GossipSub;
  readonly topics: GossipTopics;
  readonly handlers: Pick<NetworkHandlers, 'onPack' | 'onMilestone' | 'onConsensus'>;
  readonly budget: Pick<GossipBudget, 'takeMessage' | 'takeBlocks' | 'takeConsensus'>;
  readonly report: (peer: PeerKey, finding: Finding) => void;
  readonly connectionsOf: (peer: PeerId) => readonly Connection[];
  /** The counters of a connected peer. */
  readonly counters: (peer: PeerKey) => PeerCounters | undefined;
  readonly logger: Logger;
  readonly metrics: NetworkMetrics;
}

/** How the messages of a topic are judged. */
interface Court {
  readonly places: ValidationPlaces;
  /** The finding on a message that the sender's budget does not allow. */
  readonly refusal: (from: PeerKey) => Finding | undefined;
  readonly judge: (data: Uint8Array, from: PeerKey) => Promise<Finding>;
}

const RESULTS: Record<Verdict, TopicValidatorResult> = {
  accept: TopicValidatorResult.Accept,
  ignore: TopicValidatorResult.Ignore,
  reject: TopicValidatorResult.Reject,
};

const VERDICT_EVENTS = {
  accept: 'verdict-accept',
  ignore: 'verdict-ignore',
  reject: 'verdict-reject',
} as const satisfies Record<Verdict, string>;

export class Gossip {
  readonly #limits: NetworkLimits;
  readonly #deps: GossipDeps;

  constructor(limits: NetworkLimits, deps: GossipDeps) {
    this.#limits = limits;
    this.#deps = deps;
  }

  /** Subscribes; call after the node has started. */
  start(): void {
    const { topics, budget } = this.#deps;
    const shared = {
      places: new ValidationPlaces(this.#limits),
      refusal: (from: PeerKey) => (budget.takeMessage(from) ? undefined : 'gossip-flood'),
    } as const;
    this.#subscribe(topics.blocks, { ...shared, judge: this.#onPack });
    this.#subscribe(topics.milestones, { ...shared, judge: this.#onMilestone });
    // Places of its own: what packs take must never hold up votes.
    const { maxValidatingConsensus, maxValidatingConsensusPerPeer } = this.#limits;
    const places = new ValidationPlaces({
      maxValidating: maxValidatingConsensus,
      maxValidatingPerPeer: maxValidatingConsensusPerPeer,
    });
    const refusal = (from: PeerKey): Finding | undefined => budget.takeConsensus(from);
    this.#subscribe(topics.consensus, { places, refusal, judge: this.#onConsensus });
  }

  #subscribe(topic: string, court: Court): void {
    const { pubsub } = this.#deps;
    pubsub.topicValidators.set(
      topic,
      async (peer, message) => await this.#validate(peer, message, court),
    );
    pubsub.subscribe(topic);
  }

  /**
   * Peers that speak of the agreement. Others must not be asked about it: a node that does not know
   * the request takes it for an offence.
   */
  consensusPeers(): ReadonlySet<PeerKey> {
    const { pubsub, topics } = this.#deps;
    return new Set(pubsub.getSubscribers(topics.consensus).map((peer) => peer.toString()));
  }

  /** Peers that a pack would reach now: subscribed, and the stream to them is open. */
  subscribers(): PeerKey[] {
    return this.#reachable().map((peer) => peer.toString());
  }

  /**
   * True when somebody can take a pack now. gossipsub knows no back-pressure: what is published
   * faster than the peers read would break their streams. One slow peer alone does not hold us up.
   */
  canPublish(): boolean {
    const mostBytes = this.#limits.gossipBacklogBytes / 2;
    return this.#reachable().some(
      (peer) => gossipBacklog(this.#deps.connectionsOf(peer)) <= mostBytes,
    );
  }

  #reachable(): PeerId[] {
    const { pubsub, topics } = this.#deps;
    const open = outboundStreams(pubsub);
    return pubsub.getSubscribers(topics.blocks).filter((peer) => open.has(peer.toString()));
  }

  async publishPack(pack: Uint8Array, blocks: number): Promise<void> {
    if (!(await this.#publish(this.#deps.topics.blocks, pack))) return;
    this.#deps.metrics.count('pack-sent');
    this.#deps.metrics.count('block-sent', blocks);
  }

  async publishMilestone(bytes: Uint8Array): Promise<void> {
    if (!(await this.#publish(this.#deps.topics.milestones, bytes))) return;
    this.#deps.metrics.count('milestone-sent');
  }

  /** Says a message of the agreement for the `attempt`th time, from 0; see {@link addAttempt}. */
  async publishConsensus(message: Uint8Array, attempt: number): Promise<void> {
    const data = addAttempt(message, attempt);
    if (!(await this.#publish(this.#deps.topics.consensus, data))) return;
    this.#deps.metrics.count('consensus-sent');
  }

  async #publish(topic: string, data: Uint8Array): Promise<boolean> {
    try {
      await this.#deps.pubsub.publish(topic, data);
      this.#deps.metrics.gossipBytes('out', data.length);
      return true;
    } catch (error) {
      this.#deps.logger.debug(errorFields(error), 'gossip not published');
      return false;
    }
  }

  async #validate(peer: PeerId, message: Message, court: Court): Promise<TopicValidatorResult> {
    const from = peer.toString();
    this.#deps.metrics.gossipBytes('in', message.data.length);
    const finding = await this.#judgeBounded(message.data, from, court);
    const { verdict } = FINDINGS[finding];
    this.#deps.metrics.count(VERDICT_EVENTS[verdict]);
    if (verdict === 'reject') {
      const counters = this.#deps.counters(from);
      if (counters !== undefined) counters.rejected += 1;
      this.#deps.logger.debug({ peer: from, finding }, 'gossip rejected');
    }
    this.#deps.report(from, finding);
    return RESULTS[verdict];
  }

  /** Bounds what is under validation in all and per peer; never throws. */
  async #judgeBounded(
    data: Uint8Array,
    from: PeerKey,
    { places, refusal, judge }: Court,
  ): Promise<Finding> {
    if (!places.enter(from)) return 'overloaded';
    try {
      return refusal(from) ?? (await judge(data, from));
    } catch (error) {
      this.#deps.logger.debug({ peer: from, ...errorFields(error) }, 'gossip handler failed');
      return 'handler-failed';
    } finally {
      places.leave(from);
    }
  }

  readonly #onPack = async (data: Uint8Array, from: PeerKey): Promise<Finding> => {
    const pack = decodePack(data);
    if (!pack.ok) return 'pack-malformed';
    if (!this.#deps.budget.takeBlocks(from, pack.value.length)) return 'gossip-flood';
    this.#deps.metrics.count('pack-received');
    this.#deps.metrics.count('block-received', pack.value.length);
    const counters = this.#deps.counters(from);
    if (counters !== undefined) {
      counters.packsReceived += 1;
      counters.blocksReceived += pack.value.length;
    }
    return packFinding(await this.#deps.handlers.onPack(pack.value, from));
  };

  readonly #onMilestone = async (data: Uint8Array, from: PeerKey): Promise<Finding> => {
    if (data.length > MAX_MILESTONE_SIZE) return 'milestone-too-large';
    this.#deps.metrics.count('milestone-received');
    const counters = this.#deps.counters(from);
    if (counters !== undefined) counters.milestonesReceived += 1;
    return milestoneFinding(await this.#deps.handlers.onMilestone(data, from));
  };

  readonly #onConsensus = async (data: Uint8Array, from: PeerKey): Promise<Finding> => {
    const message = dropAttempt(data);
    if (!decodeConsensusMessage(message).ok) return 'consensus-malformed';
    this.#deps.metrics.count('consensus-received');
    return consensusFinding(await this.#deps.handlers.onConsensus(message, from));
  };
}

/**
 * gossipsub's streams by peer. Its public face does not tell whether it can send to a peer yet, and
 * what it publishes to a peer without a stream is lost without a word.
 */
function outboundStreams(pubsub: GossipSub): ReadonlyMap<PeerKey, unknown> {
  const { streamsOutbound } = pubsub as GossipSub & {
    readonly streamsOutbound?: ReadonlyMap<PeerKey, unknown>;
  };
  assert(streamsOutbound !== undefined, 'gossipsub tells its streams');
  return streamsOutbound;
}

/**
 * What is wrong with the gossip stream to a peer, if anything. A stream that broke because its
 * buffer was full, or whose connection of two was closed, is never reopened by gossipsub; the peer
 * is then connected and hears nothing.
 */
export function gossipFault(
  connections: readonly Connection[],
  maxBacklogBytes: number,
): 'muted' | 'lagging' | undefined {
  if (gossipStreams(connections).length === 0) return 'muted';
  return gossipBacklog(connections) > maxBacklogBytes ? 'lagging' : undefined;
}

/** Bytes of gossip that wait for a peer. */
export function gossipBacklog(connections: readonly Connection[]): number {
  return gossipStreams(connections).reduce((sum, stream) => sum + stream.writeBufferLength, 0);
}

function gossipStreams(connections: readonly Connection[]): Stream[] {
  return connections
    .flatMap((connection) => connection.streams)
    .filter((s) => s.direction === 'outbound' && s.protocol.startsWith('/meshsub/'));
}
