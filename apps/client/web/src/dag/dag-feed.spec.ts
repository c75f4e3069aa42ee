import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { TangleScript } from '../../../../../test/bench/tangle-picture/tangle-script.ts';
import { DAG_TOPICS, DagFeed, type FeedMessage } from './dag-feed.ts';
import { DagStore } from './dag-store.ts';
import { Rates } from './rates.ts';

const START_MS = 1_795_000_000_000;

function parts() {
  const [store, rates] = [new DagStore(), new Rates()];
  return { store, rates, feed: new DagFeed(store, rates) };
}

/** Eleven seconds of a tangle: two milestones. */
function events() {
  const script = new TangleScript(50, 7);
  script.start(START_MS);
  return [...script.until(START_MS + 11_000)];
}

describe('the feed of the visualizer', () => {
  it('draws what a node tells: edges, states, milestones upon their roots', () => {
    const { store, rates, feed } = parts();
    feed.begin(false);
    for (const { atMs, message } of events()) feed.take(message, atMs);
    expect(store.received).toBe(551);
    expect(store.counts.milestone).toBe(2);
    expect(store.counts.confirmed + store.counts.conflict).toBeGreaterThan(400);
    expect(store.counts.conflict).toBeGreaterThan(0);
    const milestone = store.find('1');
    expect(milestone?.parents).toHaveLength(4);
    for (const id of milestone?.parents ?? []) {
      expect(['confirmed', 'conflict']).toContain(store.get(id)?.state);
    }
    const { confirmationSeconds } = rates.series(START_MS + 11_000, 60);
    const first = confirmationSeconds.find((one) => one !== null);
    expect(first).toBeGreaterThan(1);
    expect(first).toBeLessThan(5.1);
  });

  it('fills the picture from a replay, with times between milestones and parents first', () => {
    const { store, rates, feed } = parts();
    feed.begin(true);
    const nowMs = START_MS + 60_000;
    for (const { message } of events()) {
      if (message.topic !== 'blocks') feed.take(message, nowMs);
    }
    const shown = [...store.between(START_MS - 10_000, nowMs - 1)];
    expect(shown.length).toBe(store.size);
    expect(store.size).toBeGreaterThan(400);
    for (const { atMs, parents, index } of shown) {
      for (const parent of index === undefined ? parents : []) {
        expect(store.get(parent)?.atMs ?? 0).toBeLessThanOrEqual(atMs);
      }
    }
    expect(rates.series(nowMs, 60).confirmed).toEqual([]);
    feed.take({ topic: '$ready', data: { topic: 'milestones/confirmed', index: 2 } }, nowMs);
    feed.take({ topic: 'blocks', data: { blockId: 'b'.repeat(64), parents: [] } }, nowMs);
    expect(store.newest(1)[0]?.atMs).toBe(nowMs);
  });

  it('counts a block once that is told of twice', () => {
    const { store, rates, feed } = parts();
    const message = { topic: 'blocks', data: { blockId: 'a'.repeat(64), parents: [] } };
    feed.take(message, START_MS);
    feed.take(message, START_MS + 1);
    const settled = { topic: 'block-metadata/referenced', data: { ...message.data } };
    feed.take(settled, START_MS + 2);
    feed.take(settled, START_MS + 3);
    expect(store.counts).toMatchObject({ tip: 0, confirmed: 1 });
    const { received, confirmed } = rates.series(START_MS + 1_000, 60);
    expect([received, confirmed]).toEqual([[1], [1]]);
  });

  it('leaves alone what it does not understand', () => {
    const topic = fc.constantFrom<string>(...DAG_TOPICS, '$ready', '$lagging', '');
    const keys = ['blockId', 'parents', 'milestoneId', 'index', 'timestampMs', 'bytes', 'topic'];
    const value = fc.oneof(fc.string(), fc.integer(), fc.constant(null), fc.array(fc.anything()));
    const data = fc.oneof(fc.anything(), fc.dictionary(fc.constantFrom(...keys), value));
    fc.assert(
      fc.property(fc.array(fc.record({ topic, data })), (messages: readonly FeedMessage[]) => {
        const { store, feed } = parts();
        for (const message of messages) feed.take(message, START_MS);
        for (const { parents, atMs } of store.newest(100)) {
          expect(parents.every((one) => typeof one === 'string')).toBe(true);
          expect(Number.isFinite(atMs)).toBe(true);
        }
      }),
    );
  });
});
