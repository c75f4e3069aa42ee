/**
 * The filters of milestones with envelopes, and the filter header behind each. Where they begin is
 * written down beside them, with the header before it, so that pruning can go on inside a segment
 * and the chain of headers stays whole. Buckets: filters, nodeState.
 * Path: milestone-batch.ts, prune.ts and the node's API → here → kv-store.ts.
 * Spec: docs/spec/17-filter.md §7, docs/spec/10-storage.md.
 */
import type { Block } from '../../core/codec/block.ts';
import type { MilestoneId } from '../../core/codec/ids.ts';
import { Writer } from '../../core/codec/writer.ts';
import {
  FILTER_HEADER_LENGTH,
  nextFilterHeader,
  segmentOf,
  segmentStart,
} from '../../core/filter/filter-chain.ts';
import type { StoredFilter } from '../../core/filter/filter-range.ts';
import { buildFilter, encodeFilter, envelopeTags } from '../../core/filter/tag-filter.ts';
import { assert } from '../../core/outcome.ts';
import { FILTER_SEGMENT } from '../../core/params/limits.ts';
import type { Hasher } from '../../core/ports.ts';
import { keyOf, u32InKey } from './buckets.ts';
import type { KvBatch, KvReader, KvStore } from './kv-store.ts';
import { decodeStored } from './stored.ts';

/** Which milestones have their filters here: from `first` on, those below `next`. */
export interface FilterSpan {
  readonly first: number;
  /** The first one that has none yet; `first` while there is none at all. */
  readonly next: number;
}

interface Floor {
  readonly first: number;
  /** The filter header before `first`, in its segment. */
  readonly before: Uint8Array;
}

/** What a milestone's envelopes are taken from. */
type Carrier = Pick<Block, 'payload'>;

/** Names in bucket nodeState. */
const FLOOR = keyOf('nodeState', Buffer.from('filters', 'ascii'));
const NEXT = keyOf('nodeState', Buffer.from('filtersNext', 'ascii'));
/** Bytes of the encoded filter of a milestone without envelopes. */
const EMPTY_FILTER_LENGTH = 1;
/** Keys that are deleted at a time. */
const CLEAR_CHUNK = 4_096;

export class FilterRepository {
  readonly #store: KvReader;
  readonly #genesisId: MilestoneId;
  readonly #hasher: Hasher;

  constructor(store: KvReader, genesisId: MilestoneId, hasher: Hasher) {
    this.#store = store;
    this.#genesisId = genesisId;
    this.#hasher = hasher;
  }

  /** Undefined for a store that has never been told where its filters begin. */
  span(): FilterSpan | undefined {
    const floor = this.#floor();
    if (floor === undefined) return undefined;
    const value = this.#store.getSync(NEXT);
    const next = value && decodeStored(value, 'next filter', (reader) => reader.u32());
    // Pruning may have passed what was built so far; then the rest begins anew.
    return { first: floor.first, next: Math.max(next ?? 0, floor.first) };
  }

  /** The filter header before milestone `index`; undefined when it is not known here. */
  async headerBefore(index: number): Promise<Uint8Array | undefined> {
    const floor = this.#floor();
    const span = this.span();
    if (!floor || !span || index < span.first || index > span.next) return undefined;
    return await this.#header(floor, segmentOf(index), index);
  }

  /** The filter header after milestone `index`; undefined when it is not known here. */
  async headerAfter(index: number): Promise<Uint8Array | undefined> {
    const floor = this.#floor();
    const span = this.span();
    if (!floor || !span || index >= span.next || index < span.first - 1) return undefined;
    const segment = segmentOf(index);
    // The header before the first one is that of its segment; of the one before nothing is known.
    if (segment < segmentOf(span.first)) return undefined;
    return await this.#header(floor, segment, index + 1);
  }

  /** The filters of milestones `first` to `last` that are not empty, ascending. */
  async *range(first: number, last: number): AsyncGenerator<StoredFilter> {
    const range = { gte: keyOf('filters', first), lt: keyOf('filters', last + 1) };
    for await (const [key, value] of this.#store.iterate(range)) {
      yield { index: u32InKey(key, 0), bytes: value.subarray(FILTER_HEADER_LENGTH) };
    }
  }

