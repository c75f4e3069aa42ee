/**
 * Who is connected, and what they are: not yet known, one of our network, or foreign. Only a peer
 * whose identify names our request protocol becomes one of ours; all others are closed, so that a
 * foreign libp2p node fills no place. Peers beyond the limits are guests: the newest leave after a
 * moment, static ones never. Before: libp2p's events; after: sync-service.ts.
 * Spec: docs/spec/07-gossip.md, "Limits of connections".
 */
import type { Connection, NetworkLimits, NetworkMetrics, PeerId, PeerKey } from './types.ts';

export interface PeerRosterDeps {
  /** The request protocol, whose name holds the network id. */
  readonly protocol: string;
  readonly connectionsOf: (peer: PeerId) => readonly Connection[];
  readonly isStatic: (peer: PeerKey) => boolean;
  readonly hangUp: (peer: PeerId, reason: string) => void;
  /** A peer turned out to be one of our network; called once per connected peer. */
  readonly onOurs: (peer: PeerId) => void;
  /** A peer of another network, or none at all. */
  readonly onForeign: (peer: PeerKey) => void;
  /** A peer that never told what it is: perhaps it, or we, had too much to do. */
  readonly onSilent: (peer: PeerKey) => void;
  /** A peer that we dialled beyond our places, whose time as a guest is over. */
  readonly onSurplus: (peer: PeerKey) => void;
  readonly metrics: NetworkMetrics;
  readonly nowMs: () => number;
}

interface Entry {
  readonly peerId: PeerId;
  readonly sinceMs: number;
  isOurs: boolean;
  /** Since when its connections are being closed, which takes a moment. */
  leavingMs: number | undefined;
}

/** A peer that is still there so long after it was left has opened another connection meanwhile. */
const LEAVE_AGAIN_MS = 5_000;

type Limits = Pick<NetworkLimits, 'maxPeers' | 'maxInbound' | 'guestMs' | 'identifyTimeoutMs'>;

export class PeerRoster {
  readonly #limits: Limits;
  readonly #deps: PeerRosterDeps;
  readonly #peers = new Map<PeerKey, Entry>();

  constructor(limits: Limits, deps: PeerRosterDeps) {
    this.#limits = limits;
    this.#deps = deps;
  }

  has(peer: PeerKey): boolean {
    return this.#peers.has(peer);
  }

  isOurs(peer: PeerKey): boolean {
    return this.#peers.get(peer)?.isOurs ?? false;
  }

  /** Peers that take a place: who dialled whom, without the static ones. */
  count(direction: Connection['direction']): number {
    return this.#withoutStatics(direction).length;
  }

  /** Peers that we dialled by ourselves, by key. */
  chosen(): readonly PeerId[] {
    return this.#withoutStatics('outbound').map(({ peerId }) => peerId);
  }

  onConnected(peerId: PeerId): void {
    const key = peerId.toString();
    if (this.#peers.has(key)) return;
    const sinceMs = this.#deps.nowMs();
    this.#peers.set(key, { peerId, sinceMs, isOurs: false, leavingMs: undefined });
  }

  onDisconnected(peerId: PeerId): void {
    this.#peers.delete(peerId.toString());
  }

  /** identify has told what the peer speaks. */
  onIdentified(peerId: PeerId, protocols: readonly string[]): void {
    if (protocols.includes(this.#deps.protocol)) this.admit(peerId);
    else this.#dismiss(peerId, this.#deps.onForeign);
  }

  /** The peer speaks our protocol: identify says so, or it opened a stream of it. */
  admit(peerId: PeerId): void {
    this.onConnected(peerId);
    const entry = this.#peers.get(peerId.toString());
    if (entry === undefined || entry.isOurs) return;
    entry.isOurs = true;
    this.#deps.onOurs(peerId);
  }

  /** Closes who never told what it is, guests whose time is over, and who does not leave. */
  tick(): void {
    const nowMs = this.#deps.nowMs();
    for (const entry of this.#peers.values()) {
      const { peerId, isOurs, sinceMs, leavingMs } = entry;
      if (leavingMs !== undefined && nowMs - leavingMs >= LEAVE_AGAIN_MS) {
        entry.leavingMs = nowMs;
        this.#deps.hangUp(peerId, 'still connected');
      }
      if (isOurs || nowMs - sinceMs < this.#limits.identifyTimeoutMs) continue;
      this.#dismiss(peerId, this.#deps.onSilent);
    }
    this.#endGuests('inbound', this.#limits.maxInbound, nowMs);
    this.#endGuests('outbound', this.#limits.maxPeers, nowMs);
  }

  #dismiss(peerId: PeerId, tell: (peer: PeerKey) => void): void {
    if (!this.#leave(peerId, 'peer does not speak our protocol')) return;
    this.#deps.metrics.count('peer-foreign');
    tell(peerId.toString());
  }

  /** The peers that came last leave first: who stays long is worth more than who comes often. */
  #endGuests(direction: Connection['direction'], places: number, nowMs: number): void {
    for (const { peerId, sinceMs } of this.#withoutStatics(direction).slice(places)) {
      if (nowMs - sinceMs < this.#limits.guestMs) continue;
      if (!this.#leave(peerId, 'no place is free')) continue;
      this.#deps.metrics.count('peer-surplus');
      if (direction === 'outbound') this.#deps.onSurplus(peerId.toString());
    }
  }

  /** False when it is leaving already. */
  #leave(peerId: PeerId, reason: string): boolean {
    const entry = this.#peers.get(peerId.toString());
    if (entry === undefined || entry.leavingMs !== undefined) return false;
    entry.leavingMs = this.#deps.nowMs();
    this.#deps.hangUp(peerId, reason);
    return true;
  }

  /** Oldest first. */
  #withoutStatics(direction: Connection['direction']): Entry[] {
    return [...this.#peers.values()].filter(
      ({ peerId }) =>
        !this.#deps.isStatic(peerId.toString()) &&
        this.#deps.connectionsOf(peerId)[0]?.direction === direction,
    );
  }
}
