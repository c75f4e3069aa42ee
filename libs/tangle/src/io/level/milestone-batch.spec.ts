// What one milestone's batch leaves in the repositories. Spec: docs/spec/10-storage.md.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Address, BlockId, OutputId, TransactionId } from '../../core/codec/ids.ts';
import { outputIdOf } from '../../core/codec/ids.ts';
import { nobleHasher as hasher } from '../../core/crypto/blake2b.ts';
import type { OutputRecord } from '../../core/ledger/ledger-diff.ts';
import { BlockRepository } from './block-repository.ts';
import { keyOf } from './buckets.ts';
import { openKvStore } from './kv-store.ts';
import type { KvStore } from './kv-store.ts';
import {
  decodeDiff,
  decodeStoredOutput,
  encodeDiff,
  encodeStoredOutput,
  LedgerRepository,
} from './ledger-repository.ts';
import {
  commitGenesis,
  commitMilestone,
  loadLedger,
  NODE_SCHEMA,
  verifyLedger,
} from './milestone-batch.ts';
import { MilestoneRepository, saveEvidence } from './milestone-repository.ts';
import { readNodeState } from './node-state-repository.ts';
import type { OutputPage, PageOptions } from './output-index-repository.ts';
import { OutputIndexRepository } from './output-index-repository.ts';
import { TaggedDataRepository } from './tagged-data-repository.ts';
import { addressesOf, sampleChain, sampleGenesis, SUPPLY } from './testing/sample-chain.ts';
import type { SampleMilestone } from './testing/sample-chain.ts';

const LENGTH = 9;
const genesis = sampleGenesis(hasher);
const samples: SampleMilestone[] = [];
const owner = addressesOf(hasher).owner as Address;
const payee = addressesOf(hasher).payee as Address;
const refund = addressesOf(hasher).refund as Address;

let folder: string;
let store: KvStore;
let blocks: BlockRepository;

const sample = (index: number): SampleMilestone => samples[index - 1] as SampleMilestone;
const blockAt = (index: number, position: number): BlockId =>
  sample(index).commit.result.included[position] as BlockId;
