/**
 * Where a reader is in a list that grows at both ends, so that what is read stays where it is: at
 * the end when it was there, else at the row that was the first in view. Pure.
 */
export interface PlacedRow {
  readonly key: string;
  /** From the top of the list. */
  readonly top: number;
  readonly height: number;
}

export interface ScrollPlace {
  readonly isAtEnd: boolean;
  /** First row in view, and how far below the upper edge it begins. */
  readonly key: string | undefined;
  readonly offset: number;
}

/** A reader this near to the end is at the end. */
const NEAR_END = 40;

export const AT_END: ScrollPlace = { isAtEnd: true, key: undefined, offset: 0 };

export function placeOf(
  rows: readonly PlacedRow[],
  view: { readonly top: number; readonly height: number; readonly allHeight: number },
): ScrollPlace {
  const isAtEnd = view.top + view.height >= view.allHeight - NEAR_END;
  const first = rows.find((row) => row.top + row.height > view.top);
  return { isAtEnd, key: first?.key, offset: first === undefined ? 0 : first.top - view.top };
}

/** Where to scroll after a change; undefined when the row is gone: then nothing is scrolled. */
export function scrollTopOf(
  place: ScrollPlace,
  rows: readonly PlacedRow[],
  allHeight: number,
): number | undefined {
  if (place.isAtEnd) return allHeight;
  const row = rows.find(({ key }) => key === place.key);
  return row && row.top - place.offset;
}
