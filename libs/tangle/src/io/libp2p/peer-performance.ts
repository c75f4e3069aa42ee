/**
 * How well peers answered requests, and whose turn it is: a smooth weighted round robin in which a
 * fast peer gets more and a slow one less, never nothing for ever. Used by requester.ts.
 * Spec: docs/spec/13-sync.md §3.
 */
import type { PeerKey } from './types.ts';

/** When the frames of one answer came. */
export interface AnswerTiming {
  /** From the request to the first frame, in milliseconds. */
  readonly firstFrameMs: number;
  /** From the request to the last frame. */
  readonly totalMs: number;
  /** Bytes of the answer's items. */
  readonly bytes: number;
}

/** Share of the newest sample in a moving average. */
const NEWEST_SHARE = 0.25;
/** What is assumed of a peer that was never asked: good, so that it is tried soon. */
const ASSUMED_FIRST_FRAME_MS = 100;
const ASSUMED_BYTES_PER_MS = 4_096;
/** The answer by which peers are compared, and the least one that says something of throughput. */
const TYPICAL_BYTES = 256 * 1024;
const LEAST_SAMPLE_BYTES = 64 * 1024;
/** Failures are forgotten by half in this time. */
const FAILURE_HALF_LIFE_MS = 30_000;
/** A failure makes an answer look four times as far away; more than three count as three. */
const FAILURE_FACTOR = 4;
const MAX_FAILURES = 3;
/** The worst peer's turn comes once in so many turns of the best. */
const LEAST_SHARE = 1 / 32;
/** From here on a peer gets one request at a time. */
const DOUBTFUL_FAILURES = 0.5;
/** Peers remembered beyond their connection, so that reconnecting does not whitewash. */
const MAX_REMEMBERED = 1_024;

/** What is known of one peer's answers; times are on the owner's clock. */
export class PeerPerformance {
  #firstFrameMs = ASSUMED_FIRST_FRAME_MS;
  #bytesPerMs = ASSUMED_BYTES_PER_MS;
  #failures = 0;
  #failedMs = 0;

  /** The peer answered in full. */
  noteAnswer({ firstFrameMs, totalMs, bytes }: AnswerTiming, nowMs: number): void {
    this.#firstFrameMs = average(this.#firstFrameMs, firstFrameMs);
    if (bytes >= LEAST_SAMPLE_BYTES) {
      this.#bytesPerMs = average(this.#bytesPerMs, bytes / Math.max(1, totalMs));
    }
    this.#setFailures(this.failures(nowMs) / 2, nowMs);
  }

  /** No answer, half an answer, or a wrong one. */
  noteFailure(nowMs: number): void {
    this.#setFailures(Math.min(MAX_FAILURES, this.failures(nowMs) + 1), nowMs);
  }

  /** Failures that are not forgotten yet, 0–3. */
  failures(nowMs: number): number {
    return this.#failures * 0.5 ** ((nowMs - this.#failedMs) / FAILURE_HALF_LIFE_MS);
  }

  /** How long a typical answer should take, in milliseconds; failures count as delay. */
  expectedMs(nowMs: number): number {
    const timeMs = Math.max(1, this.#firstFrameMs) + TYPICAL_BYTES / this.#bytesPerMs;
    return timeMs * FAILURE_FACTOR ** this.failures(nowMs);
  }

  #setFailures(failures: number, nowMs: number): void {
    this.#failures = failures;
    this.#failedMs = nowMs;
  }
}

function average(before: number, sample: number): number {
  return before + (sample - before) * NEWEST_SHARE;
}

interface Entry {
  readonly performance: PeerPerformance;
  /** Turns that the peer is owed, in shares of one turn. */
  credit: number;
}

/** Gives turns to peers by their performance. */
export class PeerRota {
  readonly #entries = new Map<PeerKey, Entry>();

  /** What is known of a peer; a new one has the benefit of the doubt. */
  performance(peer: PeerKey): PeerPerformance {
    return this.#entry(peer).performance;
  }

  /**
   * Requests that a peer may have under way, 1–`max`: fewer for one that is slower than the best
   * of `peers`, one for a peer that failed a moment ago. So a hung peer costs one place.
   */
  places(peers: readonly PeerKey[], max: number, nowMs: number): ReadonlyMap<PeerKey, number> {
    const known = peers.map((peer) => ({ peer, performance: this.performance(peer) }));
    const expected = known.map(({ performance }) => performance.expectedMs(nowMs));
    const bestMs = Math.min(...expected);
    return new Map(
      known.map(({ peer, performance }, position) => {
        const share = bestMs / (expected[position] ?? bestMs);
        const isDoubtful = performance.failures(nowMs) >= DOUBTFUL_FAILURES;
        return [peer, isDoubtful ? 1 : Math.max(1, Math.ceil(max * share))];
      }),
    );
  }

  /** The peer whose turn it is among `peers`; undefined when there are none. */
  next(peers: readonly PeerKey[], nowMs: number): PeerKey | undefined {
    const entries = peers.map((peer) => ({ peer, entry: this.#entry(peer) }));
    const speeds = entries.map(({ entry }) => 1 / entry.performance.expectedMs(nowMs));
    const best = Math.max(...speeds);
    const weights = speeds.map((speed) => Math.max(speed, best * LEAST_SHARE));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    let chosen: (typeof entries)[number] | undefined;
    for (const [position, candidate] of entries.entries()) {
      const { entry } = candidate;
      // Bounded, because the set of candidates changes from turn to turn.
      entry.credit = Math.min(1, entry.credit + (weights[position] ?? 0) / total);
      if (chosen === undefined || entry.credit > chosen.entry.credit) chosen = candidate;
    }
    if (chosen !== undefined) chosen.entry.credit = Math.max(-1, chosen.entry.credit - 1);
    return chosen?.peer;
  }

  #entry(peer: PeerKey): Entry {
    const known = this.#entries.get(peer);
    if (known !== undefined) return known;
    const entry: Entry = { performance: new PeerPerformance(), credit: 0 };
    this.#entries.set(peer, entry);
    if (this.#entries.size > MAX_REMEMBERED) {
      const oldest = this.#entries.keys().next().value;
      if (oldest !== undefined) this.#entries.delete(oldest);
    }
    return entry;
  }
}
