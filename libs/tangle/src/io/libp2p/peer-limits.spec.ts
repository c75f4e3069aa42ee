/** Bounds on peers that loopback cannot show: addresses, places, libp2p's memory of peers. */
import { describe, expect, it } from '@jest/globals';
import { peerIdFromString } from '@libp2p/peer-id';
import { multiaddr } from '@multiformats/multiaddr';
import { BoundedDatastore } from './bounded-datastore.ts';
import { Gate } from './gate.ts';
import { GossipBudget } from './gossip-budget.ts';
import { PeerRoster } from './peer-roster.ts';
import type { PeerRosterDeps } from './peer-roster.ts';
import { DEFAULT_LIMITS, NO_METRICS } from './types.ts';

class Key {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
  toString(): string {
    return this.text;
  }
}

type StoreKey = Parameters<BoundedDatastore['put']>[0];

function key(text: string): StoreKey {
  return new Key(text) as unknown as StoreKey;
}

describe('gate', () => {
  function rulesOf(maxPerAddress: number, connections = (): number => 0) {
    const limits = { maxInbound: 10, maxPerAddress };
    const gate = new Gate(limits, {
      isBanned: () => false,
      isStatic: () => false,
      inboundPeers: () => 0,
      connections,
      metrics: NO_METRICS,
      nowMs: () => 0,
    });
    return gate.gater();
  }

  function gateOf(maxPerAddress: number) {
    const rules = rulesOf(maxPerAddress);
    type Connection = Parameters<NonNullable<typeof rules.denyInboundConnection>>[0];
    return (address: string) => {
      const connection = Object.assign(new EventTarget(), { remoteAddr: multiaddr(address) });
      const denied = rules.denyInboundConnection?.(connection as unknown as Connection);
      return { denied, close: () => connection.dispatchEvent(new Event('close')) };
    };
  }

  it('bounds the connections of one address until they close', () => {
    const connect = gateOf(2);
    const first = connect('/ip4/203.0.113.9/tcp/1');
    expect(first.denied).toBe(false);
    expect(connect('/ip4/203.0.113.9/tcp/2').denied).toBe(false);
    expect(connect('/ip4/203.0.113.9/tcp/3').denied).toBe(true);
    expect(connect('/ip4/203.0.113.10/tcp/3').denied).toBe(false);
    first.close();
    expect(connect('/ip4/203.0.113.9/tcp/4').denied).toBe(false);
    expect(connect('/ip4/203.0.113.9/tcp/5').denied).toBe(true);
  });

  it('takes an IPv6 network of 64 bits for one address, and leaves loopback alone', () => {
    const connect = gateOf(1);
    expect(connect('/ip6/2001:db8:1:2::1/tcp/1').denied).toBe(false);
    expect(connect('/ip6/2001:db8:1:2:3:4:5:6/tcp/1').denied).toBe(true);
    expect(connect('/ip6/2001:db8:1:3::1/tcp/1').denied).toBe(false);
    for (let count = 0; count < 3; count += 1) {
      expect(connect('/ip4/127.0.0.1/tcp/1').denied).toBe(false);
    }
  });

  it('lets a peer have two connections, for libp2p bounds none', () => {
    let open = 0;
    const rules = rulesOf(8, () => open);
    const peer = peerIdFromString('12D3KooWGjb3dcsHZKCgrv8gvEkmqFrEW3pT2JR5gK1AZzmsBXhK');
    const denied = [0, 1, 2].map((count) => {
      open = count;
      return rules.denyInboundUpgradedConnection?.(peer, undefined as never);
    });
    expect(denied).toEqual([false, false, true]);
  });
});

