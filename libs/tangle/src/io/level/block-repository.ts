/**
 * Blocks as they came, what milestones said of them, and who stands on whom. Buckets: blocks,
 * blockMeta, unreferenced, children, transactions.
 * Path: apps/node processor and API → here → kv-store.ts. Spec: docs/spec/10-storage.md.
 */
import { Writer } from '../../core/codec/writer.ts';
import type { BlockId, TransactionId } from '../../core/codec/ids.ts';
import { ID_LENGTH } from '../../core/codec/ids.ts';
import type { ConflictCode } from '../../core/ledger/conflict.ts';
import { CONFLICT } from '../../core/ledger/conflict.ts';
import { BUCKETS, hexInKey, keyOf, prefixRange } from './buckets.ts';
import type { KvBatch, KvStore } from './kv-store.ts';
import { StoreError } from './store-error.ts';
import { decodeStored, mapFound } from './stored.ts';

/** What a block's transaction did to the ledger; the numbers stand in the store. */
const STATES = ['no-transaction', 'applied', 'conflicting'] as const;
export type BlockState = (typeof STATES)[number];

/** What the milestone that referenced a block decided. */
export interface BlockMeta {
  readonly milestoneIndex: number;
  /** Place in the milestone's white-flag order, from 0. */
  readonly position: number;
  readonly state: BlockState;
  /** 0 unless the state is `conflicting`. */
  readonly conflict: ConflictCode;
}

/** A block as the processor hands it over; `CheckedBlock` of the core is one. */
export interface StorableBlock {
  readonly id: BlockId;
  readonly bytes: Uint8Array;
  readonly block: { readonly parents: readonly BlockId[] };
}

/** Where a transaction stands. */
export interface TransactionEntry {
  readonly blockId: BlockId;
  /** True for the block in which it was applied, false for one in which it conflicted. */
  readonly applied: boolean;
}

const NOTHING = new Uint8Array();
const KNOWN_CONFLICTS: ReadonlySet<number> = new Set(
  Object.values(CONFLICT).map(({ code }) => code),
);

export class BlockRepository {
  readonly #store: KvStore;

  constructor(store: KvStore) {
    this.#store = store;
  }

  /** A block's bytes; undefined when the store does not have it. */
  bytes(id: BlockId): Uint8Array | undefined {
    return this.#store.getSync(keyOf('blocks', id));
  }

  has(id: BlockId): boolean {
    return this.bytes(id) !== undefined;
  }

  /** The bytes of those blocks that the store has. */
  async bytesOf(ids: readonly BlockId[]): Promise<Map<BlockId, Uint8Array>> {
    const values = await this.#store.getMany(ids.map((id) => keyOf('blocks', id)));
    return mapFound(ids, values, (value) => value);
  }

  /**
   * Writes solid or waiting blocks of gossip and sync: bytes, edges and the mark "unreferenced".
   * Not synced, because a lost block can be fetched again; one batch, so that no half is left.
   * Nothing is read first: a copy of a block that a milestone references has the same bytes and
   * edges, and the mark that it leaves is passed over by `unreferenced`.
   * @param arrivalIndex index of the latest milestone; pruning goes by it.
   */
  async save(blocks: readonly StorableBlock[], arrivalIndex: number): Promise<void> {
    if (blocks.length === 0) return;
    const batch = this.#store.batch();
    const arrival = encodeU32(arrivalIndex);
    for (const { id, bytes, block } of blocks) {
      batch.put(keyOf('blocks', id), bytes);
      batch.put(keyOf('unreferenced', id), arrival);
      for (const parent of block.parents) batch.put(keyOf('children', parent, id), NOTHING);
    }
    await batch.write({ sync: false });
  }

  /** What a milestone said of the block; undefined while none has referenced it. */
  meta(id: BlockId): BlockMeta | undefined {
    const value = this.#store.getSync(keyOf('blockMeta', id));
    return value && decodeMeta(value);
  }

  /** The same for many; blocks without an entry are left out. */
  async metaOf(ids: readonly BlockId[]): Promise<Map<BlockId, BlockMeta>> {
    const values = await this.#store.getMany(ids.map((id) => keyOf('blockMeta', id)));
    return mapFound(ids, values, decodeMeta);
  }

