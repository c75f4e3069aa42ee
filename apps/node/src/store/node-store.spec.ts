// The node's view of its store: views at one moment, pruning, sizes. What lies below is tested in
// tangle/io/level. Spec: docs/spec/10-storage.md.
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { blockIdOf, encodeBlock } from '@tanglemail/tangle/core/codec/block.ts';
import type { Vote } from '@tanglemail/tangle/core/codec/consensus.ts';
import { GENESIS_BLOCK_ID } from '@tanglemail/tangle/core/codec/ids.ts';
import {
  decodeMilestone,
  encodeMilestone,
  milestoneIdOf,
  type MilestoneOptions,
} from '@tanglemail/tangle/core/codec/milestone.ts';
import type { Evidence } from '@tanglemail/tangle/core/consensus/round.ts';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import { committeeRoot } from '@tanglemail/tangle/core/milestone/committee.ts';
import { genesisMilestone } from '@tanglemail/tangle/core/milestone/genesis.ts';
import { MAX_CONTRADICTIONS } from '@tanglemail/tangle/io/level/contradiction-repository.ts';
import { testGenesis, testKey } from '../testing/test-network.ts';
import { NodeStore } from './node-store.ts';

const GENESIS = testGenesis();
const ROOT = genesisMilestone(GENESIS, nobleHasher);
const NO_OPTIONS: MilestoneOptions = {};
const BLOCKS = 3;
const DATA_SIZE = 1_000;

let folder: string;
let store: NodeStore;
const open = async (): Promise<NodeStore> =>
  (await NodeStore.open(join(folder, 'store'), ROOT, nobleHasher)).store;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'node-store-'));
  store = await open();
});
afterEach(async () => {
  await store.close();
  await rm(folder, { recursive: true });
});

function blocksOf(index: number) {
  return Array.from({ length: BLOCKS }, (_, i) => {
    const data = new Uint8Array(DATA_SIZE).fill(i);
    const payload = { kind: 'tagged-data', tag: Uint8Array.of(index), data } as const;
    const parents = [GENESIS_BLOCK_ID];
    const block = { version: 1, networkId: ROOT.networkId, parents, payload, nonce: 0n } as const;
    const bytes = encodeBlock(block);
    return { id: blockIdOf(bytes, nobleHasher), bytes, block };
  });
}

/** Saves three blocks and commits milestone `index`, which references them and nothing else. */
async function commit(
  index: number,
  { epoch = 0, committee = GENESIS.committee, options = NO_OPTIONS } = {},
) {
  const blocks = blocksOf(index);
  await store.save(blocks);
  const timestampMs = ROOT.header.timestampMs + index;
  const named = committeeRoot(committee, nobleHasher);
  const header = { ...ROOT.header, epoch, index, timestampMs, committeeRoot: named };
  const milestone = { ...ROOT.milestone, header, body: { ...ROOT.body, options } };
  const included = blocks.map(({ id }) => id);
  await store.commit({
    id: milestoneIdOf(header, nobleHasher),
    header,
    body: milestone.body,
    bytes: encodeMilestone(milestone),
    blocks: new Map(blocks.map((one) => [one.id, one])),
    result: {
      included,
      applied: [],
      conflicts: new Map(),
      diff: { index, timestampMs, created: [], consumed: [] },
      inclusionRoot: header.inclusionRoot,
      appliedRoot: header.appliedRoot,
      stateTree: ROOT.stateTree,
    },
  });
  return blocks;
}

