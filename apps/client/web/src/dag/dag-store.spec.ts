import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { DagStore, laneOf, MAX_EDGES, type NewVertex, type Vertex } from './dag-store.ts';

/** Behind every time of the tests. */
const END_MS = 2_000_000;

/** A DAG in the order of its growth: each vertex names some of those before it, or strangers. */
const grown = fc
  .array(
    fc.record({
      back: fc.array(fc.nat({ max: 12 }), { maxLength: 4 }),
      stepMs: fc.nat({ max: 600 }),
      isMilestone: fc.boolean(),
    }),
    { minLength: 1, maxLength: 60 },
  )
  .map((steps) => {
    let atMs = 1_000_000;
    return steps.map(({ back, stepMs, isMilestone }, at): NewVertex => {
      atMs += stepMs;
      const parents = back.map((distance) => `v${at - 1 - distance}`);
      const vertex = { id: `v${at}`, atMs, parents };
      return isMilestone ? { ...vertex, index: at } : vertex;
    });
  });

function filled(vertices: readonly NewVertex[], max?: number): DagStore {
  const store = new DagStore(max);
  for (const vertex of vertices) store.add(vertex);
  return store;
}

const summary = ({ id, state, children, parents, lane }: Vertex) => ({
  id,
  state,
  lane,
  children: [...children].toSorted(),
  parents,
});

