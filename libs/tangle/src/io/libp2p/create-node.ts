/**
 * The libp2p node: encryption, multiplexing, limits, and the services for gossip, discovery and
 * NAT, with every option that this project sets, and why. Used by assemble.ts.
 * Spec: docs/spec/07-gossip.md, "Connections".
 */
import { autoNAT } from '@libp2p/autonat';
import { circuitRelayServer } from '@libp2p/circuit-relay-v2';
import { dcutr } from '@libp2p/dcutr';
import type { GossipSub } from '@libp2p/gossipsub';
import { identify } from '@libp2p/identify';
import type { Identify } from '@libp2p/identify';
import { kadDHT } from '@libp2p/kad-dht';
import type { KadDHT } from '@libp2p/kad-dht';
import { mdns } from '@libp2p/mdns';
import { noise } from '@libp2p/noise';
import { ping } from '@libp2p/ping';
import { tls } from '@libp2p/tls';
import { yamux } from '@libp2p/yamux';
import { createLibp2p } from 'libp2p';
import type { Libp2p } from 'libp2p';
import { SILENT_LOGGER } from '../logger.ts';
import type { Logger } from '../logger.ts';
import { isLoopback, isPrivateAddress } from './addresses.ts';
import type { Datastore } from './bounded-datastore.ts';
import type { ConnectionGater } from './gate.ts';
import { createGossip, MAX_GOSSIP_BUFFER } from './gossip-options.ts';
import type { GossipOptionsDeps } from './gossip-options.ts';
import { dhtProtocol, mdnsTag } from './message-id.ts';
import { createTransports } from './transports.ts';
import { DEFAULT_DISCOVERY, DEFAULT_NAT } from './types.ts';
import type { DiscoveryOptions, NatOptions, NetworkLimits, NetworkOptions } from './types.ts';
import { endingHeartbeat } from './whole-stop.ts';
import { metered } from './wire-meter.ts';
import type { WireEvents } from './wire-meter.ts';

export interface NodeServices extends Record<string, unknown> {
  identify: Identify;
  pubsub: GossipSub;
  /** Absent when the table of peers is off. */
  dht?: KadDHT;
}

export type TangleLibp2p = Libp2p<NodeServices>;

export interface NodeDeps extends GossipOptionsDeps {
  readonly limits: NetworkLimits;
  /** Who may connect; everybody without it. */
  readonly gater?: ConnectionGater;
  /** What libp2p remembers of peers; its own unbounded memory without it. */
  readonly datastore?: Datastore;
  /** Told what comes on the streams of gossip, and on those to the table of peers. */
  readonly wire?: { readonly gossip: WireEvents; readonly table: WireEvents };
  readonly logger?: Logger;
}

/** Handshakes per second from one address; on one machine all peers share the address. */
const INBOUND_PER_SECOND = 5;
const INBOUND_PER_SECOND_LOOPBACK = 50;
/** Unfinished handshakes; gate.ts keeps one address from taking all of them. */
const MAX_PENDING_INBOUND = 64;
const HANDSHAKE_TIMEOUT_MS = 10_000;
/** A stream that names no protocol in time is reset. */
const NEGOTIATION_TIMEOUT_MS = 5_000;
const MAX_STREAMS = 64;
/** Addresses of one peer that are tried; a peer may tell of thousands. */
const MAX_ADDRESSES_TO_DIAL = 8;
const MAX_DIAL_QUEUE = 128;
/** Streams of the table of peers on one connection. */
const MAX_DHT_STREAMS = 8;

/** The options of discovery; a network on one machine has private addresses only. */
export function discoveryOf(options: NetworkOptions): DiscoveryOptions {
  const given = { ...DEFAULT_DISCOVERY, ...options.discovery };
  const isLocal = options.listen.length > 0 && options.listen.every(isLoopback);
  return { ...given, privateAddresses: given.privateAddresses || isLocal };
}

