import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { bytesToHex } from '../codec/ids.ts';
import type { Output } from '../codec/output.ts';
import { basic, bond, channel, keyPair } from '../testing/ledger-fixtures.ts';
import { BondTable } from './bonds.ts';

const MINIMUM = 1_000n;
const owner = keyPair(1);
const KEYS = [20, 21, 22].map((seed) => keyPair(seed));
const [first, second] = KEYS as [(typeof KEYS)[0], (typeof KEYS)[0]];

const of = (amount: bigint, key = first, unbondAt = 0): Output =>
  bond(amount, { key, owner }, unbondAt);
const diff = (created: readonly Output[], consumed: readonly Output[] = []) => ({
  created: created.map((output) => ({ output })),
  consumed: consumed.map((output) => ({ output })),
});
const made = (...outputs: Output[]): BondTable => BondTable.empty(MINIMUM).apply(diff(outputs));

/** Sums by key, in an order of their own. */
function sumsOf(table: BondTable): string[] {
  return table
    .candidates()
    .map(({ publicKey, amount }) => `${bytesToHex(publicKey)} ${amount}`)
    .toSorted();
}

describe('BondTable', () => {
  it('sums up what is bonded for a key, whoever owns it', () => {
    const others = bond(3_000n, { key: first, owner: keyPair(2) });
    expect(sumsOf(made(of(1_000n), of(2_000n), others, of(5_000n, second)))).toEqual(
      [`${bytesToHex(first.publicKey)} 6000`, `${bytesToHex(second.publicKey)} 5000`].toSorted(),
    );
  });

  it('counts active bonds from the minimum on, and nothing else', () => {
    const table = BondTable.empty(MINIMUM);
    const open = channel(5_000n, { payer: first, payee: owner, refund: owner }, 9);
    const none = [of(999n), of(5_000n, first, 1), basic(5_000n, owner.address), open];
    expect(table.apply(diff(none, none))).toBe(table);
    expect(sumsOf(table.apply(diff([of(1_000n)])))).toHaveLength(1);
    const off = BondTable.empty(0n);
    expect(off.apply(diff([of(5_000n)]))).toBe(off);
  });

  it('forgets a key with its last bond, and leaves the earlier table as it was', () => {
    const before = made(of(1_000n), of(2_000n));
    const after = before.apply(diff([], [of(1_000n), of(2_000n)]));
    expect(after.candidates()).toEqual([]);
    expect(sumsOf(before)).toEqual([`${bytesToHex(first.publicKey)} 3000`]);
  });

  it('lets a bond enter and leave in one milestone', () => {
    expect(
      made()
        .apply(diff([of(1_000n)], [of(1_000n)]))
        .candidates(),
    ).toEqual([]);
  });

  it('stops the process when a bond leaves that never entered', () => {
    expect(() => made(of(1_000n)).apply(diff([], [of(2_000n)]))).toThrow('broken invariant');
  });

  it('is after any diffs what the unspent outputs give', () => {
    const output = fc
      .tuple(fc.integer({ min: 998, max: 1_002 }), fc.nat(2), fc.constantFrom(0, 0, 7))
      .map(([amount, key, unbondAt]) => of(BigInt(amount), KEYS[key], unbondAt));
    const change = fc.record({
      created: fc.array(output, { maxLength: 4 }),
      spent: fc.array(fc.nat(), { maxLength: 4 }),
    });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 20 }), (changes) => {
        let table = BondTable.empty(MINIMUM);
        let unspent: Output[] = [];
        for (const { created, spent } of changes) {
          const all = [...unspent, ...created];
          const gone = new Set(spent.map((at) => at % Math.max(1, all.length)));
          table = table.apply(
            diff(
              created,
              all.filter((_, at) => gone.has(at)),
            ),
          );
          unspent = all.filter((_, at) => !gone.has(at));
          expect(sumsOf(table)).toEqual(sumsOf(made(...unspent)));
        }
      }),
      { numRuns: 200 },
    );
  });
});
