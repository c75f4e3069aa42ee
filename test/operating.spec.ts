/**
 * docs/operating.md against the programs: every metric with its type and labels, every reason that
 * /health can give, every log line that it tells people to look for, every default port.
 */
import { describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { MetricTable } from '@tanglemail/tangle/io/metrics/create-metrics.ts';
import { NODE_METRICS } from '@tanglemail/tangle/io/metrics/node-metrics.ts';
import { configOf } from '../apps/node/src/config/schema.ts';
import { judgeHealth } from '../apps/node/src/health.ts';
import { PROVIDER_METRICS } from '../apps/storage-provider/src/metrics.ts';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');
const PAGE_FILE = join(ROOT, 'docs', 'operating.md');
/** UPDATE_SPEC=1 writes the tables of metrics into the page instead of comparing them. */
const PAGE = process.env['UPDATE_SPEC'] === '1' ? updated() : readFileSync(PAGE_FILE, 'utf8');

/** The page with the tables of metrics as the programs have them, written back. */
function updated(): string {
  let page = readFileSync(PAGE_FILE, 'utf8');
  const tables = { node: NODE_METRICS, provider: PROVIDER_METRICS };
  for (const [program, table] of Object.entries(tables)) {
    const rows = expectedRows(table).map((cells) => `| ${cells.join(' | ')} |\n`);
    const place = new RegExp(`(\n## Metrics of a ${program}\n[^#]*?\n\\|---.*\n)(?:\\|.*\n)*`);
    page = page.replace(place, (_, heading: string) => heading + rows.join(''));
  }
  writeFileSync(PAGE_FILE, page);
  return page;
}

/** The text of a section, without its heading. */
function section(heading: string): string {
  const start = PAGE.indexOf(`\n## ${heading}\n`);
  expect(start).toBeGreaterThan(0);
  const rest = PAGE.slice(start + heading.length + 5);
  const end = rest.indexOf('\n## ');
  return end < 0 ? rest : rest.slice(0, end);
}

/** Cells of the rows of the tables in a text, without headings. */
function rowsOf(text: string): string[][] {
  const lines = text.split('\n').filter((line) => line.startsWith('| '));
  const rows = lines.map((line) => line.slice(2, -2).split(' | '));
  return rows.filter(
    ([first = '']) => first.startsWith('`') || /^\d|^(node|provider|both)$/.test(first),
  );
}

/** The program sources that make what the page names. */
const SOURCES = execFileSync('git', ['ls-files', '-co', '--exclude-standard', 'apps', 'libs'], {
  cwd: ROOT,
  encoding: 'utf8',
})
  .split('\n')
  .filter((path) => /\/src\/.*\.ts$/.test(path) && !/\.spec\.ts$|\/testing\//.test(path))
  .map((path) => readFileSync(join(ROOT, path), 'utf8'))
  .join('\n');

function expectedRows(table: MetricTable): string[][] {
  return Object.values(table).map(({ name, type, labels, help }) => {
    const names = Object.keys(labels ?? {}).map((label) => `\`${label}\``);
    return [`\`${name}\``, type, names.length === 0 ? '–' : names.join(', '), help];
  });
}

describe('docs/operating.md', () => {
  it('has every metric of a node, with type, labels and meaning', () => {
    expect(rowsOf(section('Metrics of a node'))).toEqual(expectedRows(NODE_METRICS));
  });

  it('has every metric of a provider, with type, labels and meaning', () => {
    expect(rowsOf(section('Metrics of a provider'))).toEqual(expectedRows(PROVIDER_METRICS));
  });

  it('has every reason that the health of a node can give', () => {
    const facts = {
      halted: 'x',
      confirmedIndex: 1,
      confirmedTimestampMs: 0,
      latestIndex: 9,
      problem:
        'all 3 peers have pruned milestone 2, which is the next one here: start from a snapshot',
      peers: 0,
      nowMs: 1_000_000,
      isWaiting: true,
      seatSilent: 'log-missing',
    };
    const config = configOf({ health: { minPeers: 1 } });
    const { reasons } = judgeHealth(facts, config);
    const page = rowsOf(section('Health')).map(([reason = '']) => reason.replaceAll('`', ''));
    const patterns = page.map((text) => new RegExp(`^${text.replaceAll('…', '.+')}$`));
    expect(reasons).toHaveLength(7);
    expect(SOURCES).toContain(', which is the next one here: ');
    expect(reasons.filter((reason) => !patterns.some((one) => one.test(reason)))).toEqual([]);
  });

  it('has every reason that the health of a provider can give', () => {
    const feed = /export type FeedState =([^;]+);/.exec(SOURCES)?.[1] ?? '';
    const states = [...feed.matchAll(/'([a-z-]+)'/g)].map(([, state]) => `feed ${state}`);
    expect(states).toContain('feed running');
    const page = section('Health');
    const reasons = [
      ...states.filter((one) => one !== 'feed running'),
      'ledger lags',
      'no offer yet',
    ];
    expect(reasons.filter((reason) => !page.includes(`| \`${reason}\` |`))).toEqual([]);
  });

  it('names log lines that the programs write', () => {
    const lines = rowsOf(section('Log lines that matter')).map(([, , line = '']) => line);
    expect(lines.length).toBeGreaterThan(10);
    const unknown = lines.filter((line) => !SOURCES.includes(`'${line.slice(1, -1)}'`));
    expect(unknown).toEqual([]);
  });

  it('names the default ports', () => {
    const ports = rowsOf(section('Ports and firewalls')).map(([port = '']) => port.split(' ')[0]);
    const found = ['configuration.md', 'configuration-provider.md'].flatMap((name) => {
      const text = readFileSync(join(ROOT, 'docs', name), 'utf8');
      return [...text.matchAll(/- Default: `.*?(\d{4,5})"?\]?`/g)].map(([, port]) => port);
    });
    const defaults = new Set(found);
    expect(ports).toHaveLength(6);
    expect(ports.filter((port) => !defaults.has(port))).toEqual([]);
  });
});
