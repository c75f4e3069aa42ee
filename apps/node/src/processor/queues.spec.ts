/**
 * The table of queues against docs/spec/14-load.md. UPDATE_SPEC=1 prints it into the page.
 */
import { describe, expect, it } from '@jest/globals';
import { readFileSync, writeFileSync } from 'node:fs';
import { MAX_BLOCK_SIZE } from '@tanglemail/tangle/core/params/limits.ts';
import { OTHER_QUEUES, QUEUES, type QueueRow } from './queues.ts';

const page = new URL('../../../../docs/spec/14-load.md', import.meta.url);

function printTable(): string {
  const all: Record<string, QueueRow> = { ...QUEUES, ...OTHER_QUEUES };
  const rows = Object.entries(all).map(([name, row]) => {
    const mebibytes = `${Math.ceil((row.bytes / (1 << 20)) * 10) / 10}`;
    const cells = [name, row.holds, row.items, mebibytes, row.order, row.drop, row.told];
    return `| ${cells.join(' | ')} |`;
  });
  const head = '| queue | holds | items | MiB | order | leaves when full | told |';
  return [head, '|---|---|---|---|---|---|---|', ...rows].join('\n');
}

describe('queues', () => {
  it('are the table of docs/spec/14-load.md', () => {
    const text = readFileSync(page, 'utf8');
    const printed = text.replace(/\| queue \|[\s\S]*?\n(?=\n|$)/, () => `${printTable()}\n`);
    const isUpdate = process.env['UPDATE_SPEC'] === '1';
    if (isUpdate) writeFileSync(page, printed);
    expect(isUpdate ? printed : text).toBe(printed);
  });

  it('have room for the largest block, and together fit a small machine', () => {
    const rows: QueueRow[] = Object.values({ ...QUEUES, ...OTHER_QUEUES });
    for (const row of rows) {
      expect([row.holds, row.items >= 1]).toEqual([row.holds, true]);
      expect(row.bytes).toBeGreaterThan(MAX_BLOCK_SIZE);
    }
    const bytes = Object.values(QUEUES).reduce((sum, row) => sum + row.bytes, 0);
    expect(bytes).toBeLessThanOrEqual(160 << 20);
  });

  it('share a batch among the queues of the processor', () => {
    expect(Object.values(QUEUES).reduce((sum, { share }) => sum + share, 0)).toBe(64);
  });
});
