/**
 * A node and a provider whose disk becomes full: each ends with a sentence and status 1, and goes
 * on where it stood when there is room again. The state root is checked at every start of a node.
 */
import { afterEach, describe, expect, it } from '@jest/globals';
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { DiskReport } from './testing/fill-disks.ts';

const DRIVER = fileURLToPath(new URL('./testing/fill-disks.ts', import.meta.url));
const TEST_TIMEOUT_MS = 90_000;
const execute = promisify(execFile);
/** The driver stops its processes in far less; beyond it something hangs. */
const run = (command: string, args: string[]) =>
  execute(command, args, { timeout: TEST_TIMEOUT_MS - 10_000 });

interface Report {
  readonly node: DiskReport;
  readonly provider: DiskReport;
  readonly kept: string;
  readonly paid: string;
}

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

async function play(mode: 'disk' | 'limit'): Promise<{ report: Report; mode: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'tangle-disk-'));
  folders.push(folder);
  const node = [process.execPath, '--disable-warning=ExperimentalWarning', DRIVER, folder];
  const quoted = node.map((text) => `"${text}"`).join(' ');
  // The mounts live in a name space of the child process and go away with it.
  const mounts = ['node', 'provider'].map((name) => {
    const path = `"${join(folder, name)}"`;
    return `mkdir -p ${path} && mount -t tmpfs -o size=40m tmpfs ${path}`;
  });
  const mount = mounts.join(' && ');
  const spaces = [['--mount'], ['--user', '--map-root-user', '--mount']];
  const flags = spaces.find((one) => {
    return spawnSync('unshare', [...one, 'sh', '-c', mount]).status === 0;
  });
  const script =
    mode === 'disk' && flags !== undefined ? `${mount} && exec ${quoted} disk` : undefined;
  const { stdout } =
    script === undefined
      ? await run('sh', ['-c', `exec ${quoted} limit`])
      : await run('unshare', [...(flags ?? []), 'sh', '-c', script]);
  return { report: JSON.parse(stdout) as Report, mode: script === undefined ? 'limit' : 'disk' };
}

/** What the report says beyond indexes and paths that vary. */
function verdictOf({ report, mode }: { report: Report; mode: string }): object {
  const reason = mode === 'disk' ? 'the disk is full: ' : 'the disk or the folder refused a ';
  const judge = (name: 'node' | 'provider') => {
    const { ended, told, before, after } = report[name];
    const saysWhy = told.length === 1 && told[0]?.startsWith(`tangle-${name}: ${reason}`) === true;
    return { ended, saysWhy, goesOn: after >= before };
  };
  const { kept, paid } = report;
  return { node: judge('node'), provider: judge('provider'), kept, paid };
}

const WELL = { ended: 'status 1', saysWhy: true, goesOn: true };
/** The payment before is still there afterwards, and there can be another one. */
const GOOD = { node: WELL, provider: WELL, kept: '12345', paid: '24690' };

describe('a full disk', () => {
  it(
    'ends node and provider in a sentence; both go on when there is room again',
    async () => {
      expect(verdictOf(await play('disk'))).toEqual(GOOD);
    },
    TEST_TIMEOUT_MS,
  );

  it(
    'is the same where files may not grow, as on a machine that cannot mount',
    async () => {
      expect(verdictOf(await play('limit'))).toEqual(GOOD);
    },
    TEST_TIMEOUT_MS,
  );
});
