import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { CONFLICT, conflict, conflictName } from './conflict.ts';

describe('conflict codes', () => {
  it('are the numbers that reached disks, in order and each once', () => {
    const codes = Object.entries(CONFLICT).map(([name, { code }]) => `${code} ${name}`);
    expect(codes).toEqual([
      '0 none',
      '1 input-spent-earlier',
      '2 input-spent-in-milestone',
      '3 input-unknown',
      '4 sums-differ',
      '5 signature-invalid',
      '6 timelocked',
      '7 unlock-mismatch',
      '8 channel-expired',
      '9 channel-not-expired',
      '10 claim-out-of-range',
      '11 refund-missing',
      '12 channel-expiry-past',
      '13 bond-unbonding-early',
      '14 bond-locked',
      '15 burn-missing',
    ]);
  });

  it('have names that lead back to them', () => {
    expect(conflictName(conflict('timelocked'))).toBe('timelocked');
    expect(conflictName(16)).toBeUndefined();
  });

  it('stand in the spec with their names and sections', () => {
    const page = new URL('../../../../../docs/spec/08-ledger.md', import.meta.url);
    const rows = readFileSync(page, 'utf8').matchAll(/^\| (\d+) \| `([a-z-]+)` \| ([\d.]+) \|/gm);
    const written = Array.from(rows, ([, code, name, section]) => ({ code, name, section }));
    const table = Object.entries(CONFLICT).map(([name, { code, section }]) => ({
      code: `${code}`,
      name,
      section,
    }));
    expect(written.toSorted((a, b) => Number(a.code) - Number(b.code))).toEqual(table);
  });
});
