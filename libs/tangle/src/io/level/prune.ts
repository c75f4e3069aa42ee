/**
 * Removes one old milestone and everything that only it needs, in one atomic batch whose size goes
 * by that milestone alone: its blocks and what was said of them, their edges and index entries, its
 * cone, its diff, and the outputs that it spent. Outputs that it created stay until they are spent.
 * Path: apps/node pruning → here → the repositories → kv-store.ts. Spec: docs/spec/10-storage.md.
 */
import { decodeBlock, payloadBytesOf } from '../../core/codec/block.ts';
import type { BlockId, MilestoneId, TransactionId } from '../../core/codec/ids.ts';
import { transactionIdOf } from '../../core/codec/transaction.ts';
import { assert } from '../../core/outcome.ts';
import type { Hasher } from '../../core/ports.ts';
import type { Location } from '../segments/segment-files.ts';
import { delEdges, edgeRoot } from './block-index.ts';
import type { BlockRepository } from './block-repository.ts';
import { keyOf } from './buckets.ts';
import type { KvBatch, KvStore } from './kv-store.ts';
import { delDiff, LedgerRepository } from './ledger-repository.ts';
import type { MilestoneParts } from './milestone-batch.ts';
import { delMilestone, MilestoneRepository } from './milestone-repository.ts';
import { putPruned, readNodeState, readPruned } from './node-state-repository.ts';
import { delSpentIndexed } from './output-index-repository.ts';
import { StoreError } from './store-error.ts';
import { delTaggedData } from './tagged-data-repository.ts';
import { delTransaction } from './transaction-index.ts';

/** What one step removed. */
export interface PruneStep {
  readonly index: number;
  readonly blocks: number;
  /** Of the blocks' bytes. */
  readonly bytes: number;
}

/** Blocks that are read at a time. */
const CHUNK = 512;

/** What the blocks of a cone leave to be removed. */
interface Removed {
  readonly places: Location[];
  /** Transactions in them; each has an entry, which may name another attachment. */
  readonly transactions: [TransactionId, BlockId][];
}

/**
 * Removes the first milestone that is left, which must not be the last one. Synced; then the files
 * in which nothing is left are removed.
 * @param idOf id of an encoded milestone.
 */
export async function pruneMilestone(
  { store, blocks, filters }: MilestoneParts,
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
  const removed = await delCone(
    batch,
    { store, blocks },
    index,
    milestones.cone(index) ?? [],
    hasher,
  );
  // Genesis spends nothing; its diff goes with the first milestone, and its milestone stays.
  const ledger = new LedgerRepository(store);
  for (const one of index === 1 ? [0, 1] : [index]) {
    const diff = ledger.diff(one);
    if (diff === undefined) continue;
    delDiff(batch, diff);
    for (const record of diff.consumed) delSpentIndexed(batch, record, hasher);
  }
  delMilestone(batch, index, idOf(bytes));
  await filters?.prune(batch, index);
  putPruned(batch, { ...pruned, removedIndex: index });
  const { places, transactions } = removed;
  await blocks.writePruned(batch, places, () => delTransactions(batch, blocks, transactions));
  const size = places.reduce((sum, { length }) => sum + length, 0);
  return { index, blocks: places.length, bytes: size };
}

/**
 * Adds that the transactions of these blocks are gone. A milestone that is written while the blocks
 * are read may apply one of them in another attachment, so this comes last.
 */
async function delTransactions(
  batch: KvBatch,
  blocks: BlockRepository,
  transactions: Removed['transactions'],
): Promise<void> {
  for (let from = 0; from < transactions.length; from += CHUNK) {
    const some = transactions.slice(from, from + CHUNK);
    const entries = await blocks.transactions(some.map(([id]) => id));
    for (const [id, blockId] of some) {
      if (entries.get(id)?.blockId === blockId) delTransaction(batch, id);
    }
  }
}

/** Adds that the blocks of a cone are gone; returns where their bytes stand, and what they did. */
async function delCone(
  batch: KvBatch,
  { store, blocks }: { readonly store: KvStore; readonly blocks: BlockRepository },
  milestoneIndex: number,
  cone: readonly BlockId[],
  hasher: Hasher,
): Promise<Removed> {
  const removed: Removed = { places: [], transactions: [] };
  for (let from = 0; from < cone.length; from += CHUNK) {
    const ids = cone.slice(from, from + CHUNK);
    const entries = await blocks.entriesOf(ids);
    const contents = await blocks.bytesOf(ids);
    const roots = Array.from(entries, ([id, { location }]) => edgeRoot(id, location));
    await delEdges(batch, store, roots);
    ids.forEach((blockId, offset) => {
      batch.del(keyOf('blocks', blockId));
      const location = entries.get(blockId)?.location;
      // The cone of a snapshot names blocks that never came.
      if (location === undefined) return;
      removed.places.push(location);
      const bytes = contents.get(blockId);
      assert(bytes !== undefined, 'the blocks of a milestone are stored');
      const place = { blockId, milestoneIndex, position: from + offset };
      const transactionId = delFacts(batch, place, bytes, hasher);
      if (transactionId !== undefined) removed.transactions.push([transactionId, blockId]);
    });
  }
  return removed;
}

/** Adds that the tag of one block is gone; returns the id of the transaction in it. */
function delFacts(
  batch: KvBatch,
  place: Parameters<typeof delTaggedData>[2],
  bytes: Uint8Array,
  hasher: Hasher,
): TransactionId | undefined {
  const { blockId } = place;
  const decoded = decodeBlock(bytes);
  if (!decoded.ok) throw new StoreError('corrupt', `block ${blockId}`);
  const { payload } = decoded.value;
  const tagged = payload?.kind === 'transaction' ? payload.payload : payload;
  if (tagged?.kind === 'tagged-data') delTaggedData(batch, tagged.tag, place, hasher);
  if (payload?.kind !== 'transaction') return undefined;
  return transactionIdOf(payloadBytesOf(bytes), hasher);
}