/** Builds the node without starting it. */
export async function createNode(options: NetworkOptions, deps: NodeDeps): Promise<TangleLibp2p> {
  const { maxConnections } = deps.limits;
  const discovery = discoveryOf(options);
  const nat = { ...DEFAULT_NAT, ...options.nat };
  const loopback = options.listen.every(isLoopback);
  const { listen, transports } = await createTransports(
    {
      listen: options.listen,
      maxConnections,
      handshakeMs: deps.limits.identifyTimeoutMs,
      useRelays: nat.useRelays,
    },
    deps.logger ?? SILENT_LOGGER,
  );
  return await createLibp2p<NodeServices>({
    start: false,
    privateKey: options.privateKey,
    nodeInfo: { name: 'tanglemail', version: '1', userAgent: 'tanglemail' },
    addresses: { listen: [...listen], announce: [...(options.announce ?? [])] },
    transports,
    // TLS is native and the fastest; noise serves peers that have no TLS, browsers first.
    connectionEncrypters: [tls(), noise()],
    streamMuxers: [
      yamux({
        maxInboundStreams: MAX_STREAMS,
        maxOutboundStreams: MAX_STREAMS,
        streamOptions: { maxReadBufferLength: 4 << 20, maxWriteBufferLength: MAX_GOSSIP_BUFFER },
      }),
    ],
    connectionManager: {
      maxConnections,
      maxParallelDials: 20,
      maxDialQueueLength: MAX_DIAL_QUEUE,
      maxPeerAddrsToDial: MAX_ADDRESSES_TO_DIAL,
      maxIncomingPendingConnections: MAX_PENDING_INBOUND,
      inboundConnectionThreshold: loopback ? INBOUND_PER_SECOND_LOOPBACK : INBOUND_PER_SECOND,
      inboundUpgradeTimeout: HANDSHAKE_TIMEOUT_MS,
      inboundStreamProtocolNegotiationTimeout: NEGOTIATION_TIMEOUT_MS,
    },
    // STATUS frames are the heartbeat.
    connectionMonitor: { enabled: false },
    ...(deps.gater === undefined ? {} : { connectionGater: deps.gater }),
    ...(deps.datastore === undefined ? {} : { datastore: deps.datastore }),
    peerDiscovery: discovery.mdns ? [mdns({ serviceTag: mdnsTag(options.networkId) })] : [],
    services: createServices(options.networkId, discovery, nat, deps),
  });
}

type ServiceFactories = NonNullable<
  NonNullable<Parameters<typeof createLibp2p<NodeServices>>[0]>['services']
>;

function createServices(
  networkId: bigint,
  discovery: DiscoveryOptions,
  nat: NatOptions,
  deps: NodeDeps,
): ServiceFactories {
  const gossip = endingHeartbeat(createGossip(deps));
  const services: Record<string, unknown> = {
    identify: identify({ timeout: deps.limits.identifyTimeoutMs }),
    pubsub: deps.wire === undefined ? gossip : metered(gossip, deps.wire.gossip),
  };
  if (discovery.dht !== 'off') {
    // The table asks with it whether a peer is still there.
    services['ping'] = ping();
    const table = createDht(networkId, discovery);
    services['dht'] = deps.wire === undefined ? table : metered(table, deps.wire.table);
  }
  if (nat.relay !== undefined) {
    services['relay'] = circuitRelayServer({
      reservations: {
        maxReservations: nat.relay.maxReservations,
        defaultDataLimit: BigInt(nat.relay.maxBytes),
        defaultDurationLimit: nat.relay.maxMs,
      },
    });
  }
  if (nat.holePunching) services['dcutr'] = dcutr();
  if (nat.autonat) services['autonat'] = autoNAT();
  return services as ServiceFactories;
}

/** The table of peers of one network: its protocol's name holds the network id. */
function createDht(networkId: bigint, discovery: DiscoveryOptions): ReturnType<typeof kadDHT> {
  const { dht, privateAddresses } = discovery;
  return kadDHT({
    protocol: dhtProtocol(networkId),
    ...(dht === 'auto' && !privateAddresses ? {} : { clientMode: dht === 'client' }),
    // A name or an address of somebody's house leads nowhere, or to the wrong machine.
    peerInfoMapper: (peer) => ({
      ...peer,
      multiaddrs: peer.multiaddrs
        .filter((address) => privateAddresses || !isPrivateAddress(address))
        .slice(0, MAX_ADDRESSES_TO_DIAL),
    }),
    maxInboundStreams: MAX_DHT_STREAMS,
    maxOutboundStreams: MAX_DHT_STREAMS,
    routingTableUpdateMaxQueueSize: 256,
  });
}
