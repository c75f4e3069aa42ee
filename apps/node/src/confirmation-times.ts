/**
 * How long blocks wait for their milestone: one new block in sixteen is watched from the moment it
 * is solid here until a milestone references it. Path: node.ts → here → metrics.
 * Spec: docs/operating.md, "Metrics of a node".
 */
import type { BlockId } from '@tanglemail/tangle/core/codec/ids.ts';

/** Blocks watched at once; the oldest leave, as those that no milestone ever takes must. */
const MAX_WATCHED = 4_096;
/** Waiting times that the summary for people looks at. */
const MAX_LATELY = 256;

/** How long blocks waited lately, in whole milliseconds. */
export interface ConfirmationSummary {
  readonly median: number;
  readonly p95: number;
}

export class ConfirmationTimes {
  readonly #sinceMs = new Map<BlockId, number>();
  readonly #lately: number[] = [];

  /** A block became solid; ids are evenly spread, so their first digit decides who is watched. */
  onSolid(id: BlockId, nowMs: number): void {
    if (!id.startsWith('0')) return;
    this.#sinceMs.set(id, nowMs);
    if (this.#sinceMs.size <= MAX_WATCHED) return;
    for (const oldest of this.#sinceMs.keys()) {
      this.#sinceMs.delete(oldest);
      return;
    }
  }

  /** The waiting times in milliseconds of the watched ones among blocks that a milestone took. */
  onReferenced(ids: readonly BlockId[], nowMs: number): number[] {
    const times: number[] = [];
    for (const id of ids) {
      const sinceMs = this.#sinceMs.get(id);
      if (sinceMs === undefined) continue;
      this.#sinceMs.delete(id);
      times.push(Math.max(0, nowMs - sinceMs));
    }
    this.#lately.push(...times.slice(-MAX_LATELY));
    this.#lately.splice(0, this.#lately.length - MAX_LATELY);
    return times;
  }

  /** Of the last times that were told; undefined before the first. */
  lately(): ConfirmationSummary | undefined {
    const sorted = this.#lately.toSorted((one, other) => one - other);
    const at = (part: number): number => sorted[Math.floor((sorted.length - 1) * part)] ?? 0;
    if (sorted.length === 0) return undefined;
    return { median: Math.round(at(0.5)), p95: Math.round(at(0.95)) };
  }
}
