import { describe, expect, it } from '@jest/globals';
import { extremesOf, tableRows } from './plot-figures.ts';
import { KEPT_SECONDS, Rates } from './rates.ts';

describe('rates', () => {
  it('are blocks per second, smoothed over ten, with the median of confirmation times', () => {
    const rates = new Rates();
    for (let ms = 0; ms < 20_000; ms += 20) rates.received(1_000_000 + ms);
    for (const ms of [3_000, 1_000, 2_000]) rates.confirmed(1_019_000, ms);
    const { seconds, received, confirmed, confirmationSeconds } = rates.series(1_020_000, 60);
    expect(seconds[0]).toBe(1_000);
    expect(seconds).toHaveLength(20);
    expect(received).toEqual(seconds.map(() => 50));
    expect(confirmed.slice(-2)).toEqual([0, 0.3]);
    expect(confirmationSeconds.slice(-2)).toEqual([null, 2]);
  });

  it('are nothing, not unknown, while nothing comes', () => {
    const rates = new Rates();
    expect(rates.series(1_000_000, 60).seconds).toEqual([]);
    rates.begin(1_000_000);
    const { received, confirmationSeconds } = rates.series(1_002_000, 60);
    expect([received, confirmationSeconds]).toEqual([
      [0, 0],
      [null, null],
    ]);
  });

  it('fall to nothing when nothing comes, and are forgotten in the end', () => {
    const rates = new Rates();
    for (let second = 0; second < 2 * KEPT_SECONDS; second++) rates.received(second * 1_000, 5);
    const { seconds, received } = rates.series(2_400_000, 5_000);
    expect(seconds).toHaveLength(KEPT_SECONDS);
    expect(received).toEqual(seconds.map(() => 0));
    expect(rates.series(1_200_000, 5_000).received.at(-1)).toBe(5);
  });
});

describe('figures of a chart', () => {
  it('name the last, the least and the greatest', () => {
    expect(extremesOf([null, 4, 9, 2, null])).toEqual({ now: 2, least: 2, most: 9 });
    expect(extremesOf([null])).toBeUndefined();
  });

  it('are a table of a few rows, newest first, that misses no last figure', () => {
    const seconds = Array.from({ length: 100 }, (_, at) => at);
    const rows = tableRows(
      seconds,
      [{ label: 'a', values: seconds.map((at) => (at % 7 ? null : at)) }],
      10,
    );
    expect(rows.map(({ second }) => second)).toEqual([99, 89, 79, 69, 59, 49, 39, 29, 19, 9]);
    expect(rows[0]?.values).toEqual([98]);
    expect(tableRows([], [{ label: 'a', values: [] }])).toEqual([]);
  });
});
