import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { rowByKey, scrollTopFor, windowOf } from './windowing.ts';

const ROW = 72;
const places = fc.record({
  top: fc.integer({ min: 0, max: 8_000_000 }),
  height: fc.integer({ min: 1, max: 2_000 }),
  count: fc.integer({ min: 0, max: 100_000 }),
});

describe('windows', () => {
  it('hold every row that is seen, and few more', () => {
    fc.assert(
      fc.property(places, ({ top, height, count }) => {
        const { from, to } = windowOf(top, height, ROW, count);
        expect(from).toBeGreaterThanOrEqual(0);
        expect(to).toBeLessThanOrEqual(count);
        expect(to - from).toBeLessThanOrEqual(height / ROW + 14);
        const seen = [Math.floor(top / ROW), Math.ceil((top + height) / ROW) - 1];
        for (const row of seen.filter((one) => one < count)) {
          expect(from <= row && row < to).toBe(true);
        }
      }),
    );
  });

  it('move as little as shows a row whole', () => {
    expect(scrollTopFor(0, 500, 700, ROW)).toBe(0);
    expect(scrollTopFor(5, 0, 720, ROW)).toBe(0);
    expect(scrollTopFor(10, 0, 720, ROW)).toBe(72);
  });
});

describe('keys', () => {
  it('move within the list', () => {
    expect(rowByKey('ArrowDown', -1, 3, 10)).toBe(0);
    expect(rowByKey('ArrowDown', 2, 3, 10)).toBe(2);
    expect(rowByKey('ArrowUp', 0, 3, 10)).toBe(0);
    expect(rowByKey('PageDown', 0, 100, 10)).toBe(10);
    expect(rowByKey('End', 0, 100, 10)).toBe(99);
    expect(rowByKey('Home', 50, 100, 10)).toBe(0);
  });

  it('are left alone where they mean nothing', () => {
    expect(rowByKey('j', 0, 3, 10)).toBeUndefined();
    expect(rowByKey('ArrowDown', -1, 0, 10)).toBeUndefined();
  });
});
