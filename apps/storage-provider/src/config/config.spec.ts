import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { loadConfig, type ConfigSources } from '@tanglemail/tangle/io/shell/settings.ts';
import {
  configMistake,
  unclearSettings,
} from '@tanglemail/tangle/io/shell/testing/settings-checks.ts';
import { renderConfigDocs } from './docs.ts';
import { PROVIDER_SETTINGS } from './schema.ts';

const none = { flags: {}, env: {} };
const load = (sources: ConfigSources) => loadConfig(PROVIDER_SETTINGS, sources);

describe('configuration', () => {
  it('has a default for everything', () => {
    const config = load(none);
    expect(config.api.port).toBe(14_280);
    expect(config.node.url).toBe('http://127.0.0.1:14265');
    expect(config.times.sellStop).toBe(86_400);
  });

  it('prefers flags to the environment, and the environment to the file', () => {
    const content = { api: { port: 1, realm: 'a' }, dataDir: 'file', keyFile: 'key' };
    const env = { TANGLE_PROVIDER_API_PORT: '2', TANGLE_PROVIDER_DATA_DIR: 'env', HOME: '/root' };
    const file = { path: 'provider.json', content };
    const config = load({ file, env, flags: { '--api-port': '3' } });
    expect(config.api).toMatchObject({ port: 3, realm: 'a' });
    expect(config).toMatchObject({ dataDir: 'env', keyFile: 'key' });
  });

  const cases: readonly (readonly [string, ConfigSources, string])[] = [
    [
      'a price below 0',
      { ...none, flags: { '--prices-per-object': '-1' } },
      'prices.perObject (from --prices-per-object) is -1: expected an integer from 0 to 4294967295',
    ],
    [
      'a malformed amount',
      { ...none, env: { TANGLE_PROVIDER_OFFER_MAX_BALANCE: '1.5' } },
      'offer.maxBalance (from TANGLE_PROVIDER_OFFER_MAX_BALANCE) is "1.5": expected a whole ' +
        'number of base units above 0, as text',
    ],
    [
      'an unknown key in the file',
      { ...none, file: { path: 'provider.json', content: { prices: { rent: 5 } } } },
      'prices.rent (from provider.json) is 5: expected no such key; see ' +
        'docs/configuration-provider.md',
    ],
    [
      'an unknown variable',
      { flags: {}, env: { TANGLE_PROVIDER_PORT: '5' } },
      'TANGLE_PROVIDER_PORT (from the environment) is "5": expected no such variable; ' +
        'see docs/configuration-provider.md for the names',
    ],
    [
      'a realm that would break a header',
      { ...none, flags: { '--api-realm': 'a"b' } },
      'api.realm (from --api-realm) is "a\\"b": expected letters, digits, dots, colons and dashes',
    ],
  ];
  it.each(cases)('explains %s', (_name, sources, message) => {
    expect(configMistake(() => load(sources))).toBe(message);
  });

  it('describes every setting and what it accepts', () => {
    expect(unclearSettings(PROVIDER_SETTINGS)).toEqual([]);
  });

  it('is described by docs/configuration-provider.md', () => {
    const page = new URL('../../../../docs/configuration-provider.md', import.meta.url);
    expect(readFileSync(page, 'utf8')).toBe(renderConfigDocs());
  });
});
