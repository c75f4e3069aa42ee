/**
 * Pruning of real stores: what goes, what stays, and when. Spec: docs/spec/12-snapshot.md §8.
 */
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeBlock } from '@tanglemail/tangle/core/codec/block.ts';
import type { BlockId } from '@tanglemail/tangle/core/codec/ids.ts';
import { bestHasher } from '@tanglemail/tangle/io/accel/hasher.ts';
import { SILENT_LOGGER } from '@tanglemail/tangle/io/logger.ts';
import { until } from '@tanglemail/tangle/io/testing/until.ts';
import { NodeStore } from '../store/node-store.ts';
import { DEPTH, GENESIS, MemoryNode, ROOT } from '../testing/memory-node.ts';
import { Pruner, type PrunerOptions } from './pruner.ts';

const KEPT = DEPTH + 5;
const hasher = await bestHasher();

let folder: string;
let node: MemoryNode;
const pruners: Pruner[] = [];

async function openNode(): Promise<void> {
  const opened = await NodeStore.open(join(folder, 'store'), ROOT, hasher);
  node = new MemoryNode(opened, 1, hasher);
  await node.rebuild();
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pruner-'));
  await openNode();
});
afterEach(async () => {
  for (const pruner of pruners.splice(0)) await pruner.stop();
  await node.store.close();
  await rm(folder, { recursive: true });
});

function prunerOf(options: Partial<PrunerOptions>, told: unknown[] = []): Pruner {
  const pruner = new Pruner(
    { enabled: true, maxSizeBytes: 1e15, ...options },
    {
      store: node.store,
      confirmedIndex: () => node.index,
      milestoneTimeMs: (index) => node.store.milestones.summary(index)?.timestampMs,
      belowMaxDepth: DEPTH,
      nowMs: () => node.nowMs,
      logger: SILENT_LOGGER,
      onStep: () => undefined,
      onFatal: (error) => told.push(error),
    },
  );
  pruners.push(pruner);
  return pruner;
}

let nonce = 0n;

/** Takes in a block with `size` bytes of data, without proof of work: nobody checks it here. */
async function big(size: number): Promise<BlockId> {
  const data = Buffer.alloc(size, `${nonce}`);
  const payload = { kind: 'tagged-data', tag: Buffer.from('t'), data } as const;
  const roots = (id: BlockId) => node.dag.coneRoots(id);
  const parents = node.tips.select(2, node.index, roots, node.nowMs).toSorted();
  const { networkId } = ROOT;
  const block = { version: 1, networkId, parents, payload, nonce: nonce++ } as const;
  const bytes = encodeBlock(block);
  const id = Buffer.from(hasher.blake2b256(bytes)).toString('hex') as BlockId;
  await node.take({ id, bytes, block, powScore: 0 });
  return id;
}

/** Makes `count` milestones of `blocks` blocks each; the ids of each milestone's blocks. */
async function live(count: number, blocks = 1, size = 10): Promise<BlockId[][]> {
  const ids: BlockId[][] = [];
  for (let round = 0; round < count; round++) {
    node.nowMs += GENESIS.params.heartbeatMs;
    const some: BlockId[] = [];
    for (let left = blocks; left > 0; left--) some.push(await big(size));
    ids.push(some);
    await node.milestone();
  }
  return ids;
}

/** Makes one milestone after the other, empty ones too, until something is so: at most 1,000. */
async function liveUntil(isSo: () => boolean): Promise<void> {
  for (let lived = 0; !isSo(); lived += 1) {
    if (lived === 1_000) throw new Error(`not within 1,000 milestones: ${isSo.toString()}`);
    await live(1);
    await new Promise(setImmediate);
  }
}

