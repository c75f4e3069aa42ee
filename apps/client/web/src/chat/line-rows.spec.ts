import { describe, expect, it } from '@jest/globals';
import { rowsOf } from './line-rows.ts';
import { dayText, lineTime } from './line-texts.ts';
import type { Line } from './loaded-lines.ts';

const NOON = new Date(2026, 10, 23, 12).getTime();
const MINUTE = 60_000;
const dayOf = (atMs: number): string => new Date(atMs).toDateString();

function line(number: number, atMs: number, part: Partial<Line> = {}): Line {
  return {
    conversation: 'a'.repeat(48),
    number,
    kind: 'text',
    isOwn: false,
    sender: { address: 'tmt1bob', name: 'Bob' },
    text: 'x',
    sentAtMs: atMs,
    receivedAtMs: atMs,
    isLeft: false,
    recipients: [],
    ...part,
  };
}

/** Rows as a short text: days, and lines with F and L for first and last of a run. */
function drawn(lines: readonly Line[]): string[] {
  return rowsOf(lines, dayOf).map((row) => {
    if (row.kind === 'day') return 'day';
    return `${row.line.number}${row.isFirst ? 'F' : ''}${row.isLast ? 'L' : ''}`;
  });
}

describe('rows', () => {
  it('have a mark before each day, and runs end with the day', () => {
    const late = new Date(2026, 10, 22, 23, 59).getTime();
    const early = new Date(2026, 10, 23, 0, 1).getTime();
    expect(drawn([line(1, late), line(2, early), line(3, early)])).toEqual([
      'day',
      '1FL',
      'day',
      '2F',
      '3L',
    ]);
  });

  it('are runs of one person within five minutes', () => {
    const carol = { sender: { address: 'tmt1carol', name: 'Carol' } };
    const lines = [
      line(1, NOON),
      line(2, NOON + 5 * MINUTE),
      line(3, NOON + 11 * MINUTE),
      line(4, NOON + 11 * MINUTE, carol),
      line(5, NOON + 12 * MINUTE, { ...carol, kind: 'notice' }),
      line(6, NOON + 12 * MINUTE, carol),
    ];
    expect(drawn(lines)).toEqual(['day', '1F', '2L', '3FL', '4FL', '5FL', '6FL']);
  });

  it('have a key each, also when a clock was set back', () => {
    const lines = [line(1, NOON), line(2, NOON - 86_400_000), line(3, NOON)];
    const keys = rowsOf(lines, dayOf).map(({ key }) => key);
    expect(new Set(keys).size).toBe(6);
    expect(rowsOf([], dayOf)).toEqual([]);
  });
});

describe('times of lines', () => {
  it('name today and yesterday, else the date', () => {
    expect(dayText('en', NOON - MINUTE, NOON)).toBe('today');
    expect(dayText('de', NOON - 86_400_000, NOON)).toBe('gestern');
    expect(dayText('en-GB', new Date(2026, 10, 20).getTime(), NOON)).toMatch(/^Fri.* 20 Nov\w+$/);
    expect(dayText('en-GB', new Date(2025, 10, 20).getTime(), NOON)).toMatch(/2025$/);
  });

  it('tell the day when a line came on another one than it was written', () => {
    expect(lineTime('en-GB', line(1, NOON))).toBe('12:00');
    const late = { sentAtMs: NOON - 2 * 86_400_000, receivedAtMs: NOON };
    expect(lineTime('en-GB', late)).toMatch(/21 Nov.*12:00/);
  });
});
