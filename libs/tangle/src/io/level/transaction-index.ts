/**
 * In which block a transaction stands. Bucket: transactions.
 * Path: milestone-batch.ts, prune.ts and block-repository.ts → here → kv-store.ts.
 * Spec: docs/spec/10-storage.md.
 */
import type { BlockId, TransactionId } from '../../core/codec/ids.ts';
import { ID_LENGTH } from '../../core/codec/ids.ts';
import { Writer } from '../../core/codec/writer.ts';
import { keyOf } from './buckets.ts';
import type { KvBatch } from './kv-store.ts';
import { decodeStored } from './stored.ts';

/** Where a transaction stands. */
export interface TransactionEntry {
  readonly blockId: BlockId;
  /** True for the block in which it was applied, false for one in which it conflicted. */
  readonly applied: boolean;
}

/** Adds that nothing is known of a transaction any more. */
export function delTransaction(batch: KvBatch, id: TransactionId): void {
  batch.del(keyOf('transactions', id));
}

/** Adds to a milestone's batch where a transaction stands. */
export function putTransaction(
  batch: KvBatch,
  id: TransactionId,
  { applied, blockId }: TransactionEntry,
): void {
  const writer = new Writer(33);
  writer.u8(applied ? 1 : 0);
  writer.hex(blockId, ID_LENGTH);
  batch.put(keyOf('transactions', id), writer.finish());
}

/** The opposite; throws StoreError `corrupt`. */
export function decodeTransactionEntry(value: Uint8Array): TransactionEntry {
  return decodeStored(value, 'transaction entry', (reader) => {
    const applied = reader.u8() === 1;
    return { applied, blockId: reader.hex(ID_LENGTH) as BlockId };
  });
}
