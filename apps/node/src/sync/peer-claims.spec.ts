import { describe, expect, it } from '@jest/globals';
import { PeerClaims, type Shown } from './peer-claims.ts';

/** Claims on a clock of the test's; whoever is not honest never answers. */
class World {
  nowMs = 0;
  newest = 10;
  stepTo: (claimed: number) => number = (claimed) => claimed;
  readonly asked: string[] = [];
  readonly lies: string[] = [];
  readonly peers: { id: string; status: { latestIndex: number } }[] = [];
  readonly open: ((shown: Shown) => void)[] = [];
  readonly claims = new PeerClaims({
    peers: () =>
      this.peers.map(({ id, status: { latestIndex } }) => ({
        id,
        status: { latestIndex, solidIndex: 0, prunedIndex: 0, peers: 0 },
      })),
    newestProven: () => this.newest,
    nextStep: (claimed) => this.stepTo(claimed),
    show: (peer) => {
      this.asked.push(peer);
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
});
