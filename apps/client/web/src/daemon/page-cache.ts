/**
 * The rows of a long list that have been fetched, in pages of equal length. Any place of the list
 * can be asked for; rows that have not come are missing. What has changed stays shown until it is
 * fetched anew. Pure: who fetches is use-rows.ts.
 */

/** Rows of one fetch. */
export const PAGE_ROWS = 100;
/** Pages that are kept; those that were not looked at for the longest time go. */
const MAX_PAGES = 40;

interface Page<T> {
  readonly rows: readonly T[];
  /** Fetched before the last change. */
  readonly isStale: boolean;
}

/** Asked for, not there yet; `change` says after which change. */
export interface Asked {
  readonly page: number;
  readonly change: number;
}

export class PageCache<T extends { readonly id: string }> {
  /** In the order in which they were looked at. */
  readonly #pages = new Map<number, Page<T>>();
  readonly #asked = new Set<number>();
  #change = 0;

  rowAt(index: number): T | undefined {
    return this.#pages.get(Math.floor(index / PAGE_ROWS))?.rows[index % PAGE_ROWS];
  }

  /** Where a row lies; -1 when it is not among those that are there. */
  indexOf(id: string): number {
    for (const [page, { rows }] of this.#pages) {
      const at = rows.findIndex((one) => one.id === id);
      if (at >= 0) return page * PAGE_ROWS + at;
    }
    return -1;
  }

  /** Pages to be fetched so that these rows are there and fresh; each is asked for once. */
  ask(from: number, to: number): Asked[] {
    const wanted: Asked[] = [];
    const last = Math.floor(Math.max(from, to - 1) / PAGE_ROWS);
    for (let page = Math.floor(from / PAGE_ROWS); page <= last; page++) {
      const known = this.#pages.get(page);
      if (known !== undefined) this.#look(page, known);
      if (known?.isStale === false || this.#asked.has(page)) continue;
      this.#asked.add(page);
      wanted.push({ page, change: this.#change });
    }
    return wanted;
  }

  /** A page has come. What was asked for before a change is shown, and counts as stale. */
  put({ page, change }: Asked, rows: readonly T[]): void {
    const isLate = change !== this.#change;
    // A fresh answer is on its way, or is here already.
    if (isLate && (this.#asked.has(page) || this.#pages.get(page)?.isStale === false)) return;
    this.#asked.delete(page);
    this.#look(page, { rows, isStale: isLate });
    const surplus = [...this.#pages.keys()].slice(0, Math.max(0, this.#pages.size - MAX_PAGES));
    for (const old of surplus) this.#pages.delete(old);
  }

  /** A page could not be had: it may be asked for again. */
  fail({ page, change }: Asked): void {
    if (change === this.#change) this.#asked.delete(page);
  }

  /** Everything may have changed; what is on its way is asked for again. */
  change(): void {
    this.#change += 1;
    this.#asked.clear();
    for (const [page, { rows }] of this.#pages) this.#pages.set(page, { rows, isStale: true });
  }

  #look(page: number, known: Page<T>): void {
    this.#pages.delete(page);
    this.#pages.set(page, known);
  }
}
