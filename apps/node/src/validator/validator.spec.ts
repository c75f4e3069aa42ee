import { describe, expect, it } from '@jest/globals';
import { testKey } from '../testing/test-network.ts';
import { loadOptions, seatOf } from './validator.ts';

const params = { powLoadBitsMax: 3 };

describe('validator', () => {
  it('finds its seat in a committee of one', () => {
    expect(seatOf(testKey(1), [testKey(1).publicKey])).toBe(0);
  });

  it('refuses a key without a seat', () => {
    expect(() => seatOf(testKey(2), [testKey(1).publicKey])).toThrow(/no seat/);
  });

  it.each([
    [2, 2],
    [3, 3],
    [4, 3],
    [7, 5],
  ])('refuses a committee of %i, which needs %i signatures', (size, needed) => {
    const committee = Array.from({ length: size }, (_, seat) => testKey(seat + 1).publicKey);
    expect(() => seatOf(testKey(1), committee)).toThrow(`needs ${needed} signatures`);
  });

  it('raises the work by a bit while a flood waits, and lowers it when it is over', () => {
    expect(loadOptions(0, 0, params)).toEqual({});
    expect(loadOptions(0, 6_000, params)).toEqual({ powLoadBits: 1 });
    expect(loadOptions(3, 6_000, params)).toEqual({ powLoadBits: 3 });
    expect(loadOptions(2, 3_000, params)).toEqual({ powLoadBits: 2 });
    expect(loadOptions(2, 10, params)).toEqual({ powLoadBits: 1 });
    expect(loadOptions(1, 10, params)).toEqual({});
  });
});
