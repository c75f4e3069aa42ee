import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { renderConfigDocs } from './docs.ts';
import { CONFIG_LEAVES } from './leaves.ts';
import { ConfigError, loadConfig } from './load.ts';

const none = { flags: {}, env: {} };

function messageOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return 'no error';
}

describe('configuration', () => {
  it('has a default for everything', () => {
    const config = loadConfig(none);
    expect(config.api.port).toBe(14_265);
    expect(config.gossip.listen).toEqual(['/ip4/0.0.0.0/tcp/15600']);
    expect(config.health.minPeers).toBeUndefined();
  });

  it('prefers flags to the environment, and the environment to the file', () => {
    const file = { path: 'node.json', content: { api: { port: 1, host: 'a' }, dataDir: 'file' } };
    const env = { TANGLE_NODE_API_PORT: '2', TANGLE_NODE_DATA_DIR: 'env', HOME: '/root' };
    const config = loadConfig({ file, env, flags: { '--api-port': '3' } });
    expect(config.api).toMatchObject({ port: 3, host: 'a' });
    expect(config.dataDir).toBe('env');
  });

  it('reads lists from commas and from repeated flags', () => {
    const env = { TANGLE_NODE_GOSSIP_PEERS: '/dns4/a/p2p/x, /dns4/b/p2p/x' };
    expect(loadConfig({ env, flags: {} }).gossip.peers).toEqual(['/dns4/a/p2p/x', '/dns4/b/p2p/x']);
    const flags = { '--gossip-peers': ['/dns4/c/p2p/x'] };
    expect(loadConfig({ env, flags }).gossip.peers).toEqual(['/dns4/c/p2p/x']);
  });

  it('does not change the content of the file it was given', () => {
    const content = { api: { port: 1 } };
    loadConfig({ ...none, file: { path: 'f', content }, flags: { '--api-port': '3' } });
    expect(content).toEqual({ api: { port: 1 } });
  });

  const cases: readonly (readonly [string, Parameters<typeof loadConfig>[0], string])[] = [
    [
      'a number out of range',
      { flags: { '--api-port': '70000' }, env: {} },
      'api.port (from --api-port) is 70000: expected an integer from 0 to 65535',
    ],
    [
      'text for a number',
      { flags: {}, env: { TANGLE_NODE_API_PORT: 'abc' } },
      'api.port (from TANGLE_NODE_API_PORT) is "abc": expected an integer from 0 to 65535',
    ],
    [
      'a level that does not exist',
      { ...none, file: { path: 'node.json', content: { logLevel: 'loud' } } },
      'logLevel (from node.json) is "loud": expected one of fatal, error, warn, info, debug, ' +
        'trace, silent',
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
      'a section that is not an object',
      { ...none, file: { path: 'node.json', content: { api: 5 } } },
      'api (from node.json) is 5: expected an object with keys as in docs/configuration.md',
    ],
    [
      'a file that is not an object',
      { ...none, file: { path: 'node.json', content: [] } },
      'node.json does not hold a JSON object of settings',
    ],
    [
      'a peer without its id',
      { flags: { '--gossip-peers': ['/ip4/192.0.2.1/tcp/1'] }, env: {} },
      'gossip.peers (from --gossip-peers) is "/ip4/192.0.2.1/tcp/1": expected a list of at most ' +
        '256 multiaddresses such as /ip4/192.0.2.1/tcp/15600/p2p/12D3KooW… (commas between them ' +
        'outside the file)',
    ],
    [
      'a malformed amount',
      { flags: { '--faucet-amount': '1.5' }, env: {} },
      'faucet.amount (from --faucet-amount) is "1.5": expected a whole number of base units ' +
        'above 0, as text',
    ],
  ];
  it.each(cases)('explains %s', (_name, sources, message) => {
    expect(messageOf(() => loadConfig(sources))).toBe(message);
  });

  it('describes every setting and what it accepts', () => {
    for (const leaf of CONFIG_LEAVES) {
      expect(leaf.description).not.toBe('');
      expect(leaf.expected).not.toContain('undefined');
      expect(leaf.expected).not.toBe('text of another form');
    }
  });

  it('is described by docs/configuration.md', () => {
    const page = new URL('../../../../docs/configuration.md', import.meta.url);
    expect(readFileSync(page, 'utf8')).toBe(renderConfigDocs());
  });
});
