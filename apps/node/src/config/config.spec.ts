import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { loadConfig, type ConfigSources } from '@tanglemail/tangle/io/shell/settings.ts';
import {
  configMistake,
  unclearSettings,
} from '@tanglemail/tangle/io/shell/testing/settings-checks.ts';
import { renderConfigDocs } from './docs.ts';
import { NODE_SETTINGS } from './schema.ts';

const none = { flags: {}, env: {} };
const load = (sources: ConfigSources) => loadConfig(NODE_SETTINGS, sources);

describe('configuration', () => {
  it('has a default for everything', () => {
    const config = load(none);
    expect(config.api.port).toBe(14_265);
    expect(config.gossip.listen).toEqual(['/ip4/0.0.0.0/tcp/15600']);
    expect(config.health.minPeers).toBeUndefined();
  });

  it('prefers flags to the environment, and the environment to the file', () => {
    const file = { path: 'node.json', content: { api: { port: 1, host: 'a' }, dataDir: 'file' } };
    const env = { TANGLE_NODE_API_PORT: '2', TANGLE_NODE_DATA_DIR: 'env', HOME: '/root' };
    const config = load({ file, env, flags: { '--api-port': '3' } });
    expect(config.api).toMatchObject({ port: 3, host: 'a' });
    expect(config.dataDir).toBe('env');
  });

  const cases: readonly (readonly [string, ConfigSources, string])[] = [
    [
      'a number out of range',
      { flags: { '--api-port': '70000' }, env: {} },
      'api.port (from --api-port) is 70000: expected an integer from 0 to 65535',
    ],
    [
      'an unknown key in the file',
      { ...none, file: { path: 'node.json', content: { api: { prot: 5 } } } },
      'api.prot (from node.json) is 5: expected no such key; see docs/configuration.md',
    ],
    [
      'an unknown variable',
      { flags: {}, env: { TANGLE_NODE_PORT: '5' } },
      'TANGLE_NODE_PORT (from the environment) is "5": expected no such variable; ' +
        'see docs/configuration.md for the names',
    ],
    [
      'a peer without its id',
      { flags: { '--gossip-peers': ['/ip4/192.0.2.1/tcp/1'] }, env: {} },
      'gossip.peers (from --gossip-peers) is "/ip4/192.0.2.1/tcp/1": expected a list of at most ' +
        '256 multiaddresses such as /ip4/192.0.2.1/tcp/15600/p2p/12D3KooW… (commas between them ' +
        'outside the file)',
    ],
  ];
  it.each(cases)('explains %s', (_name, sources, message) => {
    expect(configMistake(() => load(sources))).toBe(message);
  });

  it('describes every setting and what it accepts', () => {
    expect(unclearSettings(NODE_SETTINGS)).toEqual([]);
  });

  it('is described by docs/configuration.md', () => {
    const page = new URL('../../../../docs/configuration.md', import.meta.url);
    expect(readFileSync(page, 'utf8')).toBe(renderConfigDocs());
  });
});
