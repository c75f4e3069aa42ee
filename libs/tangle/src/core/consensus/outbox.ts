/**
 * What the agreement wants done, in order, and how often it asks peers. Path: `simplex.ts` → the
 * shell. Spec: docs/spec/15-consensus.md §3.
 */
import type { ConsensusMessage } from '../codec/consensus.ts';
import type { MilestoneId } from '../codec/ids.ts';
import type { SimplexAction } from './actions.ts';

/** Views whose certificates, and milestones whose proposals, are asked for at once. */
export const MAX_FETCH_VIEWS = 16;

export class Outbox {
  readonly #pauseMs: number;
  #fetchedMs = -Infinity;
  #actions: SimplexAction[] = [];

  /** @param pauseMs the least time between two requests to peers. */
  constructor(pauseMs: number) {
    this.#pauseMs = pauseMs;
  }

  push(action: SimplexAction): void {
    this.#actions.push(action);
  }

  send(message: ConsensusMessage): void {
    this.#actions.push({ do: 'send', message });
  }

  /** Asks peers for certificates of views and proposals of ids, unless it did a moment ago. */
  fetch(views: readonly bigint[], ids: readonly MilestoneId[], nowMs: number): void {
    if (views.length === 0 && ids.length === 0) return;
    if (nowMs < this.#fetchedMs + this.#pauseMs) return;
    this.#fetchedMs = nowMs;
    this.#actions.push({
      do: 'fetch',
      views: views.slice(0, MAX_FETCH_VIEWS),
      ids: ids.slice(0, MAX_FETCH_VIEWS),
    });
  }

  /** The clock was set back: the next request may go at once. */
  onClockSetBack(): void {
    this.#fetchedMs = -Infinity;
  }

  /** Hands over everything since the last call. */
  take(): SimplexAction[] {
    const actions = this.#actions;
    this.#actions = [];
    return actions;
  }
}
