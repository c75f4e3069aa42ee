/**
 * Blocks as they came, what milestones said of them, and who stands on whom. The bytes stand in
 * segment files; the store knows the blocks that a milestone referenced, and the memory the others,
 * which a start finds again in the last segments.
 * Buckets: blocks, children, segments, transactions.
 * Path: apps/node processor and API → here → io/segments and kv-store.ts.
 * Spec: docs/spec/10-storage.md.
 */
import type { BlockId, TransactionId } from '../../core/codec/ids.ts';
import { blockIdFromBytes, GENESIS_BLOCK_ID } from '../../core/codec/ids.ts';
import type { PayloadKind } from '../../core/codec/payload.ts';
import { assert } from '../../core/outcome.ts';
import type { Hasher } from '../../core/ports.ts';
import type { Location, Position, SegmentOptions } from '../segments/segment-files.ts';
import { comparePositions, SegmentFiles } from '../segments/segment-files.ts';
import type { BlockEntry, BlockMeta } from './block-index.ts';
import {
  decodeEntry,
  edgeRoot,
  edgesBelow,
  kindOf,
  parentsIn,
  putEdge,
  putEntry,
  putTail,
} from './block-index.ts';
import type { FreshBlock } from './block-recovery.ts';
import { recoverBlocks } from './block-recovery.ts';
import { keyOf } from './buckets.ts';
import type { KvBatch, KvStore } from './kv-store.ts';
import { SegmentUses } from './segment-uses.ts';
import { type StoreError, toStoreError } from './store-error.ts';
import { mapFound } from './stored.ts';
import type { TransactionEntry } from './transaction-index.ts';
import { decodeTransactionEntry } from './transaction-index.ts';

export type { BlockMeta, BlockState } from './block-index.ts';

/** A block as the processor hands it over; `CheckedBlock` of the core is one. */
export interface StorableBlock {
  readonly id: BlockId;
  readonly bytes: Uint8Array;
  readonly block: { readonly parents: readonly BlockId[] };
}

/** What is known of a stored block beside its payload. */
export interface BlockHead {
  readonly parents: readonly BlockId[];
  /** Undefined while no milestone has referenced it. */
  readonly meta: BlockMeta | undefined;
}

/** Ids that a caller asked for and that were not there: `save` need not ask again. */
const MAX_ABSENT = 4_096;
/**
 * Bytes behind the end at which a block that is still unreferenced is written once more. A start
 * reads from the oldest one on, and an old segment would stay for its sake.
 */
const MAX_STRAGGLE_SEGMENTS = 4;
/** Blocks that are carried on at a time. */
const MAX_CARRIED = 64;
/** Blocks of which the parents are read at a time: at most 8 MiB of bytes. */
const HEADS_CHUNK = 256;
/** Children that are read at a time. */
const CHILDREN_CHUNK = 64;

export class BlockRepository {
  readonly #store: KvStore;
  readonly #files: SegmentFiles;
  readonly #hasher: Hasher;
  readonly #uses: SegmentUses;
  /** Blocks that no milestone has referenced, as many as the DAG holds, in the order of places. */
  readonly #fresh: Map<BlockId, FreshBlock>;
  /** Where appends under way began. */
  readonly #appending = new Set<Position>();
  readonly #absent = new Set<BlockId>();
  /** Counts milestones, so that an answer from before one is not remembered after it. */
  #generation = 0;
  /** Everything before it is on the disk. */
  #synced: Position;
  /** Blocks were written once more, and no sync has covered their new places. */
  #hasCarried = false;
  /** Milestones, pruning and syncs one after the other: what they note of segments is the same. */
  #writes: Promise<void> = Promise.resolve();

  private constructor(
    store: KvStore,
    files: SegmentFiles,
    hasher: Hasher,
    recovered: { fresh: Map<BlockId, FreshBlock>; uses: SegmentUses; synced: Position },
  ) {
    this.#store = store;
    this.#files = files;
    this.#hasher = hasher;
    this.#fresh = recovered.fresh;
    this.#uses = recovered.uses;
    this.#synced = recovered.synced;
  }

