/**
 * Who may connect: bans, places for peers that dial us, connections of one address. libp2p asks
 * here before and after the handshake. Used by create-node.ts; the slower decisions, about peers
 * that are connected already, are those of peer-roster.ts.
 * Spec: docs/spec/07-gossip.md, "Limits of connections".
 */
import type { createLibp2p } from 'libp2p';
import { addressGroup } from './addresses.ts';
import type { NetworkLimits, NetworkMetrics, PeerId, PeerKey } from './types.ts';

/** What libp2p asks. */
export type ConnectionGater = NonNullable<
  NonNullable<Parameters<typeof createLibp2p>[0]>['connectionGater']
>;

/** A connection before its handshake. */
type RawConnection = Parameters<NonNullable<ConnectionGater['denyInboundConnection']>>[0];

export interface GateDeps {
  readonly isBanned: (peer: PeerKey) => boolean;
  readonly isStatic: (peer: PeerKey) => boolean;
  /** Peers that dialled us and are no static ones, guests included. */
  readonly inboundPeers: () => number;
  /** Open connections to one peer. */
  readonly connections: (peer: PeerId) => number;
  readonly metrics: NetworkMetrics;
  readonly nowMs: () => number;
}

/**
 * libp2p dials peers by itself, to walk through the table and to keep its neighbours in it. Those
 * that we have just left are not dialled for so long.
 */
const REST_MS = { silent: 60_000, surplus: 600_000, foreign: 3_600_000 } as const;
const MAX_RESTING = 1_024;

/**
 * Connections of one peer: two when both dial at once, or when it comes back before its old one is
 * known to be dead. libp2p itself takes any number.
 */
const MAX_PER_PEER = 2;

/** So many peers beyond the places are let in for a moment, to learn of others from us. */
const MAX_GUESTS = 16;

export class Gate {
  readonly #limits: Pick<NetworkLimits, 'maxInbound' | 'maxPerAddress'>;
  readonly #deps: GateDeps;
  /** Inbound connections of each address, unfinished ones included. */
  readonly #perAddress = new Map<string, number>();
  /** Peers that are not dialled until then. */
  readonly #resting = new Map<PeerKey, number>();

  constructor(limits: Pick<NetworkLimits, 'maxInbound' | 'maxPerAddress'>, deps: GateDeps) {
    this.#limits = limits;
    this.#deps = deps;
  }

  /** The rules as libp2p takes them. */
  gater(): ConnectionGater {
    const denyPeer = (peer: PeerId): boolean => this.#deps.isBanned(peer.toString());
    return {
      denyDialPeer: (peer) => denyPeer(peer) || this.isResting(peer.toString()),
      // libp2p's own rule for browsers refuses private addresses; a node may need them.
      denyDialMultiaddr: () => false,
      denyOutboundEncryptedConnection: denyPeer,
      denyInboundConnection: (connection) => this.#denyAddress(connection),
      denyInboundEncryptedConnection: (peer) => this.#denyInbound(peer.toString()),
      // Much may have happened since the peer told its key: the rest of a handshake takes as long
      // as the peer likes.
      denyInboundUpgradedConnection: (peer) => denyPeer(peer) || this.#denySurplus(peer),
      denyOutboundUpgradedConnection: denyPeer,
      denyInboundRelayReservation: denyPeer,
      denyInboundRelayedConnection: (_relay, peer) => denyPeer(peer),
    };
  }

  /** Do not dial the peer for a while: there is no place for it, or it is not one of ours. */
  rest(peer: PeerKey, why: keyof typeof REST_MS): void {
    this.#resting.delete(peer);
    this.#resting.set(peer, this.#deps.nowMs() + REST_MS[why]);
    const [oldest] = this.#resting.keys();
    if (this.#resting.size > MAX_RESTING && oldest !== undefined) this.#resting.delete(oldest);
  }

  isResting(peer: PeerKey): boolean {
    if ((this.#resting.get(peer) ?? 0) <= this.#deps.nowMs()) return false;
    return !this.#deps.isStatic(peer);
  }

  /** One address may not take all places, nor all unfinished handshakes. */
  #denyAddress(connection: RawConnection): boolean {
    const group = addressGroup(connection.remoteAddr);
    if (group === undefined) return false;
    const open = this.#perAddress.get(group) ?? 0;
    if (open >= this.#limits.maxPerAddress) {
      this.#deps.metrics.count('connection-refused');
      return true;
    }
    this.#perAddress.set(group, open + 1);
    connection.addEventListener('close', () => this.#forget(group), { once: true });
    return false;
  }

  #denyInbound(peer: PeerKey): boolean {
    const isFull = this.#deps.inboundPeers() >= this.#limits.maxInbound + MAX_GUESTS;
    const denied = this.#deps.isBanned(peer) || (isFull && !this.#deps.isStatic(peer));
    if (denied) this.#deps.metrics.count('connection-refused');
    return denied;
  }

  #denySurplus(peer: PeerId): boolean {
    if (this.#deps.connections(peer) < MAX_PER_PEER) return false;
    this.#deps.metrics.count('connection-refused');
    return true;
  }

  #forget(group: string): void {
    const left = (this.#perAddress.get(group) ?? 1) - 1;
    if (left <= 0) this.#perAddress.delete(group);
    else this.#perAddress.set(group, left);
  }
}
