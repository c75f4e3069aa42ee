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
import { withinTime } from '../within-time.ts';
import { neighbourhood } from './addresses.ts';
import { MAX_ADDRESSES, MAX_KNOWN_PEERS } from './peer-book.ts';
import type { KnownPeer, NetworkLimits, NetworkMetrics, PeerKey } from './types.ts';

export interface AutoPeeringDeps {
  readonly dial: (addresses: Multiaddr[], signal: AbortSignal) => Promise<void>;
  /** Connected, dialled by the operator's wish, banned or ourselves: not to be dialled here. */
  readonly isTaken: (peer: PeerKey) => boolean;
  /** Peers that we dialled by ourselves and that hold a place, and where they are. */
  readonly chosen: () => readonly ChosenPeer[];
  readonly random: () => number;
  readonly nowMs: () => number;
  readonly epochMs: () => number;
  readonly logger: Logger;
  readonly metrics: NetworkMetrics;
}

export interface ChosenPeer {
  readonly key: PeerKey;
  readonly address: Multiaddr;
}

/** What is known of a peer beside its addresses. */
export interface CandidateSource {
  /** Of the bootstrap list: never forgotten, and its addresses stay. */
  readonly isBootstrap?: boolean;
  /** Milliseconds since 1970 when an earlier run saw it connected. */
  readonly lastSeenMs?: number;
  /** Whether an earlier run dialled it with success, at the first of the addresses. */
  readonly dialled?: boolean;
}

interface Candidate {
  readonly key: PeerKey;
  /** Where we reached it, or those of the bootstrap list; what others tell never replaces them. */
  proven: readonly string[];
  /** What others, or the peer itself, told last. */
  heard: readonly string[];
  /** Milliseconds since 1970 when it was last seen connected; 0 for never. */
  lastSeenMs: number;
  failures: number;
  triedMs: number;
  nextDialMs: number;
  isBootstrap: boolean;
}

