/**
 * What a milestone may name, through the engine and over a restart. Spec: docs/spec/04-milestone.md
 * §4.
 */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BlockId } from '@tanglemail/tangle/core/codec/ids.ts';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import { NodeStore } from '../store/node-store.ts';
import { GENESIS, MemoryNode, ROOT } from '../testing/memory-node.ts';

let folder: string;
let store: NodeStore | undefined;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'engine-'));
});
afterEach(async () => {
  await store?.close();
  store = undefined;
  await rm(folder, { recursive: true });
});

/** The node of the folder, as it is after a start. */
async function open(): Promise<MemoryNode> {
  await store?.close();
  const opened = await NodeStore.open(join(folder, 'store'), ROOT, nobleHasher);
  store = opened.store;
  const node = new MemoryNode(opened, 1);
  await node.rebuild();
  return node;
}

async function heartbeat(node: MemoryNode): Promise<readonly BlockId[]> {
  node.nowMs = node.engine.latest.header.timestampMs + GENESIS.params.heartbeatMs;
  const { milestone } = await node.milestone();
  return milestone.body.parents;
}

/** What the engine says of a heartbeat that names these blocks. */
async function naming(node: MemoryNode, parents: readonly BlockId[]): Promise<string | undefined> {
  const { header } = node.engine.latest;
  const timestampMs = header.timestampMs + GENESIS.params.heartbeatMs;
  const made = await node.engine.propose(
    () => ({ parents, timestampMs, view: header.view + 1n }),
    () => Promise.reject(new Error('nothing to certify')),
  );
  return made.ok ? undefined : made.code;
}

describe('the confirmation engine', () => {
  it('names in heartbeats what the last milestone names, over restarts too', async () => {
    let node = await open();
    const note = { kind: 'tagged-data', tag: Buffer.from('t'), data: Buffer.from('1') } as const;
    const old = await node.issue(note);
    await heartbeat(node);
    const young = await node.issue({ ...note, data: Buffer.from('2') });
    expect(await heartbeat(node)).toEqual([young.id]);
    for (let count = 0; count < 2 * GENESIS.params.belowMaxDepth; count += 1) {
      expect(await heartbeat(node)).toEqual([young.id]);
      expect(await naming(node, [old.id])).toMatch(/^milestone-(parent-referenced|cone-missing)$/);
      if (count % 5 === 0) node = await open();
    }
  });

  it('milestone-parent-referenced and milestone-parent-covered: names nothing else', async () => {
    const node = await open();
    const note = { kind: 'tagged-data', tag: Buffer.from('t'), data: Buffer.from('1') } as const;
    const old = await node.issue(note);
    await heartbeat(node);
    const named = await node.issue({ ...note, data: Buffer.from('2') });
    await heartbeat(node);
    expect(await naming(node, [old.id])).toBe('milestone-parent-referenced');
    const child = await node.issue({ ...note, data: Buffer.from('3') });
    expect(child.block.parents).toContain(named.id);
    expect(await naming(node, [named.id, child.id])).toBe('milestone-parent-covered');
  });
});
