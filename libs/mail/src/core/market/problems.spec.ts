import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { MARKET_ERROR_CODES } from './checks.ts';
import { isProblemCode, PROBLEMS, refuse } from './problems.ts';

function page(name: string): string {
  return readFileSync(new URL(`../../../../../docs/spec/${name}.md`, import.meta.url), 'utf8');
}

describe('the table of problems', () => {
  it('stands on docs/spec/34-provider-api.md, row by row', () => {
    const rows = Object.entries(PROBLEMS).map(
      ([code, { status, title }]) => `| \`${code}\` | ${status} | ${title} |`,
    );
    const listed = page('34-provider-api').split('\n');
    expect(listed.filter((line) => /^\| `[a-z-]+` \| \d{3} \|/.test(line))).toEqual(rows);
  });

  it('knows its codes and no inherited name', () => {
    expect(isProblemCode('voucher-signature')).toBe(true);
    expect(isProblemCode('toString')).toBe(false);
    expect(refuse('not-found')).toEqual({ ok: false, action: 'reject', code: 'not-found' });
  });
});

describe('the codes of checks', () => {
  it('stand on the pages that they name', () => {
    for (const [code, { spec }] of Object.entries(MARKET_ERROR_CODES)) {
      expect(page(spec)).toContain(`\`${code}\``);
    }
  });
});
