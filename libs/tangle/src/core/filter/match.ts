/**
 * Matching: which of one's own tags, and which buckets of strangers' mail, a filter may hold. A
 * client sorts what it waits for once; every filter after that is one pass over two sorted lists.
 * Path: filter-range.ts → here → a client, which then fetches the milestone's envelopes.
 * Spec: docs/spec/17-filter.md §4.
 */
import { assert } from '../outcome.ts';
import { pointOf, scalePoint, valueLimit, type TagFilter } from './tag-filter.ts';

/** Bits of a point. */
const POINT_BITS = 48;
/** Greatest number of bits of a bucket: as many as the network's parameter may say. */
export const MAX_BUCKET_BITS = 24;

/** All tags that begin with the same bits: a bucket of strangers' mail. */
export interface Bucket {
  /** 1 to 24. */
  readonly bits: number;
  /** Those bits as a number, below 2^bits. */
  readonly prefix: number;
}

/** What a client waits for, sorted. Made by `watchFor`. */
export interface Watch {
  /** Where each begins, ascending. */
  readonly lows: Float64Array;
  /** Where each ends, itself included; the same as its begin for a tag. */
  readonly highs: Float64Array;
  /** Its position in the lists given: tags first, then buckets. */
  readonly places: Uint32Array;
}

/** Sorts `tags` (16 bytes each) and `buckets`, once for any number of filters. */
export function watchFor(tags: readonly Uint8Array[], buckets: readonly Bucket[] = []): Watch {
  const spans = [...tags.map(tagSpan), ...buckets.map(bucketSpan)];
  const places = Uint32Array.from(spans.keys()).toSorted((a, b) => spans[a]!.low - spans[b]!.low);
  return {
    lows: Float64Array.from(places, (place) => spans[place]!.low),
    highs: Float64Array.from(places, (place) => spans[place]!.high),
    places,
  };
}

function tagSpan(tag: Uint8Array): { low: number; high: number } {
  const point = pointOf(tag);
  return { low: point, high: point };
}

function bucketSpan({ bits, prefix }: Bucket): { low: number; high: number } {
  assert(Number.isInteger(bits) && bits >= 1 && bits <= MAX_BUCKET_BITS, 'a bucket has 1–24 bits');
  assert(Number.isInteger(prefix) && prefix >= 0 && prefix < 2 ** bits, 'a prefix has its bits');
  const width = 2 ** (POINT_BITS - bits);
  return { low: prefix * width, high: (prefix + 1) * width - 1 };
}

/**
 * The positions, ascending, of what `filter` may hold. A tag or a bucket that has an envelope in
 * the milestone is always among them; a tag that has none is, once in QUERIES_PER_FALSE_HIT times.
 */
export function matchFilter({ values }: TagFilter, watch: Watch): number[] {
  const { lows, highs, places } = watch;
  const range = valueLimit(values.length);
  const hits: number[] = [];
  let at = 0;
  for (let i = 0; i < lows.length; i++) {
    const low = scalePoint(lows[i]!, range);
    while (at < values.length && values[at]! < low) at++;
    if (at === values.length) break;
    const high = highs[i] === lows[i] ? low : scalePoint(highs[i]!, range);
    if (values[at]! <= high) hits.push(places[i]!);
  }
  return hits.toSorted((a, b) => a - b);
}
