/**
 * The files in ops/ against the programs: what dashboard and alerts read exists in a running node,
 * nothing of a node is left out, every alert has its section in the manual and its unit test, the
 * tools of Prometheus and systemd accept the files, and paths and ports are those of the programs.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { NODE_METRICS } from '@tanglemail/tangle/io/metrics/node-metrics.ts';
import { load } from 'js-yaml';
import { z } from 'zod';
import { TestNetwork, until } from '../../apps/node/src/testing/test-network.ts';
import { configOf } from '../../apps/node/src/config/schema.ts';
import { ROWS } from '../../tools/dashboard/panels.ts';
import { renderDashboard } from '../../tools/dashboard/render.ts';
import { metricsIn } from './promql.ts';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const PROMETHEUS = join(ROOT, 'ops', 'prometheus');
const read = (...path: string[]): string => readFileSync(join(ROOT, ...path), 'utf8');

const ruleFile = z.object({
  groups: z.array(
    z.object({
      rules: z.array(
        z.strictObject({
          alert: z.string().regex(/^Tangle[A-Z][A-Za-z]+$/),
          expr: z.string(),
          for: z.string().regex(/^\d+[sm]$/),
          labels: z.strictObject({ severity: z.enum(['critical', 'warning']) }),
          annotations: z.strictObject({
            summary: z.string().min(20),
            runbook_url: z.string(),
          }),
        }),
      ),
    }),
  ),
});
const RULES = ruleFile
  .parse(load(read('ops', 'prometheus', 'rules.yml')))
  .groups.flatMap(({ rules }) => rules);

const QUERIES = ROWS.flatMap(({ panels }) => panels.flatMap(({ queries }) => queries)).map(
  ([expression]) => expression.replaceAll('$node', ''),
);

const network = new TestNetwork();
let exposed = '';
const samples = new Set<string>();

beforeAll(async () => {
  const node = await network.start({
    validator: true,
    config: { metrics: { enabled: true, port: 0 } },
  });
  await until(() => node.node.query.confirmedIndex >= 1);
  exposed = await (await fetch(node.api.metricsUrl ?? '')).text();
  // A metric with labels has no sample before it is set for the first time, but always a type.
  for (const [, name = '', type] of exposed.matchAll(/^# TYPE (\S+) (\S+)$/gm)) {
    if (type !== 'histogram') samples.add(name);
    else for (const end of ['_bucket', '_sum', '_count']) samples.add(name + end);
  }
  // What Prometheus itself adds to every target.
  samples.add('up');
});
afterAll(() => network.closeAll());

/** Names without the endings that a histogram has. */
const base = (name: string): string => name.replace(/_(bucket|sum|count)$/, '');

describe('names in PromQL', () => {
  it('are found among functions, labels, strings and ranges', () => {
    const text =
      'histogram_quantile(0.9, sum by (le, instance) (rate(a_seconds_bucket{x="b_c"}[5m]))) ' +
      '> ignoring(kind) 2e9 * time() - up and d:e offset 5m';
    expect(metricsIn(text)).toEqual(['a_seconds_bucket', 'up', 'd:e']);
  });
});

describe('dashboard', () => {
  it('is what its table makes', () => {
    expect(read('ops', 'grafana', 'tangle-node.json')).toBe(renderDashboard());
  });

  it('reads only metrics that a running node serves', () => {
    const names = QUERIES.flatMap(metricsIn);
    expect(names.length).toBeGreaterThan(40);
    expect(names.filter((name) => !samples.has(name))).toEqual([]);
  });

  it('shows every metric of a node', () => {
    const shown = new Set(QUERIES.flatMap(metricsIn).flatMap((name) => [name, base(name)]));
    const names = Object.values(NODE_METRICS).map(({ name }) => name);
    expect(names.filter((name) => !shown.has(name))).toEqual([]);
  });

  it('has panels that do not lie on each other', () => {
    const grid = z.object({ x: z.number(), y: z.number(), w: z.number(), h: z.number() });
    const shape = z.object({ panels: z.array(z.object({ gridPos: grid })) });
    const { panels } = shape.parse(JSON.parse(renderDashboard()));
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, at) => `${x + (at % w)},${y + Math.floor(at / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    expect(cells.filter((cell) => Number(cell.split(',')[0]) >= 24)).toEqual([]);
  });
});

describe('alerts', () => {
  it('read only metrics that a running node serves', () => {
    const names = RULES.flatMap(({ expr }) => metricsIn(expr));
    expect(names.length).toBeGreaterThanOrEqual(RULES.length);
    expect(names.filter((name) => !samples.has(name))).toEqual([]);
  });

  it('each have a section of their own in the manual', () => {
    const headings = read('docs', 'operating.md').match(/^#+ .*$/gm) ?? [];
    const anchors = new Set(headings.map((heading) => heading.replace(/^#+ /, '').toLowerCase()));
    const missing = RULES.filter(
      ({ alert, annotations: { runbook_url: url } }) =>
        url !== `docs/operating.md#${alert.toLowerCase()}` || !anchors.has(alert.toLowerCase()),
    );
    expect(missing.map(({ alert }) => alert)).toEqual([]);
  });

  it('each have a unit test that fires them', () => {
    const tests = read('ops', 'prometheus', 'rules.test.yml');
    const untested = RULES.map(({ alert }) => alert).filter(
      (alert) => !tests.includes(`alertname="${alert}"`) && !tests.includes(`alertname: ${alert}`),
    );
    expect(untested).toEqual([]);
  });
});

