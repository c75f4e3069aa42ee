import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  contentRange,
  isParcelSize,
  MAX_PARCEL_SIZE,
  MAX_PARTS,
  MIN_SEALED_SIZE,
  PART_CAPACITY,
  PART_SIZE,
  parcelLayout,
  sealedPartSize,
} from './layout.ts';
import { VECTORS } from '../../testing/parcels.ts';

const anySize = fc.oneof(
  fc.integer({ min: 1, max: MAX_PARCEL_SIZE }),
  fc.integer({ min: 1, max: 100_000 }),
  // Where a full part ends and the next begins.
  fc
    .tuple(fc.integer({ min: 1, max: 34 }), fc.integer({ min: -40, max: 40 }))
    .map(([parts, offset]) => parts * PART_CAPACITY + offset),
);

describe('the layout of a parcel', () => {
  it('is that of the vectors', () => {
    expect(VECTORS.paddedSizes.length).toBeGreaterThan(5);
    for (const { size, sealedSize } of VECTORS.paddedSizes) {
      expect({ size, sealedSize: parcelLayout(size).sealedSize }).toEqual({ size, sealedSize });
    }
  });

  it('cuts every content into parts that hold it once and in order', () => {
    fc.assert(
      fc.property(anySize, (size) => {
        const layout = parcelLayout(size);
        let [end, sealed] = [0, 0];
        for (let index = 0; index < layout.partCount; index++) {
          const { from, to } = contentRange(layout, index);
          const partSize = sealedPartSize(layout, index);
          expect(from).toBe(end);
          expect(to - from).toBeLessThanOrEqual(partSize - 16);
          expect(partSize).toBeLessThanOrEqual(PART_SIZE);
          expect(partSize).toBeGreaterThan(16);
          end = to;
          sealed += partSize;
        }
        expect(end).toBe(size);
        expect(sealed).toBe(layout.sealedSize);
        expect(layout.partCount).toBeLessThanOrEqual(MAX_PARTS);
      }),
    );
  });

  it('adds less than an eighth and the tags, and never shrinks as contents grow', () => {
    fc.assert(
      fc.property(anySize, anySize, (one, other) => {
        const sealed = (size: number): number => parcelLayout(size).sealedSize;
        const added = sealed(one) - one - 16 * parcelLayout(one).partCount;
        expect(added).toBeGreaterThanOrEqual(0);
        expect(added).toBeLessThanOrEqual(Math.max(one / 8, MIN_SEALED_SIZE - 16 - one));
        expect(sealed(Math.min(one, other))).toBeLessThanOrEqual(sealed(Math.max(one, other)));
      }),
    );
  });

  it('shows 90 sizes and no more', () => {
    const seen = new Set<number>();
    // A size just above what a sealed size holds is the first one of the next.
    let size = 1;
    for (let step = 0; step < 200 && isParcelSize(size); step++) {
      const { sealedSize, partCount } = parcelLayout(size);
      seen.add(sealedSize);
      size = sealedSize - 16 * partCount + 1;
    }
    expect(isParcelSize(size)).toBe(false);
    expect(seen.size).toBe(90);
    expect(Math.min(...seen)).toBe(MIN_SEALED_SIZE);
    expect(Math.max(...seen)).toBe(MAX_PARTS * PART_SIZE);
  });

  it('exists for 1 to 36,700,160 bytes only', () => {
    expect([0, -1, 1.5, Number.NaN, MAX_PARCEL_SIZE + 1].some(isParcelSize)).toBe(false);
    expect([1, MAX_PARCEL_SIZE].every(isParcelSize)).toBe(true);
    expect(() => parcelLayout(0)).toThrow('1 to 36,700,160');
    expect(() => sealedPartSize(parcelLayout(1), 1)).toThrow('inside');
    expect(() => contentRange(parcelLayout(1), -1)).toThrow('inside');
  });
});
