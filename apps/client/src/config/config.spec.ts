import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { loadConfig, type ConfigSources } from '@tanglemail/tangle/io/shell/settings.ts';
import {
  configMistake,
  unclearSettings,
} from '@tanglemail/tangle/io/shell/testing/settings-checks.ts';
import { renderConfigDocs } from './docs.ts';
import { CLIENT_SETTINGS } from './schema.ts';

const none = { flags: {}, env: {} };

const load = (sources: ConfigSources) => loadConfig(CLIENT_SETTINGS, sources);

describe('configuration', () => {
  it('has a default for everything that has one', () => {
    const config = load(none);
    expect(config.api).toEqual({ host: '127.0.0.1', port: 14_290, socket: false });
    expect(config.mailFromNode).toBe(false);
    expect(config.dataDir).toBeUndefined();
  });

  it('prefers flags to the environment, and the environment to the file', () => {
    const file = { path: 'c.json', content: { api: { port: 1 }, dataDir: 'file', powThreads: 4 } };
    const env = { TANGLEMAIL_API_PORT: '2', TANGLEMAIL_DATA_DIR: 'env', HOME: '/root' };
    const config = load({ file, env, flags: { '--port': '3' } });
    expect(config).toMatchObject({ api: { port: 3 }, dataDir: 'env', powThreads: 4 });
  });

  it('leaves the variables of the passphrase and of the file alone', () => {
    const env = { TANGLEMAIL_PASSPHRASE: 'x', TANGLEMAIL_CONFIG: 'y' };
    expect(load({ ...none, env })).toEqual(load(none));
  });

  const cases: readonly (readonly [string, ConfigSources, string])[] = [
    [
      'a number out of range',
      { flags: { '--port': '70000' }, env: {} },
      'api.port (from --port) is 70000: expected an integer from 0 to 65535',
    ],
    [
      'text for a number',
      { flags: {}, env: { TANGLEMAIL_POW_THREADS: 'two' } },
      'powThreads (from TANGLEMAIL_POW_THREADS) is "two": expected an integer from 1 to 64',
    ],
    [
      'text for true or false',
      { flags: { '--mail-from-node': 'yes' }, env: {} },
      'mailFromNode (from --mail-from-node) is "yes": expected true or false',
    ],
    [
      'an address that is not the loopback',
      { flags: { '--api-host': '0.0.0.0' }, env: {} },
      'api.host (from --api-host) is "0.0.0.0": expected one of 127.0.0.1, ::1',
    ],
    [
      'an unknown key in the file',
      { ...none, file: { path: 'c.json', content: { api: { prot: 5 } } } },
      'api.prot (from c.json) is 5: expected no such key; see docs/configuration-client.md',
    ],
    [
      'an unknown variable',
      { flags: {}, env: { TANGLEMAIL_PORT: '5' } },
      'TANGLEMAIL_PORT (from the environment) is "5": expected no such variable; ' +
        'see docs/configuration-client.md for the names',
    ],
    [
      'a file that is not an object',
      { ...none, file: { path: 'c.json', content: [] } },
      'c.json does not hold a JSON object of settings',
    ],
    [
      'a malformed amount',
      { flags: { '--provider-deposit': '1.5' }, env: {} },
      'provider.deposit (from --provider-deposit) is "1.5": expected a whole number of base ' +
        'units above 0, as text',
    ],
    [
      'a malformed URL',
      { flags: { '--node': 'localhost:14265' }, env: {} },
      'node.url (from --node) is "localhost:14265": expected a URL that begins with http:// or ' +
        'https://',
    ],
  ];
  it.each(cases)('explains %s', (_name, sources, message) => {
    expect(configMistake(() => load(sources))).toBe(message);
  });

  it('describes every setting and what it accepts, each under its own flag', () => {
    expect(unclearSettings(CLIENT_SETTINGS)).toEqual([]);
  });

  it('is described by docs/configuration-client.md', () => {
    const page = new URL('../../../../docs/configuration-client.md', import.meta.url);
    expect(readFileSync(page, 'utf8')).toBe(renderConfigDocs());
  });
});