describe('roster', () => {
  const peer = peerIdFromString('12D3KooWGjb3dcsHZKCgrv8gvEkmqFrEW3pT2JR5gK1AZzmsBXhK');

  const quiet: PeerRosterDeps = {
    protocol: '/ours',
    connectionsOf: () => [],
    isStatic: () => false,
    hangUp: () => undefined,
    onOurs: () => undefined,
    onForeign: () => undefined,
    onSilent: () => undefined,
    onSurplus: () => undefined,
    metrics: NO_METRICS,
    nowMs: () => 0,
  };

  it('takes who says nothing for slow, and who says something else for foreign', () => {
    let nowMs = 0;
    const told: string[] = [];
    const roster = new PeerRoster(DEFAULT_LIMITS, {
      ...quiet,
      onForeign: () => void told.push('foreign'),
      onSilent: () => void told.push('silent'),
      nowMs: () => nowMs,
    });
    roster.onConnected(peer);
    nowMs = DEFAULT_LIMITS.identifyTimeoutMs;
    roster.tick();
    roster.onDisconnected(peer);
    roster.onConnected(peer);
    roster.onIdentified(peer, ['/theirs']);
    expect(told).toEqual(['silent', 'foreign']);
  });

  it('leaves again who opened another connection while it was being left', () => {
    let nowMs = 0;
    const left: string[] = [];
    const foreign: string[] = [];
    const roster = new PeerRoster(DEFAULT_LIMITS, {
      ...quiet,
      hangUp: (_peer, reason) => void left.push(reason),
      onForeign: (stranger) => void foreign.push(stranger),
      nowMs: () => nowMs,
    });
    roster.onConnected(peer);
    roster.onIdentified(peer, ['/theirs']);
    roster.tick();
    expect(left).toHaveLength(1);
    for (nowMs = 1_000; nowMs <= 20_000; nowMs += 1_000) roster.tick();
    expect(left.length).toBeGreaterThan(3);
    expect(foreign).toHaveLength(1);
    roster.onDisconnected(peer);
    const count = left.length;
    nowMs += 60_000;
    roster.tick();
    expect(left).toHaveLength(count);
  });
});

describe('libp2p’s memory of peers', () => {
  it('is bounded, and keeps what must stay', async () => {
    const store = new BoundedDatastore(100_000, (text) => text === '/peers/friend');
    store.put(key('/peers/friend'), new Uint8Array(100));
    for (let count = 0; count < 1_000; count += 1) {
      store.put(key(`/peers/${count}`), new Uint8Array(1_000));
    }
    expect(store.bytes).toBeLessThanOrEqual(100_000);
    expect(store.has(key('/peers/friend'))).toBe(true);
    expect(store.has(key('/peers/999'))).toBe(true);
    expect(() => store.get(key('/peers/1'))).toThrow('not found');
    expect([...store.queryKeys({ prefix: '/peers/f' })].map(String)).toEqual(['/peers/friend']);
    store.delete(key('/peers/friend'));
    expect([...store.query({ prefix: '/peers/f' })]).toEqual([]);
    expect(() => store.put(key('/large'), new Uint8Array(100_000))).toThrow(RangeError);
  });
});

describe('gossip budget', () => {
  it('gives each peer its own, and reports a flood of bytes once a second', () => {
    const reports: string[] = [];
    let nowMs = 0;
    const budget = new GossipBudget(
      {
        gossipBytesPerSecond: 100,
        gossipMessagesPerSecond: 1,
        gossipBlocksPerSecond: 10,
        consensusMessagesPerSecond: 2,
        streamsPerSecond: 1,
        tableQueriesPerSecond: 1,
      },
      { nowMs: () => nowMs, report: (peer, finding) => void reports.push(`${peer} ${finding}`) },
    );
    for (let count = 0; count < 10; count += 1) budget.onBytes('a', 100);
    expect(reports).toEqual(['a byte-flood']);
    nowMs = 1_000;
    for (let count = 0; count < 10; count += 1) budget.onBytes('a', 100);
    expect(reports).toEqual(['a byte-flood', 'a byte-flood']);
    expect([1, 2, 3, 4, 5].map(() => budget.takeMessage('b'))).toEqual([
      true,
      true,
      true,
      true,
      false,
    ]);
    // Votes have their own budget; beyond it they count like all messages.
    const votes = Array.from({ length: 13 }, () => budget.takeConsensus('a'));
    expect(votes.slice(0, 8)).toEqual(votes.slice(0, 8).map(() => undefined));
    const beyond = ['overloaded', 'overloaded', 'overloaded', 'overloaded', 'gossip-flood'];
    expect(votes.slice(8)).toEqual(beyond);
    expect(budget.takeConsensus('b')).toBeUndefined();
    expect(budget.takeBlocks('b', 40)).toBe(true);
    expect(budget.takeBlocks('b', 1)).toBe(false);
    expect(budget.takeBlocks('c', 1)).toBe(true);
    expect([1, 2, 3, 4, 5].map(() => budget.onStream('c'))).toEqual([
      true,
      true,
      true,
      true,
      false,
    ]);
    expect(reports.at(-1)).toBe('c stream-flood');
    // One piece of data of many queries counts as many.
    expect([40, 150, 40].map((bytes) => budget.onTableBytes('d', bytes))).toEqual([
      true,
      true,
      false,
    ]);
    expect(reports.at(-1)).toBe('d table-flood');
  });
});
