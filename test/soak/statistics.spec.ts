import { describe, expect, it } from '@jest/globals';
import { growth, quantile } from './statistics.ts';

describe('quantile', () => {
  it('is a value of the list, whatever its order', () => {
    expect(quantile([5, 1, 4, 2, 3], 0.5)).toBe(3);
    expect(quantile([5, 1, 4, 2, 3], 0.99)).toBe(5);
    expect(quantile([], 0.5)).toBe(0);
  });
});

describe('growth', () => {
  it('is that of the line through the points', () => {
    const line = Array.from({ length: 10 }, (_, x) => ({ x, y: 7 + 2 * x }));
    expect(growth(line)).toBeCloseTo(18);
    const saw = Array.from({ length: 100 }, (_, x) => ({ x, y: x % 2 === 0 ? 10 : 20 }));
    expect(Math.abs(growth(saw))).toBeLessThan(1);
  });

  it('needs three points', () => {
    expect(growth([{ x: 0, y: 0 }])).toBe(0);
  });
});