  /** Stored blocks that have `id` among their parents, by id, at most `limit`. */
  async children(id: BlockId, limit: number): Promise<BlockId[]> {
    const range = prefixRange(keyOf('children', id));
    const found: BlockId[] = [];
    for await (const [key] of this.#store.iterate({ ...range, limit })) {
      found.push(hexInKey(key, ID_LENGTH, ID_LENGTH) as BlockId);
    }
    return found;
  }

  /** All stored blocks that no milestone has referenced, by id: what a start puts into the DAG. */
  async *unreferenced(): AsyncGenerator<{ id: BlockId; arrivalIndex: number }> {
    const range = prefixRange(Uint8Array.of(BUCKETS.unreferenced.number));
    for await (const [key, value] of this.#store.iterate(range)) {
      const id = hexInKey(key, 0, ID_LENGTH) as BlockId;
      // A copy that was saved while its milestone was committed leaves a mark that says nothing.
      if (this.meta(id) !== undefined) continue;
      const arrivalIndex = decodeStored(value, 'unreferenced', (reader) => reader.u32());
      yield { id, arrivalIndex };
    }
  }

  /** Forgets blocks that can no longer be confirmed. Referenced ones among them are kept. */
  async deleteUnreferenced(blocks: readonly StorableBlock[]): Promise<void> {
    const referenced = await this.metaOf(blocks.map(({ id }) => id));
    const batch = this.#store.batch();
    for (const { id, block } of blocks) {
      if (referenced.has(id)) continue;
      batch.del(keyOf('blocks', id)).del(keyOf('unreferenced', id));
      for (const parent of block.parents) batch.del(keyOf('children', parent, id));
    }
    await batch.write({ sync: false });
  }

  /** The block of a transaction: the one in which it was applied, else the first referenced one. */
  transaction(id: TransactionId): TransactionEntry | undefined {
    const value = this.#store.getSync(keyOf('transactions', id));
    return value && decodeTransactionEntry(value);
  }

  /** The same for many; unknown ones are left out. */
  async transactions(ids: readonly TransactionId[]): Promise<Map<TransactionId, TransactionEntry>> {
    const values = await this.#store.getMany(ids.map((id) => keyOf('transactions', id)));
    return mapFound(ids, values, decodeTransactionEntry);
  }
}

/** Adds to a milestone's batch that it referenced a block. */
export function putBlockMeta(batch: KvBatch, id: BlockId, meta: BlockMeta): void {
  const writer = new Writer(10);
  writer.u32(meta.milestoneIndex);
  writer.u32(meta.position);
  writer.u8(STATES.indexOf(meta.state));
  writer.u8(meta.conflict);
  batch.put(keyOf('blockMeta', id), writer.finish());
  batch.del(keyOf('unreferenced', id));
}

/** Adds to a batch that a referenced block is gone, with the edges to its parents. */
export function delBlock(batch: KvBatch, id: BlockId, parents: readonly BlockId[]): void {
  batch.del(keyOf('blocks', id)).del(keyOf('blockMeta', id)).del(keyOf('unreferenced', id));
  for (const parent of parents) batch.del(keyOf('children', parent, id));
}

/** Adds to a batch that nothing is known of a transaction any more. */
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

function decodeMeta(value: Uint8Array): BlockMeta {
  return decodeStored(value, 'block meta', (reader) => {
    const [milestoneIndex, position] = [reader.u32(), reader.u32()];
    const state = STATES[reader.u8()];
    const code = reader.u8();
    if (state === undefined || !KNOWN_CONFLICTS.has(code))
      throw new StoreError('corrupt', 'block meta');
    return { milestoneIndex, position, state, conflict: code as ConflictCode };
  });
}

function decodeTransactionEntry(value: Uint8Array): TransactionEntry {
  return decodeStored(value, 'transaction entry', (reader) => {
    const applied = reader.u8() === 1;
    return { applied, blockId: reader.hex(ID_LENGTH) as BlockId };
  });
}

function encodeU32(value: number): Uint8Array {
  const writer = new Writer(4);
  writer.u32(value);
  return writer.finish();
}
