import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { formatAmount, parseAmount } from './amount.ts';

describe('amounts', () => {
  const accepted: readonly (readonly [string, bigint])[] = [
    ['1500000', 1_500_000n],
    ['1.5T', 1_500_000n],
    [' 1.5 t ', 1_500_000n],
    ['0.000001T', 1n],
    ['12T', 12_000_000n],
    ['18446744073709551615', 0xffff_ffff_ffff_ffffn],
  ];
  it.each(accepted)('reads %p', (text, units) => {
    expect(parseAmount(text)).toBe(units);
  });

  const refused = ['', '0', '0T', '1.5', '-1', '1e6', '0.0000001T', '1,5T', '18446744073709551616'];
  it.each([...refused, 'T', '.5T', '1.T', '20000000000000T', '0x10', '１T'])(
    'refuses %p',
    (text) => {
      expect(parseAmount(text)).toBeUndefined();
    },
  );

  it('reads what it wrote', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 0xffff_ffff_ffff_ffffn }), (units) => {
        expect(parseAmount(formatAmount(units))).toBe(units);
        expect(parseAmount(`${units}`)).toBe(units);
      }),
    );
    expect(formatAmount(-1_500_000n)).toBe('-1.5 T');
    expect(formatAmount(0n)).toBe('0 T');
  });
});
