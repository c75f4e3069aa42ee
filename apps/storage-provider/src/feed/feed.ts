/**
 * Reads the provider's own node milestone by milestone: checks each certificate, hands the
 * envelopes to the mailboxes, moves ledger time on, and lets what depends on time run. A node that
 * is away is waited for; nothing is skipped. Before: feed/node-ledger.ts. After:
 * mailboxes/arrivals.ts. Spec: docs/spec/33-mailbox.md, section "Arrival".
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { TrustedMilestone } from '@tanglemail/tangle/core/milestone/light-client.ts';
import { errorFields } from '@tanglemail/tangle/io/logger.ts';
import type { Logger } from '@tanglemail/tangle/io/logger.ts';
import { NodeApiError, NodeUnreachableError } from '@tanglemail/tangle/io/node-client/errors.ts';
import { ProofError } from '@tanglemail/tangle/io/node-client/proof-checker.ts';
import type { LedgerClock, LedgerPoint } from '../ledger-clock.ts';
import type { ArrivalCounts } from '../mailboxes/arrivals.ts';

export interface MilestoneSource {
  /** Index of the last final milestone of the node. */
  latestIndex(): Promise<number>;
  milestone(index: number): Promise<Uint8Array | undefined>;
  envelopes(index: number): Promise<Uint8Array[]>;
}

/** Where milestones go; `mailboxes/arrivals.ts`. */
export interface MilestoneSink {
  cursor(): LedgerPoint | undefined;
  take(point: LedgerPoint, envelopes: readonly Uint8Array[]): Promise<ArrivalCounts>;
}

export interface FeedDeps {
  readonly source: MilestoneSource;
  readonly sink: MilestoneSink;
  /** Checks a certificate and follows committees; throws ProofError. */
  readonly checker: { milestone(bytes: Uint8Array): Promise<TrustedMilestone> };
  readonly ledgerClock: LedgerClock;
  readonly logger: Logger;
  /** Runs after each round of milestones: sweeping, claims, offer. */
  readonly onProgress: () => Promise<void>;
  /** Told what became of each milestone's envelopes. */
  readonly onArrivals: (counts: ArrivalCounts) => void;
}

/**
 * Why the feed does not move; `running` when it does. `failing`: something of ours failed, which
 * the log tells at every attempt.
 */
export type FeedState =
  | 'starting'
  | 'running'
  | 'node-away'
  | 'milestone-missing'
  | 'untrusted'
  | 'failing';

const POLL_MS = 1_000;
const BACKOFF_MS_MAX = 30_000;

export class Feed {
  readonly #deps: FeedDeps;
  readonly #abort = new AbortController();
  #state: FeedState = 'starting';
  #loop: Promise<void> | undefined;
  #failures = 0;

  constructor(deps: FeedDeps) {
    this.#deps = deps;
    const cursor = deps.sink.cursor();
    if (cursor) deps.ledgerClock.advance(cursor);
  }

  get state(): FeedState {
    return this.#state;
  }

  start(): void {
    this.#loop ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#loop;
  }

  /** Works off all milestones that the node has; returns how many. Throws when the node is away. */
  async round(): Promise<number> {
    const latest = await this.#deps.source.latestIndex();
    // A provider that starts for the first time owes nobody the past.
    // Milestone 0 is the genesis, which has no certificate.
    const first = this.#deps.sink.cursor()?.index ?? Math.max(latest - 1, 0);
    const wasRunning = this.#state === 'running';
    let done = 0;
    let isHalted = false;
    for (let index = first + 1; index <= latest && !this.#abort.signal.aborted; index += 1) {
      isHalted = !(await this.#step(index));
      if (isHalted) break;
      done += 1;
    }
    // A node that answers without news is as good as one with news.
    if (!isHalted && this.#deps.sink.cursor() !== undefined) this.#state = 'running';
    const isBack = !wasRunning && this.#state === 'running';
    if (done > 0 || isBack) await this.#deps.onProgress();
    return done;
  }

  async #step(index: number): Promise<boolean> {
    const { source, sink, ledgerClock, checker, logger } = this.#deps;
    const bytes = await source.milestone(index);
    if (!bytes) return this.#halt('milestone-missing', { index });
    const checked = await checker.milestone(bytes).catch((error: unknown) => {
      if (error instanceof ProofError) return error;
      throw error;
    });
    if (checked instanceof ProofError)
      return this.#halt('untrusted', { index, code: checked.code });
    const { header, id } = checked;
    if (header.index !== index) return this.#halt('untrusted', { index, code: 'index' });
    const point = { index, milestoneId: id, timestampMs: header.timestampMs };
    const counts = await sink.take(point, await source.envelopes(index));
    ledgerClock.advance(point);
    this.#deps.onArrivals(counts);
    this.#state = 'running';
    logger.debug({ index, ...counts }, 'milestone worked off');
    return true;
  }

  #halt(state: FeedState, facts: { index: number; code?: string }): false {
    if (this.#state !== state)
      this.#deps.logger.error({ state, ...facts }, 'the feed stands still');
    this.#state = state;
    return false;
  }

  /** A node that is away is told once; a failure of ours every time: it does not go by itself. */
  #onFailure(error: unknown): void {
    const { logger } = this.#deps;
    const isAway = error instanceof NodeUnreachableError || error instanceof NodeApiError;
    if (!isAway) logger.error(errorFields(error), 'working off milestones failed');
    else if (this.#state !== 'node-away') logger.warn(errorFields(error), 'the node is away');
    this.#state = isAway ? 'node-away' : 'failing';
  }

  async #run(): Promise<void> {
    while (!this.#abort.signal.aborted) {
      try {
        await this.round();
        this.#failures = 0;
        if (this.#state === 'node-away' || this.#state === 'failing') this.#state = 'running';
      } catch (error) {
        this.#failures += 1;
        this.#onFailure(error);
      }
      const wait = Math.min(POLL_MS * 2 ** Math.min(this.#failures, 10), BACKOFF_MS_MAX);
      await sleep(this.#failures === 0 ? POLL_MS : wait, undefined, {
        signal: this.#abort.signal,
      }).catch(() => undefined);
    }
  }
}