/** Peers that are remembered as candidates; a peer invents as many keys as it likes. */
const MAX_CANDIDATES = 1_024;
const MAX_PARALLEL_DIALS = 4;
/** A candidate never seen is forgotten after so many failures. */
const MAX_FAILURES = 6;
/** One that was seen is, when it was away for so long besides. */
const FORGET_AFTER_MS = 7 * 86_400_000;
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
  add(key: PeerKey, addresses: readonly string[], source: CandidateSource = {}): void {
    const useful = addresses.filter((address) => address.length <= 256).slice(0, MAX_ADDRESSES);
    if (useful.length === 0) return;
    const candidate = this.#candidates.get(key) ?? this.#enter(key);
    if (candidate === undefined) return;
    candidate.lastSeenMs = Math.max(candidate.lastSeenMs, source.lastSeenMs ?? 0);
    if (source.isBootstrap === true) {
      candidate.isBootstrap = true;
      candidate.proven = [...candidate.proven, ...useful];
      return;
    }
    candidate.heard = useful;
    if (source.dialled === true && !candidate.isBootstrap) candidate.proven = useful.slice(0, 1);
  }

  /** A peer of ours is connected; `address`, if we dialled it, is where. */
  onGood(key: PeerKey, address: string | undefined): void {
    if (address !== undefined) this.add(key, [address], { dialled: true });
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

  /** Peers that were connected, the best first; for the file and for a person. */
  known(): KnownPeer[] {
    return [...this.#candidates.values()]
      .filter(({ lastSeenMs }) => lastSeenMs > 0)
      .toSorted(byWorth)
      .slice(0, MAX_KNOWN_PEERS)
      .map((candidate) => ({
        id: candidate.key,
        addresses: addressesOf(candidate),
        lastSeenMs: candidate.lastSeenMs,
        dialled: candidate.proven.length > 0,
      }));
  }

  get size(): number {
    return this.#candidates.size;
  }

  /** Dials candidates while places are free. */
  tick(): void {
    if (this.#stop.signal.aborted) return;
    const chosen = this.#deps.chosen();
    this.#see(chosen);
    const near = new Set(
      chosen.map(({ address }) => neighbourhood(address)).filter((one) => one !== undefined),
    );
    const wanted = this.#limits.maxPeers - chosen.length - this.#dials.size;
    let free = Math.min(MAX_PARALLEL_DIALS - this.#dials.size, wanted);
    if (free <= 0) return;
    for (const candidate of this.#inOrder(chosen.length === 0)) {
      if (free <= 0) return;
      const addresses = dialable(candidate, near);
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

  #enter(key: PeerKey): Candidate | undefined {
    if (this.#candidates.size >= MAX_CANDIDATES && !this.#forgetOne()) return undefined;
    const candidate: Candidate = {
      key,
      proven: [],
      heard: [],
      lastSeenMs: 0,
      failures: 0,
      triedMs: Number.NEGATIVE_INFINITY,
      nextDialMs: 0,
      isBootstrap: false,
    };
    this.#candidates.set(key, candidate);
    return candidate;
  }

  /** Who has been connected since long ago was seen now. */
  #see(chosen: readonly ChosenPeer[]): void {
    const nowMs = this.#deps.epochMs();
    for (const { key } of chosen) {
      const candidate = this.#candidates.get(key);
      if (candidate !== undefined && candidate.lastSeenMs > 0) candidate.lastSeenMs = nowMs;
    }
  }

  /**
   * Good ones of before, the rest in random order, bootstrap peers last: they serve everybody. A
   * node that has chosen nobody, as after an outage of its own line, waits for none of them long.
   */
  #inOrder(isAlone: boolean): Candidate[] {
    const nowMs = this.#deps.nowMs();
    const longAgoMs = nowMs - this.#limits.dialBackoffMaxMs;
    return [...this.#candidates.values()]
      .filter((one) => one.nextDialMs <= nowMs || (isAlone && one.triedMs <= longAgoMs))
      .filter(({ key }) => !this.#dials.has(key) && !this.#deps.isTaken(key))
      .map((candidate) => ({ candidate, chance: this.#deps.random() }))
      .toSorted(
        (a, b) =>
          Number(a.candidate.isBootstrap) - Number(b.candidate.isBootstrap) ||
          byWorth(a.candidate, b.candidate) ||
          a.chance - b.chance,
      )
      .map(({ candidate }) => candidate);
  }

  #start(candidate: Candidate, addresses: Multiaddr[]): void {
    const dial = this.#dial(candidate, addresses).finally(() => {
      this.#dials.delete(candidate.key);
    });
    this.#dials.set(candidate.key, dial);
  }

  async #dial(candidate: Candidate, addresses: Multiaddr[]): Promise<void> {
    const { key } = candidate;
    candidate.triedMs = this.#deps.nowMs();
    // Also after a success: a peer that answers and hangs up, full or hostile, is not hammered.
    candidate.nextDialMs = candidate.triedMs + this.#pauseMs(candidate.failures + 1);
    this.#deps.metrics.count('dial-started');
    try {
      await withinTime(this.#limits.dialTimeoutMs, [this.#stop.signal], (signal) =>
        this.#deps.dial(addresses, signal),
      );
    } catch (error) {
      this.#deps.metrics.count('dial-failed');
      this.#deps.logger.debug({ peer: key, ...errorFields(error) }, 'dial failed');
      candidate.failures += 1;
      candidate.nextDialMs = this.#deps.nowMs() + this.#pauseMs(candidate.failures);
      if (this.#isLost(candidate)) this.#candidates.delete(key);
    }
  }

  #isLost({ failures, isBootstrap, lastSeenMs }: Candidate): boolean {
    if (failures < MAX_FAILURES || isBootstrap) return false;
    return this.#deps.epochMs() - lastSeenMs >= FORGET_AFTER_MS;
  }

  /** min × 2^failures, at most 16 times the greatest pause of a static peer, ± 25 %. */
  #pauseMs(failures: number): number {
    const { dialBackoffMinMs, dialBackoffMaxMs } = this.#limits;
    const pause = Math.min(16 * dialBackoffMaxMs, dialBackoffMinMs * 2 ** Math.min(failures, 16));
    return pause * (0.75 + this.#deps.random() / 2);
  }

  /**
   * Makes room. A candidate that was never seen leaves first, the one that failed most; else, of
   * those beyond what the file holds, the one of least worth.
   */
  #forgetOne(): boolean {
    const all = [...this.#candidates.values()].filter(({ isBootstrap }) => !isBootstrap);
    let worst: Candidate | undefined;
    for (const candidate of all) {
      if (candidate.lastSeenMs > 0) continue;
      if (worst === undefined || candidate.failures > worst.failures) worst = candidate;
    }
    worst ??= all.length > MAX_KNOWN_PEERS ? all.toSorted(byWorth).at(-1) : undefined;
    return worst !== undefined && this.#candidates.delete(worst.key);
  }
}

/**
 * Peers that we reached before those that only came to us, or a crowd that dials us would take the
 * places of both; then those that were connected last.
 */
function byWorth(a: Candidate, b: Candidate): number {
  const rank = ({ proven, lastSeenMs }: Candidate): number =>
    lastSeenMs === 0 ? 0 : proven.length > 0 ? 2 : 1;
  return rank(b) - rank(a) || b.lastSeenMs - a.lastSeenMs;
}

function addressesOf({ proven, heard }: Candidate): string[] {
  return [...new Set([...proven, ...heard])].slice(0, MAX_ADDRESSES);
}

/**
 * Its addresses outside the neighbourhoods of those that we chose already. The others are left out
 * one by one: whoever tells a false address of a peer must not keep us from it.
 */
function dialable(candidate: Candidate, near: ReadonlySet<string>): Multiaddr[] {
  return addressesOf(candidate)
    .flatMap((text) => parse(text, candidate.key))
    .filter((address) => !near.has(neighbourhood(address) ?? ''));
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
