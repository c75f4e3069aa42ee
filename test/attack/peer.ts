/**
 * A peer with raw access: it speaks a node's protocols through bare libp2p, so that it can send
 * what a node of ours never would. Its key is fresh, so that a ban of one is no ban of the next.
 * Spec of what it speaks and breaks: docs/spec/07-gossip.md.
 */
import { gossipsub, type GossipSub } from '@libp2p/gossipsub';
import { identify, type Identify } from '@libp2p/identify';
import { noise } from '@libp2p/noise';
import { tcp } from '@libp2p/tcp';
import { tls } from '@libp2p/tls';
import { yamux } from '@libp2p/yamux';
import { multiaddr } from '@multiformats/multiaddr';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import {
  decodeFrame,
  encodeFrame,
  FRAME_LENGTH_BYTES,
  type Frame,
  type SyncStatus,
} from '@tanglemail/tangle/core/codec/frame.ts';
import {
  createMessageIds,
  gossipTopics,
  syncProtocol,
  type GossipTopics,
} from '@tanglemail/tangle/io/libp2p/message-id.ts';
import { createLibp2p, type Libp2p } from 'libp2p';
import { setTimeout as sleep } from 'node:timers/promises';
import { Uint8ArrayList } from 'uint8arraylist';
import { loopbackPeer, type Target } from './target.ts';

type Services = { identify: Identify; pubsub: GossipSub };
type Connection = ReturnType<Libp2p['getConnections']>[number];
export type Stream = Connection['streams'][number];

export interface PeerBehaviour {
  /** What it says of itself; absent: it says nothing at all. */
  readonly status?: () => SyncStatus;
  /** What it does with a request; without it no request is ever answered. */
  readonly onRequest?: (frame: Frame, stream: Stream) => void;
  /** Whether it takes part in gossip; default true. */
  readonly gossips?: boolean;
}

const STATUS_INTERVAL_MS = 2_000;
const READY_TIMEOUT_MS = 10_000;
const POLL_MS = 20;
/** Gossip that may wait for the victim before the attacker waits too. */
const MAX_BACKLOG_BYTES = 2 << 20;

export class AttackPeer {
  /** Resolves when the victim has ended the connection. */
  readonly disconnected: Promise<void>;
  readonly topics: GossipTopics;
  readonly protocol: string;
  readonly #node: Libp2p<Services>;
  readonly #behaviour: PeerBehaviour;
  #isOut = false;
  #timer: NodeJS.Timeout | undefined;

  private constructor(node: Libp2p<Services>, networkId: bigint, behaviour: PeerBehaviour) {
    this.#node = node;
    this.#behaviour = behaviour;
    this.topics = gossipTopics(networkId);
    this.protocol = syncProtocol(networkId);
    this.disconnected = new Promise((resolve) => {
      node.addEventListener('peer:disconnect', () => {
        this.#isOut = true;
        resolve();
      });
    });
  }

