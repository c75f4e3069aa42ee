/** Peers that mean to exhaust a node: its memory stays bounded, and others are served on. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, describe, expect, it } from '@jest/globals';
import { until } from '../testing/until.ts';
import { dhtProtocol } from './message-id.ts';
import {
  acquainted,
  connected,
  eventCount,
  fakeBlock,
  NETWORK_ID,
  reaching,
  startBareNode,
  startNode,
  stopAll,
} from './testing/network-nodes.ts';
import { meet, openStream, startGossiper, startNeighbour } from './testing/peers.ts';
import type { TangleLibp2p } from './create-node.ts';
import type { Stream } from './types.ts';

afterEach(stopAll);

const MIB = 1 << 20;

async function turn(): Promise<void> {
  await new Promise((resolve) => {
    setTimeout(resolve, 1);
  });
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
    // The peer also says nothing: it is to be left for what it does not read, however long the
    // flood below takes.
    const victim = await startNode({ limits: { watchIntervalMs: 1_000, peerSilenceMs: 600_000 } });
    const bare = await startGossiper(victim);
    await until(reaching(victim, 1));
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
    await until(() => eventCount(victim, 'peer-muted') > 0);
    await until(connected(victim, 0));
  });

  it('serves a peer while a crowd is connected and idle', async () => {
    const limits = { maxInbound: 4, guestMs: 300 };
    const victim = await startNode({ limits });
    const crowd = await Promise.all(Array.from({ length: 10 }, async () => await startBareNode()));
    for (const bare of crowd) await meet(bare, victim).catch(() => undefined);
    const friend = await startNode();
    await victim.network.addPeer(friend.network.addresses()[0] ?? '');
    await until(acquainted(friend));
    const isIn = (bare: TangleLibp2p): boolean => bare.getConnections().length > 0;
    await until(() => crowd.filter(isIn).length <= 4);
    expect(victim.network.peers().map(({ id }) => id)).toContain(friend.network.key);
    expect(victim.network.peers().length).toBeLessThanOrEqual(5);
  });

  it('leaves a peer that sends a frame piece by piece and never ends it', async () => {
    const victim = await startNode({ limits: { peerSilenceMs: 500 } });
    const bare = await startGossiper(victim);
    await until(connected(victim, 1));
    const stream = await openStream(bare);
    const drip = setInterval(() => {
      if (stream.status === 'open') stream.send(Uint8Array.of(0));
    }, 20);
    try {
      stream.send(Uint8Array.of(0, 0, 1, 0, 3));
      await until(() => eventCount(victim, 'peer-silent') === 1);
    } finally {
      clearInterval(drip);
    }
    await until(connected(victim, 0));
    expect(eventCount(victim, 'frame-invalid')).toBe(0);
  });

  it('bans a peer that asks the table of peers without end', async () => {
    const discovery = { dht: 'server', privateAddresses: true } as const;
    const victim = await startNode({ discovery });
    const bare = await startGossiper(victim);
    // PING of the table of peers, with its length.
    const ping = Uint8Array.of(2, 8, 5);
    let stream: Stream | undefined;
    await until(async () => {
      if (stream?.writeStatus !== 'writable') {
        const [connection] = bare.getConnections();
        stream = await connection?.newStream(dhtProtocol(NETWORK_ID)).catch(() => undefined);
      }
      for (let count = 0; count < 10; count += 1) {
        if (stream?.writeStatus === 'writable') stream.send(ping);
        await turn();
      }
      return victim.network.bans().length > 0;
    });
    expect(victim.network.bans()).toMatchObject([{ finding: 'table-flood' }]);
  });

  it('takes no notice of topics that are not its own', async () => {
    const victim = await startNode();
    const bare = await startGossiper(victim);
    for (let count = 0; count < 500; count += 1) bare.services.pubsub.subscribe(`topic ${count}`);
    const sender = await startNeighbour(victim);
    sender.network.publishBlock(fakeBlock());
    await until(() => victim.packs.length === 1);
    expect(victim.network.peers().map(({ id }) => id)).toContain(sender.network.key);
  });

  it('goes on when a peer sends what is no message of gossip', async () => {
    const victim = await startNode();
    const bare = await startGossiper(victim);
    const gossip = bare
      .getConnections()
      .flatMap((one) => one.streams)
      .find((one) => one.direction === 'outbound' && one.protocol.startsWith('/meshsub/'));
    // A length beyond the limit, then bytes that no decoder takes.
    gossip?.send(Uint8Array.of(0xff, 0xff, 0xff, 0x7f));
    gossip?.send(new Uint8Array(100_000).fill(0xff));
    const sender = await startNeighbour(victim);
    sender.network.publishBlock(fakeBlock());
    await until(() => victim.packs.length === 1);
    expect(victim.packs[0]?.from).toBe(sender.network.key);
  });
});
