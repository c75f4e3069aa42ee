/**
 * Where peers are heard of: libp2p's discovery events (table of peers, multicast) and walks through
 * the table while places are free. What is found goes to auto-peering.ts, which alone dials.
 * Spec: docs/spec/07-gossip.md, "Discovery".
 */
import { randomBytes } from 'node:crypto';
import type { Multiaddr } from '@multiformats/multiaddr';
import { errorFields } from '../logger.ts';
import type { Logger } from '../logger.ts';
import { withinTime } from '../within-time.ts';
import { isPrivateAddress } from './addresses.ts';
import type { TangleLibp2p } from './create-node.ts';
import type { PeerKey } from './types.ts';

export interface DiscoveryDeps {
  readonly node: TangleLibp2p;
  /** Addresses of private networks are taken too. */
  readonly privateAddresses: boolean;
  readonly onFound: (peer: PeerKey, addresses: string[]) => void;
  readonly hasFreePlaces: () => boolean;
  readonly nowMs: () => number;
  readonly logger: Logger;
}

/** Between two walks; none is made while no place is free. */
const SEARCH_PAUSE_MS = 30_000;
/** The first walk waits for the first connections; tests do not wait so long for it. */
const FIRST_PAUSE_MS = 1_000;
const WALK_TIMEOUT_MS = 15_000;
const KEY_BYTES = 32;

export class Discovery {
  readonly #deps: DiscoveryDeps;
  readonly #stop = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** When the next walk begins, if one is planned. */
  #dueMs = Number.POSITIVE_INFINITY;
  #walk: Promise<void> | undefined;

  constructor(deps: DiscoveryDeps) {
    this.#deps = deps;
  }

  start(): void {
    this.#deps.node.addEventListener('peer:discovery', ({ detail }) => {
      this.hear(detail.id.toString(), detail.multiaddrs);
    });
    if (this.#deps.node.services.dht !== undefined) this.#walkAfter(FIRST_PAUSE_MS);
  }

  /** A peer of ours connected: ask around again soon, if anybody is missing. */
  onPeer(): void {
    if (this.#deps.node.services.dht === undefined || !this.#deps.hasFreePlaces()) return;
    this.#walkAfter(FIRST_PAUSE_MS);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    clearTimeout(this.#timer);
    await this.#walk;
  }

  /** Somebody told of a peer: the table, the local network, or the peer itself. */
  hear(peer: PeerKey, addresses: readonly Multiaddr[]): void {
    const useful = this.#deps.privateAddresses
      ? addresses
      : addresses.filter((address) => !isPrivateAddress(address));
    if (useful.length === 0) return;
    this.#deps.onFound(
      peer,
      useful.map((address) => address.toString()),
    );
  }

  /** Never later than planned before: else whoever connects again and again keeps us at home. */
  #walkAfter(pauseMs: number): void {
    const dueMs = this.#deps.nowMs() + pauseMs;
    if (this.#stop.signal.aborted || this.#walk !== undefined || dueMs >= this.#dueMs) return;
    this.#dueMs = dueMs;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#dueMs = Number.POSITIVE_INFINITY;
      this.#walk = this.#walkOnce().finally(() => {
        this.#walk = undefined;
        this.#walkAfter(SEARCH_PAUSE_MS);
      });
    }, pauseMs);
  }

  /** Asks for the peers nearest to a random key: what it meets on the way is what we want. */
  async #walkOnce(): Promise<void> {
    const { dht } = this.#deps.node.services;
    if (dht === undefined || !this.#deps.hasFreePlaces()) return;
    await withinTime(WALK_TIMEOUT_MS, [this.#stop.signal], async (signal) => {
      try {
        for await (const event of dht.getClosestPeers(randomBytes(KEY_BYTES), { signal })) {
          if (event.name !== 'PEER_RESPONSE') continue;
          for (const peer of event.closer) this.hear(peer.id.toString(), peer.multiaddrs);
        }
      } catch (error) {
        if (!signal.aborted) this.#deps.logger.debug(errorFields(error), 'no walk for peers');
      }
    });
  }
}
