import { describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createLogger, descriptorStream } from './log.ts';

describe('the log', () => {
  it('never holds a credential, wherever it stands in an object', () => {
    const lines: string[] = [];
    const logger = createLogger('debug', 'toy', { write: (line: string) => void lines.push(line) });
    const secret = 'Payment abcdef';
    logger.info({ authorization: secret }, 'one');
    logger.info({ headers: { authorization: secret } }, 'two');
    logger.warn(
      { req: { headers: { authorization: secret } }, keys: { secretKey: secret } },
      'three',
    );
    expect(lines).toHaveLength(3);
    expect(lines.join('')).not.toContain('abcdef');
    expect(lines.join('')).toContain('[redacted]');
  });
});

describe('a log on a full disk', () => {
  it('loses lines, and the program goes on and ends', () => {
    const log = new URL('./log.ts', import.meta.url).href;
    const script = `import { createLogger } from '${log}';
      const logger = createLogger('info', 'test');
      for (let line = 0; line < 10; line += 1) logger.info({ line }, 'a line');
      process.stderr.write('went on');`;
    const args = ['--input-type=module', '--disable-warning=ExperimentalWarning', '-e', script];
    // Open for reading only: every write to it fails, as on a full disk.
    const full = openSync(fileURLToPath(log), 'r');
    const { status, stderr } = spawnSync(process.execPath, args, {
      stdio: ['ignore', full, 'pipe'],
      encoding: 'utf8',
      timeout: 100_000,
    });
    closeSync(full);
    expect([status, stderr]).toEqual([0, 'went on']);
  });

  it('writes whole lines where there is room', () => {
    const folder = mkdtempSync(join(tmpdir(), 'log-'));
    const file = openSync(join(folder, 'log'), 'w');
    const logger = createLogger('info', 'test', descriptorStream(file));
    for (let line = 0; line < 3; line += 1) logger.info({ line }, 'é'.repeat(10_000));
    closeSync(file);
    const lines = readFileSync(join(folder, 'log'), 'utf8').trimEnd().split('\n');
    rmSync(folder, { recursive: true });
    expect(lines.map((line) => (JSON.parse(line) as { line: number }).line)).toEqual([0, 1, 2]);
  });
});
