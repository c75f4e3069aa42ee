/**
 * What a milestone may name, through the engine and over a restart, what it took, and what a vote
 * waits for. Spec: docs/spec/04-milestone.md §4, 15-consensus.md §9.
 */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BlockId } from '@tanglemail/tangle/core/codec/ids.ts';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import { signMilestone } from '@tanglemail/tangle/core/milestone/build.ts';
import { assembleCertificate } from '@tanglemail/tangle/core/milestone/certificate.ts';
import { NodeStore } from '../store/node-store.ts';
import { GENESIS, MemoryNode, ROOT } from '../testing/memory-node.ts';
import { VALIDATOR_KEY } from '../testing/test-network.ts';

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
  const { id } = node.engine.latest;
  const made = await node.engine.build(id, header.view + 1n, () => ({ parents, timestampMs }));
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

  it('counts the time of a check as time of the milestone: the difficulty goes by it', async () => {
    const node = await open();
    await node.issue({ kind: 'tagged-data', tag: Buffer.from('t'), data: Buffer.from('1') });
    const slowMs = 40;
    const load = node.store.loadOutputs.bind(node.store);
    node.store.loadOutputs = async (ids) => {
      const endMs = performance.now() + slowMs;
      while (performance.now() < endMs) await Promise.resolve();
      return load(ids);
    };
    const { engine, tips, dag } = node;
    const built = await engine.build(engine.latest.id, 1n, ({ header }) => ({
      parents: tips.heaviest(header.index, dag),
      timestampMs: header.timestampMs + 1,
    }));
    if (!built.ok) throw new Error(built.code);
    const { id, header, body } = built.value;
    expect(engine.has(id)).toBe(true);
    const vote = { networkId: ROOT.networkId, seat: 0, secretKey: VALIDATOR_KEY.secretKey };
    const certificate = assembleCertificate(
      [signMilestone(header, 'finalize', vote, nobleHasher)],
      1,
    );
    if (certificate === undefined) throw new Error('one of one is a quorum');
    const confirmed = await engine.confirm({ header, body, certificate });
    expect(confirmed.ok && confirmed.value.elapsedMs).toBeGreaterThanOrEqual(slowMs);
  });

  it('has the blocks synced that a vote stands on', async () => {
    const node = await open();
    let syncs = 0;
    node.store.blocks.sync = () => Promise.resolve(void (syncs += 1));
    await node.engine.syncBlocks();
    expect(syncs).toBe(1);
  });
});
