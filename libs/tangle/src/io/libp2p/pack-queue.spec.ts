/** The pack queue: filling, order, bounds, waiting for subscribers. */
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import * as fc from 'fast-check';
import { decodePack } from '../../core/codec/pack.ts';
import { PackQueue } from './pack-queue.ts';
import type { PackLimits } from './pack-queue.ts';

const LIMITS: PackLimits = {
  packDelayMs: 10,
  packBytes: 1_000,
  packQueueBytes: 5_000,
  packQueueAgeMs: 60_000,
};

interface Bench {
  readonly queue: PackQueue;
  readonly packs: Uint8Array[][];
  dropped: number;
  open: boolean;
}

function bench(limits: Partial<PackLimits> = {}): Bench {
  const packs: Uint8Array[][] = [];
  const queue = new PackQueue(
    { ...LIMITS, ...limits },
    {
      canPublish: () => result.open,
      publish: async (pack) => {
        const decoded = decodePack(pack);
        packs.push(decoded.ok ? decoded.value : []);
      },
      onDropped: (blocks) => {
        result.dropped += blocks;
      },
      nowMs: () => Date.now(),
    },
  );
  const result: Bench = { queue, packs, dropped: 0, open: true };
  return result;
}

beforeEach(() => {
  jest.useFakeTimers();
});

afterEach(() => {
  jest.useRealTimers();
});

describe('pack queue', () => {
  it('publishes what came within the delay as one pack', async () => {
    const { queue, packs } = bench();
    queue.add(new Uint8Array(100));
    queue.add(new Uint8Array(101));
    expect(packs).toHaveLength(0);
    await jest.advanceTimersByTimeAsync(10);
    expect(packs.map((pack) => pack.length)).toEqual([2]);
    expect(queue.size).toBe(0);
  });

  it('publishes a full pack at once', async () => {
    const { queue, packs } = bench();
    for (let count = 0; count < 10; count += 1) queue.add(new Uint8Array(100));
    await jest.advanceTimersByTimeAsync(0);
    expect(packs.length).toBeGreaterThan(0);
    await queue.close();
    expect(packs.flat()).toHaveLength(10);
  });

  it('keeps order, loses nothing and fills no pack beyond its size', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 1_500 }), { maxLength: 60 }),
        async (sizes) => {
          const { queue, packs } = bench({ packQueueBytes: 1 << 20 });
          sizes.forEach((size, index) => queue.add(new Uint8Array(size).fill(index)));
          await jest.advanceTimersByTimeAsync(10);
          await queue.close();
          expect(packs.flat().map((block) => [block.length, block[0]])).toEqual(
            sizes.map((size, index) => [size, index]),
          );
          for (const pack of packs) {
            const bytes = pack.reduce((sum, block) => sum + block.length + 2, 2);
            expect(pack.length === 1 || bytes <= LIMITS.packBytes).toBe(true);
          }
        },
      ),
    );
  });

  it('drops the oldest when too many bytes wait for a subscriber', async () => {
    const waiting = bench();
    waiting.open = false;
    for (let count = 0; count < 100; count += 1) waiting.queue.add(new Uint8Array(98).fill(count));
    await jest.advanceTimersByTimeAsync(1_000);
    expect(waiting.dropped).toBe(50);
    waiting.open = true;
    await jest.advanceTimersByTimeAsync(1_000);
    expect(waiting.packs.flat().map((block) => block[0])).toEqual(
      Array.from({ length: 50 }, (_, index) => 50 + index),
    );
  });

  it('drops what waited too long', async () => {
    const waiting = bench();
    waiting.open = false;
    waiting.queue.add(new Uint8Array(50));
    await jest.advanceTimersByTimeAsync(61_000);
    expect(waiting.dropped).toBe(1);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('takes nothing after close and leaves no timer', async () => {
    const closing = bench();
    closing.open = false;
    closing.queue.add(new Uint8Array(50));
    await closing.queue.close();
    closing.queue.add(new Uint8Array(50));
    expect(jest.getTimerCount()).toBe(0);
    expect(closing.packs).toHaveLength(0);
  });
});
