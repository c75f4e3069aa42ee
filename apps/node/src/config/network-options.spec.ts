/** What the settings of the network become. */
import { describe, expect, it } from '@jest/globals';
import { expectsPeers, networkOptions } from './network-options.ts';
import { configOf, NODE_SETTINGS } from './schema.ts';

const PEER = '/ip4/192.0.2.1/tcp/15600/p2p/12D3KooWGjb3dcsHZKCgrv8gvEkmqFrEW3pT2JR5gK1AZzmsBXhK';

describe('settings of the network', () => {
  it('find nobody, relay for nobody and keep peers.json, unless they are told otherwise', () => {
    const options = networkOptions(configOf({ dataDir: '/data' }));
    expect(options).toMatchObject({
      listen: ['/ip4/0.0.0.0/tcp/15600'],
      announce: [],
      stateFile: '/data/peers.json',
      discovery: { bootstrap: [], dht: 'off', mdns: false, privateAddresses: false },
      nat: { useRelays: false, relay: undefined },
      limits: { maxPeers: 16, maxInbound: 128, maxPerAddress: 8, banMs: 300_000 },
    });
    expect(expectsPeers(configOf({}))).toBe(false);
  });

  it('take part in the table of peers when they name somebody to begin with', () => {
    const config = configOf({ discovery: { bootstrap: [PEER] } });
    expect(networkOptions(config).discovery?.dht).toBe('auto');
    expect(expectsPeers(config)).toBe(true);
    const without = configOf({ discovery: { bootstrap: [PEER], dht: 'off' } });
    expect(networkOptions(without).discovery?.dht).toBe('off');
  });

  it.each([
    { mdns: true },
    { dht: 'client' },
    { dht: 'auto' },
    { dht: 'server' },
    { bootstrap: [PEER], dht: 'off' },
  ] as const)('expect peers of discovery alone: %j', (discovery) => {
    const bootstrap = 'bootstrap' in discovery ? [...discovery.bootstrap] : [];
    expect(expectsPeers(configOf({ discovery: { ...discovery, bootstrap } }))).toBe(true);
    expect(expectsPeers(configOf({ discovery: { dht: 'off', privateAddresses: true } }))).toBe(
      false,
    );
  });

  it('leave room for all places beside what comes and goes', () => {
    const gossip = { maxInbound: 300, maxPeers: 50, peers: [PEER] };
    const { limits } = networkOptions(configOf({ gossip }));
    expect(limits?.maxConnections).toBeGreaterThan(300 + 50 + 1 + 16 + 64);
  });

  it.each([
    ['gossip.listen', { gossip: { listen: ['/ip4/0.0.0.0/tcp/99999'] } }],
    ['gossip.listen', { gossip: { listen: ['/foo/bar'] } }],
    ['gossip.announce', { gossip: { announce: ['/ip4/300.0.0.1/tcp/1'] } }],
    ['gossip.peers', { gossip: { peers: ['/ip4/192.0.2.1/tcp/15600/p2p/nobody'] } }],
    ['discovery.bootstrap', { discovery: { bootstrap: ['/ip4/192.0.2.1/tcp/1/p2p/Qm'] } }],
  ])('%s that is no address is refused by name', (name, settings) => {
    const { error } = NODE_SETTINGS.schema.safeParse(settings);
    expect(error?.issues.map(({ path }) => path.slice(0, 2).join('.'))).toEqual([name]);
  });

  it('relay within bounds when they say so', () => {
    const { nat } = networkOptions(configOf({ nat: { relay: { enabled: true } } }));
    expect(nat?.relay).toEqual({ maxReservations: 32, maxBytes: 64 << 20, maxMs: 1_800_000 });
  });
});
