/**
 * Solid blocks that no milestone has referenced, in the order in which they became solid, and how
 * many of them each source has: what keeps a flood from one source from shutting others out. Only
 * dag.ts changes it. Spec: docs/spec/14-load.md.
 */
import type { BlockId } from '../codec/ids.ts';
import type { Vertex } from './vertex.ts';

export class Unreferenced {
  readonly #ids = new Set<BlockId>();
  /** Sources with a block here, and how many: never more entries than blocks. */
  readonly #counts = new Map<string, number>();

  get size(): number {
    return this.#ids.size;
  }

  /**
   * Whether `source` has as many blocks here as `places` give to each source that has any. A source
   * without a block here never does.
   */
  holdsShare(source: string, places: number): boolean {
    const held = this.#counts.get(source) ?? 0;
    return held > 0 && held * this.#counts.size >= places;
  }

  values(): IterableIterator<BlockId> {
    return this.#ids.values();
  }

  add({ id, source }: Vertex): void {
    this.#ids.add(id);
    this.#counts.set(source, (this.#counts.get(source) ?? 0) + 1);
  }

  delete({ id, source }: Vertex): void {
    if (!this.#ids.delete(id)) return;
    const left = (this.#counts.get(source) ?? 0) - 1;
    if (left === 0) this.#counts.delete(source);
    else this.#counts.set(source, left);
  }
}
