import { afterEach, describe, expect, it } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import { GENESIS, MemoryNode, randomOf, ROOT } from '../testing/memory-node.ts';
import { NodeStore } from './node-store.ts';

let folder: string;
afterEach(() => rm(folder, { recursive: true }));

const note = (number: number) =>
  ({ kind: 'tagged-data', tag: Buffer.from('t'), data: Buffer.from(`${number}`) }) as const;

describe('rebuild', () => {
  it.each([1, 2, 3])('makes the same DAG of the store as before (seed %i)', async (seed) => {
    folder = await mkdtemp(join(tmpdir(), 'rebuild-'));
    const path = join(folder, 'store');
    const random = randomOf(seed);
    const first = await NodeStore.open(path, ROOT, nobleHasher);
    const before = new MemoryNode(first, seed);
    await before.rebuild();
    let count = 0;
    for (let round = 0; round < 30; round++) {
      before.nowMs += GENESIS.params.heartbeatMs;
      // Every third round is a heartbeat, and there is a long silence in the middle.
      const isQuiet = round % 3 === 2 || (round > 10 && round < 22);
      for (let left = isQuiet ? 0 : 1 + random(5); left > 0; left--)
        await before.issue(note(count++));
      await before.milestone();
    }
    for (let left = 0; left < 4; left++) await before.issue(note(count++));
    await first.store.close();

    const second = await NodeStore.open(path, ROOT, nobleHasher);
    const after = new MemoryNode(second, seed);
    after.nowMs = before.nowMs;
    const rebuilt = await after.rebuild();
    expect(rebuilt.unreferenced).toBe(4);
    expect(after.index).toBe(before.index);
    expect(after.engine.latest.stateTree.root()).toEqual(before.engine.latest.stateTree.root());
    expect([...after.dag.unreferenced()].toSorted()).toEqual(
      [...before.dag.unreferenced()].toSorted(),
    );
    for (const id of before.dag.unreferenced()) {
      expect(after.dag.coneRoots(id)).toEqual(before.dag.coneRoots(id));
      for (const parent of before.dag.parentsOf(id) ?? []) {
        expect(after.dag.rootIndexOf(parent)).toBe(before.dag.rootIndexOf(parent));
      }
    }
    expect(after.wanted).toEqual([]);

    for (const one of [before, after]) one.nowMs += GENESIS.params.heartbeatMs;
    await after.milestone();
    await after.issue(note(count));
    await second.store.close();
  });
});