describe('the store of the visualizer', () => {
  it('ends the same whatever order vertices come in', () => {
    fc.assert(
      fc.property(
        grown.chain((all) =>
          fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length })),
        ),
        ([all, shuffled]) => {
          const [one, two] = [filled(all), filled(shuffled)];
          expect(two.counts).toEqual(one.counts);
          for (const { id } of all) {
            const [a, b] = [one.get(id), two.get(id)];
            expect(b && summary(b)).toEqual(a && summary(a));
          }
        },
      ),
    );
  });

  it('counts as many vertices of each state as there are, and keeps to its bound', () => {
    fc.assert(
      fc.property(
        grown,
        fc.integer({ min: 1, max: 40 }),
        fc.array(fc.nat(60)),
        (all, max, done) => {
          const store = filled(all, max);
          for (const at of done) store.settle(`v${at}`, at % 3 === 0 ? 'conflict' : 'confirmed');
          const kept = all.slice(-max).map(({ id }) => store.get(id));
          expect(store.size).toBe(Math.min(max, all.length));
          for (const [state, count] of Object.entries(store.counts)) {
            expect(kept.filter((vertex) => vertex?.state === state)).toHaveLength(count);
          }
          expect(all.slice(0, -max).filter(({ id }) => store.get(id))).toEqual([]);
        },
      ),
    );
  });

  it('names as children only vertices that are here', () => {
    fc.assert(
      fc.property(grown, fc.integer({ min: 1, max: 20 }), (all, max) => {
        const store = filled(all, max);
        for (const vertex of store.between(0, END_MS)) {
          const naming = all.filter(
            ({ id, parents }) => store.get(id) !== undefined && parents.includes(vertex.id),
          );
          expect([...vertex.children].toSorted()).toEqual(naming.map(({ id }) => id).toSorted());
          expect(vertex.state === 'tip' && vertex.children.size > 0).toBe(false);
        }
      }),
    );
  });

  it('finds by time what a look at all finds', () => {
    fc.assert(
      fc.property(grown, fc.nat(30_000), fc.nat(30_000), (all, after, length) => {
        const store = filled(all);
        const [fromMs, toMs] = [1_000_000 + after, 1_000_000 + after + length];
        const expected = all.filter(({ atMs }) => atMs >= fromMs && atMs <= toMs);
        const found = [...store.between(fromMs, toMs)];
        expect(found.map(({ id }) => id).toSorted()).toEqual(
          expected.map(({ id }) => id).toSorted(),
        );
      }),
    );
  });

  it('walks cones as far as edges go, and no further than it is told', () => {
    const reach = (all: readonly NewVertex[], from: string, isPast: boolean): Set<string> => {
      const found = new Set([from]);
      for (let size = 0; size < found.size;) {
        size = found.size;
        for (const { id, parents } of all) {
          for (const parent of parents.filter((one) => all.some((other) => other.id === one))) {
            if (isPast && found.has(id)) found.add(parent);
            if (!isPast && found.has(parent)) found.add(id);
          }
        }
      }
      return found;
    };
    fc.assert(
      fc.property(grown, fc.nat(59), fc.integer({ min: 1, max: 9 }), (all, at, max) => {
        const id = `v${Math.min(at, all.length - 1)}`;
        const store = filled(all);
        expect(store.cone(id, 'past')).toEqual(reach(all, id, true));
        expect(store.cone(id, 'future')).toEqual(reach(all, id, false));
        const [first = '', ...rest] = store.cone(id, 'past', max);
        expect(first).toBe(id);
        expect(rest.length).toBe(Math.min(max, store.cone(id, 'past').size) - 1);
      }),
    );
  });

  it('tells of what is new and of what changes, each once', () => {
    const told: string[] = [];
    const store = new DagStore();
    const stop = store.listen({
      onAdded: ({ id }) => told.push(`+${id}`),
      onChanged: ({ id, state }) => told.push(`${id} ${state}`),
    });
    store.add({ id: 'a', atMs: 1, parents: [] });
    store.add({ id: 'b', atMs: 2, parents: ['a'] });
    store.add({ id: 'b', atMs: 3, parents: ['a'] });
    store.settle('a', 'confirmed');
    store.settle('a', 'confirmed');
    store.settle('gone', 'conflict');
    store.settle('b', 'conflict');
    stop();
    store.add({ id: 'c', atMs: 4, parents: ['b'] });
    expect(told).toEqual(['+a', 'a pending', '+b', 'a confirmed', 'b conflict']);
  });

  it('learns the parents of a block that came without them, and keeps its place', () => {
    const store = filled([
      { id: 'a', atMs: 1, parents: [] },
      { id: 'b', atMs: 2, parents: [] },
      { id: 'b', atMs: 900, parents: ['a', 'a', 'b'] },
    ]);
    expect(store.get('b')).toMatchObject({ atMs: 2, parents: ['a'], order: 2 });
    expect(store.get('a')).toMatchObject({ state: 'pending', children: new Set(['b']) });
    expect(store.received).toBe(2);
  });

  it('finds only what is meant exactly, whatever was typed', () => {
    const id = 'ab12'.repeat(16);
    const store = filled([
      { id, atMs: 1, parents: [] },
      { id: 'cd'.repeat(32), atMs: 2, parents: [id], index: 48_217 },
    ]);
    expect(store.find(` 0x${id.toUpperCase()} `)?.id).toBe(id);
    expect(store.find('48217')?.index).toBe(48_217);
    for (const text of ['', 'ab12', '[', '(', '.*', '48218', '4821', '-1', '1e3']) {
      expect(store.find(text)).toBeUndefined();
    }
  });

  it('spreads ids over the lanes, and keeps eight edges of a vertex', () => {
    const lanes = Array.from({ length: 1_000 }, (_, at) => laneOf(`block-${at}`));
    const tenths = Array.from({ length: 10 }, (_, tenth) =>
      lanes.filter((lane) => Math.floor(lane * 10) === tenth),
    );
    for (const tenth of tenths) expect(tenth.length).toBeGreaterThan(50);
    const parents = Array.from({ length: 255 }, (_, at) => `p${at}`);
    const store = filled([{ id: 'm', atMs: 1, parents, index: 1 }]);
    expect(store.get('m')?.parents).toHaveLength(MAX_EDGES);
  });

  it('tells the rate of blocks, milestones apart', () => {
    const blocks = Array.from({ length: 100 }, (_, at) => ({
      id: `b${at}`,
      atMs: 10_000 + at * 20,
      parents: [],
    }));
    const store = filled([...blocks, { id: 'm', atMs: 11_000, parents: [], index: 1 }]);
    expect(store.rate(11_990, 1_000)).toBeCloseTo(50, -0.5);
    expect(store.rate(30_000, 1_000)).toBe(0);
    expect(store.newest(2).map(({ id }) => id)).toEqual(['m', 'b99']);
  });
});
