import { describe, expect, it } from '@jest/globals';
import { saltedHash, SeenFilter } from './seen-filter.ts';

describe('seen filter', () => {
  it('remembers the recent and forgets the old, within bounds', () => {
    const filter = new SeenFilter<number>((bytes) => BigInt(bytes[0] ?? 0), 4);
    for (let key = 0; key < 10; key++) filter.set(BigInt(key), key);
    expect(filter.get(9n)).toBe(9);
    expect(filter.get(5n)).toBe(5);
    expect(filter.get(0n)).toBeUndefined();
  });

  it('hashes with its salt', async () => {
    const [a, b] = [await saltedHash(1n), await saltedHash(2n)];
    const bytes = Buffer.from('block');
    expect(a(bytes)).toBe(a(Uint8Array.from(bytes)));
    expect(a(bytes)).not.toBe(b(bytes));
  });
});
