/**
 * What the search by filters remembers over a restart: its position, and the nodes that lied.
 * Before: filter-scan.ts; after: store. Spec: docs/spec/40-client-store.md.
 */
import {
  type FilterLiar,
  filterLiars,
  type FilterPosition,
  filterPositions,
} from '../store/filter-collections.ts';
import type { SealedStore } from '../store/sealed-store.ts';

const KEY = 'position';

export class FilterMemory {
  readonly #store: SealedStore;

  constructor(store: SealedStore) {
    this.#store = store;
  }

  /** A search that has read nothing and begins with milestone `next`. */
  static at(next: number): FilterPosition {
    return {
      next,
      header: '',
      caughtUpAt: 0,
      comparedTo: 0,
      hits: 0,
      falseHits: 0,
      decoys: 0,
      mails: 0,
      filterBytes: 0,
      blockBytes: 0,
      missed: 0,
    };
  }

  get position(): FilterPosition | undefined {
    return this.#store.get(filterPositions, KEY);
  }

  async save(position: FilterPosition): Promise<void> {
    await this.#store.batch().put(filterPositions, KEY, position).write();
  }

  /** What is held against the node at `url`. */
  liar(url: string): FilterLiar | undefined {
    return this.#store.get(filterLiars, this.#keyOf(url));
  }

  async accuse(liar: FilterLiar): Promise<void> {
    await this.#store.batch().put(filterLiars, this.#keyOf(liar.url), liar).write();
  }

  #keyOf(url: string): string {
    return this.#store.opaque(`filter-liar/${url}`);
  }
}
