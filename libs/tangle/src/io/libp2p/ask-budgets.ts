/**
 * How often each peer may be asked: less often than peers allow, so that a node which catches up is
 * never taken for a flood, and not at all for a moment after the peer said that it is busy. Used by
 * requester.ts. Spec: docs/spec/13-sync.md §3.
 */
import { TokenBucket } from '../token-bucket.ts';
import type { NetworkLimits, PeerKey } from './types.ts';

/** Of what peers allow; the rest is for clocks that differ and for frames that come in heaps. */
const SHARE = 0.8;
/** Requests of the burst that those which can wait leave to what is urgent. */
const RESERVE = 16;
/** A busy peer rests so long, twice as long each time it is busy still. */
const FIRST_REST_MS = 250;
const MAX_REST_MS = 4_000;
/** Peers remembered beyond their connection, since their budgets outlive it, too. */
const MAX_REMEMBERED = 1_024;

interface Entry {
  bucket: TokenBucket;
  /** Not asked before then. */
  restUntilMs: number;
  /** The next rest; the first one again after an answer. */
  restMs: number;
}

export class AskBudgets {
  readonly #perSecond: number;
  readonly #burst: number;
  readonly #entries = new Map<PeerKey, Entry>();

  constructor(limits: Pick<NetworkLimits, 'requestsPerSecond' | 'requestsBurst'>) {
    this.#perSecond = limits.requestsPerSecond * SHARE;
    this.#burst = limits.requestsBurst * SHARE;
  }

  /** Milliseconds until the peer may be asked; 0 is now. */
  waitMs(peer: PeerKey, isUrgent: boolean, nowMs: number): number {
    const { bucket, restUntilMs } = this.#entry(peer, nowMs);
    const reserve = isUrgent ? 0 : Math.min(RESERVE, this.#burst - 1);
    return Math.max(restUntilMs - nowMs, bucket.waitMs(1 + reserve, nowMs), 0);
  }

  /** A request goes to the peer. */
  noteAsked(peer: PeerKey, nowMs: number): void {
    this.#entry(peer, nowMs).bucket.take(1, nowMs);
  }

  noteAnswered(peer: PeerKey, nowMs: number): void {
    this.#entry(peer, nowMs).restMs = FIRST_REST_MS;
  }

  /**
   * The peer is busy, or our budget there is used up, by an earlier process of ours perhaps: what
   * was saved up here says nothing any more.
   */
  noteBusy(peer: PeerKey, nowMs: number): void {
    const entry = this.#entry(peer, nowMs);
    if (nowMs < entry.restUntilMs) return;
    entry.bucket = this.#newBucket(nowMs);
    entry.bucket.charge(this.#burst);
    entry.restUntilMs = nowMs + entry.restMs;
    entry.restMs = Math.min(MAX_REST_MS, entry.restMs * 2);
  }

  #newBucket(nowMs: number): TokenBucket {
    return new TokenBucket(this.#perSecond, this.#burst, nowMs);
  }

  #entry(peer: PeerKey, nowMs: number): Entry {
    const known = this.#entries.get(peer);
    if (known !== undefined) return known;
    const entry = { bucket: this.#newBucket(nowMs), restUntilMs: 0, restMs: FIRST_REST_MS };
    this.#entries.set(peer, entry);
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > MAX_REMEMBERED && oldest !== undefined) this.#entries.delete(oldest);
    return entry;
  }
}
