import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { skeletonOf } from './lookalike.ts';

describe('skeleton of a name', () => {
  it('is equal for names that look alike', () => {
    const pairs = [
      ['Alice', 'alice'],
      ['Alice', 'Аliсе'],
      ['Alice', 'A1ice'],
      ['Alice', 'AIice'],
      ['Alice', 'Ａｌｉｃｅ'],
      ['Bob', 'B\u043eb'],
      ['Emma', 'Emrna'],
      ['Zoë', 'Zoe'],
      ['Bob B.', 'Bob\u00a0 B'],
      ['0tto', 'Otto'],
    ] as const;
    for (const [a, b] of pairs) expect([a, b, skeletonOf(a)]).toEqual([a, b, skeletonOf(b)]);
  });

  it('differs for other names, and is empty for no name', () => {
    expect(skeletonOf('Alice')).not.toBe(skeletonOf('Alina'));
    expect(skeletonOf('李雷')).not.toBe(skeletonOf('韩梅梅'));
    expect(skeletonOf(' \u200b.- ')).toBe('');
  });

  it('says the same of upper and lower case, and never throws', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 64 }), (name) => {
        expect(skeletonOf(name)).toBe(skeletonOf(`${name}\u200d .`));
      }),
    );
  });
});
