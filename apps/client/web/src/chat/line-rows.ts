/** Lines as they stand under each other: day marks between days, runs of one person. Pure. */
import type { Line } from './loaded-lines.ts';

/** Lines of one person that come this soon after each other are one run. */
const RUN_MS = 5 * 60_000;

export type LineRow =
  | { readonly kind: 'day'; readonly key: string; readonly atMs: number }
  | {
      readonly kind: 'line';
      readonly key: string;
      readonly line: Line;
      /** Of a run: who it is stands above the first, the state below the last. */
      readonly isFirst: boolean;
      readonly isLast: boolean;
    };

/** `dayOf` names the day of a time, where the reader is. */
export function rowsOf(lines: readonly Line[], dayOf: (atMs: number) => string): LineRow[] {
  return lines.flatMap((line, index): LineRow[] => {
    const before = lines[index - 1];
    const after = lines[index + 1];
    const day = dayOf(line.receivedAtMs);
    const isNewDay = before === undefined || dayOf(before.receivedAtMs) !== day;
    const row: LineRow = {
      kind: 'line',
      key: `line-${line.number}`,
      line,
      isFirst: isNewDay || !isOneRun(before, line),
      isLast: after === undefined || dayOf(after.receivedAtMs) !== day || !isOneRun(line, after),
    };
    // By number, since the same day comes twice when the clock was set back.
    const mark = { kind: 'day', key: `day-${line.number}`, atMs: line.receivedAtMs } as const;
    return isNewDay ? [mark, row] : [row];
  });
}

function isOneRun(one: Line, next: Line): boolean {
  const isText = one.kind === 'text' && next.kind === 'text';
  const isSame = one.sender.address === next.sender.address;
  return isText && isSame && Math.abs(next.receivedAtMs - one.receivedAtMs) <= RUN_MS;
}
