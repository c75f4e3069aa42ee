/**
 * The filters of a range of milestones in one answer, and what a client checks of it. Milestones
 * without envelopes take no byte.
 * Path: a node's store → here → the wire → here → match.ts. Spec: docs/spec/17-filter.md §6.
 */
import { compareBytes } from '../codec/ids.ts';
import { decodeWith, refuse, type Reader } from '../codec/reader.ts';
import { Writer } from '../codec/writer.ts';
import { assert, fail, succeed, type Outcome } from '../outcome.ts';
import { FILTER_SEGMENT, MAX_FILTER_RANGE_SIZE } from '../params/limits.ts';
import type { Hasher } from '../ports.ts';
import { FILTER_HEADER_LENGTH, nextFilterHeader, segmentOf } from './filter-chain.ts';
import { readCompact, readFilter, writeCompact, type TagFilter } from './tag-filter.ts';

const RANGE_VERSION = 1;
const RANGE_HEAD_LENGTH = 1 + 4 + 2 + FILTER_HEADER_LENGTH;
/** The longest compact number. */
const MAX_COMPACT_LENGTH = 3;
const MAX_INDEX = 0xffff_ffff;

/** One milestone's filter as bytes: what a node stores. */
export interface StoredFilter {
  readonly index: number;
  readonly bytes: Uint8Array;
}

/** The same, decoded; `bytes` shares memory with the answer. */
export interface RangeFilter extends StoredFilter {
  readonly filter: TagFilter;
}

/** An answer, decoded. */
export interface FilterRange {
  /** Index of the first milestone. */
  readonly first: number;
  /** How many milestones the answer speaks of, at least 1, all of one segment. */
  readonly milestones: number;
  /** The filter header before the first one, 32 bytes. */
  readonly before: Uint8Array;
  /** The filters that are not empty, by index; the milestones in between have no envelope. */
  readonly filters: readonly RangeFilter[];
}

/** What a node is asked for: a part of one segment. */
export interface RangeRequest {
  readonly first: number;
  /** Inclusive. */
  readonly last: number;
}

/**
 * The answer to a request: from its first milestone on as many as fit MAX_FILTER_RANGE_SIZE, at
 * least one. The client goes on behind what it got.
 * @param before the filter header before `first`.
 * @param filters the filters of the range that are not empty, ascending by index.
 */
export function encodeFilterRange(
  { first, last }: RangeRequest,
  before: Uint8Array,
  filters: Iterable<StoredFilter>,
): Uint8Array {
  assert(first <= last && segmentOf(first) === segmentOf(last), 'a range lies in one segment');
  const entries: StoredFilter[] = [];
  let size = RANGE_HEAD_LENGTH;
  let end = last;
  for (const filter of filters) {
    const larger = size + MAX_COMPACT_LENGTH + filter.bytes.length;
    if (larger > MAX_FILTER_RANGE_SIZE) {
      end = filter.index - 1;
      break;
    }
    size = larger;
    entries.push(filter);
  }
  const writer = new Writer(size);
  writer.u8(RANGE_VERSION);
  writer.u32(first);
  writer.u16(end - first + 1);
  writer.fixed(before, FILTER_HEADER_LENGTH);
  let next = first;
  for (const { index, bytes } of entries) {
    assert(index >= next && index <= end, 'filters of a range ascend within it');
    writeCompact(writer, index - next);
    writer.raw(bytes);
    next = index + 1;
  }
  return writer.finish();
}

/**
 * Decodes an answer. Codes: those of `decodeFilter`, 'version-unknown', 'count-out-of-range' for no
 * milestones or a filter that is empty, 'number-out-of-range' for milestones of two segments,
 * beyond the last index, or a filter behind the range.
 */
export function decodeFilterRange(bytes: Uint8Array): Outcome<FilterRange> {
  return decodeWith(bytes, MAX_FILTER_RANGE_SIZE, (reader) => {
    if (reader.u8() !== RANGE_VERSION) refuse('version-unknown');
    const first = reader.u32();
    const milestones = reader.count16(1, FILTER_SEGMENT);
    const last = first + milestones - 1;
    if (last > MAX_INDEX || segmentOf(first) !== segmentOf(last)) refuse('number-out-of-range');
    const before = reader.bytes(FILTER_HEADER_LENGTH);
    const filters: RangeFilter[] = [];
    let next = first;
    while (reader.remaining > 0) {
      const index = next + readCompact(reader);
      if (index > last) refuse('number-out-of-range');
      filters.push({ index, ...readRangeFilter(reader, bytes) });
      next = index + 1;
    }
    return { first, milestones, before, filters };
  });
}

/** Reads one filter of an answer, which is `whole`. */
function readRangeFilter(reader: Reader, whole: Uint8Array): Omit<RangeFilter, 'index'> {
  const start = whole.length - reader.remaining;
  const filter = readFilter(reader);
  if (filter.values.length === 0) refuse('count-out-of-range');
  return { filter, bytes: whole.subarray(start, whole.length - reader.remaining) };
}

/**
 * Checks that an answer begins as asked and goes on from what the client knows.
 * @param request what was asked for.
 * @param before the header before its first milestone: the segment's start, or what the answer
 * before led to.
 * @returns the header after the answer's last milestone, to compare with another node's; else
 *   'proof-invalid'.
 */
export function checkFilterRange(
  range: FilterRange,
  request: RangeRequest,
  before: Uint8Array,
  hasher: Hasher,
): Outcome<Uint8Array> {
  const { first, milestones, filters } = range;
  if (first !== request.first) return fail('proof-invalid', 'first');
  if (first + milestones - 1 > request.last) return fail('proof-invalid', 'last');
  if (compareBytes(range.before, before) !== 0) return fail('proof-invalid', 'header before');
  let header = before;
  for (const { index, bytes } of filters) header = nextFilterHeader(header, index, bytes, hasher);
  return succeed(header);
}
