/** Who is let in, kept and dialled: real networks on 127.0.0.1. */
import { readFile, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { generateKeyPair } from '@libp2p/crypto/keys';
import { multiaddr } from '@multiformats/multiaddr';
import { SILENT_LOGGER } from '../logger.ts';
import { until } from '../testing/until.ts';
import { TangleNetwork } from './network.ts';
import { peerKeyText } from './peer-key.ts';
import {
  acquainted,
  connected,
  eventCount,
  fakeBlock,
  NETWORK_ID,
  startBareNode,
  startNode,
  stateFile,
  stopAll,
} from './testing/network-nodes.ts';
import {
  addressOf,
  isListening,
  openStream,
  portOf,
  startIdler,
  startNeighbour,
  SYNC_PROTOCOL,
} from './testing/peers.ts';
import type { NetworkHandlers } from './types.ts';

const sockets: Socket[] = [];

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await stopAll();
});

/** Of a network that has nothing to tell. */
const NO_HANDLERS: NetworkHandlers = {
  onPack: () => Promise.resolve('ignore'),
  onMilestone: () => Promise.resolve('ignore'),
  onConsensus: () => Promise.resolve('ignore'),
  getBlocks: () => Promise.resolve([]),
  getMilestones: () => Promise.resolve([]),
  getCone: () => Promise.resolve([]),
  getCones: () => Promise.resolve({ cones: [], isTooLarge: false }),
  getConsensus: () => Promise.resolve([]),
  status: () => ({ solidIndex: 0, latestIndex: 0, prunedIndex: 0, peers: 0 }),
};

describe('bans', () => {
  it('keep a peer out until they end, and let it in after', async () => {
    const victim = await startNode();
    const peer = await startNode({ peers: victim.network.addresses() });
    await until(acquainted(victim, peer));
    await victim.network.ban(peer.network.key, 3_600_000);
    await until(connected(victim, 0));
    const refused = eventCount(victim, 'connection-refused');
    await until(() => eventCount(victim, 'connection-refused') > refused + 1);
    expect(victim.network.peers()).toEqual([]);
    expect(victim.network.bans()).toMatchObject([{ id: peer.network.key, finding: 'operator' }]);
    expect(await victim.network.unban(peer.network.key)).toBe(true);
    await until(acquainted(victim, peer));
    expect(victim.network.bans()).toEqual([]);
    await victim.network.ban(peer.network.key, 300);
    await until(connected(victim, 0));
    await until(connected(victim, 1));
    expect(await victim.network.unban(peer.network.key)).toBe(false);
  });

  it('survive a restart', async () => {
    const file = await stateFile();
    const privateKey = await generateKeyPair('Ed25519');
    const before = await startNode({ stateFile: file, privateKey });
    const peer = await startNode();
    await before.network.ban(peer.network.key, 3_600_000);
    const bans = before.network.bans();
    await before.network.stop();
    const after = await startNode({ stateFile: file, privateKey });
    expect(after.network.bans()).toMatchObject([{ id: peer.network.key }]);
    expect(
      Math.abs((after.network.bans()[0]?.untilMs ?? 0) - (bans[0]?.untilMs ?? 0)),
    ).toBeLessThan(60_000);
    await peer.network.addPeer(addressOf(after));
    await until(() => eventCount(after, 'connection-refused') > 0);
    expect(after.network.peers()).toEqual([]);
  });
});

describe('peers added at run time', () => {
  it('are dialled at once, are dialled again after a restart, and can be removed', async () => {
    const file = await stateFile();
    const peer = await startNode();
    const before = await startNode({ stateFile: file });
    await before.network.addPeer(addressOf(peer));
    await until(acquainted(before, peer));
    expect(before.network.peers()[0]).toMatchObject({ static: true, transport: 'tcp' });
    await before.network.stop();
    const after = await startNode({ stateFile: file });
    await until(acquainted(after, peer));
    expect(await after.network.removePeer(peer.network.key)).toBe(true);
    await until(connected(after, 0));
    expect(await after.network.removePeer(peer.network.key)).toBe(false);
    const written: unknown = JSON.parse(await readFile(file, 'utf8'));
    expect(written).toMatchObject({ version: 1, added: [] });
  });

  it('address-invalid', async () => {
    const node = await startNode();
    for (const address of ['', 'node.example', '/ip4/127.0.0.1/tcp/1', '/ip4/1/tcp/1/p2p/x']) {
      await expect(node.network.addPeer(address)).rejects.toMatchObject({
        code: 'address-invalid',
      });
    }
  });

  it('state-unwritable: the peer is added, and its bans hold, until the next start', async () => {
    const file = await stateFile();
    const peer = await startNode();
    const node = await startNode({ stateFile: join(file, 'no-folder', 'peers.json') });
    const failure = { code: 'state-unwritable' };
    await expect(node.network.addPeer(addressOf(peer))).rejects.toMatchObject(failure);
    await until(acquainted(node, peer));
    await expect(node.network.ban(peer.network.key, 60_000)).rejects.toMatchObject(failure);
    await until(connected(node, 0));
    await node.network.stop();
  });

  it.each([
    ['no JSON', '{'],
    ['more than its bound', ' '.repeat((4 << 20) + 1)],
    ['torn text', '{"version":1,"networkId":"0123456789abcdef","added":['],
    [
      'too many peers',
      JSON.stringify({
        version: 1,
        networkId: '0123456789abcdef',
        added: Array.from({ length: 257 }, () => '/ip4/127.0.0.1/tcp/1'),
        bans: [],
        known: [],
      }),
    ],
    [
      'peers that are none',
      JSON.stringify({
        version: 1,
        networkId: '0123456789abcdef',
        added: ['', '/ip4/127.0.0.1', '/ip4/127.0.0.1/tcp/1/p2p/none'],
        bans: [],
        known: [{ id: 'none', addresses: ['/ip4/127.0.0.1/tcp/1', 'x'], lastSeenMs: 1 }],
      }),
    ],
    ['another form', '{"version":1}'],
    [
      'another network',
      '{"version":1,"networkId":"0000000000000001","added":[],"bans":[],"known":[]}',
    ],
  ])('starts with a file that holds %s', async (_name, text) => {
    const file = await stateFile();
    await writeFile(file, text);
    const node = await startNode({ stateFile: file });
    expect(node.network.bans()).toEqual([]);
    await node.network.ban('12D3KooWPeer', 60_000);
    expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({
      networkId: '0123456789abcdef',
      bans: [{ id: '12D3KooWPeer', finding: 'operator' }],
    });
  });
});

