/**
 * How a node reaches others: TCP, WebSocket for browsers, QUIC where its native module is there,
 * and relays. Used by create-node.ts. Spec: docs/spec/07-gossip.md, "Transports".
 */
import { circuitRelayTransport } from '@libp2p/circuit-relay-v2';
import { tcp } from '@libp2p/tcp';
import type { createLibp2p } from 'libp2p';
import { errorFields } from '../logger.ts';
import type { Logger } from '../logger.ts';
import { isRelayListen } from './addresses.ts';
import { boundedWebSockets } from './websocket-door.ts';

/** What libp2p takes as a transport. */
export type TransportFactory = NonNullable<
  NonNullable<Parameters<typeof createLibp2p>[0]>['transports']
>[number];

/** Connections that wait to be accepted by the process. */
const TCP_BACKLOG = 64;
/** Relayed connections at once, ours and to us. */
const MAX_RELAYED = 64;

/** Addresses to listen on, and the transports for them. */
export interface Transports {
  readonly listen: readonly string[];
  readonly transports: TransportFactory[];
}

export interface TransportOptions {
  readonly listen: readonly string[];
  readonly maxConnections: number;
  /** Who connects and says nothing is closed after so long. */
  readonly handshakeMs: number;
  /** Asks relays for a place. */
  readonly useRelays: boolean;
}

/**
 * The transports for `listen`. QUIC is loaded only when an address asks for it; without its module
 * the address is left out and a warning says so. `load` brings the module.
 */
export async function createTransports(
  options: TransportOptions,
  logger: Logger,
  load: () => Promise<TransportFactory> = importQuic,
): Promise<Transports> {
  const { maxConnections } = options;
  const transports: TransportFactory[] = [
    tcp({
      maxConnections,
      backlog: TCP_BACKLOG,
      closeServerOnMaxConnections: {
        closeAbove: maxConnections,
        listenBelow: Math.max(1, maxConnections - 20),
      },
    }),
    boundedWebSockets({ maxConnections, handshakeMs: options.handshakeMs }),
    circuitRelayTransport({
      maxInboundStopStreams: MAX_RELAYED,
      maxOutboundStopStreams: MAX_RELAYED,
    }),
  ];
  // A relay that is named is dialled for ever as a static peer and asked like any other: libp2p
  // would not start without it, and would not ask it a second time.
  const isRelayed = options.useRelays || options.listen.some(isRelayListen);
  const relays = isRelayed ? ['/p2p-circuit'] : [];
  const direct = options.listen.filter((address) => !isRelayListen(address));
  const quic = direct.filter(isQuic);
  const rest = direct.filter((address) => !isQuic(address));
  if (quic.length === 0) return { listen: [...rest, ...relays], transports };
  const loaded = await loadQuic(load, logger);
  if (loaded === undefined) {
    logger.warn({ addresses: quic }, 'the QUIC module is missing: these addresses are left out');
    return { listen: [...rest, ...relays], transports };
  }
  return { listen: [...rest, ...quic, ...relays], transports: [...transports, loaded] };
}

/** QUIC's transport; undefined where its native module is not installed. */
async function loadQuic(
  load: () => Promise<TransportFactory>,
  logger: Logger,
): Promise<TransportFactory | undefined> {
  try {
    return await load();
  } catch (error) {
    logger.debug(errorFields(error), 'QUIC module not loaded');
    return undefined;
  }
}

async function importQuic(): Promise<TransportFactory> {
  const { quic } = await import('@chainsafe/libp2p-quic');
  return quic();
}

function isQuic(address: string): boolean {
  return address.includes('/quic-v1');
}