const transactionAt = (index: number, position: number): TransactionId =>
  sample(index).blocks[position]?.transactionId as TransactionId;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'milestones-'));
  store = await openKvStore(folder, {
    kind: 'node',
    networkId: genesis.networkId,
    schema: NODE_SCHEMA,
  });
  await commitGenesis(store, genesis, hasher);
  blocks = await BlockRepository.open(store, join(folder, 'blocks'), hasher);
  for (const one of sampleChain(hasher)) {
    samples.push(one);
    await blocks.save(one.blocks);
    if (samples.length > LENGTH) break;
    await commitMilestone({ store, blocks }, one.commit, hasher);
  }
});
afterAll(async () => {
  await blocks.close();
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('the node state', () => {
  it('is that of the last milestone', () => {
    const { header, id, result } = sample(LENGTH).commit;
    expect(readNodeState(store)).toEqual({
      index: LENGTH,
      id,
      timestampMs: header.timestampMs,
      stateRoot: header.stateRoot,
      unspentCount: result.stateTree.size,
    });
  });

  it('refuses a milestone that does not follow', async () => {
    await expect(commitMilestone({ store, blocks }, sample(3).commit, hasher)).rejects.toThrow(
      'one after',
    );
    await expect(commitGenesis(store, genesis, hasher)).rejects.toThrow('empty store');
  });
});

describe('the ledger', () => {
  it('loads with its root, its size and its supply', async () => {
    const loaded = await verifyLedger(store, SUPPLY, hasher);
    expect(loaded?.stateTree.root()).toEqual(sample(LENGTH).commit.header.stateRoot);
    expect(loaded?.supply).toBe(SUPPLY);
    expect(loaded?.stateTree.size).toBe(LENGTH + 1);
  });

  it('tells unspent, spent and unknown outputs apart', async () => {
    const ledger = new LedgerRepository(store);
    const spentId = outputIdOf(transactionAt(4, 0), 0);
    const unspentId = outputIdOf(transactionAt(4, 0), 1);
    const unknownId = outputIdOf(transactionAt(4, 1), 0);
    const states = await ledger.outputStates([spentId, unspentId, unknownId]);
    expect(states.get(spentId)).toBe('spent');
    expect(states.get(unknownId)).toBe('unknown');
    expect(states.get(unspentId)).toMatchObject({ outputId: unspentId, milestoneIndex: 4 });
    expect([spentId, unspentId, unknownId].map((id) => ledger.isUnspent(id))).toEqual([
      false,
      true,
      false,
    ]);
    expect(ledger.output(spentId)).toMatchObject({
      blockId: blockAt(4, 0),
      spent: { transactionId: transactionAt(5, 0), milestoneIndex: 5 },
    });
    expect(ledger.output(unspentId)?.spent).toBeUndefined();
    expect(ledger.output(unknownId)).toBeUndefined();
  });

  it('has the diff of every milestone', () => {
    const ledger = new LedgerRepository(store);
    expect(ledger.diff(4)).toEqual(sample(4).commit.result.diff);
    expect(ledger.diff(0)?.created).toEqual(genesis.outputs);
    expect(ledger.diff(LENGTH + 1)).toBeUndefined();
  });

  it('corrupt: a state root that the outputs do not have, or another supply', async () => {
    await expect(verifyLedger(store, SUPPLY + 1n, hasher)).rejects.toMatchObject({
      code: 'corrupt',
    });
    const key = keyOf('unspent', outputIdOf(transactionAt(4, 0), 1));
    await store.batch().del(key).write({ sync: false });
    await expect(loadLedger(store, hasher)).rejects.toMatchObject({ code: 'corrupt' });
    await store.batch().put(key, new Uint8Array()).write({ sync: false });
    expect(await loadLedger(store, hasher)).toBeDefined();
  });

  it('corrupt: an unspent output without a record', async () => {
    const key = keyOf('unspent', 'ff'.repeat(34));
    await store.batch().put(key, new Uint8Array()).write({ sync: false });
    await expect(loadLedger(store, hasher)).rejects.toMatchObject({ code: 'corrupt' });
    await store.batch().del(key).write({ sync: false });
  });
});

describe('values of outputs and diffs', () => {
  const { diff } = ((): { diff: SampleMilestone['commit']['result']['diff'] } => {
    const [first] = sampleChain(hasher);
    return { diff: (first as SampleMilestone).commit.result.diff };
  })();

  it('decode to what was encoded, spent or not', () => {
    const record = diff.created[1] as OutputRecord;
    const transactionId = 'cd'.repeat(32) as TransactionId;
    const spent = { transactionId, milestoneIndex: 9, milestoneTimestampMs: 5_000 };
    for (const stored of [record, { ...record, spent }]) {
      const value = encodeStoredOutput(stored);
      expect(decodeStoredOutput(value, record.outputId)).toEqual(stored);
    }
    expect(decodeDiff(encodeDiff(diff))).toEqual(diff);
  });

  it('corrupt: bytes missing or left over', () => {
    const value = encodeStoredOutput(diff.created[1] as OutputRecord);
    const decode = (bytes: Uint8Array) => (): object =>
      decodeStoredOutput(bytes, 'ab'.repeat(34) as OutputId);
    expect(decode(value.subarray(1))).toThrow('damaged');
    expect(decode(Uint8Array.from([...value, 0]))).toThrow('damaged');
    expect(() => decodeDiff(encodeDiff(diff).subarray(0, 50))).toThrow('damaged');
  });
});

describe('blocks', () => {
  it('are there with what the milestone said of them', async () => {
    const [applied, conflicting, tagged] = sample(5).blocks;
    expect(blocks.bytes(blockAt(5, 0))).toEqual(applied?.bytes);
    expect(blocks.meta(applied?.id as BlockId)).toEqual({
      milestoneIndex: 5,
      position: 0,
      state: 'applied',
      conflict: 0,
    });
    expect(blocks.meta(conflicting?.id as BlockId)).toEqual({
      milestoneIndex: 5,
      position: 1,
      state: 'conflicting',
      conflict: 2,
    });
    expect(blocks.meta(tagged?.id as BlockId)?.state).toBe('no-transaction');
    expect(blocks.has('ff'.repeat(32) as BlockId)).toBe(false);
    expect((await blocks.bytesOf([blockAt(5, 0), 'ff'.repeat(32) as BlockId])).size).toBe(1);
  });

  it('know their children', async () => {
    const expected = sample(5).commit.result.included;
    expect(await blocks.children(blockAt(4, 0), 10)).toEqual(expected);
    expect(await blocks.children(blockAt(4, 0), 2)).toHaveLength(2);
    expect(await blocks.children(blockAt(4, 1), 10)).toEqual([]);
    expect(await blocks.children(blockAt(LENGTH, 0), 10)).toHaveLength(3);
  });

  it('are found by transaction: the applied block first', () => {
    const applied = blocks.transaction(transactionAt(5, 0));
    expect(applied).toEqual({ blockId: blockAt(5, 0), applied: true });
    const conflicting = blocks.transaction(transactionAt(5, 1));
    expect(conflicting).toEqual({ blockId: blockAt(5, 1), applied: false });
    expect(blocks.transaction('ff'.repeat(32) as TransactionId)).toBeUndefined();
  });

  it('are unreferenced until a milestone comes, also when they arrive once more', async () => {
    await blocks.save(sample(5).blocks);
    const waiting = sample(LENGTH + 1).commit.result.included;
    const found = [...blocks.unreferenced()];
    expect(found.map(({ id }) => id)).toEqual(waiting);
    expect(found[0]?.parents).toEqual([blockAt(LENGTH, 0)]);
  });

  it('know their parents and their payload', async () => {
    const [tagged, waiting] = [blockAt(5, 2), blockAt(LENGTH + 1, 0)];
    const heads = await blocks.heads([tagged, waiting, 'ff'.repeat(32) as BlockId]);
    expect([...heads.keys()].toSorted()).toEqual([tagged, waiting].toSorted());
    expect(heads.get(tagged)).toMatchObject({
      parents: [blockAt(4, 0)],
      meta: { milestoneIndex: 5, position: 2 },
    });
    expect(heads.get(waiting)).toEqual({ parents: [blockAt(LENGTH, 0)], meta: undefined });
    const ids = [tagged, waiting, 'ff'.repeat(32) as BlockId];
    expect(ids.map((id) => blocks.kind(id))).toEqual(['tagged-data', 'transaction', null]);
  });

  it('are forgotten when nothing can confirm them, referenced ones are not', async () => {
    const doomed = [...sample(LENGTH + 1).blocks, ...sample(5).blocks];
    blocks.forget(doomed.map(({ id }) => id));
    expect(blocks.has(blockAt(LENGTH + 1, 0))).toBe(false);
    expect(blocks.has(blockAt(5, 0))).toBe(true);
    expect(await blocks.children(blockAt(LENGTH, 0), 10)).toEqual([]);
    expect([...blocks.unreferenced()]).toEqual([]);
  });
});

describe('milestones', () => {
  it('are found by index and id, in ranges, with cone and summary', async () => {
    const milestones = new MilestoneRepository(store);
    const { commit } = sample(4);
    expect(milestones.bytes(4)).toEqual(commit.bytes);
    expect(milestones.indexOf(commit.id)).toBe(4);
    expect(milestones.cone(4)).toEqual(commit.result.included);
    expect(milestones.summary(4)).toEqual({
      timestampMs: commit.header.timestampMs,
      blocks: 3,
      applied: 1,
      conflicting: 1,
    });
    expect(await milestones.firstIndex()).toBe(0);
    expect(await milestones.range(LENGTH - 1, 5)).toHaveLength(2);
    expect(await milestones.range(LENGTH + 1, 5)).toEqual([]);
    expect(milestones.bytes(LENGTH + 1)).toBeUndefined();
  });

  it('keep the evidence of a fork', async () => {
    const milestones = new MilestoneRepository(store);
    const [a, b] = [sample(1).commit, sample(2).commit];
    await saveEvidence(store, 4, [a, b]);
    const kept = await milestones.evidence();
    expect(kept.map(({ index }) => index)).toEqual([4, 4]);
    expect(kept.map(({ bytes }) => Buffer.from(bytes).toString()).toSorted()).toEqual([
      'milestone 1',
      'milestone 2',
    ]);
  });
});

describe('the indexes', () => {
  async function all(
    read: (options: PageOptions) => Promise<OutputPage>,
    spent: boolean,
  ): Promise<OutputId[]> {
    const found: OutputId[] = [];
    let page = await read({ spent, limit: 2 });
    found.push(...page.items.map(({ outputId }) => outputId));
    // A cursor that stays where it is would lead round for ever.
    while (page.cursor && found.length < 1_000) {
      page = await read({ spent, limit: 2, cursor: page.cursor });
      found.push(...page.items.map(({ outputId }) => outputId));
    }
    return found;
  }

  it('list the unspent outputs of an address in the order of booking, page by page', async () => {
    const index = new OutputIndexRepository(store, hasher);
    const unspent = await all((options) => index.byAddress(owner, 'owner', options), false);
    const payments = [2, 4, 6, 8].map((i) => outputIdOf(transactionAt(i, 0), 1));
    expect(unspent).toEqual([...payments, outputIdOf(transactionAt(LENGTH, 0), 0)]);
    const spent = await all((options) => index.byAddress(owner, 'owner', options), true);
    expect(spent).toHaveLength(LENGTH);
    expect(spent[0]).toBe(outputIdOf(genesis.transactionId, 0));
  });

  it('list channels by payee and by refund address', async () => {
    const index = new OutputIndexRepository(store, hasher);
    const channels = [1, 3, 5, 7, 9].map((i) => outputIdOf(transactionAt(i, 0), 1));
    const byPayee = await all((options) => index.byAddress(payee, 'payee', options), false);
    const byRefund = await all((o) => index.byAddress(refund, 'refundAddress', o), false);
    expect(byPayee).toEqual(channels);
    expect(byRefund).toEqual(channels);
    expect(await all((o) => index.byAddress(payee, 'owner', o), false)).toEqual([]);
  });

  it('list outputs by tag', async () => {
    const index = new OutputIndexRepository(store, hasher);
    const tagged = await all((options) => index.byTag(Uint8Array.of(2), options), false);
    expect(tagged).toEqual([2, 8].map((i) => outputIdOf(transactionAt(i, 0), 1)));
  });

  it('list tagged data, newest first, that of an applied transaction too', async () => {
    const tagged = new TaggedDataRepository(store, hasher);
    expect(await tagged.newest(Uint8Array.of(2), 10)).toEqual([
      { blockId: blockAt(8, 2), milestoneIndex: 8 },
      { blockId: blockAt(5, 2), milestoneIndex: 5 },
      { blockId: blockAt(2, 2), milestoneIndex: 2 },
      { blockId: blockAt(2, 0), milestoneIndex: 2 },
    ]);
    expect(await tagged.newest(Uint8Array.of(2), 1)).toHaveLength(1);
    expect(await tagged.newest(Uint8Array.of(9), 10)).toEqual([]);
  });
});
