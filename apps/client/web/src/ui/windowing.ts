/** Which rows of a long list are drawn. All rows are equally high. */
export interface RowWindow {
  /** Index of the first row that is drawn, and of the one behind the last. */
  readonly from: number;
  readonly to: number;
}

/** Rows drawn beyond what is seen, so that a quick scroll meets no gap. */
const SPARE_ROWS = 6;

export function windowOf(
  scrollTop: number,
  viewHeight: number,
  rowHeight: number,
  count: number,
): RowWindow {
  const first = Math.floor(scrollTop / rowHeight) - SPARE_ROWS;
  const last = Math.ceil((scrollTop + viewHeight) / rowHeight) + SPARE_ROWS;
  const from = Math.max(0, Math.min(first, count));
  return { from, to: Math.max(from, Math.min(last, count)) };
}

/** Where to scroll so that a row is seen whole; the present place when it is. */
export function scrollTopFor(
  index: number,
  scrollTop: number,
  viewHeight: number,
  rowHeight: number,
): number {
  const top = index * rowHeight;
  if (top < scrollTop) return top;
  const bottom = top + rowHeight;
  return bottom > scrollTop + viewHeight ? bottom - viewHeight : scrollTop;
}

/** The row that a key moves to; undefined for other keys. */
export function rowByKey(
  key: string,
  index: number,
  count: number,
  pageRows: number,
): number | undefined {
  const steps: Readonly<Record<string, number>> = {
    ArrowDown: index + 1,
    ArrowUp: index - 1,
    PageDown: index + pageRows,
    PageUp: index - pageRows,
    Home: 0,
    End: count - 1,
  };
  const target = steps[key];
  return target === undefined || count === 0 ? undefined : Math.max(0, Math.min(count - 1, target));
}
