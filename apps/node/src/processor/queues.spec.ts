import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { FairQueue, QUEUE_NAMES, QUEUES } from './queues.ts';

const row = { length: 6, perSource: 3, order: 'fair-fifo', drop: 'refuse-newest' } as const;

describe('fair queue', () => {
  it('lets sources take turns and keeps the order of each', () => {
    const queue = new FairQueue<string>(row);
    for (const item of ['a1', 'a2', 'a3', 'b1', 'c1', 'c2']) queue.push(item.charAt(0), item);
    expect(queue.take(4)).toEqual(['a1', 'b1', 'c1', 'a2']);
    expect(queue.take(9)).toEqual(['c2', 'a3']);
    expect(queue.size).toBe(0);
  });

  it('refuses the newest when it or the share of a source is full', () => {
    const queue = new FairQueue<number>(row);
    expect([1, 2, 3, 4].map((item) => queue.push('a', item))).toEqual([true, true, true, false]);
    expect([1, 2, 3].map((item) => queue.push('b', item))).toEqual([true, true, true]);
    expect(queue.push('c', 1)).toBe(false);
    expect(queue.size).toBe(6);
  });

  it('loses and invents nothing', () => {
    const pushes = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.nat()), { maxLength: 40 });
    fc.assert(
      fc.property(pushes, fc.array(fc.nat(4)), (items, takes) => {
        const queue = new FairQueue<number>(row);
        const taken = new Set<number>();
        let pushed = 0;
        items.forEach(([source], position) => {
          if (queue.push(source, position)) pushed += 1;
          for (const item of queue.take(takes[position] ?? 0)) taken.add(item);
          expect(queue.size).toBeLessThanOrEqual(row.length);
        });
        for (const item of queue.take(100)) taken.add(item);
        expect(taken.size).toBe(pushed);
      }),
    );
  });

  it('has a row for each queue of the processor', () => {
    for (const name of QUEUE_NAMES) {
      expect(QUEUES[name].perSource).toBeLessThanOrEqual(QUEUES[name].length);
    }
  });
});