describe('start and stop', () => {
  it('a second start and a second stop wait for the first and do nothing', async () => {
    const node = await startNode();
    const { network } = node;
    const [address] = network.addresses();
    await Promise.all([network.start(), network.start()]);
    expect(network.addresses()).toEqual([address]);
    await Promise.all([network.stop(), network.stop()]);
    expect(network.addresses()).toEqual([]);
    await Promise.all([network.start(), network.start()]);
    expect(network.addresses()).toHaveLength(1);
  });

  it('a stop during the start leaves nothing behind', async () => {
    const peer = await startNode();
    const node = await startNode({ peers: peer.network.addresses() });
    await until(acquainted(node, peer));
    await node.network.stop();
    await until(connected(peer, 0));
    const started = node.network.start();
    await node.network.stop();
    await started;
    expect(node.network.addresses()).toEqual([]);
    await until(connected(peer, 0));
    expect(await isListening(portOf(peer))).toBe(true);
  });

  it('starts although a static peer hangs, and stops while it is dialled', async () => {
    // Accepts the connection and never says a word.
    const mute = createServer((socket) => void socket.resume().on('error', () => undefined));
    await new Promise<void>((resolve) => {
      mute.listen(0, '127.0.0.1', resolve);
    });
    const { port } = mute.address() as AddressInfo;
    const key = peerKeyText(await generateKeyPair('Ed25519'));
    const node = await startNode({ peers: [`/ip4/127.0.0.1/tcp/${port}/p2p/${key}`] });
    await until(() => eventCount(node, 'dial-started') === 1);
    await node.network.stop();
    expect(eventCount(node, 'dial-failed')).toBe(1);
    await new Promise((resolve) => {
      mute.close(resolve);
    });
  });

  it('fails on a port that is taken, and starts when it is free', async () => {
    const holder = createServer();
    await new Promise<void>((resolve) => {
      holder.listen(0, '127.0.0.1', resolve);
    });
    const { port } = holder.address() as AddressInfo;
    const node = await startNode();
    const other = new TangleNetwork(
      {
        networkId: NETWORK_ID,
        listen: [`/ip4/127.0.0.1/tcp/${port}`],
        peers: node.network.addresses(),
        privateKey: await generateKeyPair('Ed25519'),
      },
      NO_HANDLERS,
      { logger: SILENT_LOGGER },
    );
    await expect(other.start()).rejects.toThrow(`${port}`);
    expect(other.addresses()).toEqual([]);
    await new Promise((resolve) => {
      holder.close(resolve);
    });
    await other.start();
    expect(other.addresses()).toHaveLength(1);
    await other.stop();
  });
});

