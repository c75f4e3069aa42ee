import { describe, expect, it } from '@jest/globals';
import type { BlockId } from '@tanglemail/tangle/core/codec/ids.ts';
import { Rebroadcast } from './rebroadcast.ts';

const idOf = (n: number) => n.toString(16).padStart(64, '0') as BlockId;

function world() {
  const state = {
    pending: true,
    peers: [{ id: 'p', connectedMs: 1, subscribed: true }],
    tips: [] as BlockId[],
    published: [] as string[],
  };
  const rebroadcast = new Rebroadcast({
    isPending: () => state.pending,
    blockBytes: (id) => Buffer.from(id),
    companions: (count) => Array.from({ length: count }, (_, n) => idOf(100 + n)),
    waitingTips: () => state.tips,
    referenced: (turn) => [idOf(200 + turn)],
    publish: (bytes) => state.published.push(Buffer.from(bytes).toString()),
    peers: () => state.peers,
  });
  const tick = (nowMs: number) => {
    state.published.length = 0;
    rebroadcast.tick(nowMs);
    return [...state.published];
  };
  return { state, rebroadcast, tick };
}

describe('rebroadcast', () => {
  it('offers a pending block again, each time with one companion more', () => {
    const { rebroadcast, tick } = world();
    rebroadcast.tick(0);
    rebroadcast.add(idOf(1), 0);
    expect(tick(1_999)).toEqual([]);
    expect(tick(2_000)).toEqual([idOf(1), idOf(100)]);
    expect(tick(7_999)).toEqual([]);
    expect(tick(8_000)).toEqual([idOf(1), idOf(100), idOf(101)]);
  });

  it('forgets a block that is referenced, dropped, or too old', () => {
    const { rebroadcast, state, tick } = world();
    rebroadcast.add(idOf(1), 0);
    state.pending = false;
    expect(tick(2_000)).toEqual([]);
    state.pending = true;
    rebroadcast.add(idOf(2), 0);
    expect(tick(900_001)).toEqual([]);
    expect(rebroadcast.size).toBe(0);
  });

  it('does not wait long when a peer comes, and says nothing to nobody', () => {
    const { rebroadcast, state, tick } = world();
    state.peers = [];
    rebroadcast.add(idOf(1), 0);
    expect(tick(5_000)).toEqual([]);
    rebroadcast.add(idOf(2), 5_000);
    state.peers = [{ id: 'p', connectedMs: 5_000, subscribed: true }];
    expect(tick(5_000)).toContain(idOf(1));
    expect(tick(6_000)).toContain(idOf(2));
  });

  it('offers what waits here to a new peer, in a pack that is new each time', () => {
    const { state, tick } = world();
    state.tips = [idOf(7)];
    expect(tick(0)).toEqual([]);
    expect(tick(1_000)).toEqual([idOf(7), idOf(201)]);
    expect(tick(2_000)).toEqual([]);
    state.peers.push({ id: 'q', connectedMs: 2_000, subscribed: true });
    expect([...tick(3_000), ...tick(4_000)]).toEqual([idOf(7), idOf(202)]);
    expect(tick(11_000)).toEqual([idOf(7), idOf(203)]);
    expect(tick(29_999)).toEqual([]);
  });

  it('offers what still waits half a minute later, until it waits no more', () => {
    const { state, tick } = world();
    expect(tick(0)).toEqual([]);
    tick(1_000);
    tick(8_000);
    state.tips = [idOf(7)];
    expect(tick(30_000)).toEqual([]);
    expect(tick(59_999)).toEqual([]);
    expect(tick(60_000)).toEqual([idOf(7), idOf(201)]);
    expect(tick(90_000)).toEqual([idOf(7), idOf(202)]);
    state.pending = false;
    expect(tick(120_000)).toEqual([]);
  });

  it('says no more when a peer comes and goes all the time', () => {
    const { rebroadcast, state, tick } = world();
    state.tips = [idOf(7)];
    rebroadcast.add(idOf(1), 0);
    let published = 0;
    for (let nowMs = 0; nowMs <= 60_000; nowMs += 500) {
      state.peers = [{ id: 'p', connectedMs: nowMs, subscribed: true }];
      published += tick(nowMs).filter((id) => id === idOf(1) || id === idOf(7)).length;
    }
    expect(published).toBeGreaterThan(20);
    expect(published).toBeLessThanOrEqual(2 * 22 + 2);
  });

  it('is bounded', () => {
    const { rebroadcast } = world();
    for (let n = 0; n < 5_000; n++) rebroadcast.add(idOf(n), 0);
    expect(rebroadcast.size).toBe(4_096);
  });
});
