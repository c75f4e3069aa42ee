/**
 * Removes one old milestone and everything that only it needs, in one atomic batch whose size goes
 * by that milestone alone: its blocks and what was said of them, their edges and index entries, its
 * cone, its diff, and the outputs that it spent. Outputs that it created stay until they are spent.
 * Path: apps/node pruning → here → the repositories → kv-store.ts. Spec: docs/spec/10-storage.md.
 */
import { decodeBlock, payloadBytesOf } from '../../core/codec/block.ts';
import type { BlockId, MilestoneId } from '../../core/codec/ids.ts';
import { transactionIdOf } from '../../core/codec/transaction.ts';
import { assert } from '../../core/outcome.ts';
import type { Hasher } from '../../core/ports.ts';
import { BlockRepository, delBlock, delTransaction } from './block-repository.ts';
import type { KvBatch, KvStore } from './kv-store.ts';
import { delDiff, LedgerRepository } from './ledger-repository.ts';
import { delMilestone, MilestoneRepository } from './milestone-repository.ts';
import { putPruned, readNodeState, readPruned } from './node-state-repository.ts';
import { delSpentIndexed } from './output-index-repository.ts';
import { StoreError } from './store-error.ts';
import { delTaggedData } from './tagged-data-repository.ts';

/** What one step removed. */
export interface PruneStep {
  readonly index: number;
  readonly blocks: number;
  /** Of the blocks' bytes. */
  readonly bytes: number;
}

/** Blocks that are read at a time. */
const CHUNK = 512;

/**
 * Removes the first milestone that is left, which must not be the last one. Synced.
 * @param idOf id of an encoded milestone.
 */
export async function pruneMilestone(
  store: KvStore,
  idOf: (bytes: Uint8Array) => MilestoneId,
  hasher: Hasher,
): Promise<PruneStep> {
  const pruned = readPruned(store);
  const index = pruned.removedIndex + 1;
  const latest = readNodeState(store)?.index ?? 0;
  assert(index < latest, 'the last milestone is never pruned');
  const milestones = new MilestoneRepository(store);
  const bytes = milestones.bytes(index);
  if (bytes === undefined) throw new StoreError('corrupt', `milestone ${index} is missing`);
  const batch = store.batch();
  const cone = milestones.cone(index) ?? [];
  const size = await delCone(batch, store, { cone, index }, hasher);
  // Genesis spends nothing; its diff goes with the first milestone, and its milestone stays.
  const ledger = new LedgerRepository(store);
  for (const one of index === 1 ? [0, 1] : [index]) {
    const diff = ledger.diff(one);
    if (diff === undefined) continue;
    delDiff(batch, diff);
    for (const record of diff.consumed) delSpentIndexed(batch, record, hasher);
  }
  delMilestone(batch, index, idOf(bytes));
  putPruned(batch, { ...pruned, removedIndex: index });
  await batch.write({ sync: true });
  return { index, blocks: cone.length, bytes: size };
}

interface Cone {
  readonly cone: readonly BlockId[];
  readonly index: number;
}

/** Removes the blocks of a cone; returns the sum of their bytes. */
async function delCone(
  batch: KvBatch,
  store: KvStore,
  { cone, index }: Cone,
  hasher: Hasher,
): Promise<number> {
  const repository = new BlockRepository(store);
  let size = 0;
  for (let from = 0; from < cone.length; from += CHUNK) {
    const ids = cone.slice(from, from + CHUNK);
    const found = await repository.bytesOf(ids);
    ids.forEach((blockId, offset) => {
      const bytes = found.get(blockId);
      size += bytes?.length ?? 0;
      const place = { blockId, milestoneIndex: index, position: from + offset };
      delOne(batch, repository, place, bytes, hasher);
    });
  }
  return size;
}

type Place = Parameters<typeof delTaggedData>[2];

/** Removes one block with its entries. The cone of a snapshot names blocks that never came. */
function delOne(
  batch: KvBatch,
  blocks: BlockRepository,
  place: Place,
  bytes: Uint8Array | undefined,
  hasher: Hasher,
): void {
  const { blockId } = place;
  const decoded = bytes && decodeBlock(bytes);
  if (decoded?.ok === false) throw new StoreError('corrupt', `block ${blockId}`);
  const block = decoded?.value;
  delBlock(batch, blockId, block?.parents ?? []);
  if (bytes === undefined || block === undefined) return;
  const { payload } = block;
  if (payload?.kind === 'transaction') {
    const id = transactionIdOf(payloadBytesOf(bytes), hasher);
    // Another attachment of it may have the entry.
    if (blocks.transaction(id)?.blockId === blockId) delTransaction(batch, id);
  }
  const tagged = payload?.kind === 'transaction' ? payload.payload : payload;
  if (tagged?.kind === 'tagged-data') delTaggedData(batch, tagged.tag, place, hasher);
}
