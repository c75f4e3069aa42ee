/**
 * The settings of a node's network: `gossip`, `discovery`, `nat`. Part of schema.ts; what they do
 * stands in docs/spec/07-gossip.md.
 */
import { parseAddress } from '@tanglemail/tangle/io/libp2p/addresses.ts';
import { parseStaticPeer } from '@tanglemail/tangle/io/libp2p/static-peers.ts';
import { path, textLike } from '@tanglemail/tangle/io/shell/setting-types.ts';
import { z } from 'zod';

function parses(parse: () => unknown): boolean {
  try {
    parse();
    return true;
  } catch {
    return false;
  }
}

const listenAddress = textLike(
  /^\/[a-z0-9]+\/\S+$/,
  'multiaddresses such as /ip4/0.0.0.0/tcp/15600',
)
  .max(256)
  .refine((text) => parses(() => parseAddress(text)));
const peerAddress = textLike(
  /^\/[a-z0-9]+\/\S+\/p2p\/[1-9A-Za-z]+$/,
  'multiaddresses such as /ip4/192.0.2.1/tcp/15600/p2p/12D3KooW…',
)
  .max(256)
  .refine((text) => parses(() => parseStaticPeer(text)));

/** Connections to other nodes. */
export const gossip = z.strictObject({
  listen: z
    .array(listenAddress)
    .max(16)
    .default(['/ip4/0.0.0.0/tcp/15600'])
    .describe(
      'Multiaddresses that the node listens on for other nodes. One that ends in `/ws` serves ' +
        'browsers, one such as `/ip4/0.0.0.0/udp/15600/quic-v1` speaks QUIC.',
    ),
  announce: z
    .array(listenAddress)
    .max(16)
    .default([])
    .describe(
      'Multiaddresses told to others instead of those listened on: set it on a server, where ' +
        'the public address would otherwise have to be proven by others first.',
    ),
  peers: z
    .array(peerAddress)
    .max(256)
    .default([])
    .describe('Multiaddresses of other nodes, each with its `/p2p/…` part. Never dropped.'),
  maxPeers: z
    .int()
    .min(0)
    .max(256)
    .default(16)
    .describe('Peers that the node finds and dials by itself, beside `gossip.peers`.'),
  maxInbound: z
    .int()
    .min(0)
    .max(4_096)
    .default(128)
    .describe('Peers that dialled this node. Those of `gossip.peers` do not count.'),
  maxPerAddress: z
    .int()
    .min(1)
    .max(4_096)
    .default(8)
    .describe(
      'Inbound connections of one IPv4 address, or of one IPv6 network of 64 bits. ' +
        'Loopback is free. All that comes through a proxy on another machine counts as one ' +
        'address.',
    ),
  banMs: z
    .int()
    .min(1_000)
    .max(604_800_000)
    .default(300_000)
    .describe('Time that a peer which broke the rules stays out, in milliseconds.'),
  keyFile: path
    .optional()
    .describe('File of the node’s network key. Made when missing. Default: `peer.key` in dataDir.'),
});

/** Finding peers that nobody named. */
export const discovery = z.strictObject({
  bootstrap: z
    .array(peerAddress)
    .max(64)
    .default([])
    .describe('Nodes to begin with when looking for peers, each with its `/p2p/…` part.'),
  dht: z
    .enum(['off', 'auto', 'client', 'server'])
    .optional()
    .describe(
      'Part in the table of peers. `auto` answers others once this node can be reached. ' +
        'Default: `auto` when discovery.bootstrap is set, else `off`.',
    ),
  mdns: z
    .boolean()
    .default(false)
    .describe('Whether to look for nodes on the local network, by multicast.'),
  privateAddresses: z
    .boolean()
    .default(false)
    .describe(
      'Whether addresses of private networks are taken from others and told to them. For a ' +
        'network inside one house.',
    ),
});

const relay = z.strictObject({
  enabled: z
    .boolean()
    .default(false)
    .describe('Whether nodes that nobody can dial are reached through this one.'),
  maxReservations: z
    .int()
    .min(1)
    .max(1_024)
    .default(32)
    .describe('Nodes that may be reached through this one.'),
  maxBytes: z
    .int()
    .min(131_072)
    .max(2 ** 40)
    .default(67_108_864)
    .describe('Bytes of one relayed connection, after which it is cut and made anew.'),
  maxMs: z
    .int()
    .min(10_000)
    .max(86_400_000)
    .default(1_800_000)
    .describe('Age of a relayed connection at which it is cut, in milliseconds.'),
});

/** Being reached from behind a router. */
export const nat = z.strictObject({
  useRelays: z
    .boolean()
    .default(false)
    .describe('Whether to ask relays for a place. For a node that nobody can dial.'),
  relay: relay.prefault({}),
  holePunching: z
    .boolean()
    .default(true)
    .describe('Whether relayed connections are made direct ones where routers let it.'),
  autonat: z
    .boolean()
    .default(true)
    .describe('Whether peers are asked if they can dial this node, and answered the same.'),
});
