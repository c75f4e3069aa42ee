/** Fair turns by kind and source, what leaves a full queue, and a flood against honest traffic. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { FairQueue, KIND_WEIGHTS, type BlockKind } from './fair-queue.ts';

const KINDS = Object.keys(KIND_WEIGHTS) as BlockKind[];
const BOUNDS = { items: 100, bytes: 1_000_000 };

/** An item that is named by its source and number. */
function queued(source: string, item: string, cost = 1_000, kind: BlockKind = 'envelope') {
  return { item, kind, source, sizeBytes: 100, cost };
}

function fill(queue: FairQueue<string>, source: string, count: number, kind?: BlockKind): void {
  for (let i = 0; i < count; i += 1) queue.push(queued(source, `${source}${i}`, 1_000, kind));
}

describe('fair queue', () => {
  it('gives each source its turn, and keeps the order within it', () => {
    const queue = new FairQueue<string>(BOUNDS);
    fill(queue, 'flood', 60);
    fill(queue, 'honest', 3);
    const taken = queue.take(40);
    expect(taken.filter((item) => item.startsWith('honest'))).toEqual([
      'honest0',
      'honest1',
      'honest2',
    ]);
    const flood = taken.filter((item) => item.startsWith('flood'));
    expect(flood).toEqual(flood.map((_, i) => `flood${i}`));
  });

  it('shares by cost: who sends dear blocks gets fewer of them through', () => {
    const queue = new FairQueue<string>({ items: 2_000, bytes: 1_000_000 });
    for (let i = 0; i < 200; i += 1) queue.push(queued('dear', `d${i}`, 10_000));
    for (let i = 0; i < 1_000; i += 1) queue.push(queued('cheap', `c${i}`, 1_000));
    const taken = queue.take(550);
    const dear = taken.filter((item) => item.startsWith('d')).length;
    expect(dear).toBeGreaterThan(40);
    expect(dear).toBeLessThan(60);
  });

  it('shares among payload kinds by weight, however many sources one kind has', () => {
    const queue = new FairQueue<string>({ items: 4_000, bytes: 1_000_000 });
    for (let i = 0; i < 2_000; i += 1) queue.push(queued(`s${i}`, 'tagged', 1_000, 'tagged-data'));
    for (let i = 0; i < 1_000; i += 1) queue.push(queued('one', 'envelope', 1_000, 'envelope'));
    const taken = queue.take(600);
    const envelopes = taken.filter((item) => item === 'envelope').length;
    expect(envelopes / taken.length).toBeCloseTo(4 / 6, 1);
  });

  it('makes a source pay in later turns for a block dearer than its turn', () => {
    const queue = new FairQueue<string>(BOUNDS);
    for (let i = 0; i < 10; i += 1) queue.push(queued('big', `b${i}`, 160_000));
    fill(queue, 'small', 80);
    const taken = queue.take(60);
    expect(taken.filter((item) => item.startsWith('b')).length).toBeLessThanOrEqual(2);
  });

  it('drops the newest of the costliest line when it is full, never a small one', () => {
    const queue = new FairQueue<string>({ items: 10, bytes: 1_000_000 });
    fill(queue, 'flood', 10);
    expect(queue.push(queued('flood', 'more'))).toEqual(['more']);
    expect(queue.push(queued('honest', 'mine'))).toEqual(['flood9']);
    expect(queue.size).toBe(10);
  });

  it('bounds bytes as well as items', () => {
    const queue = new FairQueue<string>({ items: 100, bytes: 1_000 });
    fill(queue, 'a', 11);
    expect([queue.size, queue.bytes, queue.fill]).toEqual([10, 1_000, 1]);
  });

  it('knows who holds at least an equal share', () => {
    const queue = new FairQueue<string>(BOUNDS);
    fill(queue, 'flood', 50);
    fill(queue, 'honest', 2);
    expect(['flood', 'honest', 'silent'].map((source) => queue.isHeavy(source))).toEqual([
      true,
      false,
      false,
    ]);
  });

  it('takes no more than a cost, but always something', () => {
    const queue = new FairQueue<string>(BOUNDS);
    for (let i = 0; i < 5; i += 1) queue.push(queued('a', `${i}`, 50_000));
    expect(queue.take(5, 60_000)).toEqual(['0', '1']);
    expect(queue.take(5, 1)).toEqual(['2']);
  });

  it('leaves the lines of held sources as they are, and serves the others in their turns', () => {
    const queue = new FairQueue<string>(BOUNDS);
    fill(queue, 'flood', 40);
    fill(queue, 'flood', 10, 'transaction');
    fill(queue, 'a', 3);
    fill(queue, 'b', 2, 'transaction');
    const isFlood = (source: string): boolean => source === 'flood';
    expect(queue.take(60, Infinity, isFlood).toSorted()).toEqual(['a0', 'a1', 'a2', 'b0', 'b1']);
    expect(queue.take(60, Infinity, isFlood)).toEqual([]);
    expect(queue.size).toBe(50);
    expect(queue.take(60)).toHaveLength(50);
  });

  it('loses and invents nothing, and never exceeds its bounds', () => {
    const pushes = fc.array(
      fc.record({
        source: fc.constantFrom('a', 'b', 'c'),
        kind: fc.constantFrom(...KINDS),
        cost: fc.integer({ min: 1, max: 100_000 }),
        sizeBytes: fc.integer({ min: 1, max: 400 }),
        take: fc.nat(3),
      }),
      { maxLength: 120, size: 'max' },
    );
    fc.assert(
      fc.property(pushes, (steps) => {
        const queue = new FairQueue<number>({ items: 20, bytes: 2_000 });
        const inside = new Set<number>();
        const lastOf = new Map<string, number>();
        const leave = (item: number): void => {
          expect(inside.delete(item)).toBe(true);
        };
        const take = (count: number): void => {
          for (const item of queue.take(count)) {
            leave(item);
            const { source, kind } = steps[item]!;
            expect(item).toBeGreaterThan(lastOf.get(source + kind) ?? -1);
            lastOf.set(source + kind, item);
          }
        };
        steps.forEach((step, item) => {
          inside.add(item);
          for (const displaced of queue.push({ ...step, item })) leave(displaced);
          take(step.take);
          expect(queue.size).toBe(inside.size);
          expect(queue.fill).toBeLessThanOrEqual(1);
        });
        take(1_000);
        expect([inside.size, queue.size, queue.bytes]).toEqual([0, 0, 0]);
      }),
    );
  });

  it('serves a steady source within a bounded delay under any flood', () => {
    const queue = new FairQueue<string>({ items: 1_000, bytes: 10_000_000 });
    let worst = 0;
    const since = new Map<string, number>();
    for (let round = 0; round < 500; round += 1) {
      for (let i = 0; i < 640; i += 1) {
        const kind = KINDS[i % KINDS.length] as BlockKind;
        queue.push(queued(`flood${i % 7}`, 'spam', 1_000, kind));
      }
      const mine = `mine${round}`;
      expect(queue.push(queued('honest', mine))).not.toContain(mine);
      since.set(mine, round);
      for (const item of queue.take(64)) {
        worst = Math.max(worst, round - (since.get(item) ?? round));
        since.delete(item);
      }
    }
    // Eight sources, 16 blocks a turn, envelopes have 4 of 11 turns: 352 blocks, 6 takes.
    expect(worst).toBeLessThanOrEqual(12);
    expect(since.size).toBeLessThanOrEqual(worst + 1);
  });
});