  /**
   * Adds the filter of milestone `index` with `blocks` to a batch if it is the next one that lacks
   * it; another one waits until those before it are built.
   */
  async putNext(batch: KvBatch, index: number, blocks: Iterable<Carrier>): Promise<void> {
    if (this.span()?.next !== index) return;
    const before = await this.headerBefore(index);
    assert(before !== undefined, 'the header before the next filter is known');
    putOne(batch, index, before, blocks, this.#hasher);
    putNextIndex(batch, index + 1);
  }

  /**
   * Adds the filters of `milestones`, which follow the last one that is here, to a batch.
   * @param milestones by index, without gap.
   */
  async putMany(
    batch: KvBatch,
    milestones: readonly { readonly index: number; readonly blocks: readonly Carrier[] }[],
  ): Promise<void> {
    const [head] = milestones;
    if (head === undefined || this.span()?.next !== head.index) return;
    let header = await this.headerBefore(head.index);
    for (const { index, blocks } of milestones) {
      if (index % FILTER_SEGMENT === 0) header = this.#startOf(segmentOf(index));
      assert(header !== undefined, 'the header before the next filter is known');
      header = putOne(batch, index, header, blocks, this.#hasher);
      putNextIndex(batch, index + 1);
    }
  }

  /** Adds that the filter of milestone `index` is gone, the first one that is left. */
  async prune(batch: KvBatch, index: number): Promise<void> {
    batch.del(keyOf('filters', index));
    const span = this.span();
    if (span === undefined || index < span.first) return;
    // What was not built can no more be: the next segment is the first that will be whole.
    const isBuilt = index < span.next;
    const first = isBuilt ? index + 1 : (segmentOf(index) + 1) * FILTER_SEGMENT;
    const isSame = isBuilt && segmentOf(first) === segmentOf(index);
    const before = isSame ? await this.headerAfter(index) : this.#startOf(segmentOf(first));
    assert(before !== undefined, 'the header after a filter that is pruned is known');
    putFloor(batch, { first, before });
  }

  /**
   * Says where the filters of an opened store begin: with genesis, or with the first whole segment
   * of one that began with a snapshot or was pruned before it had filters. Synced.
   */
  async begin(store: KvStore, prunedIndex: number): Promise<void> {
    const span = this.span();
    const isRight = span !== undefined && (span.first > prunedIndex || prunedIndex === 0);
    if (isRight) return;
    const first = prunedIndex === 0 ? 0 : firstWholeSegment(prunedIndex + 1) * FILTER_SEGMENT;
    // A program that knew no filters may have pruned milestones and left theirs.
    let batch = store.batch();
    const old = { gte: keyOf('filters'), lt: keyOf('filters', first) };
    for await (const [key] of store.iterate(old)) {
      batch.del(key);
      if (batch.length < CLEAR_CHUNK) continue;
      await batch.write({ sync: true });
      batch = store.batch();
    }
    putFloor(batch, { first, before: this.#startOf(segmentOf(first)) });
    await batch.write({ sync: true });
  }

  /** The header of `segment` after all of its milestones below `end`, which have their filters. */
  async #header(floor: Floor, segment: number, end: number): Promise<Uint8Array> {
    const from = Math.max(floor.first, segment * FILTER_SEGMENT);
    const range = { gte: keyOf('filters', from), lt: keyOf('filters', Math.max(from, end)) };
    for await (const [, value] of this.#store.iterate({ ...range, reverse: true, limit: 1 })) {
      return value.slice(0, FILTER_HEADER_LENGTH);
    }
    return segment === segmentOf(floor.first) ? floor.before : this.#startOf(segment);
  }

  #startOf(segment: number): Uint8Array {
    return segmentStart(this.#genesisId, segment, this.#hasher);
  }

  #floor(): Floor | undefined {
    const value = this.#store.getSync(FLOOR);
    if (!value) return undefined;
    return decodeStored(value, 'first filter', (reader) => ({
      first: reader.u32(),
      before: reader.bytes(FILTER_HEADER_LENGTH),
    }));
  }
}

/** The number of the first segment that begins at or after milestone `index`. */
function firstWholeSegment(index: number): number {
  return Math.ceil(index / FILTER_SEGMENT);
}

/** Adds one milestone's filter and the header behind it, which it gives; nothing if it is empty. */
function putOne(
  batch: KvBatch,
  index: number,
  before: Uint8Array,
  blocks: Iterable<Carrier>,
  hasher: Hasher,
): Uint8Array {
  const filter = encodeFilter(buildFilter(envelopeTags(blocks)));
  if (filter.length === EMPTY_FILTER_LENGTH) return before;
  const header = nextFilterHeader(before, index, filter, hasher);
  batch.put(keyOf('filters', index), Buffer.concat([header, filter]));
  return header;
}

function putFloor(batch: KvBatch, { first, before }: Floor): void {
  const writer = new Writer(4 + FILTER_HEADER_LENGTH);
  writer.u32(first);
  writer.fixed(before, FILTER_HEADER_LENGTH);
  batch.put(FLOOR, writer.finish());
}

function putNextIndex(batch: KvBatch, next: number): void {
  const writer = new Writer(4);
  writer.u32(next);
  batch.put(NEXT, writer.finish());
}
