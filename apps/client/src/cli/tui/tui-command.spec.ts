/** `tanglemail tui` as a process in a real pseudo-terminal, over the real API. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { SILENT_LOGGER } from '@tanglemail/tangle/io/logger.ts';
import type { RunningServer } from '@tanglemail/tangle/io/shell/http.ts';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createApi } from '../../api/create-api.ts';
import { MemoryClient } from '../../testing/memory-client.ts';
import { until } from '../../testing/small-tangle.ts';
import { testTerminal } from '../../testing/test-terminal.ts';
import { runProgram } from '../program.ts';
import { HELP_LINES } from './render.ts';

const MAIN = fileURLToPath(new URL('../../main.ts', import.meta.url));
const SECOND_PAGE = '\u001b[?1049h';
const FIRST_PAGE = '\u001b[?1049l';

let dir: string;
let api: RunningServer;
let child: ChildProcess | undefined;
let shown = '';

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tanglemail-tui-'));
  const options = { host: '127.0.0.1', port: 0, token: 'b'.repeat(43), version: '0.1.0' } as const;
  api = await createApi({ local: new MemoryClient() }, { ...options, logger: SILENT_LOGGER });
  const file = { api: api.url, token: options.token, pid: process.pid };
  await writeFile(join(dir, 'daemon.json'), JSON.stringify(file));
});

afterEach(async () => {
  if (child?.exitCode === null) child.kill('SIGKILL');
  child = undefined;
  await api.close();
  await rm(dir, { recursive: true });
});

/**
 * `script` of util-linux, which every Linux has, makes the pseudo-terminal. The shell in it writes
 * down the pid, and how the terminal is set before and afterwards.
 */
function start(editor: string): ChildProcess {
  shown = '';
  const program = `exec "${process.execPath}" --disable-warning=ExperimentalWarning "${MAIN}"`;
  const line = [
    'stty rows 24 cols 80; stty -g > before',
    `sh -c 'echo $$ > pid; ${program} --data-dir . tui'`,
    'code=$?; stty -g > after; exit $code',
  ].join('; ');
  const env = { PATH: process.env['PATH'], HOME: dir, TMPDIR: dir, TERM: 'xterm', EDITOR: editor };
  const started = spawn('script', ['-qfec', line, '/dev/null'], { cwd: dir, env });
  started.stdout.on('data', (chunk: Buffer) => (shown += chunk.toString('utf8')));
  child = started;
  return started;
}

const sees = (text: string): Promise<void> => until(async () => shown.includes(text));

/** The exit code, once the terminal is found as it was. */
async function ending(process: ChildProcess): Promise<unknown> {
  const code = process.exitCode ?? ((await once(process, 'exit')) as unknown[])[0];
  const [before, after] = await Promise.all(
    ['before', 'after'].map((name) => readFile(join(dir, name), 'utf8')),
  );
  expect(after).toBe(before);
  expect(shown.lastIndexOf(FIRST_PAGE)).toBeGreaterThan(shown.lastIndexOf(SECOND_PAGE));
  return code;
}

describe('tanglemail tui', () => {
  it('takes keys, survives an editor that fails, and gives the screen back', async () => {
    const process = start('false');
    await sees('q:quit');
    process.stdin?.write('?');
    await sees('Everywhere');
    process.stdin?.write('q');
    process.stdin?.write('m');
    await sees('the editor false ended with 1');
    expect(shown.split(SECOND_PAGE)).toHaveLength(3);
    process.stdin?.write('q');
    expect(await ending(process)).toBe(0);
  });

  it('gives the screen back at SIGTERM, also while an editor is open', async () => {
    const editor = join(dir, 'editor.sh');
    await writeFile(editor, 'echo the editor is open\nexec sleep 600\n');
    const started = start(`sh ${editor}`);
    await sees('q:quit');
    started.stdin?.write('m');
    await sees('the editor is open');
    process.kill(Number(await readFile(join(dir, 'pid'), 'utf8')), 'SIGTERM');
    expect(await ending(started)).toBe(0);
    expect((await readdir(dir)).filter((name) => name.startsWith('tanglemail-'))).toEqual([]);
  });

  it('refuses where nobody sits', async () => {
    const terminal = testTerminal({ input: '' });
    expect(await runProgram(['--data-dir', dir, 'tui'], terminal)).toBe(2);
    expect(terminal.written.err).toMatch(/\(no-terminal\); use tanglemail inbox/);
  });

  it('has the keys that its page names', () => {
    const url = new URL('../../../../../docs/spec/41-client-api.md', import.meta.url);
    const rows = readFileSync(url, 'utf8').matchAll(
      /^\| (Everywhere|List|Message|Outbox) \| (.*) \| (.*) \|$/gm,
    );
    const documented = [...rows].map(([, where, keys = '', does]) => {
      return `${where}: ${keys.replaceAll('`', '')}: ${does}`;
    });
    let where = '';
    const helped = HELP_LINES.flatMap((line) => {
      if (/^[A-Z]\w+$/.test(line)) where = line;
      if (!line.startsWith('  ')) return [];
      const cells = line.trim().split(/ {2,}/);
      return cells.flatMap((keys, at) =>
        at % 2 === 0 ? [`${where}: ${keys}: ${cells[at + 1]}`] : [],
      );
    });
    expect(helped).toEqual(documented);
  });
});
