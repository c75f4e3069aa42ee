import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { saltedHash, SeenFilter, type Seen } from './seen-filter.ts';

const noHash = (): bigint => 0n;

describe('seen filter', () => {
  it('remembers the recent and forgets the old, within bounds', () => {
    const filter = new SeenFilter(noHash, 4);
    for (let key = 0; key < 10; key++) filter.set(BigInt(key), 'good');
    expect([9n, 5n, 0n].map((key) => filter.get(key))).toEqual(['good', 'good', undefined]);
  });

  it('keeps the code that refused a block, and the latest word on it', () => {
    const filter = new SeenFilter(noHash, 4);
    filter.set(1n << 63n, 'pow-insufficient');
    expect(filter.get(1n << 63n)).toBe('pow-insufficient');
    filter.set(1n << 63n, 'good');
    expect([filter.get(1n << 63n), filter.get(0n)]).toEqual(['good', undefined]);
  });

  it('agrees with two maps, colliding slots included', () => {
    const size = 8;
    const keys = fc.array(fc.nat(39), { maxLength: 80, size: 'max' });
    fc.assert(
      fc.property(keys, (picks) => {
        const filter = new SeenFilter(noHash, size);
        let [young, old] = [new Map<bigint, Seen>(), new Map<bigint, Seen>()];
        picks.forEach((pick, step) => {
          // Few low bits, so that most keys want the same slots.
          const key = (BigInt(pick) << 40n) | BigInt(pick % 3);
          const seen = step % 2 === 0 ? 'good' : 'truncated';
          filter.set(key, seen);
          young.set(key, seen);
          if (young.size >= size) [young, old] = [new Map(), young];
          for (const other of picks) {
            const asked = (BigInt(other) << 40n) | BigInt(other % 3);
            expect(filter.get(asked)).toBe(young.get(asked) ?? old.get(asked));
          }
        });
      }),
      { numRuns: 30 },
    );
  });

  it('hashes with its salt', async () => {
    const [a, b] = [await saltedHash(1n), await saltedHash(2n)];
    const bytes = Buffer.from('block');
    expect(a(bytes)).toBe(a(Uint8Array.from(bytes)));
    expect(a(bytes)).not.toBe(b(bytes));
  });
});
