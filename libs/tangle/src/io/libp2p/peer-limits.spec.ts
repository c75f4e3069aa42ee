/** Bounds on peers that loopback cannot show: addresses, candidates, libp2p's memory of peers. */
import { describe, expect, it } from '@jest/globals';
import { multiaddr } from '@multiformats/multiaddr';
import type { Multiaddr } from '@multiformats/multiaddr';
import { SILENT_LOGGER } from '../logger.ts';
import { AutoPeering } from './auto-peering.ts';
import { BoundedDatastore } from './bounded-datastore.ts';
import { Gate } from './gate.ts';
import { GossipBudget } from './gossip-budget.ts';
import { DEFAULT_LIMITS, NO_METRICS } from './types.ts';

/** Peer ids that parse; their keys are nobody's. */
const IDS = [
  '12D3KooWGjb3dcsHZKCgrv8gvEkmqFrEW3pT2JR5gK1AZzmsBXhK',
  '12D3KooWJ8ptF7oBuUdfrNJvbYuddXXrn5Fe1ztAK2Xh2To6yqc9',
  '12D3KooWJy6shmvEH6YMLjD8cV8qfQwZuvSreopUNtwKuSApyi7P',
] as const;

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
  function gateOf(maxPerAddress: number) {
    const limits = { maxInbound: 10, maxPerAddress };
    const gate = new Gate(limits, {
      isBanned: () => false,
      isStatic: () => false,
      inboundPeers: () => 0,
      metrics: NO_METRICS,
      nowMs: () => 0,
    });
    const rules = gate.gater();
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
});

describe('automatic peering', () => {
  function peeringOf(chosen: string[] = []) {
    const dialled: string[] = [];
    let nowMs = 0;
    const peering = new AutoPeering(
      { ...DEFAULT_LIMITS, maxPeers: 2 },
      {
        dial: async (addresses: Multiaddr[]) => {
          dialled.push(addresses.map(String).join(' '));
          throw new Error('nobody there');
        },
        isTaken: () => false,
        chosen: () => chosen.map((address) => multiaddr(address)),
        random: () => 0.5,
        nowMs: () => nowMs,
        epochMs: () => 1_000,
        logger: SILENT_LOGGER,
        metrics: NO_METRICS,
      },
    );
    const tick = async (afterMs = 0): Promise<string[]> => {
      nowMs += afterMs;
      peering.tick();
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
      return dialled.splice(0);
    };
    return { peering, tick };
  }

  it('dials peers that were good first, bootstrap peers last, no more than places', async () => {
    const { peering, tick } = peeringOf();
    peering.add(IDS[0], ['/ip4/203.0.113.9/tcp/1'], { isBootstrap: true });
    peering.add(IDS[1], ['/ip4/198.51.100.9/tcp/1']);
    peering.add(IDS[2], ['/ip4/192.0.2.9/tcp/1'], { lastSeenMs: 5 });
    expect(await tick()).toEqual([
      `/ip4/192.0.2.9/tcp/1/p2p/${IDS[2]}`,
      `/ip4/198.51.100.9/tcp/1/p2p/${IDS[1]}`,
    ]);
    expect(await tick()).toEqual([`/ip4/203.0.113.9/tcp/1/p2p/${IDS[0]}`]);
  });

  it('chooses no two peers of one neighbourhood', async () => {
    const { peering, tick } = peeringOf(['/ip4/203.0.113.1/tcp/1']);
    peering.add(IDS[0], ['/ip4/203.0.200.9/tcp/1']);
    peering.add(IDS[1], ['/ip4/198.51.100.9/tcp/1']);
    expect(await tick()).toEqual([`/ip4/198.51.100.9/tcp/1/p2p/${IDS[1]}`]);
  });

  it('waits longer after each failure, and forgets who never answers', async () => {
    const { peering, tick } = peeringOf();
    peering.add(IDS[0], ['/ip4/203.0.113.9/tcp/1']);
    expect(await tick()).toHaveLength(1);
    expect(await tick(1_000)).toHaveLength(0);
    expect(await tick(1_000)).toHaveLength(1);
    expect(await tick(2_000)).toHaveLength(0);
    for (let round = 0; round < 4; round += 1) await tick(3_600_000);
    expect(peering.size).toBe(0);
  });

  it('keeps so many candidates, and takes no address that names another peer', async () => {
    const { peering, tick } = peeringOf();
    for (let count = 0; count < 3_000; count += 1) {
      peering.add(`peer ${count}`, [`/ip4/203.0.113.9/tcp/1/p2p/${IDS[0]}`]);
    }
    expect(peering.size).toBe(1_024);
    expect(await tick()).toEqual([]);
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
        streamsPerSecond: 1,
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
  });
});