describe('static peers', () => {
  it('are dialled again after a long absence', async () => {
    const privateKey = await generateKeyPair('Ed25519');
    const before = await startNode({ privateKey });
    const listen = [`/ip4/127.0.0.1/tcp/${portOf(before)}`];
    const faithful = await startNode({ peers: before.network.addresses() });
    await until(acquainted(faithful, before));
    await before.network.stop();
    await until(() => eventCount(faithful, 'dial-failed') >= 5);
    expect(faithful.network.peers()).toEqual([]);
    const after = await startNode({ privateKey, listen });
    await until(acquainted(faithful, after));
  });

  it('are redialled when they are connected and say nothing', async () => {
    const privateKey = await generateKeyPair('Ed25519');
    const bare = await startBareNode(privateKey);
    await bare.handle(SYNC_PROTOCOL, () => {});
    const limits = { peerSilenceMs: 300 };
    const node = await startNode({ peers: bare.getMultiaddrs().map(String), limits });
    await until(() => eventCount(node, 'peer-silent') >= 2);
    expect(eventCount(node, 'dial-started')).toBeGreaterThanOrEqual(2);
  });

  it('keep their place when all others are taken', async () => {
    const statics = await startNode();
    const keyOfFriend = await generateKeyPair('Ed25519');
    const limits = { maxInbound: 1, maxPeers: 0, guestMs: 200 };
    // The friend listens nowhere yet: it will dial us, and is static by its key.
    const friendAddress = `/ip4/127.0.0.1/tcp/1/p2p/${peerKeyText(keyOfFriend)}`;
    const peers = [...statics.network.addresses(), friendAddress];
    const node = await startNode({ peers, limits });
    await until(acquainted(node));
    const first = await startNode({ peers: node.network.addresses() });
    await until(acquainted(first));
    const guests = [await startIdler(node), await startIdler(node)];
    const friend = await startNode({ privateKey: keyOfFriend, peers: node.network.addresses() });
    await until(acquainted(friend));
    await until(() => guests.every((guest) => guest.getConnections().length === 0));
    expect(eventCount(node, 'peer-surplus')).toBeGreaterThanOrEqual(2);
    expect(new Set(node.network.peers().map(({ id }) => id))).toEqual(
      new Set([statics, first, friend].map(({ network }) => network.key)),
    );
  });
});

describe('foreign peers', () => {
  it('take no place and get no session', async () => {
    const victim = await startNode();
    // A libp2p node that speaks gossipsub and identify, as thousands do, and nothing of ours.
    const bare = await startBareNode();
    await bare.dial(multiaddr(addressOf(victim)));
    await until(() => eventCount(victim, 'peer-foreign') === 1);
    await until(() => bare.getConnections().length === 0);
    expect(victim.network.peers()).toEqual([]);
  });

  it('are closed when they never say what they are', async () => {
    const victim = await startNode({ limits: { identifyTimeoutMs: 300 } });
    const bare = await startBareNode();
    await bare.unhandle('/ipfs/id/1.0.0');
    await bare.dial(multiaddr(addressOf(victim)));
    await until(() => eventCount(victim, 'peer-foreign') === 1);
    await until(() => bare.getConnections().length === 0);
    expect(victim.network.peers()).toEqual([]);
  });
});

describe('hostile peers', () => {
  it('a crowd of half-open handshakes does not keep a peer out', async () => {
    const victim = await startNode();
    for (let count = 0; count < 30; count += 1) {
      const socket = connect(portOf(victim), '127.0.0.1');
      socket.on('error', () => undefined);
      sockets.push(socket);
    }
    const peer = await startNode({ peers: victim.network.addresses() });
    await until(acquainted(victim, peer));
    expect(victim.network.peers()).toHaveLength(1);
  });

  it('sockets that say nothing do not stay at the door for browsers', async () => {
    const listen = ['/ip4/127.0.0.1/tcp/0/ws'];
    const victim = await startNode({ listen, limits: { identifyTimeoutMs: 300 } });
    let closed = 0;
    for (const bytes of ['', 'GET / HTTP/1.1\r\nHost: a\r\n']) {
      const socket = connect(portOf(victim), '127.0.0.1');
      sockets.push(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        closed += 1;
      });
      socket.resume();
      if (bytes !== '') socket.write(bytes);
    }
    await until(() => closed === 2);
    const peer = await startNode({ peers: victim.network.addresses() });
    await until(acquainted(victim, peer));
    const sinceMs = victim.network.peers()[0]?.connectedMs ?? 0;
    await until(() => Date.now() - sinceMs > 600);
    const [kept] = victim.network.peers();
    expect(kept).toMatchObject({ transport: 'websocket', connectedMs: sinceMs });
  });

  it('a peer that opens streams in a loop is banned', async () => {
    const victim = await startNode();
    const bare = await startIdler(victim);
    await until(connected(victim, 1));
    await until(async () => {
      for (let opened = 0; opened < 100; opened += 1) {
        const stream = await openStream(bare).catch(() => undefined);
        stream?.abort(new Error('again'));
        if (bare.getConnections().length === 0) return true;
      }
      return false;
    });
    expect(victim.network.bans()).toMatchObject([{ finding: 'stream-flood' }]);
  });

  it('a peer that sends more gossip than its budget is banned', async () => {
    const limits = { gossipBytesPerSecond: 20_000, gossipMessagesPerSecond: 1 };
    const victim = await startNode({ limits });
    const flooder = await startNeighbour(victim);
    await until(() => {
      flooder.network.publishBlock(fakeBlock(30_000));
      return victim.network.bans().length > 0;
    });
    expect(victim.packs.length).toBeLessThan(10);
    expect(victim.wireBytes).toBeGreaterThan(80_000);
  });
});