  /** Connects to one node; throws when it does not let the peer in. */
  static async connect(
    { networkId }: Pick<Target, 'networkId'>,
    address: string,
    behaviour: PeerBehaviour = {},
  ): Promise<AttackPeer> {
    const node = await createBareNode(networkId);
    const peer = new AttackPeer(node, networkId, behaviour);
    try {
      await node.start();
      // A peer that takes no requests is left at once: it looks like one of us until it speaks.
      await node.handle(peer.protocol, (stream) => peer.#serve(stream), { maxInboundStreams: 8 });
      await node.dial(multiaddr(loopbackPeer(address)));
      if (behaviour.gossips !== false) await peer.#joinGossip();
      if (behaviour.status !== undefined) await peer.#announce();
    } catch (error) {
      await peer.stop();
      throw error;
    }
    return peer;
  }

  get id(): string {
    return this.#node.peerId.toString();
  }

  get isOut(): boolean {
    return this.#isOut;
  }

  /** Publishes once the victim has read enough of what was published before. */
  async publish(topic: keyof GossipTopics, data: Uint8Array): Promise<void> {
    const deadline = performance.now() + READY_TIMEOUT_MS;
    while (!this.#isOut && this.#backlog() > MAX_BACKLOG_BYTES && performance.now() < deadline) {
      await sleep(POLL_MS);
    }
    if (this.#isOut) throw new Error('the victim has hung up');
    await this.#node.services.pubsub.publish(this.topics[topic], data);
  }

  /** A stream of our own to the victim, on the request protocol or another one. */
  async openStream(protocol = this.protocol): Promise<Stream> {
    const [connection] = this.#node.getConnections();
    if (connection === undefined) throw new Error('the victim has hung up');
    return await connection.newStream(protocol);
  }

  /** Whether the victim lets this peer in again. */
  async canComeBack(address: string): Promise<boolean> {
    try {
      const connection = await this.#node.dial(multiaddr(loopbackPeer(address)));
      await connection.newStream(this.protocol);
      return true;
    } catch {
      return false;
    }
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#node.stop();
  }

  #backlog(): number {
    const streams = this.#node.getConnections().flatMap((connection) => connection.streams);
    const ours = streams.filter((one) => one.protocol.startsWith('/meshsub/'));
    return ours.reduce((sum, stream) => sum + stream.writeBufferLength, 0);
  }

  async #joinGossip(): Promise<void> {
    const { pubsub } = this.#node.services;
    for (const topic of Object.values(this.topics)) pubsub.subscribe(topic);
    const deadline = performance.now() + READY_TIMEOUT_MS;
    const { streamsOutbound } = pubsub as GossipSub & { streamsOutbound: Map<string, unknown> };
    while (pubsub.getSubscribers(this.topics.blocks).length === 0 || streamsOutbound.size === 0) {
      if (this.#isOut || performance.now() > deadline) throw new Error('the victim gossips not');
      await sleep(POLL_MS);
    }
  }

  /** Tells the status on a stream of our own, as long as the stream lives. */
  async #announce(): Promise<void> {
    const stream = await this.openStream();
    const tell = (): void => {
      const status = this.#behaviour.status?.();
      if (status === undefined || stream.writeStatus !== 'writable') return;
      stream.send(encodeFrame({ type: 'status', status }));
    };
    tell();
    this.#timer = setInterval(tell, STATUS_INTERVAL_MS);
  }

  /** Reads the victim's requests, or leaves them lying when there is no answer to them. */
  #serve(stream: Stream): void {
    const { onRequest } = this.#behaviour;
    if (onRequest === undefined) return;
    const received = new Uint8ArrayList();
    stream.addEventListener('message', ({ data }) => {
      received.append(data);
      while (received.byteLength >= FRAME_LENGTH_BYTES) {
        const length = received.getUint32(0, true);
        if (received.byteLength < FRAME_LENGTH_BYTES + length) return;
        received.consume(FRAME_LENGTH_BYTES);
        const frame = decodeFrame(received.slice(0, length));
        received.consume(length);
        if (frame.ok) onRequest(frame.value, stream);
      }
    });
  }
}

async function createBareNode(networkId: bigint): Promise<Libp2p<Services>> {
  const topics = gossipTopics(networkId);
  const ids = await createMessageIds(topics, nobleHasher, 1n);
  return await createLibp2p<Services>({
    start: false,
    transports: [tcp()],
    connectionEncrypters: [tls(), noise()],
    streamMuxers: [yamux()],
    connectionMonitor: { enabled: false },
    services: {
      identify: identify(),
      pubsub: gossipsub({
        globalSignaturePolicy: 'StrictNoSign',
        emitSelf: false,
        allowPublishToZeroTopicPeers: true,
        ignoreDuplicatePublishError: true,
        floodPublish: true,
        batchPublish: true,
        msgIdFn: (message) => ids.full(message.topic, message.data),
        // Forgets at once what it published, so that it can publish it again.
        seenTTL: 1,
        scoreThresholds: { gossipThreshold: -1e9, publishThreshold: -1e9, graylistThreshold: -1e9 },
      }),
    },
  });
}
