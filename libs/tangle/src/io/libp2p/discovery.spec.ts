/** How nodes find and reach one another, on 127.0.0.1: table of peers, transports, relays. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from '@jest/globals';
import { generateKeyPair } from '@libp2p/crypto/keys';
import { multiaddr } from '@multiformats/multiaddr';
import type { LogFields } from '../logger.ts';
import { SILENT_LOGGER } from '../logger.ts';
import { until } from '../testing/until.ts';
import { addressGroup, isPrivateAddress, neighbourhood, transportOf } from './addresses.ts';
import { mdnsTag } from './message-id.ts';
import {
  acquainted,
  connected,
  eventCount,
  fakeBlock,
  NETWORK_ID,
  reaching,
  startNode,
  stateFile,
  stopAll,
} from './testing/network-nodes.ts';
import type { TestNode } from './testing/network-nodes.ts';
import { createTransports } from './transports.ts';
import type { DiscoveryOptions } from './types.ts';

const run = promisify(execFile);

afterEach(stopAll);

const TABLE: Partial<DiscoveryOptions> = { dht: 'server', privateAddresses: true };

function peersOf(node: TestNode): string[] {
  return node.network.peers().map(({ id }) => id);
}

function isConnectedTo(node: TestNode, other: TestNode): () => boolean {
  return () => peersOf(node).includes(other.network.key);
}

/** Both hear what the other publishes. */
async function expectGossip(left: TestNode, right: TestNode): Promise<void> {
  await until(acquainted(left, right));
  await until(() => reaching(left, 1)() && reaching(right, 1)());
  const blocks = [fakeBlock(), fakeBlock()] as const;
  left.network.publishBlock(blocks[0]);
  right.network.publishBlock(blocks[1]);
  await until(() => left.packs.length > 0 && right.packs.length > 0);
  expect(right.packs[0]?.blocks).toEqual([blocks[0]]);
  expect(left.packs[0]?.blocks).toEqual([blocks[1]]);
}

describe('table of peers', () => {
  it('two nodes find each other through the one that both know, and again without it', async () => {
    const file = await stateFile();
    const common = await startNode({ discovery: TABLE });
    const discovery = { ...TABLE, bootstrap: common.network.addresses() };
    const privateKey = await generateKeyPair('Ed25519');
    const left = await startNode({ discovery, privateKey, stateFile: file });
    const right = await startNode({ discovery });
    await until(() => isConnectedTo(left, right)() && isConnectedTo(left, common)());
    expect(peersOf(left)).toHaveLength(2);
    expect(left.network.peers().every((peer) => !peer.static)).toBe(true);
    expect(left.network.knownPeers().map(({ id }) => id)).toContain(right.network.key);
    await left.network.stop();
    await common.network.stop();
    const again = await startNode({ privateKey, stateFile: file, discovery: TABLE });
    await until(isConnectedTo(again, right));
  });

  it('refuses the peers of another network', async () => {
    const foreign = await startNode({ networkId: 1n, discovery: TABLE });
    const node = await startNode({
      discovery: { ...TABLE, bootstrap: foreign.network.addresses() },
    });
    const isFound = (): number =>
      eventCount(node, 'peer-foreign') + eventCount(foreign, 'peer-foreign');
    await until(() => isFound() > 0);
    const friend = await startNode({ peers: node.network.addresses() });
    await until(acquainted(node, friend));
    expect(peersOf(node)).toEqual([friend.network.key]);
    expect(peersOf(foreign)).toEqual([]);
  });

  it('dials no more peers than it has places for, and keeps them', async () => {
    const common = await startNode({ discovery: TABLE });
    const discovery = { ...TABLE, bootstrap: common.network.addresses() };
    const others = await Promise.all([1, 2, 3].map(async () => await startNode({ discovery })));
    const limits = { maxPeers: 1, guestMs: 500 };
    const node = await startNode({ discovery, limits });
    const dialled = (): number =>
      node.network.peers().filter(({ direction }) => direction === 'outbound').length;
    await until(connected(common, others.length + 1));
    await until(() => eventCount(node, 'peer-surplus') > 0 || dialled() === 1);
    await until(() => dialled() === 1);
    expect(node.network.knownPeers().length).toBeGreaterThan(0);
  });
});

describe('local network', () => {
  it('nodes of one network meet by multicast, and nobody else', async () => {
    const path = fileURLToPath(new URL('./testing/mdns-pair.ts', import.meta.url));
    const route = 'ip link set lo up multicast on && ip route add multicast 224.0.0.0/4 dev lo';
    const shell = async (command: string): Promise<string | undefined> => {
      const child = run('unshare', ['-rn', 'sh', '-c', command], { timeout: 100_000 });
      return await child.then(
        ({ stdout }) => stdout,
        () => undefined,
      );
    };
    expect(mdnsTag(NETWORK_ID)).toBe('_tanglemail-0123456789abcdef._udp.local');
    // Where a process may not have a network of its own, multicast is not tried at all.
    if ((await shell(route)) === undefined) return;
    const node = `${process.execPath} --disable-warning=ExperimentalWarning ${path}`;
    const told = JSON.parse((await shell(`${route} && exec ${node}`)) ?? '{}') as unknown;
    const keys: unknown = Reflect.get(told as object, 'keys');
    expect(told).toEqual({ keys, met: [[(keys as string[])[1]], [(keys as string[])[0]], []] });
  });
});

