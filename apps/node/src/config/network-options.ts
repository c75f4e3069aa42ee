/**
 * What the settings of the network mean for `TangleNetwork`. Used by parts.ts and health.ts.
 * Spec: docs/spec/07-gossip.md.
 */
import { join } from 'node:path';
import type { NetworkOptions } from '@tanglemail/tangle/io/libp2p/types.ts';
import type { NodeConfig } from './schema.ts';

/** Connections beyond all places: guests, unfinished handshakes, peers that the operator adds. */
const SPARE_CONNECTIONS = 128;

/** Whether the node is to have peers: it was told some, or where to look for them. */
export function expectsPeers(config: Pick<NodeConfig, 'gossip' | 'discovery'>): boolean {
  const { bootstrap, dht = 'off', mdns } = config.discovery;
  return config.gossip.peers.length > 0 || bootstrap.length > 0 || dht !== 'off' || mdns;
}

/** The network's options without its identity. */
export function networkOptions(
  config: Pick<NodeConfig, 'dataDir' | 'gossip' | 'discovery' | 'nat'>,
): Omit<NetworkOptions, 'networkId' | 'privateKey'> {
  const { listen, announce, peers, maxPeers, maxInbound, maxPerAddress, banMs } = config.gossip;
  const { bootstrap, dht, mdns, privateAddresses } = config.discovery;
  const { relay, useRelays, holePunching, autonat } = config.nat;
  const { enabled, ...relayLimits } = relay;
  return {
    listen,
    announce,
    peers,
    stateFile: join(config.dataDir, 'peers.json'),
    discovery: {
      bootstrap,
      dht: dht ?? (bootstrap.length > 0 ? 'auto' : 'off'),
      mdns,
      privateAddresses,
    },
    nat: { useRelays, relay: enabled ? relayLimits : undefined, holePunching, autonat },
    limits: {
      maxPeers,
      maxInbound,
      maxPerAddress,
      banMs,
      maxConnections: maxInbound + 2 * maxPeers + peers.length + SPARE_CONNECTIONS,
    },
  };
}
