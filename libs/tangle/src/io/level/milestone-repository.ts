/**
 * Final milestones, the blocks that each newly referenced, and proof of a validators' fork.
 * Buckets: milestones, milestoneIds, cones, milestoneSummaries, evidence.
 * Path: confirmation, sync and API of the node → here → kv-store.ts. Spec: docs/spec/10-storage.md.
 */
import type { BlockId, MilestoneId } from '../../core/codec/ids.ts';
import { ID_LENGTH } from '../../core/codec/ids.ts';
import { Writer } from '../../core/codec/writer.ts';
import { BUCKETS, keyOf, prefixRange, u32InKey } from './buckets.ts';
import type { KvBatch, KvReader, KvStore } from './kv-store.ts';
import { decodeStored } from './stored.ts';

/** What the events and the API say of a milestone without decoding it. */
export interface MilestoneSummary {
  readonly timestampMs: number;
  /** Newly referenced blocks. */
  readonly blocks: number;
  /** Transactions among them that changed the ledger. */
  readonly applied: number;
  /** Transactions among them that conflicted. */
  readonly conflicting: number;
}

/** A milestone as the batch writes it. */
export interface StoredMilestone {
  readonly index: number;
  readonly id: MilestoneId;
  readonly bytes: Uint8Array;
  readonly cone: readonly BlockId[];
  readonly summary: MilestoneSummary;
}

export class MilestoneRepository {
  readonly #store: KvReader;

  constructor(store: KvReader) {
    this.#store = store;
  }

  /** The encoded milestone with its certificate; undefined when unknown or pruned. */
  bytes(index: number): Uint8Array | undefined {
    return this.#store.getSync(keyOf('milestones', index));
  }

  /** Milestones `from`, `from + 1`, … as far as they follow each other, at most `count`. */
  async range(from: number, count: number): Promise<Uint8Array[]> {
    const keys = Array.from({ length: count }, (_, i) => keyOf('milestones', from + i));
    const values = await this.#store.getMany(keys);
    const end = values.indexOf(undefined);
    return values.slice(0, end === -1 ? count : end) as Uint8Array[];
  }

  indexOf(id: MilestoneId): number | undefined {
    const value = this.#store.getSync(keyOf('milestoneIds', id));
    return value && decodeStored(value, 'milestone id', (reader) => reader.u32());
  }

  /** Ids of the newly referenced blocks in white-flag order; undefined when unknown or pruned. */
  cone(index: number): BlockId[] | undefined {
    const value = this.#store.getSync(keyOf('cones', index));
    return value && decodeCone(value);
  }

  summary(index: number): MilestoneSummary | undefined {
    const value = this.#store.getSync(keyOf('milestoneSummaries', index));
    return value && decodeSummary(value);
  }

  /** The least index whose milestone is stored: what a pruned node can still serve. */
  async firstIndex(): Promise<number | undefined> {
    const range = prefixRange(Uint8Array.of(BUCKETS.milestones.number));
    for await (const [key] of this.#store.iterate({ ...range, limit: 1 })) return u32InKey(key, 0);
    return undefined;
  }

  /** What was kept, by index and id. */
  async evidence(): Promise<{ index: number; bytes: Uint8Array }[]> {
    const range = prefixRange(Uint8Array.of(BUCKETS.evidence.number));
    const found: { index: number; bytes: Uint8Array }[] = [];
    for await (const [key, bytes] of this.#store.iterate(range)) {
      found.push({ index: u32InKey(key, 0), bytes });
    }
    return found;
  }
}

/** Keeps two certified milestones of one index, synced: proof that validators forked. */
export async function saveEvidence(
  store: KvStore,
  index: number,
  milestones: readonly { readonly id: MilestoneId; readonly bytes: Uint8Array }[],
): Promise<void> {
  const batch = store.batch();
  for (const { id, bytes } of milestones) batch.put(keyOf('evidence', index, id), bytes);
  await batch.write({ sync: true });
}

/** Adds to a batch that a milestone is gone. */
export function delMilestone(batch: KvBatch, index: number, id: MilestoneId): void {
  batch.del(keyOf('milestones', index)).del(keyOf('milestoneIds', id));
  batch.del(keyOf('cones', index)).del(keyOf('milestoneSummaries', index));
}

/** Adds a milestone to its batch. */
export function putMilestone(batch: KvBatch, milestone: StoredMilestone): void {
  const { index, id, bytes, cone, summary } = milestone;
  const indexWriter = new Writer(4);
  indexWriter.u32(index);
  batch.put(keyOf('milestones', index), bytes);
  batch.put(keyOf('milestoneIds', id), indexWriter.finish());
  batch.put(keyOf('cones', index), Buffer.from(cone.join(''), 'hex'));
  batch.put(keyOf('milestoneSummaries', index), encodeSummary(summary));
}

function decodeCone(value: Uint8Array): BlockId[] {
  return decodeStored(value, 'cone', (reader) => {
    const ids: BlockId[] = [];
    while (reader.remaining > 0) ids.push(reader.hex(ID_LENGTH) as BlockId);
    return ids;
  });
}

function encodeSummary(summary: MilestoneSummary): Uint8Array {
  const writer = new Writer(20);
  writer.u53(summary.timestampMs);
  writer.u32(summary.blocks);
  writer.u32(summary.applied);
  writer.u32(summary.conflicting);
  return writer.finish();
}

function decodeSummary(value: Uint8Array): MilestoneSummary {
  return decodeStored(value, 'milestone summary', (reader) => ({
    timestampMs: reader.u53(),
    blocks: reader.u32(),
    applied: reader.u32(),
    conflicting: reader.u32(),
  }));
}
