/**
 * A store that was pruned is, to every question, one that never had those milestones: it is
 * compared key by key with one that began with a snapshot. Spec: docs/spec/10-storage.md.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nobleHasher as hasher } from '../../core/crypto/blake2b.ts';
import type { BlockId, TransactionId } from '../../core/codec/ids.ts';
import { milestoneIdFromBytes } from '../../core/codec/ids.ts';
import type { OutputRecord } from '../../core/ledger/ledger-diff.ts';
import { BlockRepository } from './block-repository.ts';
import type { BucketName } from './buckets.ts';
import { BUCKETS, keyOf, prefixRange } from './buckets.ts';
import type { KvStore } from './kv-store.ts';
import { openKvStore } from './kv-store.ts';
import { LedgerImporter } from './ledger-import.ts';
import { LedgerRepository } from './ledger-repository.ts';
import { commitGenesis, commitMilestone, verifyLedger } from './milestone-batch.ts';
import { MilestoneRepository } from './milestone-repository.ts';
import { readNodeState, readPruned } from './node-state-repository.ts';
import { pruneMilestone } from './prune.ts';
import type { SampleMilestone } from './testing/sample-chain.ts';
import { sampleChain, sampleGenesis, SUPPLY } from './testing/sample-chain.ts';

const LENGTH = 20;
const PRUNED = 12;
const SEGMENT_BYTES = 3_000;
const genesis = sampleGenesis(hasher);
const OWNER = { kind: 'node', networkId: genesis.networkId, schema: 1 };
const idOf = (bytes: Uint8Array) => milestoneIdFromBytes(hasher.blake2b256(bytes));

/** A store with its blocks, in a folder of its own. */
interface Place {
  readonly folder: string;
  readonly store: KvStore;
  readonly blocks: BlockRepository;
}

const places: Place[] = [];
const samples: SampleMilestone[] = [];
let pruned: Place;
let imported: Place;

async function openPlace(): Promise<Place> {
  const folder = mkdtempSync(join(tmpdir(), 'prune-'));
  const store = await openKvStore(folder, OWNER);
  const options = { segmentBytes: SEGMENT_BYTES };
  const blocks = await BlockRepository.open(store, join(folder, 'blocks'), hasher, options);
  const place = { folder, store, blocks };
  places.push(place);
  return place;
}

async function commitSamples(place: Place, from: number, to: number): Promise<void> {
  for (const { blocks, commit } of samples.slice(from - 1, to)) {
    await place.blocks.save(blocks);
    await commitMilestone(place, commit, hasher);
  }
}

/** What a snapshot of this store says, put into another one. */
async function importFrom(source: Place): Promise<Place> {
  const state = readNodeState(source.store);
  if (!state) throw new Error('the source has a state');
  const place = await openPlace();
  const importer = await LedgerImporter.begin(place.store, hasher);
  const records: OutputRecord[] = [];
  for await (const record of new LedgerRepository(source.store).unspent()) records.push(record);
  await importer.addOutputs(records);
  const milestones = new MilestoneRepository(source.store);
  const window = [state.index - 1, state.index].map((index) => {
    const { commit } = samples[index - 1] as SampleMilestone;
    const summary = milestones.summary(index);
    if (!summary) throw new Error('the source has the window');
    const { id, bytes, result } = commit;
    return { index, id, bytes, cone: result.included, summary };
  });
  await importer.finish({ state, milestones: window, elections: [] });
  return place;
}

beforeAll(async () => {
  for (const one of sampleChain(hasher)) {
    samples.push(one);
    if (samples.length === LENGTH) break;
  }
  pruned = await openPlace();
  await commitGenesis(pruned.store, genesis, hasher);
  await commitSamples(pruned, 1, PRUNED);
  imported = await importFrom(pruned);
  for (const place of [pruned, imported]) await commitSamples(place, PRUNED + 1, LENGTH);
});
afterAll(async () => {
  for (const { folder, store, blocks } of places) {
    await blocks.close();
    await store.close();
    rmSync(folder, { recursive: true });
  }
});

const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** Everything in a bucket, but what is known of genesis. */
async function dump({ store }: Place, bucket: BucketName): Promise<[string, string][]> {
  const entries: [string, string][] = [];
  const range = prefixRange(Uint8Array.of(BUCKETS[bucket].number));
  for await (const [key, value] of store.iterate(range)) entries.push([hexOf(key), hexOf(value)]);
  const ofGenesis = new Set([keyOf(bucket, 0), keyOf(bucket, genesis.id)].map(hexOf));
  return entries.filter(([key]) => !ofGenesis.has(key));
}

/** Buckets whose values do not say where something stands. */
const COMPARED = [
  'milestones',
  'milestoneIds',
  'cones',
  'milestoneSummaries',
  'outputs',
  'unspent',
  'outputsByAddress',
  'outputsByTag',
  'taggedData',
  'transactions',
  'ledgerDiffs',
] as const satisfies BucketName[];

