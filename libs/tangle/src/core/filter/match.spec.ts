/** Matching: nothing is missed, and what is found by mistake is as rare as designed. */
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { hexToBytes } from '../codec/ids.ts';
import { matchFilter, watchFor, type Watch } from './match.ts';
import { buildFilter, QUERIES_PER_FALSE_HIT, pointOf, valueLimit } from './tag-filter.ts';

const tag = fc.uint8Array({ minLength: 16, maxLength: 16 });
const tags = fc.array(tag, { maxLength: 40 });

/** Numbers that are as good as uniform, the same in every run (mulberry32). */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  };
}

function randomTag(next: () => number): Uint8Array {
  const bytes = new Uint8Array(16);
  const words = new DataView(bytes.buffer);
  for (let at = 0; at < 16; at += 4) words.setUint32(at, next());
  return bytes;
}

/** What `watchFor` makes of as many random tags, without the time that they would take. */
function randomWatch(count: number, next: () => number): Watch {
  const lows = Float64Array.from({ length: count }, () => (next() & 0xffff) * 2 ** 32 + next());
  lows.sort();
  return { lows, highs: lows, places: Uint32Array.from({ length: count }, (_, i) => i) };
}

describe('matchFilter', () => {
  it('finds every tag that is there, at its position in the list', () => {
    fc.assert(
      fc.property(tags, tags, (mine, others) => {
        const filter = buildFilter([...others, ...mine]);
        const all = mine.map((_, place) => place);
        expect(matchFilter(filter, watchFor(mine))).toEqual(all);
      }),
    );
  });

  it('finds what a search by definition finds', () => {
    // Points of few values, so that strangers meet.
    const near = fc.nat(200).map((n) => Uint8Array.from({ length: 16 }, () => n));
    const both = fc.array(near, { maxLength: 20 });
    fc.assert(
      fc.property(both, both, (there, mine) => {
        const filter = buildFilter(there);
        const { length } = filter.values;
        const found = mine.flatMap((one, place) => {
          const value = (BigInt(pointOf(one)) * BigInt(valueLimit(length))) >> 48n;
          return filter.values.includes(Number(value)) ? [place] : [];
        });
        expect(matchFilter(filter, watchFor(mine))).toEqual(found);
      }),
    );
  });

  it('finds nothing in an empty filter, nor for somebody who waits for nothing', () => {
    const one = hexToBytes('00'.repeat(16));
    expect(matchFilter(buildFilter([]), watchFor([one]))).toEqual([]);
    expect(matchFilter(buildFilter([one]), watchFor([]))).toEqual([]);
  });

  it('finds a bucket by any tag in it, and behind the tags that were asked', () => {
    const inside = hexToBytes('9eca79ffffffffffffffffffffffffff');
    const outside = hexToBytes('a0000000000000000000000000000000');
    const filter = buildFilter([inside]);
    const buckets = [
      { bits: 7, prefix: 0b100_1110 },
      { bits: 7, prefix: 0b100_1111 },
      { bits: 24, prefix: 0x9eca79 },
    ];
    expect(matchFilter(filter, watchFor([outside], buckets))).toEqual([2, 3]);
    expect(matchFilter(filter, watchFor([outside, inside], buckets))).toEqual([1, 3, 4]);
  });

  it('misses no bucket, wide or narrow, whatever overlaps it', () => {
    const width = fc.integer({ min: 1, max: 24 });
    fc.assert(
      fc.property(fc.array(tag, { minLength: 1, maxLength: 20 }), width, (there, bits) => {
        const filter = buildFilter(there);
        const buckets = there.map((one) => ({
          bits,
          prefix: Math.floor(pointOf(one) / 2 ** (48 - bits)),
        }));
        const all = Array.from({ length: there.length * 2 }, (_, place) => place);
        expect(matchFilter(filter, watchFor(there, buckets))).toEqual(all);
      }),
    );
  });

  it('refuses a bucket that is none as a fault of our own', () => {
    expect(() => watchFor([], [{ bits: 0, prefix: 0 }])).toThrow('a bucket has 1–24 bits');
    expect(() => watchFor([], [{ bits: 25, prefix: 0 }])).toThrow('a bucket has 1–24 bits');
    expect(() => watchFor([], [{ bits: 3, prefix: 8 }])).toThrow('a prefix has its bits');
  });
});

describe('false positives', () => {
  it('cover no more than the designed share of all points, whoever chose the tags', () => {
    const clustered = fc.array(
      fc.tuple(fc.nat(3), tag).map(([first, rest]) => Uint8Array.of(first, ...rest.subarray(1))),
      { minLength: 1, maxLength: 80 },
    );
    fc.assert(
      fc.property(clustered, (there) => {
        const { values } = buildFilter(there);
        const share = new Set(values).size / valueLimit(values.length);
        expect(share).toBeLessThanOrEqual(1 / QUERIES_PER_FALSE_HIT);
      }),
    );
  });

  it('are as frequent as designed', () => {
    const next = numbers(20_261_122);
    const watch = randomWatch(2 ** 18, next);
    const counts = Array.from({ length: 96 }, (_, i) => [1, 30, 350][i % 3]!);
    let found = 0;
    for (const count of counts) {
      const filter = buildFilter(Array.from({ length: count }, () => randomTag(next)));
      found += matchFilter(filter, watch).length;
    }
    const expected = (counts.length * 2 ** 18) / QUERIES_PER_FALSE_HIT;
    // 32 of 25 million; four standard deviations to each side.
    expect(Math.abs(found - expected)).toBeLessThan(4 * Math.sqrt(expected));
  });
});
