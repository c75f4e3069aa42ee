/**
 * Keeps connections to the peers of the configuration and to those added at run time: dials them
 * with growing pauses for ever, and again when they are lost. Neither discovery nor a limit removes
 * them. Used by network.ts.
 * Spec: docs/spec/07-gossip.md, "Connections".
 */
import type { Multiaddr } from '@multiformats/multiaddr';
import { peerIdFromString } from '@libp2p/peer-id';
import { errorFields } from '../logger.ts';
import type { Logger } from '../logger.ts';
import { withinTime } from '../within-time.ts';
import { parseAddress } from './addresses.ts';
import { NetworkError } from './types.ts';
import type { NetworkLimits, NetworkMetrics, PeerId, PeerKey } from './types.ts';

/** A connection that held so long starts the pauses anew. */
const STABLE_MS = 30_000;
/** Beyond this the pauses double no more, whatever the limits say. */
const MAX_DOUBLINGS = 16;

export interface StaticPeer {
  readonly key: PeerKey;
  readonly peerId: PeerId;
  readonly address: Multiaddr;
}

export interface StaticPeersDeps {
  readonly dial: (address: Multiaddr, signal: AbortSignal) => Promise<void>;
  readonly isConnected: (peer: PeerId) => boolean;
  /** Our own key: of two peers that list each other, the one with the lesser key dials first. */
  readonly ownKey: PeerKey;
  /** A number in [0, 1), so that many nodes do not dial at the same moments. */
  readonly random: () => number;
  readonly nowMs: () => number;
  /** Runs `task` after `pauseMs` milliseconds; what it gives back takes that back. */
  readonly later: (pauseMs: number, task: () => void) => () => void;
  readonly logger: Logger;
  readonly metrics: NetworkMetrics;
}

interface DialState {
  failures: number;
  connectedMs: number;
  /** Ends the dial that is under way. */
  dial: AbortController | undefined;
  /** Takes the next dial back. */
  cancel: (() => void) | undefined;
}

/** Parses a peer's address; throws RangeError with the reason. */
export function parseStaticPeer(text: string): StaticPeer {
  const address = parseAddress(text);
  const key = address.getComponents().findLast((part) => part.name === 'p2p')?.value;
  if (key === undefined) throw new RangeError(`peer address without /p2p/<peer id>: ${text}`);
  try {
    return { key, peerId: peerIdFromString(key), address };
  } catch (error) {
    throw new RangeError(`not a peer id: ${key}`, { cause: error });
  }
}

export class StaticPeers {
  readonly #peers = new Map<PeerKey, StaticPeer>();
  readonly #states = new Map<PeerKey, DialState>();
  readonly #limits: NetworkLimits;
  readonly #deps: StaticPeersDeps;
  readonly #stop = new AbortController();
  readonly #dials = new Set<Promise<void>>();

  constructor(peers: readonly StaticPeer[], limits: NetworkLimits, deps: StaticPeersDeps) {
    this.#limits = limits;
    this.#deps = deps;
    for (const peer of peers) this.#enter(peer);
  }

  get all(): readonly StaticPeer[] {
    return [...this.#peers.values()];
  }

  has(key: PeerKey): boolean {
    return this.#peers.has(key);
  }

  start(): void {
    for (const peer of this.#peers.values()) this.#schedule(peer, this.#firstPauseMs(peer));
  }

  /** Adds a peer, or gives it another address, and dials it at once. */
  add(peer: StaticPeer): void {
    if (!this.#enter(peer)) return;
    if (!this.#deps.isConnected(peer.peerId)) this.#schedule(peer, 0);
  }

  /** Dials the peer no more; false when it was not there. Its connection stays. */
  remove(key: PeerKey): boolean {
    const state = this.#states.get(key);
    state?.cancel?.();
    state?.dial?.abort(new NetworkError('aborted', 'peer removed'));
    this.#states.delete(key);
    return this.#peers.delete(key);
  }

  onConnected(key: PeerKey): void {
    const state = this.#states.get(key);
    if (state === undefined) return;
    state.connectedMs = this.#deps.nowMs();
    state.cancel?.();
  }

  onDisconnected(key: PeerKey): void {
    const peer = this.#peers.get(key);
    const state = this.#states.get(key);
    if (peer === undefined || state === undefined) return;
    // A peer that answers and hangs up at once, such as one of another network, is not hammered.
    const isStable = this.#deps.nowMs() - state.connectedMs >= STABLE_MS;
    if (isStable) state.failures = 0;
    this.#schedule(peer, this.#pauseMs(state.failures) + this.#firstPauseMs(peer));
    if (!isStable) state.failures += 1;
  }

  /** Ends all dialling and waits for what is under way. */
  async stop(): Promise<void> {
    this.#stop.abort(new NetworkError('stopped', 'network stopped'));
    for (const state of this.#states.values()) state.cancel?.();
    await Promise.allSettled(this.#dials);
  }

  /** False for ourselves. */
  #enter(peer: StaticPeer): boolean {
    if (peer.key === this.#deps.ownKey) return false;
    this.#peers.set(peer.key, peer);
    if (this.#states.has(peer.key)) return true;
    this.#states.set(peer.key, {
      failures: 0,
      connectedMs: 0,
      dial: undefined,
      cancel: undefined,
    });
    return true;
  }

  /** Two peers that list each other must not dial at once: two connections would come of it. */
  #firstPauseMs(peer: StaticPeer): number {
    return this.#deps.ownKey < peer.key ? 0 : this.#limits.dialBackoffMinMs;
  }

  /**
   * min × 2^failures up to the greatest pause of a static peer, less up to a quarter: an operator
   * who restarts a node does not wait long for those that list it, and they do not come at once.
   */
  #pauseMs(failures: number): number {
    const { dialBackoffMinMs, staticBackoffMaxMs } = this.#limits;
    const grown = dialBackoffMinMs * 2 ** Math.min(failures, MAX_DOUBLINGS);
    return Math.min(staticBackoffMaxMs, grown) * (1 - this.#deps.random() / 4);
  }

  #schedule(peer: StaticPeer, pauseMs: number): void {
    const state = this.#states.get(peer.key);
    if (state === undefined || this.#stop.signal.aborted) return;
    state.cancel?.();
    state.cancel = this.#deps.later(pauseMs, () => {
      const dial = this.#dial(peer, state).finally(() => this.#dials.delete(dial));
      this.#dials.add(dial);
    });
  }

  async #dial(peer: StaticPeer, state: DialState): Promise<void> {
    if (state.dial !== undefined || this.#deps.isConnected(peer.peerId)) return;
    const dial = new AbortController();
    state.dial = dial;
    this.#deps.metrics.count('dial-started');
    try {
      const ends = [this.#stop.signal, dial.signal];
      await withinTime(this.#limits.dialTimeoutMs, ends, (signal) =>
        this.#deps.dial(peer.address, signal),
      );
    } catch (error) {
      this.#deps.metrics.count('dial-failed');
      this.#deps.logger.debug({ peer: peer.key, ...errorFields(error) }, 'dial failed');
    } finally {
      state.dial = undefined;
    }
    const current = this.#peers.get(peer.key);
    const isRemoved = current === undefined || this.#states.get(peer.key) !== state;
    if (isRemoved || this.#deps.isConnected(peer.peerId)) return;
    state.failures += 1;
    // While we dialled it may have been given another address, whose turn it is at once.
    this.#schedule(current, current === peer ? this.#pauseMs(state.failures) : 0);
  }
}
