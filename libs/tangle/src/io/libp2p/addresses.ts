/**
 * What an address tells about a peer: which machine, which network, which way. Used wherever places
 * are given by address: gate.ts, auto-peering.ts, peer-roster.ts, discovery.ts.
 * Spec: docs/spec/07-gossip.md, "Limits of connections".
 */
import { BlockList } from 'node:net';
import { multiaddr } from '@multiformats/multiaddr';
import type { Multiaddr } from '@multiformats/multiaddr';
import type { Connection, PeerTransport } from './types.ts';

/** One customer is given so many 16-bit groups of an IPv6 address; all of them count as one. */
const IPV6_GROUPS = 4;

const PRIVATE_IPV4: readonly (readonly [string, number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['224.0.0.0', 3],
];
const PRIVATE_IPV6: readonly (readonly [string, number])[] = [
  ['::', 127],
  ['fc00::', 7],
  ['fe80::', 10],
  ['ff00::', 8],
];

const PRIVATE = new BlockList();
for (const [network, bits] of PRIVATE_IPV4) PRIVATE.addSubnet(network, bits, 'ipv4');
for (const [network, bits] of PRIVATE_IPV6) PRIVATE.addSubnet(network, bits, 'ipv6');

/** The front of `::ffff:192.0.2.1`: IPv4 as a listener for both sees it. */
const MAPPED_IPV4 = '0:0:0:0:0:ffff';
/** Ends the address of a node that is reached through a relay. */
const RELAYED = '/p2p-circuit';

/** Throws RangeError with the text. */
export function parseAddress(text: string): Multiaddr {
  try {
    return multiaddr(text);
  } catch (error) {
    throw new RangeError(`not a multiaddress: ${text}`, { cause: error });
  }
}

/** Whether a listening address asks relays, one or any, for a place. */
export function isRelayListen(address: string): boolean {
  return address.endsWith(RELAYED);
}

/** The relays that are named in listening addresses, each with its /p2p/… part. */
export function relaysOf(listen: readonly string[]): string[] {
  return listen.filter(isRelayListen).flatMap((address) => {
    const relay = address.slice(0, -RELAYED.length);
    return relay === '' ? [] : [relay];
  });
}

/** The IP address at the front; undefined for a name such as /dns4/node.example. */
function ipOf(address: Multiaddr): { type: 'ip4' | 'ip6'; host: string } | undefined {
  const part = address.getComponents().find(({ name }) => name !== 'ip6zone');
  if (part?.value === undefined || (part.name !== 'ip4' && part.name !== 'ip6')) return undefined;
  return part.name === 'ip6'
    ? (mappedIpv4(part.value) ?? { type: 'ip6', host: part.value })
    : { type: 'ip4', host: part.value };
}

/** The IPv4 address inside an IPv6 address, if it stands for one. */
function mappedIpv4(host: string): { type: 'ip4'; host: string } | undefined {
  const groups = ipv6Groups(host);
  if (groups.slice(0, 6).join(':') !== MAPPED_IPV4) return undefined;
  const bytes = groups.slice(6).flatMap((group) => {
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
  return { type: 'ip4', host: bytes.join('.') };
}

/** Whether the address has a meaning on one machine or in one house only. */
export function isPrivateAddress(address: Multiaddr): boolean {
  const ip = ipOf(address);
  if (ip === undefined) return address.getComponents()[0]?.value === 'localhost';
  return PRIVATE.check(ip.host, ip.type === 'ip4' ? 'ipv4' : 'ipv6');
}

/**
 * What counts as one address: all of IPv4, the first 64 bits of IPv6. Undefined for loopback, where
 * all peers share the address, and for what comes over a relay, whose address is not the peer's.
 */
export function addressGroup(address: Multiaddr): string | undefined {
  const ip = ipOf(address);
  if (ip === undefined || isRelayed(address) || isLoopbackHost(ip.host)) return undefined;
  return ip.type === 'ip4' ? ip.host : ipv6Groups(ip.host).slice(0, IPV6_GROUPS).join(':');
}

/**
 * The neighbourhood of a public address: 16 bits of IPv4, 32 of IPv6. Peers that we choose stand in
 * different ones, so that whoever owns one network cannot become all of them.
 */
export function neighbourhood(address: Multiaddr): string | undefined {
  const ip = ipOf(address);
  if (ip === undefined || isRelayed(address) || isPrivateAddress(address)) return undefined;
  const groups = ip.type === 'ip4' ? ip.host.split('.') : ipv6Groups(ip.host);
  return groups.slice(0, 2).join('.');
}

export function isRelayed(address: Multiaddr): boolean {
  return address.getComponents().some((part) => part.name === 'p2p-circuit');
}

/** Whether a listening address is one that only this machine reaches. */
export function isLoopback(address: string): boolean {
  return address.startsWith('/ip4/127.') || address.startsWith('/ip6/::1/');
}

function isLoopbackHost(host: string): boolean {
  return host.startsWith('127.') || host === '::1';
}

/** How a connection is carried, from the remote address. */
export function transportOf({ remoteAddr }: Pick<Connection, 'remoteAddr'>): PeerTransport {
  if (isRelayed(remoteAddr)) return 'relay';
  const names = new Set(remoteAddr.getComponents().map(({ name }) => name));
  if (names.has('ws') || names.has('wss')) return 'websocket';
  return names.has('quic-v1') ? 'quic' : 'tcp';
}

/** The eight groups of an IPv6 address, none left out. */
function ipv6Groups(host: string): string[] {
  const [left = '', right] = host.toLowerCase().split('::');
  const head = left === '' ? [] : left.split(':');
  const tail = right === undefined || right === '' ? [] : right.split(':');
  const zeros = right === undefined ? 0 : Math.max(0, 8 - head.length - tail.length);
  return [...head, ...Array.from({ length: zeros }, () => '0'), ...tail];
}