/** Runs a checker when this machine has it, and says aloud when not. */
function check(command: string, args: readonly string[], input = ''): string {
  const { error, status, stdout, stderr } = spawnSync(command, args, {
    cwd: PROMETHEUS,
    input,
    encoding: 'utf8',
    timeout: 100_000,
  });
  if (error !== undefined) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    process.stderr.write(`SKIPPED: ${command} ${args.join(' ')}: ${command} is not installed\n`);
    return 'skipped';
  }
  return status === 0 ? 'ok' : `${stdout}\n${stderr}`;
}

describe('the tools of others', () => {
  it.each([
    [['check', 'rules', 'rules.yml']],
    [['test', 'rules', 'rules.test.yml']],
    [['check', 'config', 'prometheus.yml']],
  ])('promtool %j', (args) => {
    expect(check('promtool', args)).toMatch(/^(ok|skipped)$/);
  });

  it('promtool check metrics, of a running node', () => {
    const own = exposed
      .split('\n')
      .filter((line) => /^(# (HELP|TYPE) )?tangle_/.test(line))
      .join('\n');
    expect(own.length).toBeGreaterThan(1_000);
    expect(check('promtool', ['check', 'metrics'], `${own}\n`)).toMatch(/^(ok|skipped)$/);
  });

  it.each(['tangle-node', 'tangle-provider'])('systemd-analyze verify %s', (name) => {
    const folder = mkdtempSync(join(tmpdir(), 'unit-'));
    try {
      const file = join(folder, `${name}.service`);
      // The program of the unit need not be installed where this test runs.
      const unit = read('ops', 'systemd', `${name}.service`);
      writeFileSync(file, unit.replace('/usr/bin/node', process.execPath));
      expect(check('systemd-analyze', ['verify', file])).toMatch(/^(ok|skipped)$/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('units and containers', () => {
  it.each(['tangle-node', 'tangle-provider'])('%s.service starts what is there, safely', (name) => {
    const unit = read('ops', 'systemd', `${name}.service`);
    const [, program = ''] = /^ExecStart=\S+ \/opt\/tanglemail\/(\S+) start /m.exec(unit) ?? [];
    expect(existsSync(join(ROOT, program))).toBe(true);
    for (const line of [
      'Restart=on-failure',
      'RestartPreventExitStatus=2',
      'TimeoutStopSec=30',
      'NoNewPrivileges=yes',
      'ProtectSystem=strict',
      `StateDirectory=${name}`,
    ]) {
      expect(unit.split('\n')).toContain(line);
    }
  });

  it('the image runs without root and copies only what is there or is built', () => {
    const file = read('ops', 'docker', 'Dockerfile');
    const users = [...file.matchAll(/^USER (\S+)/gm)].map(([, user]) => user);
    expect(users).toEqual(['node']);
    expect(file).toMatch(/^HEALTHCHECK [^]*\/health/m);
    const copied = [...file.matchAll(/^COPY --from=build \/opt\/tanglemail\/(\S+) /gm)];
    const paths = copied.map(([, path = '']) => path);
    expect(paths.length).toBeGreaterThan(4);
    const built = new Set(['dist', 'node_modules']);
    expect(paths.filter((path) => !built.has(path) && !existsSync(join(ROOT, path)))).toEqual([]);
  });

  it('compose and Prometheus use the default ports and files that exist', () => {
    const { api, metrics, gossip } = configOf({});
    const compose = read('ops', 'docker', 'compose.yml');
    expect(compose).toContain(`'127.0.0.1:${api.port}:${api.port}'`);
    const [, gossipPort] = /tcp\/(\d+)/.exec(gossip.listen[0] ?? '') ?? [];
    expect(compose).toContain(`'${gossipPort}:${gossipPort}'`);
    const mounted = [...compose.matchAll(/- (\.[^\s:]+\.yml):/g)].map(([, path = '']) => path);
    expect(mounted).toHaveLength(2);
    const missing = mounted.filter((path) => !existsSync(join(ROOT, 'ops', 'docker', path)));
    expect(missing).toEqual([]);
    expect(read('ops', 'docker', 'prometheus.yml')).toContain(`tangle-node:${metrics.port}`);
    expect(read('ops', 'prometheus', 'prometheus.yml')).toContain(`127.0.0.1:${metrics.port}`);
  });
});
