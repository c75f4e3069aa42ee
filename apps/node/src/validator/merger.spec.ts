import { afterEach, describe, expect, it } from '@jest/globals';
import type { BlockId } from '@tanglemail/tangle/core/codec/ids.ts';
import { SILENT_LOGGER } from '@tanglemail/tangle/io/logger.ts';
import { until } from '../testing/test-network.ts';
import { Merger, type MergerDeps } from './merger.ts';

/** A merger over a list of blocks that were left behind. */
function world(left: BlockId[], changes: Partial<MergerDeps> = {}) {
  const merged: (readonly BlockId[])[] = [];
  const looks = { count: 0 };
  const merger = new Merger({
    milestoneIntervalMs: 5,
    clock: { nowMs: () => 1_000 },
    dag: { coneRoots: () => undefined, isReferenced: () => false },
    latestIndex: () => 7,
    seat: () => ({ seat: 0, seats: 1 }),
    tips: {
      leftBehind: (count, beforeMs) => {
        looks.count += 1;
        expect(beforeMs).toBe(1_000 - 2 * (changes.milestoneIntervalMs ?? 5));
        return left.slice(0, count);
      },
    },
    merge: async (parents) => {
      merged.push(parents);
      left.splice(0, parents.length);
      return await Promise.resolve(true);
    },
    logger: SILENT_LOGGER,
    ...changes,
  });
  return { merger, merged, looks };
}

const ids = (count: number): BlockId[] =>
  Array.from({ length: count }, (_, i) => `${i}` as BlockId);

/** Mergers that a test leaves to be stopped, however it ends. */
const running: Merger[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((merger) => merger.stop()));
});

describe('merger', () => {
  it('takes up what was left behind, eight at a time, until one is left', async () => {
    const { merger, merged, looks } = world(ids(25));
    merger.start();
    await until(() => looks.count > 5);
    await merger.stop();
    expect(merged.map((parents) => parents.length)).toEqual([8, 8, 8]);
  });

  it('makes no more than 64 blocks per interval, however many wait', async () => {
    const { merger, merged, looks } = world(ids(10_000), { milestoneIntervalMs: 60_000 });
    merger.start();
    await until(() => merged.length >= 64);
    for (let turn = 0; turn < 50; turn += 1) await new Promise(setImmediate);
    await merger.stop();
    expect([merged.length, looks.count]).toEqual([64, 64]);
  });

  it('is for one seat after each milestone, and for the next while none follows', async () => {
    const network = { index: 6, nowMs: 1_000 };
    const merged = new Set<number>();
    const looks = [0, 0, 0, 0];
    for (const seat of [0, 1, 2, 3]) {
      const { merger } = world([], {
        seat: () => ({ seat, seats: 4 }),
        clock: { nowMs: () => network.nowMs },
        latestIndex: () => {
          looks[seat] = (looks[seat] ?? 0) + 1;
          return network.index;
        },
        tips: { leftBehind: () => ids(8) },
        merge: async () => {
          merged.add(seat);
          return await Promise.resolve(true);
        },
      });
      running.push(merger);
      merger.start();
    }
    /** Who merges from now on: everybody has looked several times whose turn it is. */
    const whose = async (change: Partial<typeof network>): Promise<number[]> => {
      Object.assign(network, change);
      merged.clear();
      looks.fill(0);
      await until(() => looks.every((count) => count >= 8));
      return [...merged];
    };
    expect(await whose({})).toEqual([2]);
    expect(await whose({ index: 7 })).toEqual([3]);
    expect(await whose({ nowMs: 1_009 })).toEqual([3]);
    expect(await whose({ nowMs: 1_010 })).toEqual([0]);
    expect(await whose({ nowMs: 1_020 })).toEqual([1]);
    expect(await whose({ index: 8, nowMs: 1_021 })).toEqual([0]);
  });

  it('waits after a refusal and after a failure, and goes on', async () => {
    let calls = 0;
    const merge = async (): Promise<boolean> => {
      calls += 1;
      if (calls === 1) throw new Error('no thread');
      return await Promise.resolve(false);
    };
    const { merger } = world(ids(8), { merge });
    merger.start();
    await until(() => calls > 3);
    await merger.stop();
    const stopped = calls;
    await new Promise(setImmediate);
    expect(calls).toBe(stopped);
  });
});
