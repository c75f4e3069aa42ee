import { describe, expect, it } from '@jest/globals';
import type { SyncStatus } from '@tanglemail/tangle/core/codec/frame.ts';
import { PeerClaims, type Shown } from './peer-claims.ts';

/** Claims on a clock of the test's; whoever is not honest never answers. */
class World {
  nowMs = 0;
  newest = 10;
  stepTo: (claimed: number) => number = (claimed) => claimed;
  readonly asked: string[] = [];
  readonly indexes: number[] = [];
  readonly lies: string[] = [];
  readonly peers: { id: string; status: Partial<SyncStatus> & { latestIndex: number } }[] = [];
  readonly open: ((shown: Shown) => void)[] = [];
  readonly claims = new PeerClaims({
    peers: () =>
      this.peers.map(({ id, status }) => ({
        id,
        status: { solidIndex: 0, prunedIndex: 0, peers: 0, ...status },
      })),
    newestProven: () => this.newest,
    nextStep: (claimed) => this.stepTo(claimed),
    show: (peer, index) => {
      this.asked.push(peer);
      this.indexes.push(index);
      const { promise, resolve } = Promise.withResolvers<Shown>();
      this.open.push(resolve);
      return promise;
    },
    onLie: (peer) => this.lies.push(peer),
    nowMs: () => this.nowMs,
  });

  /** Ends the open questions. */
  async answer(shown: Shown): Promise<void> {
    for (const resolve of this.open.splice(0)) resolve(shown);
    await this.claims.settle();
  }
}

describe('claims of peers', () => {
  it('are looked into by turns, so that silent peers hide no honest one', async () => {
    const world = new World();
    for (let count = 0; count < 8; count++) {
      world.peers.push({ id: `silent ${count}`, status: { latestIndex: 20 } });
    }
    world.peers.push({ id: 'honest', status: { latestIndex: 15 } });
    for (let round = 0; round < 5; round++) {
      world.claims.ask(0);
      await world.answer('no-answer');
      // A silent peer is believed again after ten seconds.
      world.nowMs += 6_000;
    }
    expect(world.asked).toContain('honest');
    expect(world.lies).toEqual([]);
  });

  it('that were lies are believed later and later, and cost points each time', async () => {
    const world = new World();
    world.peers.push({ id: 'liar', status: { latestIndex: 20 } });
    const pausesMs: number[] = [];
    for (let lie = 0; lie < 3; lie++) {
      expect(world.claims.believed()).toEqual([20]);
      world.claims.ask(0);
      await world.answer('not-shown');
      const startedMs = world.nowMs;
      const latestMs = startedMs + 3_600_000;
      while (world.claims.believed().length === 0 && world.nowMs < latestMs) world.nowMs += 1_000;
      pausesMs.push(world.nowMs - startedMs);
    }
    expect(pausesMs).toEqual([60_000, 120_000, 240_000]);
    expect(world.lies).toEqual(['liar', 'liar', 'liar']);
  });

  it('wait for gossip first, and are left when it brings what was claimed', () => {
    const world = new World();
    world.peers.push({ id: 'ahead', status: { latestIndex: 11 } });
    world.claims.ask(1_000);
    world.nowMs += 500;
    world.newest = 11;
    world.claims.ask(1_000);
    world.nowMs += 600;
    world.claims.ask(1_000);
    expect(world.asked).toEqual([]);
  });

  it('lead one step on where the claimed milestone cannot be judged yet', async () => {
    const world = new World();
    // What lies above 20 can be judged when 18 is known, and above 30 when 28 is.
    world.stepTo = (claimed) => (world.newest < 18 && claimed > 20 ? 18 : Math.min(claimed, 28));
    world.peers.push({ id: 'honest', status: { latestIndex: 33, solidIndex: 33 } });
    world.peers.push({
      id: 'pruned',
      status: { latestIndex: 33, solidIndex: 33, prunedIndex: 18 },
    });
    world.peers.push({ id: 'late', status: { latestIndex: 33, solidIndex: 17 } });
    world.claims.ask(0);
    expect([world.asked, world.indexes]).toEqual([['honest'], [18]]);
    world.newest = 18;
    await world.answer('proven');
    world.claims.ask(0);
    expect([world.asked.slice(1), world.indexes.slice(1)]).toEqual([
      ['honest', 'pruned'],
      [28, 28],
    ]);
    await world.answer('not-shown');
    expect(world.lies).toEqual(['honest', 'pruned']);
  });
});
