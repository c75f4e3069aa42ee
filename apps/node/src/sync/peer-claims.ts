/**
 * What peers say of themselves (STATUS) against what they can show. A peer that claims a milestone
 * beyond the newest proven one is asked for it, once; if it cannot show it, its word does not count
 * for a while and it collects points. So a liar costs one request, whatever it says. Used by
 * milestone-sync.ts. Spec: docs/spec/13-sync.md §5.
 */
import type { SyncStatus } from '@tanglemail/tangle/core/codec/frame.ts';

/** What became of the question. */
export type Shown = 'proven' | 'not-shown' | 'no-answer';

export interface PeerClaimsDeps {
  peers(): readonly { readonly id: string; readonly status?: SyncStatus }[];
  /** The newest index that a certificate proved here. */
  newestProven(): number;
  /** The milestone that shows whether a claim may be true, or brings that nearer. */
  nextStep(claimed: number): number;
  /** Asks this peer alone for milestone `index`, and keeps it when its certificate holds. */
  show(peer: string, index: number): Promise<Shown>;
  /** The peer claimed what it cannot show. */
  onLie(peer: string, index: number): void;
  /** A clock that never goes back. */
  nowMs(): number;
}

interface Doubt {
  /** Until then the peer's word does not count. */
  untilMs: number;
  lies: number;
}

/** Peers that are asked at once. */
const MAX_QUESTIONS = 2;
/** Doubts remembered; they outlive connections. */
const MAX_DOUBTS = 1_024;
const FIRST_DOUBT_MS = 60_000;
const LAST_DOUBT_MS = 3_600_000;
/** A peer that did not answer may only be slow. */
const SILENCE_DOUBT_MS = 10_000;

export class PeerClaims {
  readonly #deps: PeerClaimsDeps;
  readonly #doubts = new Map<string, Doubt>();
  readonly #asking = new Map<string, Promise<void>>();
  /** Since when each peer claims more than is proven. */
  #since = new Map<string, number>();

  constructor(deps: PeerClaimsDeps) {
    this.#deps = deps;
  }

  /** The newest index that each peer claims whose word counts. */
  believed(): number[] {
    return this.#deps
      .peers()
      .flatMap(({ id, status }) =>
        status === undefined || this.#isDoubted(id) ? [] : [status.latestIndex],
      );
  }

  /**
   * Asks for what is claimed and not proven. A new milestone is on its way by gossip, too: it may
   * take `patienceMs`.
   */
  ask(patienceMs: number): void {
    const nowMs = this.#deps.nowMs();
    const since = new Map<string, number>();
    for (const { id, asked } of this.#unproven()) {
      const sinceMs = this.#since.get(id) ?? nowMs;
      since.set(id, sinceMs);
      if (nowMs - sinceMs < patienceMs || this.#asking.has(id)) continue;
      if (this.#asking.size < MAX_QUESTIONS) this.#asking.set(id, this.#question(id, asked));
    }
    this.#since = since;
  }

  /**
   * Who claims more than is proven, first those that were never in doubt, then those whose doubt
   * ended longest ago: a crowd that never answers holds up no honest peer for long. Who need not
   * have what would be asked for is not asked: it has pruned it, or is itself not there yet.
   */
  #unproven(): { readonly id: string; readonly asked: number }[] {
    const newest = this.#deps.newestProven();
    const doubtMs = (id: string): number => this.#doubts.get(id)?.untilMs ?? 0;
    return this.#deps
      .peers()
      .flatMap(({ id, status }) => {
        if (status === undefined || status.latestIndex <= newest || this.#isDoubted(id)) return [];
        const { latestIndex, solidIndex, prunedIndex } = status;
        const asked = this.#deps.nextStep(latestIndex);
        const isThere = asked === latestIndex || (asked <= solidIndex && asked > prunedIndex);
        return isThere ? [{ id, asked }] : [];
      })
      .toSorted((a, b) => doubtMs(a.id) - doubtMs(b.id));
  }

  /** Resolves when no question is open. */
  async settle(): Promise<void> {
    await Promise.all(this.#asking.values());
  }

  async #question(peer: string, index: number): Promise<void> {
    const shown = await this.#deps.show(peer, index);
    this.#asking.delete(peer);
    if (shown === 'proven') this.#doubts.delete(peer);
    else this.#doubt(peer, index, shown);
  }

  #doubt(peer: string, index: number, shown: Exclude<Shown, 'proven'>): void {
    const before = this.#doubts.get(peer)?.lies ?? 0;
    const lies = shown === 'not-shown' ? before + 1 : before;
    const lieMs = Math.min(LAST_DOUBT_MS, FIRST_DOUBT_MS * 2 ** (lies - 1));
    const forMs = shown === 'not-shown' ? lieMs : SILENCE_DOUBT_MS;
    this.#doubts.delete(peer);
    this.#doubts.set(peer, { untilMs: this.#deps.nowMs() + forMs, lies });
    if (this.#doubts.size > MAX_DOUBTS) {
      const oldest = this.#doubts.keys().next().value;
      if (oldest !== undefined) this.#doubts.delete(oldest);
    }
    if (shown === 'not-shown') this.#deps.onLie(peer, index);
  }

  #isDoubted(peer: string): boolean {
    return (this.#doubts.get(peer)?.untilMs ?? 0) > this.#deps.nowMs();
  }
}
