import { describe, expect, it } from '@jest/globals';
import { Command } from 'commander';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { addSettings, settingsOf } from './flags.ts';
import {
  amount,
  httpUrl,
  logLevel,
  metricsSection,
  path,
  port,
  rateLimitSection,
  textLike,
} from './setting-types.ts';
import { renderSettingsPage } from './settings-page.ts';
import { defineSettings, loadConfig, type ConfigSources } from './settings.ts';
import { configMistake, unclearSettings } from './testing/settings-checks.ts';
import { TestTerminal } from './testing/test-terminal.ts';

const api = z.strictObject({
  port: port.default(80).describe('Port.'),
  isOpen: z.boolean().default(false).describe('Whether everybody may come.'),
  rateLimit: rateLimitSection(1, 2),
});

const SETTINGS = defineSettings({
  schema: z.strictObject({
    dataDir: path.default('data').describe('Folder.'),
    logLevel,
    price: amount.default('5').describe('Price.'),
    nodeUrl: httpUrl.optional().describe('Node.'),
    peers: z
      .array(textLike(/^p[0-9]$/, 'peers such as p1'))
      .max(4)
      .default([])
      .describe('Peers.'),
    api: api.prefault({}),
    metrics: metricsSection(90),
  }),
  envPrefix: 'TOY_',
  page: 'docs/toy.md',
  shortFlags: { nodeUrl: '--node' },
  otherVariables: ['PASSPHRASE'],
});

const none = { flags: {}, env: {} };
const load = (sources: ConfigSources) => loadConfig(SETTINGS, sources);