  /**
   * Opens the segments in `folder` beside `store` and repairs what a crash left there. Throws
   * StoreError: `corrupt` when a block that a milestone references is missing.
   */
  static async open(
    store: KvStore,
    folder: string,
    hasher: Hasher,
    options: SegmentOptions = {},
  ): Promise<BlockRepository> {
    return await guarded(async () => {
      const files = await SegmentFiles.open(folder, options);
      try {
        const { fresh, uses, synced } = await recoverBlocks(store, files, hasher);
        const recovered = { fresh, uses: new SegmentUses(uses, fresh.values()), synced };
        return new BlockRepository(store, files, hasher, recovered);
      } catch (error) {
        await files.close();
        throw error;
      }
    });
  }

  /** Waits for writes under way. The store stays open. */
  async close(): Promise<void> {
    await this.#writes;
    await this.#files.close();
  }

  /** A block's bytes; undefined when the store does not have it. */
  bytes(id: BlockId): Uint8Array | undefined {
    const location = this.#fresh.get(id)?.location ?? this.entry(id)?.location;
    if (location === undefined) return undefined;
    try {
      return this.#files.read(location);
    } catch (error) {
      throw toStoreError(error);
    }
  }

  has(id: BlockId): boolean {
    return this.#fresh.has(id) || this.entry(id)?.location !== undefined;
  }

