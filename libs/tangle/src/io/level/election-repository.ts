/**
 * The milestones that named another committee, by the epoch for which they did. They outlive
 * pruning: whoever knows the genesis committee proves with them, one after the other, who certifies
 * today. Bucket: elections.
 * Path: milestone-batch.ts, ledger-import.ts → here → kv-store.ts; the node's committees read it.
 * Spec: docs/spec/10-storage.md §2.
 */
import { decodeMilestone } from '../../core/codec/milestone.ts';
import { BUCKETS, keyOf, prefixRange, u32InKey } from './buckets.ts';
import type { KvBatch, KvReader } from './kv-store.ts';
import { StoreError } from './store-error.ts';

/** A milestone that names the committee of `epoch`. */
export interface StoredElection {
  /** The first epoch that the named committee certifies. */
  readonly epoch: number;
  /** The encoded milestone with its certificate. */
  readonly bytes: Uint8Array;
}

/** All of them, ascending. */
export async function readElections(store: KvReader): Promise<StoredElection[]> {
  const found: StoredElection[] = [];
  const range = prefixRange(Uint8Array.of(BUCKETS.elections.number));
  for await (const [key, bytes] of store.iterate(range)) {
    found.push({ epoch: u32InKey(key, 0), bytes });
  }
  return found;
}

/** The committee that a stored election names. Throws StoreError `corrupt`. */
export function committeeIn({ epoch, bytes }: StoredElection): readonly Uint8Array[] {
  const decoded = decodeMilestone(bytes);
  const committee = decoded.ok ? decoded.value.body.options.nextCommittee : undefined;
  if (committee === undefined) throw new StoreError('corrupt', `the election of epoch ${epoch}`);
  return committee;
}

/** Adds a milestone that names a committee. */
export function putElection(batch: KvBatch, { epoch, bytes }: StoredElection): void {
  batch.put(keyOf('elections', epoch), bytes);
}