describe('a pruned store', () => {
  it('begins with everything, an imported one with what the snapshot said', async () => {
    expect(readPruned(pruned.store)).toEqual({ removedIndex: 0, entryIndex: 0 });
    expect(readPruned(imported.store)).toEqual({ removedIndex: PRUNED - 2, entryIndex: PRUNED });
    const known = samples[PRUNED - 1]?.commit.result.included ?? [];
    expect((await imported.blocks.metaOf(known)).size).toBe(3);
    expect(known.some((id) => imported.blocks.has(id))).toBe(false);
  });

  it('says what it removed, milestone by milestone', async () => {
    const before = readdirSync(join(pruned.folder, 'blocks')).length;
    for (let index = 1; index <= PRUNED; index++) {
      const step = await pruneMilestone(pruned, idOf, hasher);
      const blocks = samples[index - 1]?.blocks ?? [];
      const bytes = blocks.reduce((sum, one) => sum + one.bytes.length, 0);
      expect(step).toEqual({ index, blocks: 3, bytes });
    }
    for (const index of [PRUNED - 1, PRUNED]) {
      expect(await pruneMilestone(imported, idOf, hasher)).toEqual({ index, blocks: 0, bytes: 0 });
    }
    expect(readdirSync(join(pruned.folder, 'blocks')).length).toBeLessThan(before / 2);
  });

  it.each(COMPARED)('has in %s what one has that never had the rest', async (bucket) => {
    expect(await dump(pruned, bucket)).toEqual(await dump(imported, bucket));
  });

  it('has the same blocks, and nothing of those that went', async () => {
    const ids = samples.flatMap(({ commit }) => commit.result.included);
    for (const place of [pruned, imported]) {
      const kept = ids.slice(PRUNED * 3);
      expect([...(await place.blocks.bytesOf(ids)).keys()].toSorted()).toEqual(kept.toSorted());
      expect([...(await place.blocks.metaOf(ids)).keys()].toSorted()).toEqual(kept.toSorted());
    }
    for (const id of ids) {
      const children = await pruned.blocks.children(id, 10);
      expect(children).toEqual(await imported.blocks.children(id, 10));
    }
    const parent = samples[PRUNED - 1]?.commit.result.included[0] as BlockId;
    expect(await pruned.blocks.children(parent, 10)).toEqual([]);
  });

  it('opens with its ledger and its blocks, and goes on', async () => {
    for (const { folder, store, blocks } of places.splice(0)) {
      await blocks.close();
      await store.close();
      const again = await openKvStore(folder, OWNER);
      const reopened = await BlockRepository.open(again, join(folder, 'blocks'), hasher);
      places.push({ folder, store: again, blocks: reopened });
      expect((await verifyLedger(again, SUPPLY, hasher))?.state.index).toBe(LENGTH);
      expect([...reopened.unreferenced()]).toEqual([]);
    }
  });

  it('keeps its last milestone', async () => {
    const [place] = places;
    if (!place) throw new Error('there are two');
    for (let index = PRUNED + 1; index < LENGTH; index++) await pruneMilestone(place, idOf, hasher);
    await expect(pruneMilestone(place, idOf, hasher)).rejects.toThrow('never pruned');
  });

  it('keeps a transaction that another attachment takes over meanwhile', async () => {
    const place = await openPlace();
    await commitGenesis(place.store, genesis, hasher);
    await commitSamples(place, 1, 2);
    // What conflicted in milestone 1 is applied in milestone 3, while 1 is being pruned.
    const id = samples[0]?.blocks[1]?.transactionId as TransactionId;
    const { blocks, commit } = samples[2] as SampleMilestone;
    const [first] = blocks;
    if (!first) throw new Error('a milestone has blocks');
    expect(place.blocks.transaction(id)).toMatchObject({ applied: false });
    await place.blocks.save(blocks);
    const taken = { get: (one: BlockId) => ({ ...commit.blocks.get(one)!, transactionId: id }) };
    const pruning = pruneMilestone(place, idOf, hasher);
    await commitMilestone(place, { ...commit, blocks: taken }, hasher);
    expect(await pruning).toMatchObject({ index: 1, blocks: 3 });
    expect(place.blocks.transaction(id)).toEqual({ applied: true, blockId: first.id });
  });

  it('an import that was cut off leaves an empty store, and begins anew', async () => {
    const place = await openPlace();
    const first = await LedgerImporter.begin(place.store, hasher);
    await first.addOutputs(genesis.outputs);
    expect(readNodeState(place.store)).toBeUndefined();
    await LedgerImporter.begin(place.store, hasher);
    expect(await dump(place, 'outputs')).toEqual([]);
    expect(await dump(place, 'outputsByAddress')).toEqual([]);
  });
});
