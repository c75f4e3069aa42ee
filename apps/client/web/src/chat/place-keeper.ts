/**
 * Keeps what is read where it is while lines come at both ends of a scrolled element. Before:
 * line-log.tsx; after: scroll-place.ts.
 */
import { AT_END, type PlacedRow, placeOf, type ScrollPlace, scrollTopOf } from './scroll-place.ts';

/** So near to the beginning, older lines are asked for. */
const NEAR_START = 300;

export class PlaceKeeper {
  readonly #onStart: () => void;
  readonly #watchers = new Set<() => void>();
  #element: HTMLElement | undefined;
  #place: ScrollPlace = AT_END;
  #rows: readonly unknown[] | undefined;

  /** `onStart` is called when the reader comes near to the beginning. */
  constructor(onStart: () => void) {
    this.#onStart = onStart;
  }

  readonly isAtEnd = (): boolean => this.#place.isAtEnd;

  /** Gives what ends it. */
  readonly watch = (watcher: () => void): (() => void) => {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  };

  /** The element whose children with `data-key` are the rows; gives what ends it. */
  readonly attach = (element: HTMLElement): (() => void) => {
    this.#element = element;
    const observer = new ResizeObserver(() => this.#keep());
    const onScroll = (): void => this.#look(element);
    observer.observe(element);
    element.addEventListener('scroll', onScroll, { passive: true });
    return () => {
      observer.disconnect();
      element.removeEventListener('scroll', onScroll);
      this.#element = undefined;
    };
  };

  /** After each drawing; nothing happens while `rows` is the same object. */
  keep(rows: readonly unknown[]): void {
    if (rows === this.#rows) return;
    this.#rows = rows;
    this.#keep();
  }

  readonly toEnd = (): void => {
    this.#setPlace(AT_END);
    this.#keep();
  };

  #keep(): void {
    const element = this.#element;
    if (element === undefined) return;
    const rows = this.#place.isAtEnd ? [] : rowsIn(element);
    const top = scrollTopOf(this.#place, rows, element.scrollHeight);
    if (top !== undefined) element.scrollTop = top;
    if (element.scrollTop < NEAR_START) this.#onStart();
  }

  #look(element: HTMLElement): void {
    const { scrollTop, clientHeight, scrollHeight } = element;
    const seen = { top: scrollTop, height: clientHeight, allHeight: scrollHeight };
    this.#setPlace(placeOf(rowsIn(element), seen));
    if (scrollTop < NEAR_START) this.#onStart();
  }

  #setPlace(place: ScrollPlace): void {
    const wasAtEnd = this.#place.isAtEnd;
    this.#place = place;
    if (place.isAtEnd !== wasAtEnd) for (const watcher of this.#watchers) watcher();
  }
}

function rowsIn(view: HTMLElement): PlacedRow[] {
  return [...view.querySelectorAll<HTMLElement>('[data-key]')].map((row) => ({
    key: row.dataset['key'] ?? '',
    top: row.offsetTop,
    height: row.offsetHeight,
  }));
}
