/** docs/spec/42-delivery.md against the code: states and times. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { outboxStates } from '../store/outbox-collections.ts';
import * as times from './outbox-entry.ts';

const PAGE_URL = new URL('../../../../docs/spec/42-delivery.md', import.meta.url);
const page = readFileSync(PAGE_URL, 'utf8');
const HOUR_MS = 3_600_000;

describe('docs/spec/42-delivery.md', () => {
  it('has the states of the code', () => {
    const table = page.split('## 1. States')[1]?.split('**Held mail.**')[0] ?? '';
    const rows = [...table.matchAll(/^\| ([a-z]+) \|/gm)].map(([, name]) => name);
    expect(rows.filter((name) => name !== 'state')).toEqual([...outboxStates]);
  });

  it('has the times of the code', () => {
    const { RETRY_MS, RECEIPT_POLL_MS, RESEND_AFTER_MS, RESEND_PATIENCE_MS } = times;
    const { RECEIPT_PATIENCE_MS, EXPIRY_MS } = times;
    const seconds = (ms: number): string => `${ms / 1_000} s`;
    const hours = (ms: number): string => `${ms / HOUR_MS} h`;
    const growing = ({ first, last }: { first: number; last: number }): [string, string] => [
      seconds(first),
      `doubled each time, at most ${seconds(last)} |`,
    ];
    const rows = [
      `| attempts after a failure | ${growing(RETRY_MS).join(', ')}`,
      `| questions for receipts | ${growing(RECEIPT_POLL_MS).join(' after the confirmation, ')}`,
      `| receipts are asked for | ${hours(RECEIPT_PATIENCE_MS)} after the confirmation |`,
      `| sealed again with a stranger's tag | ${hours(RESEND_AFTER_MS)} after the confirmation;`,
      `; ${hours(RESEND_PATIENCE_MS)} while a provider cannot be asked |`,
      `| given up unless confirmed | ${EXPIRY_MS / HOUR_MS / 24} days |`,
    ];
    for (const row of rows) expect(page).toContain(row);
  });
});
