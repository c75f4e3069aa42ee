import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { AT_END, type PlacedRow, placeOf, scrollTopOf } from './scroll-place.ts';

/** Rows under each other. */
function placed(rows: readonly (readonly [string, number])[]): PlacedRow[] {
  let top = 0;
  return rows.map(([key, height]) => {
    const row = { key, top, height };
    top += height;
    return row;
  });
}

const heights = fc.array(fc.integer({ min: 20, max: 200 }), { minLength: 3, maxLength: 40 });

describe('the place of a reader', () => {
  it('is the end when it was the end, whatever came', () => {
    const rows = placed([
      ['a', 500],
      ['b', 500],
    ]);
    const place = placeOf(rows, { top: 390, height: 600, allHeight: 1_000 });
    expect(place.isAtEnd).toBe(true);
    expect(scrollTopOf(place, [], 1_700)).toBe(1_700);
    expect(scrollTopOf(AT_END, [], 10)).toBe(10);
  });

  it('stays at what is read while lines come before and after it', () => {
    fc.assert(
      fc.property(heights, heights, heights, fc.nat(), (before, now, after, seed) => {
        const present = now.map((height, index) => [`now-${index}`, height] as const);
        const rows = placed(present);
        const allHeight = now.reduce((sum, one) => sum + one, 0) + 1_000;
        const top = seed % (allHeight - 1_000);
        const place = placeOf(rows, { top, height: 300, allHeight });
        const later = placed([
          ...before.map((height, index) => [`before-${index}`, height] as const),
          ...present,
          ...after.map((height, index) => [`after-${index}`, height] as const),
        ]);
        const grown = before.reduce((sum, one) => sum + one, 0);
        expect(scrollTopOf(place, later, allHeight + 9_999)).toBe(top + grown);
      }),
    );
  });

  it('is left alone when the row is gone', () => {
    const place = placeOf(
      placed([
        ['a', 900],
        ['b', 900],
      ]),
      {
        top: 100,
        height: 300,
        allHeight: 1_800,
      },
    );
    expect(place).toEqual({ isAtEnd: false, key: 'a', offset: -100 });
    expect(scrollTopOf(place, placed([['b', 900]]), 900)).toBeUndefined();
  });

  it('is known of an empty list', () => {
    const place = placeOf([], { top: 0, height: 300, allHeight: 300 });
    expect(place).toEqual({ isAtEnd: true, key: undefined, offset: 0 });
  });
});
