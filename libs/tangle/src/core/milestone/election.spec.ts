import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { bytesToHex } from '../codec/ids.ts';
import { keyPair, PARAMS } from '../testing/ledger-fixtures.ts';
import type { Candidate } from './bonds.ts';
import { electionIndex, elect, isElectionIndex } from './election.ts';
import { isLastOfEpoch } from './committee.ts';

const key = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);
const bondsOf = (...sums: readonly (readonly [number, bigint])[]) => ({
  candidates: (): Candidate[] => sums.map(([byte, amount]) => ({ publicKey: key(byte), amount })),
});
const names = (keys: readonly Uint8Array[] | undefined): number[] | undefined =>
  keys?.map(([byte]) => byte ?? 0);

describe('electionIndex', () => {
  it.each([
    [4, 2],
    [10, 8],
    [11, 8],
    [20, 17],
    [3_600, 3_239],
  ])('in epochs of %i milestones is %i', (epochLength, index) => {
    expect(electionIndex(0, { epochLength })).toBe(index);
    expect(electionIndex(3, { epochLength })).toBe(3 * epochLength + index);
    expect(isLastOfEpoch(index, { epochLength })).toBe(false);
  });

  it('is one of each epoch, and none in a network without bonds', () => {
    const indexes = Array.from({ length: 30 }, (_, index) => index);
    const params = { ...PARAMS, epochLength: 10, validatorBondMin: 1n };
    const found = indexes.filter((index) => isElectionIndex(index, params));
    expect(found).toEqual([8, 18, 28]);
    const without = { ...params, validatorBondMin: 0n };
    expect(indexes.some((index) => isElectionIndex(index, without))).toBe(false);
  });
});

describe('elect', () => {
  it('seats all candidates from four on, in the order of their keys', () => {
    const three = bondsOf([9, 5n], [3, 7n], [6, 6n]);
    expect(elect(three, [key(1)])).toBeUndefined();
    const four = bondsOf([9, 5n], [3, 7n], [6, 6n], [1, 1n]);
    expect(names(elect(four, [key(1)]))).toEqual([1, 3, 6, 9]);
  });

  it('seats the sixteen greatest sums', () => {
    const sums = Array.from({ length: 20 }, (_, at) => [at + 1, BigInt(1_000 - at)] as const);
    const expected = Array.from({ length: 16 }, (_, at) => at + 1);
    expect(names(elect(bondsOf(...sums.toReversed()), [key(1)]))).toEqual(expected);
    expect(names(elect(bondsOf(...sums.slice(0, 17)), [key(1)]))).toEqual(expected);
    expect(names(elect(bondsOf(...sums.slice(0, 16)), [key(1)]))).toEqual(expected);
  });

  it('prefers the smaller of two keys with equal sums', () => {
    const equal = Array.from({ length: 17 }, (_, at) => [17 - at, 5n] as const);
    const expected = Array.from({ length: 16 }, (_, at) => at + 1);
    expect(names(elect(bondsOf(...equal), [key(1)]))).toEqual(expected);
    const more = bondsOf(...equal.slice(1), [200, 6n]);
    expect(names(elect(more, [key(1)]))).toEqual([...expected.slice(0, 15), 200]);
  });

  it('changes nothing while the same keys would sit, in whatever seats', () => {
    const bonds = bondsOf([4, 1n], [3, 1n], [2, 1n], [1, 1n]);
    expect(elect(bonds, [2, 1, 4, 3].map(key))).toBeUndefined();
    expect(names(elect(bonds, [2, 1, 4].map(key)))).toEqual([1, 2, 3, 4]);
    expect(names(elect(bonds, [2, 1, 4, 5].map(key)))).toEqual([1, 2, 3, 4]);
    expect(names(elect(bonds, [1, 2, 3, 4, 5].map(key)))).toEqual([1, 2, 3, 4]);
  });

  it('does not depend on the order in which bonds were made', () => {
    const sum = fc.tuple(fc.integer({ min: 1, max: 40 }), fc.bigInt({ min: 1n, max: 4n }));
    const sums = fc.uniqueArray(sum, { maxLength: 25, selector: ([byte]) => byte });
    const committee = Array.from({ length: 4 }, (_, seat) => keyPair(100 + seat).publicKey);
    fc.assert(
      fc.property(
        sums.chain((list) =>
          fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })),
        ),
        ([list, shuffled]) => {
          const elected = elect(bondsOf(...list), committee);
          expect(elect(bondsOf(...shuffled), committee)).toEqual(elected);
          expect(elected?.length).toBe(list.length < 4 ? undefined : Math.min(16, list.length));
          const hex = elected?.map((one) => bytesToHex(one));
          expect(hex).toEqual(hex?.toSorted());
        },
      ),
      { numRuns: 200 },
    );
  });
});
