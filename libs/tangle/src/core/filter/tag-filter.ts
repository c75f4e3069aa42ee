/**
 * The filter of a milestone: the tags of the envelopes that it newly references, in 21 bits each.
 * A client reads it and learns whether one of its own tags is among them, without naming any. It
 * may say yes by mistake, once in 784,931 times for each tag asked; it never says no by mistake.
 * Path: a node's confirmed blocks → here → filter-range.ts → a client's match.ts.
 * Spec: docs/spec/17-filter.md.
 */
import type { Block } from '../codec/block.ts';
import { decodeWith, refuse, type Reader } from '../codec/reader.ts';
import { Writer } from '../codec/writer.ts';
import { assert, type Outcome } from '../outcome.ts';
import { MAX_CONE } from '../params/limits.ts';
import { encodeGaps, MIN_BITS_PER_VALUE, readGaps, RICE_BITS } from './gaps.ts';

/** Bytes of a tag. */
export const TAG_LENGTH = 16;
/** Where the tag begins in an envelope's bytes: behind version u8 and class u8. */
const TAG_OFFSET = 2;
/** A tag that is not in a filter is found there once in so many times: M of BIP-158. */
export const QUERIES_PER_FALSE_HIT = 784_931;
/**
 * Bytes of a filter at most: its count, and for as many tags as a milestone has blocks the bits of
 * each and of all quotients together, which no choice of tags makes larger.
 */
export const MAX_FILTER_SIZE =
  3 +
  Math.ceil(
    (MAX_CONE * MIN_BITS_PER_VALUE + (MAX_CONE * QUERIES_PER_FALSE_HIT) / 2 ** RICE_BITS) / 8,
  );

/** Taken out of its object once: a client calls it some billion times to catch up a month. */
const { floor } = Math;

/** Counts from here on take three bytes. */
const COMPACT_LONG = 0xfd;

/**
 * A filter, decoded. `values.length` is the number of tags, and values lie below that number times
 * QUERIES_PER_FALSE_HIT, ascending; less than 2^34.
 */
export interface TagFilter {
  readonly values: Float64Array;
}

/** The tags of those blocks that carry an envelope; they share memory with the blocks. */
export function envelopeTags(blocks: Iterable<Pick<Block, 'payload'>>): Uint8Array[] {
  const tags: Uint8Array[] = [];
  for (const { payload } of blocks) {
    if (payload?.kind !== 'envelope') continue;
    tags.push(payload.bytes.subarray(TAG_OFFSET, TAG_OFFSET + TAG_LENGTH));
  }
  return tags;
}

/** The first six bytes of a tag as a whole number below 2^48: all that a filter knows of it. */
export function pointOf(tag: Uint8Array): number {
  assert(tag.length === TAG_LENGTH, 'a tag has 16 bytes');
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = tag;
  return (a * 256 + b) * 0x1_0000_0000 + c * 0x100_0000 + ((d << 16) | (e << 8) | f);
}

/** What the values of a filter of `count` tags lie below. */
export function valueLimit(count: number): number {
  return count * QUERIES_PER_FALSE_HIT;
}

/**
 * ⌊point · range / 2^48⌋, exactly, for a range below 2^37. In steps of 16 bits, because the product
 * has more than the 53 that a number holds. Keeps order: what is sorted stays sorted.
 */
export function scalePoint(point: number, range: number): number {
  const high = floor(point / 0x1_0000_0000);
  const low = point - high * 0x1_0000_0000;
  const first = floor((range * (low & 0xffff)) / 0x1_0000);
  const second = floor((range * (low >>> 16) + first) / 0x1_0000);
  return floor((range * high + second) / 0x1_0000);
}

/** The filter of `tags`, at most MAX_CONE, in any order; points that are equal count once. */
export function buildFilter(tags: readonly Uint8Array[]): TagFilter {
  assert(tags.length <= MAX_CONE, 'a milestone references no more blocks');
  const points = Float64Array.from(new Set(tags.map(pointOf))).toSorted();
  const range = valueLimit(points.length);
  return { values: points.map((point) => scalePoint(point, range)) };
}

/** `count compact | gaps`; one zero byte for no tags. */
export function encodeFilter({ values }: TagFilter): Uint8Array {
  assert(values.length <= MAX_CONE, 'a filter has no more tags than a milestone has blocks');
  const gaps = encodeGaps(values);
  const writer = new Writer(3 + gaps.length);
  writeCompact(writer, values.length);
  writer.raw(gaps);
  return writer.finish();
}

/**
 * Decodes one filter. Codes: 'too-large', 'truncated', 'trailing-bytes', 'count-out-of-range',
 * 'number-out-of-range' for a value beyond its range, 'not-canonical' for a count in three bytes
 * that fits one, and for padding that is not zero.
 */
export function decodeFilter(bytes: Uint8Array): Outcome<TagFilter> {
  return decodeWith(bytes, MAX_FILTER_SIZE, readFilter);
}

/** Reads one filter, which ends with the byte of its last bit. */
export function readFilter(reader: Reader): TagFilter {
  const count = readCompact(reader);
  if (count > MAX_CONE) refuse('count-out-of-range');
  return { values: readGaps(reader, count, valueLimit(count)) };
}

/** A number below 65,536: one byte below 253, else the byte 253 and a u16. */
export function writeCompact(writer: Writer, value: number): void {
  if (value < COMPACT_LONG) {
    writer.u8(value);
    return;
  }
  writer.u8(COMPACT_LONG);
  writer.u16(value);
}

/** Reads what `writeCompact` writes; any other form of a number is 'not-canonical'. */
export function readCompact(reader: Reader): number {
  const short = reader.u8();
  if (short < COMPACT_LONG) return short;
  if (short > COMPACT_LONG) refuse('not-canonical', 'compact');
  const value = reader.u16();
  if (value < COMPACT_LONG) refuse('not-canonical', 'compact');
  return value;
}
