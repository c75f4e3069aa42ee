/**
 * A libp2p peer that speaks a node's protocols and means no good: packs, milestones and frames that
 * are no such thing. Its key is fresh, so that a ban of one is no ban of the next.
 */
import { generateKeyPair } from '@libp2p/crypto/keys';
import { multiaddr } from '@multiformats/multiaddr';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import { createNode, type TangleLibp2p } from '@tanglemail/tangle/io/libp2p/create-node.ts';
import {
  createMessageIds,
  gossipTopics,
  syncProtocol,
  type GossipTopics,
} from '@tanglemail/tangle/io/libp2p/message-id.ts';
import { DEFAULT_LIMITS } from '@tanglemail/tangle/io/libp2p/types.ts';
import { NodeClient } from '@tanglemail/tangle/io/node-client/node-client.ts';
import type { Chance } from './chance.ts';
import type { Victim } from './small-market.ts';

const LISTEN = ['/ip4/127.0.0.1/tcp/0'];
const PAUSE_MS = 20;

export class HostilePeer {
  /** Resolves when the victim has ended the connection. */
  readonly disconnected: Promise<void>;
  readonly #node: TangleLibp2p;
  readonly #topics: GossipTopics;
  readonly #protocol: string;
  #isOut = false;

  private constructor(node: TangleLibp2p, networkId: bigint) {
    this.#node = node;
    this.#topics = gossipTopics(networkId);
    this.#protocol = syncProtocol(networkId);
    this.disconnected = new Promise((resolve) => {
      node.addEventListener('peer:disconnect', () => {
        this.#isOut = true;
        resolve();
      });
    });
  }

  /** Where the node listens for peers, and its network. */
  static async victimOf({ url, ports }: Victim): Promise<{ address: string; networkId: bigint }> {
    const { networkId } = await new NodeClient({ baseUrl: url }).info();
    return { address: `/ip4/127.0.0.1/tcp/${ports.gossip}`, networkId: BigInt(networkId) };
  }

  static async connect(address: string, networkId: bigint): Promise<HostilePeer> {
    const topics = gossipTopics(networkId);
    const node = await createNode(
      { networkId, listen: LISTEN, peers: [], privateKey: await generateKeyPair('Ed25519') },
      {
        topics,
        messageIds: await createMessageIds(topics, nobleHasher, 1n),
        limits: DEFAULT_LIMITS,
        points: () => 0,
      },
    );
    const peer = new HostilePeer(node, networkId);
    await node.start();
    // A peer that takes no requests is left at once: it looks like one of us until it speaks.
    await node.handle(syncProtocol(networkId), () => undefined, { maxInboundStreams: 8 });
    await node.dial(multiaddr(address));
    return peer;
  }

  /** Sends garbage of one kind until the victim hangs up. */
  async attack(kind: 'packs' | 'milestones' | 'frames', chance: Chance): Promise<void> {
    while (!this.#isOut) {
      const bytes = Uint8Array.from({ length: chance.integer(1, 500) }, () =>
        chance.integer(0, 255),
      );
      if (kind === 'frames') await this.#sendFrame(bytes).catch(() => undefined);
      else await this.#publish(this.#topics[kind === 'packs' ? 'blocks' : 'milestones'], bytes);
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }

  /** Whether the victim still lets this peer in. */
  async canComeBack(address: string): Promise<boolean> {
    try {
      const connection = await this.#node.dial(multiaddr(address));
      await connection.newStream(this.#protocol);
      return true;
    } catch {
      return false;
    }
  }

  async stop(): Promise<void> {
    await this.#node.stop();
  }

  async #publish(topic: string, bytes: Uint8Array): Promise<void> {
    this.#node.services.pubsub.subscribe(topic);
    await this.#node.services.pubsub.publish(topic, bytes).catch(() => undefined);
  }

  async #sendFrame(bytes: Uint8Array): Promise<void> {
    const [connection] = this.#node.getConnections();
    if (connection === undefined) return;
    const stream = await connection.newStream(this.#protocol);
    stream.send(bytes);
  }
}
