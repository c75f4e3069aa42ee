/**
 * Records in memory over batches that are not written yet: a second change in the same batch stands
 * on the first one, and nobody else sees either before the batch is on the disk. Used by chat/.
 */
import type { SealedBatch } from './sealed-store.ts';

export class StagedMap<V> {
  readonly #kept = new Map<string, V>();
  readonly #staged = new WeakMap<SealedBatch, Map<string, V | undefined>>();

  /** What is on the disk, or what `batch` will make of it. */
  get(key: string, batch?: SealedBatch): V | undefined {
    const staged = batch === undefined ? undefined : this.#staged.get(batch);
    return staged?.has(key) === true ? staged.get(key) : this.#kept.get(key);
  }

  /** Everything that is on the disk. */
  values(): V[] {
    return [...this.#kept.values()];
  }

  /** Takes over what was read from the disk. */
  load(key: string, value: V): void {
    this.#kept.set(key, value);
  }

  /** A change (undefined deletes) for `batch`; call the function it gives once that is written. */
  set(batch: SealedBatch, key: string, value: V | undefined): () => void {
    const staged = this.#staged.get(batch) ?? new Map<string, V | undefined>();
    staged.set(key, value);
    this.#staged.set(batch, staged);
    return () => {
      if (value === undefined) this.#kept.delete(key);
      else this.#kept.set(key, value);
    };
  }
}

/** One function that calls all of them in turn. */
export function applyAll(applies: readonly (() => void)[]): () => void {
  return () => applies.forEach((apply) => apply());
}
