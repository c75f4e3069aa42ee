import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { ERROR_CODES } from '@tanglemail/tangle/core/outcome.ts';
import { fail, MAIL_ERROR_CODES } from './outcome.ts';

const spec = (page: string): string =>
  readFileSync(new URL(`../../../../docs/spec/${page}.md`, import.meta.url), 'utf8');

describe('codes of the mail core', () => {
  it('stand on the page that the table names, with their action', () => {
    const missing = Object.entries(MAIL_ERROR_CODES)
      .filter(([code, row]) => !spec(row.spec).includes(`| \`${code}\` | ${row.action} |`))
      .map(([code, row]) => `${row.spec}: ${code} ${row.action}`);
    expect(missing).toEqual([]);
  });

  it('do not meet the codes of the tangle', () => {
    expect(Object.keys(MAIL_ERROR_CODES).filter((code) => code in ERROR_CODES)).toEqual([]);
  });

  it('carry the action of either table', () => {
    expect(fail('not-for-us')).toEqual({ ok: false, action: 'ignore', code: 'not-for-us' });
    expect(fail('truncated', 'x')).toEqual({
      ok: false,
      action: 'reject',
      code: 'truncated',
      detail: 'x',
    });
  });
});