describe('settings', () => {
  it('have their defaults', () => {
    expect(load(none)).toEqual({
      dataDir: 'data',
      logLevel: 'info',
      price: '5',
      peers: [],
      api: { port: 80, isOpen: false, rateLimit: { perSecond: 1, burst: 2 } },
      metrics: { enabled: true, host: '127.0.0.1', port: 90 },
    });
  });

  it('come from flags before the environment, and from the environment before the file', () => {
    const file = { path: 'toy.json', content: { api: { port: 1, isOpen: true }, dataDir: 'file' } };
    const env = { TOY_API_PORT: '2', TOY_DATA_DIR: 'env', HOME: '/root' };
    const config = load({ file, env, flags: { '--api-port': '3' } });
    expect(config).toMatchObject({ api: { port: 3, isOpen: true }, dataDir: 'env' });
  });

  it('have the names of their key, or shorter ones', () => {
    const names = SETTINGS.leaves.map(({ flag, variable }) => [flag, variable]);
    expect(names).toContainEqual(['--api-rate-limit-per-second', 'TOY_API_RATE_LIMIT_PER_SECOND']);
    expect(names).toContainEqual(['--node', 'TOY_NODE_URL']);
  });

  it('take lists from commas and from repeated flags', () => {
    expect(load({ env: { TOY_PEERS: 'p1, p2' }, flags: {} }).peers).toEqual(['p1', 'p2']);
    expect(load({ env: { TOY_PEERS: '' }, flags: {} }).peers).toEqual([]);
    const flags = { '--peers': ['p3'] };
    expect(load({ env: { TOY_PEERS: 'p1' }, flags }).peers).toEqual(['p3']);
    const both = { '--peers': ['p1,p2', 'p3'] };
    expect(load({ env: {}, flags: both }).peers).toEqual(['p1', 'p2', 'p3']);
  });

  it('leave the content of the file and variables of other use alone', () => {
    const content = { api: { port: 1 } };
    load({ ...none, file: { path: 'f', content }, flags: { '--api-port': '3' } });
    expect(content).toEqual({ api: { port: 1 } });
    const env = { TOY_PASSPHRASE: 'x', TOY_CONFIG: 'y' };
    expect(load({ ...none, env })).toEqual(load(none));
  });

  const file = (content: unknown) => ({ ...none, file: { path: 'toy.json', content } });
  const cases: readonly (readonly [string, ConfigSources, string])[] = [
    [
      'a number out of range',
      { ...none, flags: { '--api-port': '70000' } },
      'api.port (from --api-port) is 70000: expected an integer from 0 to 65535',
    ],
    [
      'text for a number',
      { ...none, env: { TOY_API_PORT: 'abc' } },
      'api.port (from TOY_API_PORT) is "abc": expected an integer from 0 to 65535',
    ],
    [
      'text for true or false',
      { ...none, flags: { '--api-is-open': 'yes' } },
      'api.isOpen (from --api-is-open) is "yes": expected true or false',
    ],
    [
      'a level that does not exist',
      file({ logLevel: 'loud' }),
      'logLevel (from toy.json) is "loud": expected one of fatal, error, warn, info, debug, ' +
        'trace, silent',
    ],
    [
      'an unknown key in the file',
      file({ api: { prot: 5 } }),
      'api.prot (from toy.json) is 5: expected no such key; see docs/toy.md',
    ],
    [
      'an unknown variable',
      { ...none, env: { TOY_PORT: '5' } },
      'TOY_PORT (from the environment) is "5": expected no such variable; ' +
        'see docs/toy.md for the names',
    ],
    [
      'a section that is not an object',
      file({ api: 5 }),
      'api (from toy.json) is 5: expected an object with keys as in docs/toy.md',
    ],
    ['a file that is not an object', file([]), 'toy.json does not hold a JSON object of settings'],
    [
      'a wrong item of a list',
      { ...none, flags: { '--peers': ['x'] } },
      'peers (from --peers) is "x": expected a list of at most 4 peers such as p1 (commas ' +
        'between them outside the file)',
    ],
    [
      'a malformed amount',
      { ...none, flags: { '--price': '1.5' } },
      'price (from --price) is "1.5": expected a whole number of base units above 0, as text',
    ],
    [
      'a malformed URL',
      { ...none, flags: { '--node': 'localhost' } },
      'nodeUrl (from --node) is "localhost": expected a URL that begins with http:// or https://',
    ],
  ];
  it.each(cases)('explain %s', (_name, sources, message) => {
    expect(configMistake(() => load(sources))).toBe(message);
  });

  it('are checked for what a person cannot fill in', () => {
    expect(unclearSettings(SETTINGS)).toEqual([]);
    const schema = z.strictObject({ a: z.string(), b: z.string().regex(/x/).describe('B.') });
    const unclear = defineSettings({ schema, envPrefix: 'X_', page: 'x.md' });
    expect(unclearSettings(unclear)).toEqual(['a', 'b']);
  });

  it('stand on a page with sections, defaults and names', () => {
    const page = renderSettingsPage(SETTINGS, {
      title: 'Configuration of a toy',
      schemaFile: 'toy.ts',
      command: 'toy config-docs',
      example: '{}',
    });
    expect(page).toMatch(/^# Configuration of a toy\n/);
    expect(page).toContain('`toy config-docs > docs/toy.md`');
    expect(page).toContain(
      '## api\n\n### api.port\n\nPort.\n\n- Values: an integer from 0 to 65535\n- Default: `80`\n' +
        '- Flag: `--api-port`, environment: `TOY_API_PORT`\n',
    );
    expect(page).toContain('- Default: not set\n- Flag: `--node`');
  });
});

describe('flags', () => {
  const parse = (argv: readonly string[], env = {}) => {
    const command = addSettings(new Command('run'), SETTINGS, (key) => key !== 'price');
    command.parse([...argv], { from: 'user' });
    return settingsOf(command, SETTINGS, new TestTerminal(env));
  };

  it('exist for the wanted settings, with their defaults in the help', () => {
    const command = addSettings(new Command('run'), SETTINGS, (key) => key !== 'price');
    const help = command.helpInformation();
    expect(help).toMatch(/--api-port <value>\s+Port\. \(default: 80\)/);
    expect(help).toMatch(/--peers <value\.\.\.>/);
    expect(help).toMatch(/\(or TOY_CONFIG\)/);
    expect(help).not.toContain('--price');
  });

  it('make a configuration together with the environment and the file', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'settings-'));
    try {
      const [good, bad] = [join(folder, 'good.json'), join(folder, 'bad.json')];
      await writeFile(good, '{"dataDir":"file"}');
      await writeFile(bad, '{');
      const config = await parse(['--config', good, '--peers', 'p1', 'p2'], { TOY_API_PORT: '7' });
      expect(config).toMatchObject({ dataDir: 'file', peers: ['p1', 'p2'], api: { port: 7 } });
      expect((await parse([], { TOY_CONFIG: good })).dataDir).toBe('file');
      await expect(parse(['--config', bad])).rejects.toThrow('bad.json is not valid JSON');
      const missing = parse(['--config', join(folder, 'none')]);
      await expect(missing).rejects.toThrow('cannot read the configuration file');
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
