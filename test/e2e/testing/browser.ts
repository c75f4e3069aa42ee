/**
 * Chromium in front of a daemon's pages: what it asks of whom, and what its policy refuses, is
 * written down. CI installs the browser; where it is missing, the test says so aloud.
 */
import { readFileSync } from 'node:fs';
import { access } from 'node:fs/promises';
import { createRequire } from 'node:module';
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
} from 'playwright-core';

const EXECUTABLES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** The browser; undefined where there is none, which is a failure in CI. */
export async function openBrowser(): Promise<Browser | undefined> {
  for (const executablePath of EXECUTABLES) {
    const isThere = await access(executablePath).then(
      () => true,
      () => false,
    );
    if (!isThere) continue;
    // Root may not use the sandbox; the pages are our own. In containers /dev/shm is small.
    const args = ['--no-sandbox', '--disable-dev-shm-usage'];
    return await chromium.launch({ executablePath, args });
  }
  if (process.env['CI'] !== undefined) throw new Error('CI has no Chromium');
  console.warn('no Chromium on this machine: the pages were not tested');
  return undefined;
}

export interface WatchedContext {
  readonly context: BrowserContext;
  /** What went wrong: errors of scripts, refusals of the policy, requests of other hosts. */
  readonly faults: string[];
}

/** A browser window of one person; `origin` is the only one that its pages may ask. */
export async function openContext(
  browser: Browser,
  origin: string,
  options: BrowserContextOptions = {},
): Promise<WatchedContext> {
  const context = await browser.newContext({ locale: 'en-US', ...options });
  const faults: string[] = [];
  context.on('request', (request) => {
    const url = request.url();
    const isOwn = url.startsWith(`${origin}/`) || /^(?:data|blob):/.test(url);
    if (!isOwn) faults.push(`asked ${url}`);
  });
  context.on('weberror', (error) => faults.push(`script: ${error.error().message}`));
  context.on('console', (message) => {
    if (/Content Security Policy|Trusted ?Type/i.test(message.text())) faults.push(message.text());
  });
  return { context, faults };
}

/** What axe finds against WCAG 2.2 A and AA on the page, each with the place. */
export async function accessFaults(page: Page): Promise<string[]> {
  return await axe(page, RULES);
}

/** That part of them which a change of theme can bring. */
export async function contrastFaults(page: Page): Promise<string[]> {
  return await axe(page, ['color-contrast']);
}

async function axe(page: Page, rules: readonly string[]): Promise<string[]> {
  if (!(await page.evaluate<boolean>("'axe' in globalThis"))) await page.evaluate(AXE);
  const run = `axe.run({ runOnly: ${JSON.stringify(rules)} })`;
  const { violations } = await page.evaluate<{
    violations: { id: string; nodes: { html: string }[] }[];
  }>(run);
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' | ')}`);
}

/** Pixels by which the page is wider than its window. */
export async function overflow(page: Page): Promise<number> {
  return await page.evaluate<number>(
    'document.documentElement.scrollWidth - document.documentElement.clientWidth',
  );
}