describe('NodeStore', () => {
  it('shows itself as it was, while milestones come and go', async () => {
    const blocks = await commit(1);
    await commit(2);
    const view = await store.view();
    await commit(3);
    await store.pruneNext();
    expect([view.state.index, view.prunedIndex]).toEqual([2, 0]);
    expect(view.cone(1)).toEqual(blocks.map(({ id }) => id));
    expect(view.milestoneBytes(1)).toBeDefined();
    expect(view.diff(0)?.created).toEqual(ROOT.outputs);
    expect(view.cone(3)).toBeUndefined();
    const unspent: unknown[] = [];
    for await (const record of view.unspent()) unspent.push(record);
    expect(unspent).toHaveLength(ROOT.outputs.length);
    await view.close();
    expect(store.milestones.cone(1)).toBeUndefined();
  });

  it('prunes one milestone after the other, over a restart, but never the last', async () => {
    const first = await commit(1);
    await commit(2);
    await commit(3);
    expect(store.prunedIndex).toBe(0);
    const size = first.reduce((sum, { bytes }) => sum + bytes.length, 0);
    expect(await store.pruneNext()).toEqual({ index: 1, blocks: BLOCKS, bytes: size });
    await store.close();
    store = await open();
    expect(store.prunedIndex).toBe(1);
    expect((await store.pruneNext()).index).toBe(2);
    await expect(store.pruneNext()).rejects.toThrow('never pruned');
    expect([store.prunedIndex, store.milestones.bytes(3) !== undefined]).toEqual([2, true]);
    expect(await store.milestoneIdAt(2)).toBeUndefined();
    expect(await store.conePart(1, 0, 1_000_000)).toEqual([]);
    expect(await store.blocksFor(first.map(({ id }) => id))).toEqual([]);
    expect(await store.referenced(first, () => true)).toEqual(new Set());
  });

  it('tells what a milestone references among the blocks that are in doubt', async () => {
    const [done] = await commit(1);
    const [waiting, sure] = blocksOf(2);
    if (!done || !waiting || !sure) throw new Error('there are three of each');
    const asked = await store.referenced([done, waiting, sure], ({ id }) => id !== sure.id);
    expect(asked).toEqual(new Set([done.id]));
    await store.save([done, waiting, sure]);
    const unreferenced = [...store.blocks.unreferenced()].map(({ id }) => id);
    expect(unreferenced).toEqual([waiting.id, sure.id]);
  });

  it('answers about blocks, with a milestone and without', async () => {
    const [done] = await commit(1);
    const [waiting] = blocksOf(2);
    if (!done || !waiting) throw new Error('there are three of each');
    await store.save([waiting]);
    const ids = [done.id, waiting.id, GENESIS_BLOCK_ID];
    expect(await store.lookup(ids)).toEqual(
      new Map([
        [done.id, { parents: [GENESIS_BLOCK_ID], referencedIndex: 1 }],
        [waiting.id, { parents: [GENESIS_BLOCK_ID] }],
      ]),
    );
    expect(ids.map((id) => store.payloadKind(id))).toEqual(['tagged-data', 'tagged-data', null]);
    expect([...(await store.loadBlocks(ids)).keys()].toSorted()).toEqual(
      ids.slice(0, 2).toSorted(),
    );
    await store.forget([done.id, waiting.id]);
    expect(ids.map((id) => store.blocks.has(id))).toEqual([true, false, false]);
    expect(await store.blocks.children(GENESIS_BLOCK_ID, 10)).toHaveLength(BLOCKS);
  });

  it('gives a part of a cone until enough bytes are in it', async () => {
    await commit(1);
    expect(await store.conePart(1, 0, 1)).toHaveLength(1);
    expect(await store.conePart(1, 0, DATA_SIZE + 200)).toHaveLength(2);
    expect(await store.conePart(1, 2, 1_000_000)).toHaveLength(1);
    expect(await store.conePart(9, 0, 1_000_000)).toEqual([]);
  });

  it('keeps proof against seats, no more than enough of each, over a start', async () => {
    const signature = new Uint8Array(64);
    const against = (view: bigint): Evidence => {
      const vote = (byte: number): Vote => {
        const digest = new Uint8Array(32).fill(byte);
        return { kind: 'finalize', epoch: 0, view, digest, seat: 3, signature };
      };
      return { kind: 'votes', seat: 3, pair: [vote(1), vote(2)] };
    };
    const many = Array.from({ length: MAX_CONTRADICTIONS + 2 }, (_, at) => against(BigInt(at)));
    const saved = await Promise.all(many.map((one) => store.saveContradiction(one)));
    const isKept = (_: unknown, at: number): boolean => at < MAX_CONTRADICTIONS;
    expect(saved).toEqual(many.map(isKept));
    await store.close();
    store = await open();
    expect(await store.contradictions()).toEqual(many.filter(isKept));
  });

  it('knows what it takes on the disk', async () => {
    const before = await store.sizeBytes();
    await commit(1);
    expect(await store.sizeBytes()).toBeGreaterThan(before + BLOCKS * DATA_SIZE);
  });
});

describe('elections', () => {
  const [first, second] = [
    [4, 5, 6, 7],
    [5, 6, 7, 8],
  ].map((seeds) => seeds.map((seed) => testKey(seed).publicKey)) as [Uint8Array[], Uint8Array[]];
  const electing = (committee: readonly Uint8Array[]) => ({
    options: { nextCommittee: committee },
  });
  const reopened = async () => {
    await store.close();
    const opened = await NodeStore.open(join(folder, 'store'), ROOT, nobleHasher);
    store = opened.store;
    return opened.latest;
  };
  const genesis = GENESIS.committee;

  it('say at a start who certifies the next milestone, wherever the last one stands', async () => {
    await commit(1, electing(first));
    expect(await reopened()).toMatchObject({ committee: genesis, elected: first });
    await commit(2);
    expect(await reopened()).toMatchObject({ committee: genesis, elected: first });
    await commit(3, { committee: first });
    expect(await reopened()).toMatchObject({ committee: first, elected: undefined });
    await commit(4, { epoch: 1, committee: first });
    expect(await reopened()).toMatchObject({ committee: first, elected: undefined });
    // Epoch 1 elects nobody, epoch 2 another one.
    await commit(5, { epoch: 2, committee: first, ...electing(second) });
    expect(await reopened()).toMatchObject({ committee: first, elected: second });
  });

  it('outlive the pruning of their milestones, and are listed by epoch', async () => {
    await commit(1, electing(first));
    await commit(2, { committee: first });
    await commit(3, { epoch: 1, committee: first, ...electing(second) });
    await commit(4, { epoch: 1, committee: second });
    for (let index = 1; index < 4; index++) await store.pruneNext();
    expect(await reopened()).toMatchObject({ committee: second, elected: undefined });
    const all = store.elections(0, 32);
    expect(all.map(({ epoch }) => epoch)).toEqual([1, 2]);
    expect(store.elections(0, 1)).toEqual(all.slice(0, 1));
    expect(store.elections(1, 32)).toEqual(all.slice(1));
    expect(store.elections(2, 32)).toEqual([]);
    expect(all.map(({ bytes }) => decodeMilestone(bytes))).toMatchObject([
      { ok: true, value: { header: { index: 1 }, body: electing(first) } },
      { ok: true, value: { header: { index: 3 }, body: electing(second) } },
    ]);
  });

  it('are seen by a view as they were', async () => {
    await commit(1, electing(first));
    const view = await store.view();
    await commit(2, { committee: first });
    await commit(3, { epoch: 1, committee: first, ...electing(second) });
    expect(await view.elections()).toEqual(store.elections(0, 1));
    await view.close();
  });

  it('corrupt: the last milestone names a committee that nobody elected', async () => {
    await commit(1, { committee: second });
    await expect(reopened()).rejects.toMatchObject({ code: 'corrupt' });
    store = (await NodeStore.open(join(folder, 'other'), ROOT, nobleHasher)).store;
  });
});
