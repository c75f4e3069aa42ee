/**
 * Measures the checks of a light client in a headless Chromium:
 * `node --disable-warning=ExperimentalWarning test/bench/browser/main.ts`. Takes the program that
 * the variable CHROMIUM names, or the first in the PATH; without one it says so and ends well.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bestHasher } from '../../../libs/tangle/src/io/accel/hasher.ts';
import type { Measurement } from '../bench.ts';
import { makeLightFixture } from '../light/fixture.ts';
import { formatTable, machineLine } from '../report.ts';
import type { BrowserRow } from './page.ts';
import { servePage } from './serve.ts';

const PROGRAMS = ['chromium', 'chromium-browser', 'google-chrome', 'chrome'];
const TIME_LIMIT_MS = 180_000;

/** The first program that can say its version. */
function findChromium(): { program: string; version: string } | undefined {
  const named = process.env['CHROMIUM'];
  for (const program of named === undefined ? PROGRAMS : [named]) {
    const { status, stdout } = spawnSync(program, ['--version'], { encoding: 'utf8' });
    if (status === 0) return { program, version: stdout.trim() };
  }
  return undefined;
}

/** Opens `url` in `program` until `done` settles. */
async function browse<T>(program: string, url: string, done: Promise<T>): Promise<T> {
  const profile = await mkdtemp(join(tmpdir(), 'tanglemail-chromium-'));
  const flags = ['--headless=new', '--disable-gpu', '--no-first-run', `--user-data-dir=${profile}`];
  // Chromium's sandbox does not start for root, as in a container; the page is our own.
  if (process.getuid?.() === 0) flags.push('--no-sandbox');
  const child = spawn(program, [...flags, url], { stdio: 'ignore' });
  const ended = new Promise<never>((_, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`${program} ended with ${code}`)));
  });
  const late = AbortSignal.timeout(TIME_LIMIT_MS);
  const timeout = new Promise<never>((_, reject) => {
    late.addEventListener('abort', () => reject(new Error('the page took too long')));
  });
  try {
    return await Promise.race([done, ended, timeout]);
  } finally {
    ended.catch(() => undefined);
    timeout.catch(() => undefined);
    const gone = new Promise((resolve) => child.once('exit', resolve));
    if (child.exitCode === null && child.kill()) await gone;
    await rm(profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function run(): Promise<void> {
  const found = findChromium();
  if (found === undefined) {
    console.log('skipped: no Chromium here; install one or name it in the variable CHROMIUM');
    return;
  }
  const fixture = makeLightFixture({ blocks: 1_000, outputs: 100_000 }, await bestHasher());
  const page = await servePage(fixture);
  try {
    const rows = JSON.parse(await browse(found.program, page.url, page.rows)) as BrowserRow[];
    const table = rows.map(({ name, value, limit, ratio }): Measurement => {
      return { name, value, limit, ratio, unit: 'µs', goal: null };
    });
    console.log(`${formatTable(table)}\n\n${machineLine()}, ${found.version}`);
  } finally {
    page.close();
  }
}

await run();
process.exit(0);
