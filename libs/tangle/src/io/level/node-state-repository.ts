/**
 * Where the node stands: the last milestone whose batch is on disk. Bucket: nodeState.
 * Path: milestone-batch.ts and the node's start → here → kv-store.ts.
 * Spec: docs/spec/10-storage.md.
 */
import type { MilestoneId } from '../../core/codec/ids.ts';
import { ID_LENGTH } from '../../core/codec/ids.ts';
import { Writer } from '../../core/codec/writer.ts';
import { keyOf } from './buckets.ts';
import type { KvBatch, KvStore } from './kv-store.ts';
import { decodeStored } from './stored.ts';

/** The last committed milestone and the ledger after it. */
export interface NodeState {
  readonly index: number;
  readonly id: MilestoneId;
  readonly timestampMs: number;
  /** Root of the state tree, 32 bytes. */
  readonly stateRoot: Uint8Array;
  /** Unspent outputs. */
  readonly unspentCount: number;
}

/** Names in the bucket, as key parts. */
const NAMES = { confirmed: Buffer.from('confirmed', 'ascii') } as const;

/** The state after the last batch; undefined for a store that has no genesis yet. */
export function readNodeState(store: KvStore): NodeState | undefined {
  const value = store.getSync(keyOf('nodeState', NAMES.confirmed));
  if (!value) return undefined;
  return decodeStored(value, 'node state', (reader) => ({
    index: reader.u32(),
    id: reader.hex(ID_LENGTH) as MilestoneId,
    timestampMs: reader.u53(),
    stateRoot: reader.bytes(32),
    unspentCount: reader.u32(),
  }));
}

/** Adds the state to a milestone's batch. */
export function putNodeState(batch: KvBatch, state: NodeState): void {
  const writer = new Writer(80);
  writer.u32(state.index);
  writer.hex(state.id, ID_LENGTH);
  writer.u53(state.timestampMs);
  writer.fixed(state.stateRoot, 32);
  writer.u32(state.unspentCount);
  batch.put(keyOf('nodeState', NAMES.confirmed), writer.finish());
}
