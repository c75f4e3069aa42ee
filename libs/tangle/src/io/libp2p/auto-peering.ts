/**
 * Fills the free places with peers that nobody configured: those that were good before a restart
 * first, then what discovery finds, in different neighbourhoods of the internet, with growing
 * pauses after failures. Before: discovery.ts; after: libp2p's dialler. Used by network.ts.
 * Spec: docs/spec/07-gossip.md, "Automatic peering".
 */
import { multiaddr } from '@multiformats/multiaddr';
import type { Multiaddr } from '@multiformats/multiaddr';
import { errorFields } from '../logger.ts';
import type { Logger } from '../logger.ts';
import { neighbourhood } from './addresses.ts';
import { MAX_ADDRESSES, MAX_KNOWN_PEERS } from './peer-book.ts';
import type { KnownPeer, NetworkLimits, NetworkMetrics, PeerKey } from './types.ts';

export interface AutoPeeringDeps {
  readonly dial: (addresses: Multiaddr[], signal: AbortSignal) => Promise<void>;
  /** Connected, dialled by the operator's wish, banned or ourselves: not to be dialled here. */
  readonly isTaken: (peer: PeerKey) => boolean;
  /** Peers that we dialled by ourselves and that hold a place, and where they are. */
  readonly chosen: () => readonly Multiaddr[];
  readonly random: () => number;
  readonly nowMs: () => number;
  readonly epochMs: () => number;
  readonly logger: Logger;
  readonly metrics: NetworkMetrics;
}

interface Candidate {
  readonly key: PeerKey;
  addresses: string[];
  /** Milliseconds since 1970 when it was last seen connected; 0 for never. */
  lastSeenMs: number;
  failures: number;
  nextDialMs: number;
  /** Of the bootstrap list: never forgotten. */
  readonly isBootstrap: boolean;
}

/** Peers that are remembered as candidates; a peer invents as many keys as it likes. */
const MAX_CANDIDATES = 1_024;
const MAX_PARALLEL_DIALS = 4;
/** A candidate never seen is forgotten after so many failures. */
const MAX_FAILURES = 6;
/** A peer of another network is not tried again for so long. */
const FOREIGN_PAUSE_MS = 3_600_000;

export class AutoPeering {
  readonly #limits: NetworkLimits;
  readonly #deps: AutoPeeringDeps;
  readonly #candidates = new Map<PeerKey, Candidate>();
  readonly #dials = new Map<PeerKey, Promise<void>>();
  readonly #stop = new AbortController();

  constructor(limits: NetworkLimits, deps: AutoPeeringDeps) {
    this.#limits = limits;
    this.#deps = deps;
  }