describe('transports', () => {
  it('a WebSocket node and a TCP node gossip', async () => {
    const browserDoor = await startNode({ listen: ['/ip4/127.0.0.1/tcp/0/ws'] });
    const node = await startNode({ peers: browserDoor.network.addresses() });
    await expectGossip(browserDoor, node);
    expect(node.network.peers()[0]?.transport).toBe('websocket');
  });

  it('QUIC nodes gossip', async () => {
    const listen = ['/ip4/127.0.0.1/udp/0/quic-v1'];
    const left = await startNode({ listen });
    // The native module may be missing: then the address is left out, and nobody listens.
    if (left.network.addresses().length === 0) return;
    const right = await startNode({ listen, peers: left.network.addresses() });
    await expectGossip(left, right);
    expect(right.network.peers()[0]?.transport).toBe('quic');
  });

  it('leaves QUIC out, with a warning, when its module is missing', async () => {
    const warnings: LogFields[] = [];
    const logger = { ...SILENT_LOGGER, warn: (fields: LogFields) => void warnings.push(fields) };
    const quic = '/ip4/127.0.0.1/udp/0/quic-v1';
    const made = await createTransports(
      {
        listen: [quic, '/ip4/127.0.0.1/tcp/0'],
        maxConnections: 10,
        handshakeMs: 1_000,
        useRelays: false,
      },
      logger,
      () => Promise.reject(new Error('no such module')),
    );
    expect(made.listen).toEqual(['/ip4/127.0.0.1/tcp/0']);
    expect(made.transports).toHaveLength(3);
    expect(warnings).toEqual([{ addresses: [quic] }]);
  });

  it('a node starts without the relay that it names, and asks it when it is there', async () => {
    const nat = { relay: { maxReservations: 4, maxBytes: 16 << 20, maxMs: 600_000 } };
    const privateKey = await generateKeyPair('Ed25519');
    const before = await startNode({ privateKey, nat });
    const [address = ''] = before.network.addresses();
    await before.network.stop();
    const hidden = await startNode({ listen: [`${address}/p2p-circuit`] });
    await until(() => eventCount(hidden, 'dial-failed') > 0);
    expect(hidden.network.addresses()).toEqual([]);
    const listen = [address.slice(0, address.indexOf('/p2p/'))];
    await startNode({ privateKey, nat, listen });
    await until(() => hidden.network.addresses().some((one) => one.includes(address)));
  });

  it('two nodes that nobody can dial gossip through a relay', async () => {
    const relay = await startNode({
      nat: { relay: { maxReservations: 4, maxBytes: 16 << 20, maxMs: 600_000 } },
    });
    // One asks any relay that it meets, which is how `nat.useRelays` works.
    const hidden = await startNode({
      listen: [],
      peers: relay.network.addresses(),
      nat: { useRelays: true },
    });
    await until(() => hidden.network.addresses().some((one) => one.includes('/p2p-circuit')));
    const caller = await startNode({ listen: [], peers: hidden.network.addresses() });
    await until(isConnectedTo(caller, hidden));
    expect(caller.network.peers().find(({ id }) => id === hidden.network.key)).toMatchObject({
      transport: 'relay',
    });
    const subscribed = (node: TestNode, other: TestNode): boolean =>
      node.network.peers().some(({ id, subscribed: is }) => id === other.network.key && is);
    await until(() => subscribed(caller, hidden) && subscribed(hidden, caller));
    // The relay hears nothing: what arrives came over the relayed connection.
    relay.verdict = 'ignore';
    const block = fakeBlock();
    caller.network.publishBlock(block);
    await until(() => hidden.packs.length > 0);
    expect(hidden.packs[0]).toEqual({ blocks: [block], from: caller.network.key });
  });
});

describe('addresses', () => {
  it.each([
    ['/ip4/203.0.113.9/tcp/1', false, '203.0.113.9', '203.0'],
    ['/ip4/10.1.2.3/tcp/1', true, '10.1.2.3', undefined],
    ['/ip4/100.64.0.1/tcp/1', true, '100.64.0.1', undefined],
    ['/ip4/127.0.0.1/tcp/1', true, undefined, undefined],
    ['/ip6/2001:db8:1:2:3::9/tcp/1', false, '2001:db8:1:2', '2001.db8'],
    ['/ip6/2001:db8::9/tcp/1', false, '2001:db8:0:0', '2001.db8'],
    ['/ip6/fe80::1/tcp/1', true, 'fe80:0:0:0', undefined],
    ['/ip6/::1/tcp/1', true, undefined, undefined],
    ['/ip6/::ffff:203.0.113.9/tcp/1', false, '203.0.113.9', '203.0'],
    ['/ip6/::ffff:10.1.2.3/tcp/1', true, '10.1.2.3', undefined],
    ['/ip6/::ffff:127.0.0.1/tcp/1', true, undefined, undefined],
    ['/dns4/node.example/tcp/1', false, undefined, undefined],
    ['/dns4/localhost/tcp/1', true, undefined, undefined],
  ])('%s', (text, isPrivate, group, near) => {
    const address = multiaddr(text);
    expect(isPrivateAddress(address)).toBe(isPrivate);
    expect(addressGroup(address)).toBe(group);
    expect(neighbourhood(address)).toBe(near);
  });

  it.each([
    ['/ip4/203.0.113.9/tcp/1', 'tcp'],
    ['/dns4/node.example/tcp/443/tls/ws', 'websocket'],
    ['/ip4/203.0.113.9/udp/1/quic-v1', 'quic'],
    [
      '/ip4/203.0.113.9/tcp/1/p2p/12D3KooWGjb3dcsHZKCgrv8gvEkmqFrEW3pT2JR5gK1AZzmsBXhK/p2p-circuit',
      'relay',
    ],
  ])('%s is carried by %s', (text, transport) => {
    expect(transportOf({ remoteAddr: multiaddr(text) })).toBe(transport);
  });
});
