/**
 * The closed table of codes against docs/spec/09-error-codes.md, and the rule that every code has a
 * test that names it. UPDATE_SPEC=1 prints the table into the page.
 */
import { describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { assert, ERROR_CODES, fail, succeed, type ErrorCode } from './outcome.ts';

const page = new URL('../../../../docs/spec/09-error-codes.md', import.meta.url);
const codes = Object.keys(ERROR_CODES) as ErrorCode[];

function printTable(): string {
  const rows = codes.map((code) => {
    const { action, spec } = ERROR_CODES[code];
    return `| \`${code}\` | ${action} | [${spec}](${spec}.md) |`;
  });
  return ['| code | action | rule |', '|---|---|---|', ...rows].join('\n');
}

/** The test files of the library and of the node, which adds codes of its own processes. */
function allSpecs(): string {
  const folders = ['../', '../../../../apps/node/src/'].map(
    (path) => new URL(path, import.meta.url),
  );
  return folders
    .flatMap((folder) =>
      readdirSync(folder, { recursive: true, encoding: 'utf8' })
        .filter((path) => path.endsWith('.spec.ts') && path !== 'core/outcome.spec.ts')
        .map((path) => readFileSync(new URL(path, folder), 'utf8')),
    )
    .join('\n');
}

describe('ERROR_CODES', () => {
  it('are the table of docs/spec/09-error-codes.md', () => {
    const text = readFileSync(page, 'utf8');
    const printed = text.replace(/\| code \|[\s\S]*?\n(?=\n|$)/, () => `${printTable()}\n`);
    const isUpdate = process.env['UPDATE_SPEC'] === '1';
    if (isUpdate) writeFileSync(page, printed);
    expect(isUpdate ? printed : text).toBe(printed);
  });

  it('each have a test that names them', () => {
    const names = [...allSpecs().matchAll(/\bit\(\s*(['`])(.*?)\1/g)]
      .map((one) => one[2]!)
      .join('\n');
    const unnamed = codes.filter((code) => !names.includes(code));
    expect(unnamed).toEqual([]);
  });
});

describe('outcome', () => {
  it('fails with the action of the table, and facts only if there are some', () => {
    expect(fail('pow-below-load')).toEqual({ ok: false, action: 'ignore', code: 'pow-below-load' });
    expect(fail('truncated', 'x')).toEqual({
      ok: false,
      action: 'reject',
      code: 'truncated',
      detail: 'x',
    });
    expect(succeed(1)).toEqual({ ok: true, value: 1 });
  });

  it('assert stops at a broken invariant', () => {
    expect(() => assert(true, 'holds')).not.toThrow();
    expect(() => assert(0, 'supply is constant')).toThrow('broken invariant: supply is constant');
  });
});
