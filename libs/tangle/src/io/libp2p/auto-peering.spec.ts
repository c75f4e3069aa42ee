/** Whom a node dials by itself, what it believes of others, and whom it forgets. */
import { describe, expect, it } from '@jest/globals';
import { multiaddr } from '@multiformats/multiaddr';
import type { Multiaddr } from '@multiformats/multiaddr';
import { SILENT_LOGGER } from '../logger.ts';
import { AutoPeering } from './auto-peering.ts';
import { DEFAULT_LIMITS, NO_METRICS } from './types.ts';

/** Peer ids that parse; their keys are nobody's. */
const IDS = [
  '12D3KooWGjb3dcsHZKCgrv8gvEkmqFrEW3pT2JR5gK1AZzmsBXhK',
  '12D3KooWJ8ptF7oBuUdfrNJvbYuddXXrn5Fe1ztAK2Xh2To6yqc9',
  '12D3KooWJy6shmvEH6YMLjD8cV8qfQwZuvSreopUNtwKuSApyi7P',
] as const;

/** Some time in 2027. */
const EPOCH_MS = 1_800_000_000_000;

/** Peering whose dials all fail, on a clock of its own. `places`: peers that it may choose. */
function startPeering(places = 16) {
  let nowMs = 0;
  const dialled: string[] = [];
  const chosen: { key: string; address: Multiaddr }[] = [];
  const peering = new AutoPeering(
    { ...DEFAULT_LIMITS, maxPeers: places },
    {
      dial: (addresses: Multiaddr[]) => {
        dialled.push(addresses.map(String).join(' '));
        return Promise.reject(new Error('nobody there'));
      },
      isTaken: () => false,
      chosen: () => chosen,
      random: () => 0.5,
      nowMs: () => nowMs,
      epochMs: () => EPOCH_MS + nowMs,
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
  return { peering, tick, chosen };
}

describe('automatic peering', () => {
  it('dials peers that were good first, bootstrap peers last, no more than places', async () => {
    const { peering, tick } = startPeering(2);
    peering.add(IDS[0], ['/ip4/203.0.113.9/tcp/1'], { isBootstrap: true });
    peering.add(IDS[1], ['/ip4/198.51.100.9/tcp/1']);
    peering.add(IDS[2], ['/ip4/192.0.2.9/tcp/1'], { lastSeenMs: 5, dialled: true });
    expect(await tick()).toEqual([
      `/ip4/192.0.2.9/tcp/1/p2p/${IDS[2]}`,
      `/ip4/198.51.100.9/tcp/1/p2p/${IDS[1]}`,
    ]);
    expect(await tick()).toEqual([`/ip4/203.0.113.9/tcp/1/p2p/${IDS[0]}`]);
  });

  it('chooses no two peers of one neighbourhood', async () => {
    const { peering, tick, chosen } = startPeering(2);
    chosen.push({ key: IDS[2], address: multiaddr('/ip4/203.0.113.1/tcp/1') });
    peering.add(IDS[0], ['/ip4/203.0.200.9/tcp/1']);
    peering.add(IDS[1], ['/ip4/198.51.100.9/tcp/1']);
    expect(await tick()).toEqual([`/ip4/198.51.100.9/tcp/1/p2p/${IDS[1]}`]);
  });

  it('waits longer after each failure, and forgets who never answers', async () => {
    const { peering, tick } = startPeering(2);
    peering.add(IDS[0], ['/ip4/203.0.113.9/tcp/1']);
    expect(await tick()).toHaveLength(1);
    expect(await tick(1_000)).toHaveLength(0);
    expect(await tick(1_000)).toHaveLength(1);
    expect(await tick(2_000)).toHaveLength(0);
    for (let round = 0; round < 4; round += 1) await tick(3_600_000);
    expect(peering.size).toBe(0);
  });

  it('keeps so many candidates, and takes no address that names another peer', async () => {
    const { peering, tick } = startPeering(2);
    for (let count = 0; count < 3_000; count += 1) {
      peering.add(`peer ${count}`, [`/ip4/203.0.113.9/tcp/1/p2p/${IDS[0]}`]);
    }
    expect(peering.size).toBe(1_024);
    expect(await tick()).toEqual([]);
  });

  it('no hearsay takes away where a peer was reached, or the bootstrap list', async () => {
    const { peering, tick } = startPeering();
    peering.onGood(IDS[0], '/ip4/203.0.113.9/tcp/1');
    peering.add(IDS[1], ['/dns4/boot.example/tcp/1'], { isBootstrap: true });
    peering.add(IDS[1], ['/dns4/boot.example/tcp/2/ws'], { isBootstrap: true });
    peering.onGood(IDS[1], '/ip4/198.51.100.9/tcp/1');
    for (const id of [IDS[0], IDS[1]]) peering.add(id, ['/ip4/192.0.2.66/tcp/6']);
    const [good, bootstrap] = await tick();
    expect(good).toContain('/ip4/203.0.113.9/tcp/1');
    expect(bootstrap).toContain('/dns4/boot.example/tcp/1/p2p/');
    expect(bootstrap).toContain('/dns4/boot.example/tcp/2/ws/p2p/');
  });

  it('a bootstrap peer of an earlier run stays one: dialled last, never forgotten', async () => {
    const { peering, tick } = startPeering();
    peering.add(IDS[0], ['/ip4/203.0.113.9/tcp/1'], { isBootstrap: true });
    peering.add(IDS[0], ['/ip4/203.0.113.9/tcp/1'], { lastSeenMs: EPOCH_MS, dialled: true });
    peering.add(IDS[1], ['/ip4/198.51.100.9/tcp/1']);
    expect((await tick())[0]).toContain('198.51.100.9');
    for (let day = 0; day < 30; day += 1) await tick(86_400_000);
    expect(peering.known().map(({ id }) => id)).toEqual([IDS[0]]);
  });

  it('a false address next to a chosen peer does not keep us from a peer', async () => {
    const { peering, tick, chosen } = startPeering();
    chosen.push({ key: IDS[2], address: multiaddr('/ip4/192.0.2.1/tcp/1') });
    peering.onGood(IDS[0], '/ip4/203.0.113.9/tcp/1');
    peering.add(IDS[0], ['/ip4/192.0.2.66/tcp/6']);
    expect(await tick()).toEqual([`/ip4/203.0.113.9/tcp/1/p2p/${IDS[0]}`]);
  });

  it('peers that were good survive an outage of our own line, and are dialled soon', async () => {
    const { peering, tick } = startPeering();
    peering.onGood(IDS[0], '/ip4/203.0.113.9/tcp/1');
    peering.add(IDS[1], ['/ip4/198.51.100.9/tcp/1']);
    for (let second = 0; second < 3_600; second += 10) await tick(10_000);
    expect(peering.size).toBe(1);
    let dials = 0;
    for (let second = 0; second <= 60; second += 10) dials += (await tick(10_000)).length;
    expect(dials).toBeGreaterThanOrEqual(1);
    // Away for more than a week: forgotten.
    await tick(8 * 86_400_000);
    expect(peering.size).toBe(0);
  });

  it('a peer that stays connected was seen now', async () => {
    const { peering, tick, chosen } = startPeering();
    peering.onGood(IDS[0], '/ip4/203.0.113.9/tcp/1');
    chosen.push({ key: IDS[0], address: multiaddr('/ip4/203.0.113.9/tcp/1') });
    await tick(10 * 86_400_000);
    expect(peering.known()[0]?.lastSeenMs).toBe(EPOCH_MS + 10 * 86_400_000);
  });

  it('a crowd that dials us takes no place of peers that we reached', async () => {
    const { peering } = startPeering();
    peering.onGood(IDS[0], '/ip4/203.0.113.9/tcp/1');
    for (let count = 0; count < 3_000; count += 1) {
      peering.add(`crowd${count}`, ['/ip4/192.0.2.66/tcp/6']);
      peering.onGood(`crowd${count}`, undefined);
    }
    peering.onGood(IDS[1], '/ip4/198.51.100.9/tcp/1');
    expect(peering.size).toBe(1_024);
    const [first, second] = peering.known();
    expect(new Set([first?.id, second?.id])).toEqual(new Set([IDS[0], IDS[1]]));
  });
});
