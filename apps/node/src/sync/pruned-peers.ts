/**
 * Tells the operator when no peer has what this node needs next: it cannot catch up by itself.
 * Path: milestone-sync.ts → here → health. Spec: docs/spec/13-sync.md.
 */
import type { SyncStatus } from '@tanglemail/tangle/core/codec/frame.ts';
import type { Logger } from '@tanglemail/tangle/io/logger.ts';

export interface PrunedPeersDeps {
  peers(): readonly { readonly status?: SyncStatus }[];
  readonly logger: Logger;
}

/** Pause between two lines of the log about the same. */
const LOG_MS = 60_000;

export class PrunedPeers {
  readonly #deps: PrunedPeersDeps;
  #problem: string | undefined;
  #loggedMs = Number.NEGATIVE_INFINITY;

  constructor(deps: PrunedPeersDeps) {
    this.#deps = deps;
  }

  /** In words; undefined while a peer may have what is needed. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Nothing is missing. */
  forget(): void {
    this.#problem = undefined;
  }

  /** Milestone `next` is not here: says once a minute when every peer has pruned it. */
  judge(next: number): void {
    const statuses = this.#deps.peers().flatMap(({ status }) => status ?? []);
    if (statuses.length === 0 || statuses.some(({ prunedIndex }) => prunedIndex < next)) {
      this.forget();
      return;
    }
    this.#problem =
      `all ${statuses.length} peers have pruned milestone ${next}, which is the next one here: ` +
      'start from a snapshot (snapshot.from) or add a peer that keeps more';
    const nowMs = performance.now();
    if (nowMs - this.#loggedMs < LOG_MS) return;
    this.#loggedMs = nowMs;
    this.#deps.logger.warn({ next, peers: statuses.length }, this.#problem);
  }
}
