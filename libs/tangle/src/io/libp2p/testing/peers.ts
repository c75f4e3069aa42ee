/** For the specs of this folder: peers of a node under test, each ready when its start ends. */
import { connect } from 'node:net';
import { multiaddr } from '@multiformats/multiaddr';
import { until } from '../../testing/until.ts';
import type { TangleLibp2p } from '../create-node.ts';
import { gossipFault } from '../gossip.ts';
import { gossipTopics, syncProtocol } from '../message-id.ts';
import type { Stream } from '../types.ts';
import { NETWORK_ID, reaching, startBareNode, startNode, type TestNode } from './network-nodes.ts';

export const SYNC_PROTOCOL = syncProtocol(NETWORK_ID);
export const TOPICS = gossipTopics(NETWORK_ID);

export function addressOf(node: TestNode): string {
  const [address] = node.network.addresses();
  if (address === undefined) throw new Error('listens nowhere');
  return address;
}

export function portOf(node: TestNode): number {
  return Number(/\/tcp\/(\d+)/.exec(addressOf(node))?.[1]);
}

/** Whether anybody takes connections at a port of 127.0.0.1. */
export async function isListening(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}

/** A node whose blocks reach `node`, to which alone it is connected. */
export async function startNeighbour(node: TestNode): Promise<TestNode> {
  const neighbour = await startNode({ peers: node.network.addresses() });
  await until(reaching(neighbour, 1));
  return neighbour;
}

/** Has a bare node take the streams of our protocol, say nothing on them, and dial `node`. */
export async function meet(bare: TangleLibp2p, node: TestNode): Promise<void> {
  await bare.handle(SYNC_PROTOCOL, () => {});
  await bare.dial(multiaddr(addressOf(node)));
}

/** A peer of `node` that does nothing but speak its protocol. */
export async function startIdler(node: TestNode): Promise<TangleLibp2p> {
  const bare = await startBareNode();
  await meet(bare, node);
  return bare;
}

/** An idler that `node` takes for a peer of its gossip, and that can publish to it. */
export async function startGossiper(node: TestNode): Promise<TangleLibp2p> {
  const bare = await startBareNode();
  const { pubsub } = bare.services;
  for (const topic of Object.values(TOPICS)) pubsub.subscribe(topic);
  await meet(bare, node);
  await until(() => gossipFault(bare.getConnections(), 1) === undefined);
  await until(() => pubsub.getSubscribers(TOPICS.blocks).length === 1);
  return bare;
}

/** A stream of our protocol to the node that a bare one has dialled. */
export async function openStream(bare: TangleLibp2p): Promise<Stream> {
  const [connection] = bare.getConnections();
  if (connection === undefined) throw new Error('not connected');
  return await connection.newStream(SYNC_PROTOCOL);
}
