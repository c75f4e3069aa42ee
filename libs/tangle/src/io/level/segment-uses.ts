/**
 * How many blocks of each segment are still needed: those that milestones reference, as the store
 * says, and the unreferenced ones in memory. A segment without any can go.
 * Path: block-repository.ts → here → block-index.ts. Spec: docs/spec/10-storage.md.
 */
import { assert } from '../../core/outcome.ts';
import type { Location } from '../segments/segment-files.ts';
import type { SegmentUse } from './block-index.ts';
import { putSegmentUse } from './block-index.ts';
import type { FreshBlock } from './block-recovery.ts';
import type { KvBatch } from './kv-store.ts';

const UNUSED: SegmentUse = { blocks: 0, end: 0 };

export class SegmentUses {
  readonly #referenced: Map<number, SegmentUse>;
  readonly #fresh = new Map<number, number>();

  constructor(referenced: Map<number, SegmentUse>, fresh: Iterable<FreshBlock>) {
    this.#referenced = referenced;
    for (const { location } of fresh) this.addFresh(location.segment);
  }

  isUsed(segment: number): boolean {
    return this.#referenced.has(segment) || this.#fresh.has(segment);
  }

  addFresh(segment: number): void {
    this.#fresh.set(segment, (this.#fresh.get(segment) ?? 0) + 1);
  }

  removeFresh(segment: number): void {
    const left = (this.#fresh.get(segment) ?? 0) - 1;
    assert(left >= 0, 'an unreferenced block is counted once');
    if (left === 0) this.#fresh.delete(segment);
    else this.#fresh.set(segment, left);
  }

  /** Adds to a batch that these are referenced now; `set` the result when it is written. */
  plus(batch: KvBatch, added: readonly Location[]): Map<number, SegmentUse> {
    return this.#change(batch, added, 1);
  }

  /** Adds to a batch that these are gone; `set` the result when it is written. */
  minus(batch: KvBatch, removed: readonly Location[]): Map<number, SegmentUse> {
    return this.#change(batch, removed, -1);
  }

  set(uses: ReadonlyMap<number, SegmentUse>): void {
    for (const [segment, use] of uses) {
      if (use.blocks === 0) this.#referenced.delete(segment);
      else this.#referenced.set(segment, use);
    }
  }

  #change(batch: KvBatch, places: readonly Location[], by: 1 | -1): Map<number, SegmentUse> {
    const changed = new Map<number, SegmentUse>();
    for (const { segment, offset, length } of places) {
      const { blocks, end } = changed.get(segment) ?? this.#referenced.get(segment) ?? UNUSED;
      assert(blocks + by >= 0, 'a referenced block is counted once');
      // Without the header of its record: a bound that needs no exact knowledge of it.
      changed.set(segment, { blocks: blocks + by, end: Math.max(end, offset + length) });
    }
    for (const [segment, use] of changed) putSegmentUse(batch, segment, use);
    return changed;
  }
}