  /** Peers that discovery found, of a bootstrap list, or of an earlier run. */
  add(key: PeerKey, addresses: readonly string[], from: Partial<Candidate> = {}): void {
    const useful = addresses.filter((address) => address.length <= 256).slice(0, MAX_ADDRESSES);
    const known = this.#candidates.get(key);
    if (known !== undefined) {
      if (useful.length > 0) known.addresses = useful;
      return;
    }
    if (useful.length === 0) return;
    if (this.#candidates.size >= MAX_CANDIDATES && !this.#forgetOne()) return;
    this.#candidates.set(key, {
      key,
      addresses: useful,
      lastSeenMs: from.lastSeenMs ?? 0,
      failures: 0,
      nextDialMs: 0,
      isBootstrap: from.isBootstrap ?? false,
    });
  }

  /** A peer of ours is connected, at an address that can be dialled again. */
  onGood(key: PeerKey, address: string | undefined): void {
    if (address !== undefined) this.add(key, [address]);
    const candidate = this.#candidates.get(key);
    if (candidate === undefined) return;
    candidate.failures = 0;
    candidate.lastSeenMs = this.#deps.epochMs();
  }

  /** A peer turned out to belong to another network. */
  onForeign(key: PeerKey): void {
    const candidate = this.#candidates.get(key);
    if (candidate === undefined) return;
    candidate.failures += 1;
    candidate.lastSeenMs = 0;
    candidate.nextDialMs = this.#deps.nowMs() + FOREIGN_PAUSE_MS;
  }

  /** The operator's word: forget the peer. */
  forget(key: PeerKey): void {
    this.#candidates.delete(key);
  }

  /** Peers that were connected before, the last ones first; for the file and for a person. */
  known(): KnownPeer[] {
    return [...this.#candidates.values()]
      .filter(({ lastSeenMs }) => lastSeenMs > 0)
      .toSorted((a, b) => b.lastSeenMs - a.lastSeenMs)
      .slice(0, MAX_KNOWN_PEERS)
      .map(({ key, addresses, lastSeenMs }) => ({ id: key, addresses, lastSeenMs }));
  }

  get size(): number {
    return this.#candidates.size;
  }

  /** Dials candidates while places are free. */
  tick(): void {
    if (this.#stop.signal.aborted) return;
    const chosen = this.#deps.chosen();
    const near = new Set(chosen.map(neighbourhood).filter((one) => one !== undefined));
    const wanted = this.#limits.maxPeers - chosen.length - this.#dials.size;
    let free = Math.min(MAX_PARALLEL_DIALS - this.#dials.size, wanted);
    if (free <= 0) return;
    for (const candidate of this.#inOrder()) {
      if (free <= 0) return;
      const addresses = this.#dialable(candidate, near);
      if (addresses.length === 0) continue;
      for (const address of addresses) {
        const one = neighbourhood(address);
        if (one !== undefined) near.add(one);
      }
      this.#start(candidate, addresses);
      free -= 1;
    }
  }

  /** Ends all dialling and waits for what is under way. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.allSettled(this.#dials.values());
  }

  /** Good ones of before, the rest in random order, bootstrap peers last: they serve everybody. */
  #inOrder(): Candidate[] {
    const nowMs = this.#deps.nowMs();
    return [...this.#candidates.values()]
      .filter(({ key, nextDialMs }) => nextDialMs <= nowMs && !this.#dials.has(key))
      .filter(({ key }) => !this.#deps.isTaken(key))
      .map((candidate) => ({ candidate, chance: this.#deps.random() }))
      .toSorted(
        (a, b) =>
          b.candidate.lastSeenMs - a.candidate.lastSeenMs ||
          Number(a.candidate.isBootstrap) - Number(b.candidate.isBootstrap) ||
          a.chance - b.chance,
      )
      .map(({ candidate }) => candidate);
  }

  /** None when the peer stands next to one that we chose already. */
  #dialable({ key, addresses }: Candidate, near: ReadonlySet<string>): Multiaddr[] {
    const parsed = addresses.flatMap((text) => parse(text, key));
    const isNear = parsed.some((address) => near.has(neighbourhood(address) ?? ''));
    return isNear ? [] : parsed;
  }

  #start(candidate: Candidate, addresses: Multiaddr[]): void {
    const dial = this.#dial(candidate, addresses).finally(() => {
      this.#dials.delete(candidate.key);
    });
    this.#dials.set(candidate.key, dial);
  }

  async #dial(candidate: Candidate, addresses: Multiaddr[]): Promise<void> {
    const { key } = candidate;
    // Also after a success: a peer that answers and hangs up, full or hostile, is not hammered.
    candidate.nextDialMs = this.#deps.nowMs() + this.#pauseMs(candidate.failures + 1);
    this.#deps.metrics.count('dial-started');
    const timeout = AbortSignal.timeout(this.#limits.dialTimeoutMs);
    try {
      await this.#deps.dial(addresses, AbortSignal.any([this.#stop.signal, timeout]));
    } catch (error) {
      this.#deps.metrics.count('dial-failed');
      this.#deps.logger.debug({ peer: key, ...errorFields(error) }, 'dial failed');
      candidate.failures += 1;
      candidate.nextDialMs = this.#deps.nowMs() + this.#pauseMs(candidate.failures);
      const isLost = candidate.failures >= MAX_FAILURES && !candidate.isBootstrap;
      if (isLost) this.#candidates.delete(key);
    }
  }

  /** min × 2^failures, at most 16 times the greatest pause of a static peer, ± 25 %. */
  #pauseMs(failures: number): number {
    const { dialBackoffMinMs, dialBackoffMaxMs } = this.#limits;
    const pause = Math.min(16 * dialBackoffMaxMs, dialBackoffMinMs * 2 ** Math.min(failures, 16));
    return pause * (0.75 + this.#deps.random() / 2);
  }

  /** Makes room: a candidate that was never seen, the one that failed most. */
  #forgetOne(): boolean {
    let worst: Candidate | undefined;
    for (const candidate of this.#candidates.values()) {
      if (candidate.isBootstrap || candidate.lastSeenMs > 0) continue;
      if (worst === undefined || candidate.failures > worst.failures) worst = candidate;
    }
    return worst !== undefined && this.#candidates.delete(worst.key);
  }
}

/** The address with the peer's key at its end; none when it is not an address. */
function parse(text: string, key: PeerKey): Multiaddr[] {
  try {
    const address = multiaddr(text);
    const last = address.getComponents().at(-1);
    if (last?.name === 'p2p') return last.value === key ? [address] : [];
    return [address.encapsulate(`/p2p/${key}`)];
  } catch {
    return [];
  }
}
