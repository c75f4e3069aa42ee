/**
 * Where the node stands: the last milestone whose batch is on disk. Bucket: nodeState.
 * Path: milestone-batch.ts and the node's start → here → kv-store.ts.
 * Spec: docs/spec/10-storage.md.
 */
import type { MilestoneId } from '../../core/codec/ids.ts';
import { ID_LENGTH } from '../../core/codec/ids.ts';
import { Writer } from '../../core/codec/writer.ts';
import { keyOf } from './buckets.ts';
import type { KvBatch, KvReader } from './kv-store.ts';
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

/** What is not there any more, or never was. */
export interface Pruned {
  /** Milestones 1 up to here were removed; 0 when none was. */
  readonly removedIndex: number;
  /** Milestone of the snapshot that the store began with; 0 when it began with genesis. */
  readonly entryIndex: number;
}

/** Names in the bucket, as key parts. */
const NAMES = {
  confirmed: Buffer.from('confirmed', 'ascii'),
  pruned: Buffer.from('pruned', 'ascii'),
} as const;

/** The state after the last batch; undefined for a store that has no genesis yet. */
export function readNodeState(store: KvReader): NodeState | undefined {
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

/** What was pruned; nothing, for a store that does not say. */
export function readPruned(store: KvReader): Pruned {
  const value = store.getSync(keyOf('nodeState', NAMES.pruned));
  if (!value) return { removedIndex: 0, entryIndex: 0 };
  return decodeStored(value, 'pruned index', (reader) => ({
    removedIndex: reader.u32(),
    entryIndex: reader.u32(),
  }));
}

/** Adds what was pruned to a batch. */
export function putPruned(batch: KvBatch, { removedIndex, entryIndex }: Pruned): void {
  const writer = new Writer(8);
  writer.u32(removedIndex);
  writer.u32(entryIndex);
  batch.put(keyOf('nodeState', NAMES.pruned), writer.finish());
}
