import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { MAX_LEVEL, NO_BUCKET_DAY, takePlace } from './stranger-quota.ts';
import type { BucketDay } from './stranger-quota.ts';

const NOW = 1_700_000_000;
const DAY = 86_400;

/** Plays a bucket's day; gives the stamp bits of those that hold a place at the end. */
function play(arrivals: readonly number[], perDay: number): number[] {
  let count: BucketDay = NO_BUCKET_DAY;
  const places = new Map<string, number>();
  for (const bits of arrivals) {
    const turn = takePlace(count, bits, perDay, NOW);
    if (!turn) continue;
    count = turn.taken;
    const { place, displaced } = turn;
    const isGone = !displaced || places.delete(`${displaced.level}/${displaced.position}`);
    const isFree = !places.has(`${place.level}/${place.position}`);
    expect([isGone, isFree]).toEqual([true, true]);
    places.set(`${place.level}/${place.position}`, bits);
  }
  return [...places.values()].toSorted((a, b) => b - a);
}

describe('the free places of a bucket', () => {
  it('are held by those with the most work, in any order of arrival', () => {
    const arrivals = fc.array(fc.integer({ min: 0, max: 28 }), { maxLength: 60 });
    fc.assert(
      fc.property(arrivals, fc.integer({ min: 0, max: 20 }), (bits, perDay) => {
        const best = bits.toSorted((a, b) => b - a).slice(0, perDay);
        expect(play(bits, perDay)).toEqual(best);
      }),
    );
  });

  it('do not change hands for as much work', () => {
    const first = takePlace(NO_BUCKET_DAY, 20, 1, NOW);
    if (!first) throw new Error('no place');
    expect(takePlace(first.taken, 20, 1, NOW)).toBeUndefined();
    const more = takePlace(first.taken, 21, 1, NOW);
    expect(more).toMatchObject({
      place: { level: 21, position: 0 },
      displaced: { level: 20, position: 0 },
    });
  });

  it('are all free again on the next day of ledger time', () => {
    const first = takePlace(NO_BUCKET_DAY, 20, 1, NOW);
    const next = takePlace(first?.taken ?? NO_BUCKET_DAY, 0, 1, NOW + DAY);
    expect(next?.displaced).toBeUndefined();
    expect(next?.place).toEqual({ level: 0, position: 0 });
  });

  it('none are given when there are none, whatever the work', () => {
    expect(takePlace(NO_BUCKET_DAY, MAX_LEVEL, 0, NOW)).toBeUndefined();
  });

  it('count more than the highest level as the highest', () => {
    expect(takePlace(NO_BUCKET_DAY, 200, 1, NOW)?.place.level).toBe(MAX_LEVEL);
  });
});