describe('a pruner', () => {
  it('never goes near what may still be stood upon, and a start needs nothing of it', async () => {
    const ids = await live(30);
    const pruner = prunerOf({ enabled: false });
    expect(await pruner.pruneTo(1_000)).toBe(30 - KEPT);
    expect(pruner.status()).toEqual({ prunedIndex: 17, targetIndex: 17, running: false });
    for (const [position, some] of ids.entries()) {
      const isGone = position + 1 <= 17;
      expect(some.map((id) => node.store.blocks.has(id))).toEqual(some.map(() => !isGone));
      expect(node.store.milestones.bytes(position + 1) === undefined).toBe(isGone);
    }
    const before = node;
    await before.store.close();
    await openNode();
    expect(node.index).toBe(30);
    expect(node.engine.latest.stateTree.root()).toEqual(before.engine.latest.stateTree.root());
    node.nowMs = before.nowMs;
    await live(3);
    expect(node.wanted).toEqual([]);
  });

  it('stops where it was told, and does nothing for a milestone that is gone', async () => {
    await live(30);
    const pruner = prunerOf({});
    expect(await pruner.pruneTo(5)).toBe(5);
    expect(await pruner.pruneTo(3)).toBe(5);
    expect(node.store.prunedIndex).toBe(5);
  });

  it('does nothing in a young network', async () => {
    await live(KEPT);
    expect(await prunerOf({}).pruneTo(1_000)).toBe(0);
  });

  it('goes by number: what is older goes, milestone by milestone', async () => {
    const pruner = prunerOf({ maxAgeMilestones: 20 });
    pruner.start();
    await live(30);
    pruner.wake();
    await until(() => node.store.prunedIndex === 10);
    await live(4);
    pruner.wake();
    await until(() => node.store.prunedIndex === 14);
    expect(pruner.status()).toMatchObject({ prunedIndex: 14 });
  });

  it('looks once more when it was woken during a look', async () => {
    await live(30);
    let release: (size: number) => void = () => undefined;
    const size = new Promise<number>((resolve) => {
      release = resolve;
    });
    const sizeBytes = jest.spyOn(node.store, 'sizeBytes').mockReturnValueOnce(size);
    const pruner = prunerOf({ maxAgeMilestones: 20 });
    pruner.start();
    await until(() => sizeBytes.mock.calls.length === 1);
    expect(node.store.prunedIndex).toBe(10);
    await live(2);
    pruner.wake();
    release(0);
    await until(() => node.store.prunedIndex === 12);
    expect(pruner.status()).toMatchObject({ prunedIndex: 12 });
  });

  it('goes by time, and never nearer than max depth', async () => {
    await live(30);
    const pruner = prunerOf({ maxAgeMs: 20 * GENESIS.params.heartbeatMs });
    pruner.start();
    // Twenty intervals back is milestone 10, which is not older.
    await until(() => node.store.prunedIndex === 9);
    node.nowMs += 1_000 * GENESIS.params.heartbeatMs;
    pruner.wake();
    await until(() => node.store.prunedIndex === 30 - KEPT);
    expect(pruner.status()).toMatchObject({ prunedIndex: 30 - KEPT });
  });

  it('ends after the step that is under way when it is stopped', async () => {
    await live(60);
    const pruner = prunerOf({ maxAgeMilestones: 20 });
    pruner.start();
    await until(() => node.store.prunedIndex > 0);
    await pruner.stop();
    const { prunedIndex } = node.store;
    await live(2);
    expect(node.store.prunedIndex).toBe(prunedIndex);
    expect(pruner.status().running).toBe(false);
  });

  it('takes requests in turn, each as far as it asks, and none after it was stopped', async () => {
    await live(60);
    const pruner = prunerOf({ maxAgeMilestones: 45 });
    pruner.start();
    const reached = Promise.all([30, 20, 40].map((index) => pruner.pruneTo(index)));
    await until(() => pruner.status().running);
    expect(pruner.status().targetIndex).toBeLessThanOrEqual(60 - KEPT);
    // A later request finds at least what it asks for: nothing comes back.
    const [first = 0, second = 0, third = 0] = await reached;
    expect([first >= 30, second >= 20, third >= 40]).toEqual([true, true, true]);
    expect(node.store.prunedIndex).toBe(40);
    const late = pruner.pruneTo(45);
    await pruner.stop();
    expect(await late).toBeLessThan(45);
    expect(await pruner.pruneTo(47)).toBe(node.store.prunedIndex);
  });

  it('lets milestones be confirmed between its steps', async () => {
    await live(80);
    const pruning = prunerOf({ enabled: false }).pruneTo(60);
    const from = node.index;
    let during = 0;
    await liveUntil(() => {
      during = node.index - from;
      return node.store.prunedIndex >= 60;
    });
    expect(await pruning).toBe(60);
    expect(during).toBeGreaterThan(3);
  });

  it('tells of a store that fails, and ends', async () => {
    await live(40);
    const told: unknown[] = [];
    const pruner = prunerOf({ maxAgeMilestones: 20 }, told);
    await node.store.close();
    pruner.start();
    await until(() => told.length > 0);
    expect(told).toMatchObject([{ name: 'StoreError' }]);
    await openNode();
  });

  it('holds the store at its size, with real blocks', async () => {
    const megabyte = 1_048_576;
    const maxSizeBytes = 80 * megabyte;
    // A segment of blocks returns its space as a whole, and the database at its next compaction.
    const slack = 64 * megabyte + 16 * megabyte;
    const pruner = prunerOf({ maxSizeBytes });
    pruner.start();
    let written = 0;
    const prunedAt = new Set<number>();
    while (written < 2.5 * maxSizeBytes) {
      await live(1, 128, 32_000);
      written += 128 * 32_000;
      pruner.wake();
      await until(() => !pruner.status().running);
      prunedAt.add(node.store.prunedIndex);
      expect(node.store.prunedIndex).toBeLessThanOrEqual(Math.max(0, node.index - KEPT));
    }
    pruner.wake();
    await until(() => !pruner.status().running);
    expect(await node.store.sizeBytes()).toBeLessThan(maxSizeBytes + slack);
    expect(prunedAt.size).toBeGreaterThan(10);
    const { prunedIndex } = node.store;
    expect(prunedIndex).toBeGreaterThan(20);
    // It does not prune more than it has to.
    expect(node.index - prunedIndex).toBeGreaterThan(KEPT);
  }, 120_000);
});
