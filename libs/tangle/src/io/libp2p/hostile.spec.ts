/** Peers that mean to exhaust a node: its memory stays bounded, and others are served on. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, describe, expect, it } from '@jest/globals';
import { multiaddr } from '@multiformats/multiaddr';
import { gossipFault } from './gossip.ts';
import { dhtProtocol, gossipTopics, syncProtocol } from './message-id.ts';
import {
  acquainted,
  connected,
  eventCount,
  eventually,
  fakeBlock,
  NETWORK_ID,
  reaching,
  startBareNode,
  startNode,
  stopAll,
} from './testing/network-nodes.ts';
import type { TestNode } from './testing/network-nodes.ts';
import type { TangleLibp2p } from './create-node.ts';
import type { Stream } from './types.ts';

afterEach(stopAll);

const protocol = syncProtocol(NETWORK_ID);
const topics = gossipTopics(NETWORK_ID);
const MIB = 1 << 20;

/** A peer that speaks our protocol, sends STATUS, and otherwise does what the test says. */
async function startPeer(victim: TestNode): Promise<TangleLibp2p> {
  const bare = await startBareNode();
  await bare.handle(protocol, () => {});
  bare.services.pubsub.subscribe(topics.blocks);
  await bare.dial(multiaddr(victim.network.addresses()[0]));
  await eventually(() => gossipFault(bare.getConnections(), 1) === undefined);
  return bare;
}

async function open(bare: TangleLibp2p): Promise<Stream> {
  const [connection] = bare.getConnections();
  if (connection === undefined) throw new Error('not connected');
  return await connection.newStream(protocol);
}

async function turn(): Promise<void> {
  await new Promise((resolve) => {
    setTimeout(resolve, 1);
  });
}

/** Sends PING of the table of peers, each time with its length. */
async function pingUntilClosed(stream: Stream): Promise<void> {
  for (;;) {
    if (stream.writeStatus !== 'writable') return;
    stream.send(Uint8Array.of(2, 8, 5));
    await turn();
  }
}

/** Bytes in buffers, which is where what waits for peers lies, without what nobody holds. */
async function heldBytes(): Promise<number> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  for (let round = 0; round < 3; round += 1) {
    collect();
    await turn();
  }
  return process.memoryUsage().arrayBuffers;
}

describe('a node', () => {
  it('leaves a peer that reads nothing, and holds little for it until then', async () => {
    const victim = await startNode({ limits: { watchIntervalMs: 1_000 } });
    const bare = await startPeer(victim);
    await eventually(reaching(victim, 1));
    for (const stream of bare.getConnections().flatMap((one) => one.streams)) {
      if (stream.direction === 'inbound' && stream.protocol.startsWith('/meshsub/')) stream.pause();
    }
    const before = await heldBytes();
    const blocks = 2_000;
    const block = fakeBlock(30_000);
    for (let count = 1; count <= blocks; count += 1) {
      new DataView(block.buffer).setUint32(0, count);
      victim.network.publishBlock(block.slice());
      if (count % 16 === 0) await turn();
    }
    // The peer's own buffer, at most 4 MiB, is in this process too.
    expect((await heldBytes()) - before).toBeLessThan(32 * MIB);
    expect(eventCount(victim, 'block-sent')).toBeLessThan(blocks / 2);
    await eventually(() => eventCount(victim, 'peer-muted') > 0);
    await eventually(connected(victim, 0));
  });

  it('serves a peer while a crowd is connected and idle', async () => {
    const limits = { maxInbound: 4, guestMs: 300 };
    const victim = await startNode({ limits });
    const crowd = await Promise.all(Array.from({ length: 10 }, async () => await startBareNode()));
    for (const bare of crowd) {
      await bare.handle(protocol, () => {});
      await bare.dial(multiaddr(victim.network.addresses()[0])).catch(() => undefined);
    }
    const friend = await startNode();
    await victim.network.addPeer(friend.network.addresses()[0] ?? '');
    await eventually(acquainted(friend));
    const isIn = (bare: TangleLibp2p): boolean => bare.getConnections().length > 0;
    await eventually(() => crowd.filter(isIn).length <= 4);
    expect(victim.network.peers().map(({ id }) => id)).toContain(friend.network.key);
    expect(victim.network.peers().length).toBeLessThanOrEqual(5);
  });

  it('leaves a peer that sends a frame piece by piece and never ends it', async () => {
    const victim = await startNode({ limits: { peerSilenceMs: 500 } });
    const bare = await startPeer(victim);
    await eventually(connected(victim, 1));
    const stream = await open(bare);
    const drip = setInterval(() => {
      if (stream.status === 'open') stream.send(Uint8Array.of(0));
    }, 20);
    stream.send(Uint8Array.of(0, 0, 1, 0, 3));
    await eventually(() => eventCount(victim, 'peer-silent') === 1);
    clearInterval(drip);
    await eventually(connected(victim, 0));
    expect(eventCount(victim, 'frame-invalid')).toBe(0);
  });

  it('bans a peer that asks the table of peers without end', async () => {
    const discovery = { dht: 'server', privateAddresses: true } as const;
    const victim = await startNode({ discovery });
    const bare = await startPeer(victim);
    while (victim.network.bans().length === 0) {
      const [connection] = bare.getConnections();
      const stream = await connection?.newStream(dhtProtocol(NETWORK_ID)).catch(() => undefined);
      if (stream !== undefined) await pingUntilClosed(stream);
      await turn();
    }
    expect(victim.network.bans()).toMatchObject([{ finding: 'table-flood' }]);
  });

  it('takes no notice of topics that are not its own', async () => {
    const victim = await startNode();
    const bare = await startPeer(victim);
    for (let count = 0; count < 500; count += 1) bare.services.pubsub.subscribe(`topic ${count}`);
    const sender = await startNode({ peers: victim.network.addresses() });
    await eventually(reaching(sender, 1));
    sender.network.publishBlock(fakeBlock());
    await eventually(() => victim.packs.length === 1);
    expect(victim.network.peers().map(({ id }) => id)).toContain(sender.network.key);
  });

  it('goes on when a peer sends what is no message of gossip', async () => {
    const victim = await startNode();
    const bare = await startPeer(victim);
    const gossip = bare
      .getConnections()
      .flatMap((one) => one.streams)
      .find((one) => one.direction === 'outbound' && one.protocol.startsWith('/meshsub/'));
    // A length beyond the limit, then bytes that no decoder takes.
    gossip?.send(Uint8Array.of(0xff, 0xff, 0xff, 0x7f));
    gossip?.send(new Uint8Array(100_000).fill(0xff));
    const sender = await startNode({ peers: victim.network.addresses() });
    await eventually(reaching(sender, 1));
    sender.network.publishBlock(fakeBlock());
    await eventually(() => victim.packs.length === 1);
    expect(victim.packs[0]?.from).toBe(sender.network.key);
  });
});
