/**
 * Measures the picture of the tangle in a headless Chromium:
 * `node --disable-warning=ExperimentalWarning test/bench/tangle-picture/main.ts [--shots FOLDER]`.
 * Takes the program that the variable CHROMIUM names, or /usr/bin/chromium. The page comes under
 * the policy of the web client; what breaks it fails the run.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Browser, type CDPSession, chromium, type Page } from 'playwright-core';
import { build, preview } from 'vite';
import type { Measurement } from '../bench.ts';
import { formatTable, machineLine } from '../report.ts';

const CONFIG = fileURLToPath(new URL('vite.config.ts', import.meta.url));
const VERTICES = [2_500, 10_000, 50_000];
const MEASURED_MS = 10_000;
/** Loading, filling the store, painting what is there. */
const SETTLE_MS = 8_000;
const TEN_MINUTES_MS = 600_000;
const WIDE = { width: 1_440, height: 900 };

interface Shown {
  readonly name: string;
  readonly query: string;
  readonly windowMs?: number;
}

/** Runs in the page, whose own policy forbids what Playwright would do for it. */
async function evaluate(session: CDPSession, expression: string): Promise<unknown> {
  const { result, exceptionDetails } = await session.send('Runtime.evaluate', { expression });
  if (exceptionDetails !== undefined) throw new Error(exceptionDetails.text);
  return result.value;
}

/** Totals of the page since it was opened. */
async function totals(
  session: CDPSession,
): Promise<{ frames: number; scriptMs: number; taskMs: number }> {
  const { metrics } = await session.send('Performance.getMetrics');
  const valueOf = (name: string): number => metrics.find((one) => one.name === name)?.value ?? 0;
  const frames = Number(await evaluate(session, 'document.documentElement.dataset.frames'));
  const [script, task] = [valueOf('ScriptDuration'), valueOf('TaskDuration')];
  return { frames, scriptMs: script * 1_000, taskMs: task * 1_000 };
}

/** Counts frames where the driver can read them. */
const COUNT_FRAMES = `{
  let frames = 0;
  const count = () => {
    document.documentElement.dataset.frames = String(++frames);
    requestAnimationFrame(count);
  };
  requestAnimationFrame(count);
}`;

function row(name: string, value: number, unit: string): Measurement {
  return { name, value, unit, limit: null, ratio: null, goal: null };
}

async function openPage(browser: Browser, url: string, faults: string[]): Promise<Page> {
  const page = await browser.newPage({ viewport: WIDE });
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') faults.push(message.text());
  });
  await page.goto(url);
  return page;
}

async function measure(browser: Browser, url: string, shown: Shown): Promise<Measurement[]> {
  const faults: string[] = [];
  const page = await openPage(browser, `${url}?${shown.query}`, faults);
  try {
    await page.locator('.dag-canvas').waitFor();
    if (shown.windowMs !== undefined) {
      await page.locator('.dag-select').selectOption(String(shown.windowMs));
    }
    await page.waitForTimeout(SETTLE_MS);
    const session = await page.context().newCDPSession(page);
    await session.send('Performance.enable');
    await evaluate(session, COUNT_FRAMES);
    await page.waitForTimeout(500);
    const before = await totals(session);
    await page.waitForTimeout(MEASURED_MS);
    const after = await totals(session);
    if (faults.length > 0) throw new Error(`the page failed: ${faults.join('; ')}`);
    const frames = after.frames - before.frames;
    const { name } = shown;
    return [
      row(`${name}: frames a second`, (frames * 1_000) / MEASURED_MS, 'fps'),
      row(`${name}: script a frame`, (after.scriptMs - before.scriptMs) / frames, 'ms'),
      row(`${name}: main thread a frame`, (after.taskMs - before.taskMs) / frames, 'ms'),
    ];
  } finally {
    await page.close();
  }
}

/** Pictures to look at: both themes, two sizes, a chosen vertex. */
async function shoot(browser: Browser, url: string, folder: string): Promise<void> {
  for (const [theme, language, width] of [
    ['dark', 'en', 1_440],
    ['light', 'it', 1_440],
    ['light', 'de', 390],
  ] as const) {
    const page = await openPage(browser, `${url}?vertices=3000&${query(theme, language)}`, []);
    await page.setViewportSize({ width, height: 900 });
    await page.waitForTimeout(4_000);
    await page.locator('.dag-focus').focus();
    for (const key of ['ArrowDown', 'ArrowLeft', 'ArrowLeft', 'ArrowLeft', 'ArrowLeft', ' ']) {
      await page.keyboard.press(key);
    }
    await page.waitForTimeout(1_000);
    await page.screenshot({ path: join(folder, `${theme}-${width}.png`), fullPage: true });
    await page.close();
  }
}

function query(theme: string, language: string): string {
  return new URLSearchParams({ theme, language }).toString();
}

async function run(shots: string | undefined): Promise<void> {
  const outDir = await mkdtemp(join(tmpdir(), 'tanglemail-picture-'));
  await build({ configFile: CONFIG, logLevel: 'error', build: { outDir } });
  const served = await preview({
    configFile: CONFIG,
    logLevel: 'error',
    build: { outDir },
    preview: { host: '127.0.0.1', port: 0 },
  });
  const executablePath = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  const browser = await chromium.launch({ executablePath, args });
  try {
    const url = served.resolvedUrls?.local[0] ?? '';
    if (shots !== undefined) return await shoot(browser, url, shots);
    const all: Measurement[] = [];
    const few = VERTICES.map((count): Shown => {
      return { name: `${count.toLocaleString('en')} vertices, 30 s`, query: `vertices=${count}` };
    });
    const whole = { name: '50,000 vertices, 10 min', windowMs: TEN_MINUTES_MS };
    for (const shown of [...few, { ...whole, query: 'vertices=50000' }]) {
      all.push(...(await measure(browser, url, shown)));
    }
    const load = loadavg()
      .map((one) => one.toFixed(1))
      .join(' ');
    console.log(`${formatTable(all)}\n\n${machineLine()}, ${browser.version()}, load ${load}`);
  } finally {
    await browser.close();
    await served.close();
    await rm(outDir, { recursive: true, force: true });
  }
}

const { values } = parseArgs({ options: { shots: { type: 'string' } } });
await run(values.shots);
