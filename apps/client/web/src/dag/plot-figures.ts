/** What a chart says in words and in its table. Pure. Before: rates.ts; after: rate-plot.tsx. */
export interface PlotLine {
  readonly label: string;
  /** One for each second; null where there is none. */
  readonly values: readonly (number | null)[];
}

/** Rows of the table view: the newest seconds, spread over all that is shown. */
const MAX_ROWS = 20;

export interface Extremes {
  readonly now: number;
  readonly least: number;
  readonly most: number;
}

/** The last, least and greatest figure; undefined without any. */
export function extremesOf(values: readonly (number | null)[]): Extremes | undefined {
  const known = values.filter((value) => value !== null);
  const now = known.at(-1);
  if (now === undefined) return undefined;
  return { now, least: Math.min(...known), most: Math.max(...known) };
}

export interface PlotRow {
  readonly second: number;
  /** One for each line: the last known figure up to that second since the row before it. */
  readonly values: readonly (number | null)[];
}

/** Evenly spread rows, newest first. */
export function tableRows(
  seconds: readonly number[],
  lines: readonly PlotLine[],
  maxRows = MAX_ROWS,
): readonly PlotRow[] {
  const step = Math.max(1, Math.ceil(seconds.length / maxRows));
  const rows: PlotRow[] = [];
  for (let at = seconds.length - 1; at >= 0; at -= step) {
    const values = lines.map((line) => {
      const since = line.values.slice(Math.max(0, at - step + 1), at + 1);
      return since.findLast((value) => value !== null) ?? null;
    });
    rows.push({ second: seconds[at] ?? 0, values });
  }
  return rows;
}