  /** The bytes of those blocks that the store has. */
  async bytesOf(ids: readonly BlockId[]): Promise<Map<BlockId, Uint8Array>> {
    // Before anything is awaited: a milestone may turn fresh blocks into referenced ones meanwhile.
    const places = new Map<BlockId, Location>();
    const others: BlockId[] = [];
    for (const id of ids) {
      const fresh = this.#fresh.get(id);
      if (fresh) places.set(id, fresh.location);
      else others.push(id);
    }
    for (const [id, { location }] of await this.entriesOf(others)) {
      if (location) places.set(id, location);
    }
    const contents = await guarded(() => this.#files.readMany([...places.values()]));
    return mapFound([...places.keys()], contents, (content) => content);
  }

  /** Parents and milestone of those blocks that the store has; not all their bytes at once. */
  async heads(ids: readonly BlockId[]): Promise<Map<BlockId, BlockHead>> {
    const heads = new Map<BlockId, BlockHead>();
    const others: BlockId[] = [];
    for (const id of ids) {
      const fresh = this.#fresh.get(id);
      if (fresh) heads.set(id, { parents: fresh.parents, meta: undefined });
      else others.push(id);
    }
    const entries = [...(await this.entriesOf(others))];
    for (let at = 0; at < entries.length; at += HEADS_CHUNK) {
      const places = entries.slice(at, at + HEADS_CHUNK).flatMap(([id, { location, meta }]) => {
        return location ? [{ id, location, meta }] : [];
      });
      const locations = places.map(({ location }) => location);
      const contents = await guarded(() => this.#files.readMany(locations));
      places.forEach(({ id, meta }, index) => {
        const content = contents[index];
        if (content) heads.set(id, { parents: parentsIn(content), meta });
      });
    }
    return heads;
  }

  /** What a stored block carries: null for nothing, and for a block that is not stored. */
  kind(id: BlockId): PayloadKind | null {
    return (this.#fresh.get(id) ?? this.entry(id))?.kind ?? null;
  }

  /**
   * Writes solid or waiting blocks of gossip and sync; those that are there already are left out.
   * Not synced, because a lost block can be fetched again: `sync` and the next milestone do it.
   */
  async save(blocks: readonly StorableBlock[]): Promise<void> {
    const asked = blocks.filter(({ id }) => !this.#fresh.has(id) && !this.#absent.has(id));
    const known = asked.length === 0 ? new Map() : await this.metaOf(asked.map(({ id }) => id));
    const fresh = blocks.filter(({ id }) => !this.#fresh.has(id) && !known.has(id));
    if (fresh.length === 0) return;
    for (const { id } of fresh) this.#absent.delete(id);
    const locations = await this.#append(fresh.map(({ bytes }) => bytes));
    fresh.forEach(({ id, bytes, block: { parents } }, index) => {
      const location = locations[index];
      assert(location !== undefined, 'every block got its place');
      // Saved twice at once: the first copy may have been synced already, so it is the one to keep.
      if (!this.#fresh.has(id)) this.#addFresh(id, { location, parents, kind: kindOf(bytes) });
    });
  }

  /**
   * Which of these blocks a milestone has referenced. Only those that `isDoubtful` are looked up;
   * of the others the caller knows that none has.
   */
  async referenced(
    blocks: readonly StorableBlock[],
    isDoubtful: (block: StorableBlock) => boolean,
  ): Promise<ReadonlySet<BlockId>> {
    const asked: BlockId[] = [];
    const sure: BlockId[] = [];
    for (const block of blocks) (isDoubtful(block) ? asked : sure).push(block.id);
    this.#noteAbsent(sure, new Map());
    return asked.length === 0 ? new Set() : new Set((await this.metaOf(asked)).keys());
  }

  /** The entry of a referenced block; undefined while no milestone has referenced it. */
  entry(id: BlockId): BlockEntry | undefined {
    const value = this.#store.getSync(keyOf('blocks', id));
    return value && decodeEntry(value);
  }

  /** The same for many; blocks without an entry are left out. */
  async entriesOf(ids: readonly BlockId[]): Promise<Map<BlockId, BlockEntry>> {
    const values = await this.#store.getMany(ids.map((id) => keyOf('blocks', id)));
    return mapFound(ids, values, decodeEntry);
  }

  /** What a milestone said of the block; undefined while none has referenced it. */
  meta(id: BlockId): BlockMeta | undefined {
    return this.entry(id)?.meta;
  }

  /** The same for many; blocks without it are left out. */
  async metaOf(ids: readonly BlockId[]): Promise<Map<BlockId, BlockMeta>> {
    const generation = this.#generation;
    const entries = await this.entriesOf(ids);
    if (generation === this.#generation) this.#noteAbsent(ids, entries);
    return new Map(Array.from(entries, ([id, { meta }]) => [id, meta]));
  }

  /**
   * Stored blocks that have `id` among their parents, at most `limit`: those that a milestone
   * references in the order of arrival, then the others.
   */
  async children(id: BlockId, limit: number): Promise<BlockId[]> {
    const found: BlockId[] = [];
    let chunk: Location[] = [];
    const flush = async (): Promise<void> => {
      const contents = await guarded(() => this.#files.readMany(chunk));
      chunk = [];
      for (const content of contents) {
        // The key may have a part of the parent's id only.
        if (!content || !parentsIn(content).includes(id)) continue;
        found.push(blockIdFromBytes(this.#hasher.blake2b256(content)));
      }
    };
    const entry = this.entry(id);
    // The child of a block without an entry has none either, but for those of genesis.
    if (entry || id === GENESIS_BLOCK_ID) {
      for await (const location of edgesBelow(this.#store, edgeRoot(id, entry?.location))) {
        chunk.push(location);
        if (chunk.length === CHILDREN_CHUNK) await flush();
        if (found.length >= limit) break;
      }
    }
    await flush();
    for (const [child, { parents }] of this.#fresh) {
      if (found.length >= limit) break;
      if (parents.includes(id)) found.push(child);
    }
    return found.slice(0, limit);
  }

  /** All stored blocks that no milestone has referenced: what a start puts into the DAG. */
  *unreferenced(): Generator<{ readonly id: BlockId; readonly parents: readonly BlockId[] }> {
    for (const [id, { parents }] of this.#fresh) yield { id, parents };
  }

  /** Forgets blocks that can no longer be confirmed. Referenced ones among them are kept. */
  forget(ids: readonly BlockId[]): void {
    for (const id of ids) this.#removeFresh(id);
  }

  /** What was saved before survives a cut of the power; done before a vote (15-consensus §9). */
  async sync(): Promise<void> {
    await this.#exclusive(() => this.#syncFiles());
  }

  /**
   * Completes and writes the batch of a milestone that references these blocks: the segments are
   * synced first, so that nothing a milestone references can be missing. Synced.
   */
  async writeMilestone(batch: KvBatch, cone: ReadonlyMap<BlockId, BlockMeta>): Promise<void> {
    await this.#exclusive(async () => {
      await this.#syncFiles();
      const used: Location[] = [];
      const rootOf = await this.#edgeRoots(cone);
      for (const [id, meta] of cone) {
        const { location, parents, kind } = this.#freshOf(id);
        putEntry(batch, id, { location, kind, meta });
        for (const parent of parents) {
          const root = rootOf(parent);
          if (root) putEdge(batch, root, location);
        }
        used.push(location);
      }
      const uses = this.#uses.plus(batch, used);
      putTail(batch, { synced: this.#synced, oldest: this.#oldest(cone) });
      await this.#change(() => batch.write({ sync: true }));
      this.#uses.set(uses);
      this.#generation++;
      for (const id of cone.keys()) this.#removeFresh(id);
      await this.#removeUnused();
      await this.#carry({ segment: this.#files.end.segment - MAX_STRAGGLE_SEGMENTS, offset: 0 });
    });
  }

  /**
   * Completes and writes a batch that removes the referenced blocks at these places. Synced.
   * @param complete adds what a milestone that was written meanwhile may have changed.
   */
  async writePruned(
    batch: KvBatch,
    removed: readonly Location[],
    complete: () => Promise<void>,
  ): Promise<void> {
    await this.#exclusive(async () => {
      await complete();
      // A start reads from the oldest unreferenced block on, and would take what stands behind it
      // without an entry for unreferenced too. So it has to move behind all that was removed.
      const last = removed.toSorted(comparePositions).at(-1);
      if (last) await this.#carryAll(last);
      // Their old places are passed over from now on, and the files there may go.
      if (this.#hasCarried) await this.#syncFiles();
      putTail(batch, { synced: this.#synced, oldest: this.#oldest() });
      const uses = this.#uses.minus(batch, removed);
      await this.#change(() => batch.write({ sync: true }));
      this.#uses.set(uses);
      this.#generation++;
      await this.#removeUnused();
    });
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

  #freshOf(id: BlockId): FreshBlock {
    const fresh = this.#fresh.get(id);
    assert(fresh !== undefined, 'every block of a milestone is stored');
    return fresh;
  }

  /** What the edges to these blocks' parents are kept under; undefined for a pruned parent. */
  async #edgeRoots(
    cone: ReadonlyMap<BlockId, unknown>,
  ): Promise<(parent: BlockId) => Uint8Array | undefined> {
    const roots = new Map<BlockId, Uint8Array>([
      [GENESIS_BLOCK_ID, edgeRoot(GENESIS_BLOCK_ID, undefined)],
    ]);
    const outside = new Set<BlockId>();
    for (const id of cone.keys()) {
      const { location, parents } = this.#freshOf(id);
      roots.set(id, edgeRoot(id, location));
      for (const parent of parents) if (!cone.has(parent)) outside.add(parent);
    }
    for (const [id, { location }] of await this.entriesOf([...outside])) {
      roots.set(id, edgeRoot(id, location));
    }
    return (parent) => roots.get(parent);
  }

  async #syncFiles(): Promise<void> {
    this.#hasCarried = false;
    this.#synced = await this.#change(() => this.#files.sync());
  }

  async #exclusive(write: () => Promise<void>): Promise<void> {
    const done = this.#writes.then(write);
    this.#writes = done.catch(() => undefined);
    await done;
  }

  /** After a failed write neither part of the store takes another one. */
  async #change<T>(change: () => Promise<T>): Promise<T> {
    return await guarded(change, (failure) => {
      if (failure.code === 'closed') return;
      this.#files.refuse(failure);
      this.#store.refuse(failure);
    });
  }

  async #append(contents: readonly Uint8Array[]): Promise<Location[]> {
    const start = this.#files.end;
    this.#appending.add(start);
    try {
      return await this.#change(() => this.#files.append(contents));
    } finally {
      this.#appending.delete(start);
    }
  }

  #addFresh(id: BlockId, fresh: FreshBlock): void {
    this.#fresh.set(id, fresh);
    this.#uses.addFresh(fresh.location.segment);
  }

  #removeFresh(id: BlockId): void {
    const fresh = this.#fresh.get(id);
    if (fresh === undefined) return;
    this.#fresh.delete(id);
    this.#uses.removeFresh(fresh.location.segment);
  }

  /** Place of the oldest block that stays unreferenced, at most the end of what is synced. */
  #oldest(cone: ReadonlyMap<BlockId, unknown> = new Map()): Position {
    let oldest = this.#synced;
    for (const start of this.#appending) if (comparePositions(start, oldest) < 0) oldest = start;
    for (const [id, { location }] of this.#fresh) {
      if (cone.has(id)) continue;
      const { segment, offset } = location;
      return comparePositions(location, oldest) < 0 ? { segment, offset } : oldest;
    }
    return oldest;
  }

  /** Removes the files in which nothing is used; the last one still grows. */
  async #removeUnused(): Promise<void> {
    const keep = [this.#files.end, ...this.#appending].map(({ segment }) => segment);
    const last = Math.min(...keep);
    for (const segment of this.#files.segments()) {
      if (segment >= last || this.#uses.isUsed(segment)) continue;
      await this.#change(() => this.#files.remove(segment));
    }
  }

  async #carryAll(limit: Position): Promise<void> {
    let isMore = true;
    while (isMore) isMore = await this.#carry(limit);
  }

  /** Writes unreferenced blocks before `limit` once more, a few; false when there is none. */
  async #carry(limit: Position): Promise<boolean> {
    const stragglers: [BlockId, FreshBlock][] = [];
    for (const [id, fresh] of this.#fresh) {
      const isOld = comparePositions(fresh.location, limit) < 0;
      if (!isOld || stragglers.length === MAX_CARRIED) break;
      stragglers.push([id, fresh]);
    }
    if (stragglers.length === 0) return false;
    const places = stragglers.map(([, { location }]) => location);
    const contents = await this.#change(() => this.#files.readMany(places));
    this.#hasCarried = true;
    const locations = await this.#append(contents.filter((content) => content !== undefined));
    assert(locations.length === stragglers.length, 'an unreferenced block keeps its segment');
    stragglers.forEach(([id, fresh], index) => {
      const location = locations[index];
      if (location === undefined || this.#fresh.get(id) !== fresh) return;
      this.#removeFresh(id);
      this.#addFresh(id, { ...fresh, location });
    });
    return true;
  }

  #noteAbsent(ids: readonly BlockId[], entries: ReadonlyMap<BlockId, unknown>): void {
    if (this.#absent.size > MAX_ABSENT) this.#absent.clear();
    for (const id of ids) if (!entries.has(id) && !this.#fresh.has(id)) this.#absent.add(id);
  }
}

/** Runs `call` and turns what it throws into a StoreError, of which `onFailure` is told. */
async function guarded<T>(
  call: () => Promise<T>,
  onFailure: (failure: StoreError) => void = () => undefined,
): Promise<T> {
  try {
    return await call();
  } catch (error) {
    const failure = toStoreError(error);
    onFailure(failure);
    throw failure;
  }
}
