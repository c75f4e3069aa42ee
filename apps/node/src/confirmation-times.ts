/**
 * How long blocks wait for their milestone: one new block in sixteen is watched from the moment it
 * is solid here until a milestone references it. Path: node.ts → here → metrics.
 * Spec: docs/operating.md, "Metrics of a node".
 */
import type { BlockId } from '@tanglemail/tangle/core/codec/ids.ts';

/** Blocks watched at once; the oldest leave, as those that no milestone ever takes must. */
const MAX_WATCHED = 4_096;

export class ConfirmationTimes {
  readonly #sinceMs = new Map<BlockId, number>();

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
    return times;
  }
}
