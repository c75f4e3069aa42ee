/**
 * Filter headers: 32 bytes that stand for the filters of all milestones of a segment so far. Two
 * honest nodes give the same; where two differ, a client halves the segment until it has the one
 * milestone that they disagree about, and there it can tell who lies.
 * Path: tag-filter.ts → here → filter-range.ts. Spec: docs/spec/17-filter.md §5.
 */
import type { Block } from '../codec/block.ts';
import { ID_LENGTH, type MilestoneId } from '../codec/ids.ts';
import { Writer } from '../codec/writer.ts';
import { assert } from '../outcome.ts';
import { FILTER_SEGMENT } from '../params/limits.ts';
import type { Hasher } from '../ports.ts';
import { matchFilter, watchFor } from './match.ts';
import { buildFilter, encodeFilter, envelopeTags, type TagFilter } from './tag-filter.ts';

/** Bytes of a filter header. */
export const FILTER_HEADER_LENGTH = 32;
/** The encoded filter of a milestone without envelopes. */
const EMPTY_FILTER_LENGTH = 1;

/** The segment that milestone `index` belongs to. */
export function segmentOf(index: number): number {
  return Math.floor(index / FILTER_SEGMENT);
}

/** The header before the first milestone of a segment: BLAKE2b-256(genesis id | segment u32). */
export function segmentStart(genesisId: MilestoneId, segment: number, hasher: Hasher): Uint8Array {
  const writer = new Writer(ID_LENGTH + 4);
  writer.hex(genesisId, ID_LENGTH);
  writer.u32(segment);
  return hasher.blake2b256(writer.finish());
}

/**
 * The header after milestone `index` with the encoded filter `filter`:
 * BLAKE2b-256(header before | index u32 | filter). A milestone without envelopes leaves the header
 * as it was, so that a client need not hear of it.
 */
export function nextFilterHeader(
  before: Uint8Array,
  index: number,
  filter: Uint8Array,
  hasher: Hasher,
): Uint8Array {
  if (filter.length === EMPTY_FILTER_LENGTH) return before;
  const writer = new Writer(FILTER_HEADER_LENGTH + 4 + filter.length);
  writer.fixed(before, FILTER_HEADER_LENGTH);
  writer.u32(index);
  writer.raw(filter);
  return hasher.blake2b256(writer.finish());
}

/**
 * Two nodes that differ: they gave the same header after `agreed` and different ones after
 * `differ`, both of one segment, or `agreed` just before it.
 */
export interface Dispute {
  readonly agreed: number;
  readonly differ: number;
}

/** A dispute over the header after `index`, of which nothing else is known yet. */
export function openDispute(index: number): Dispute {
  return { agreed: segmentOf(index) * FILTER_SEGMENT - 1, differ: index };
}

/** The milestone to ask both for next; undefined when `differ` is the first one they differ on. */
export function disputeProbe({ agreed, differ }: Dispute): number | undefined {
  return differ - agreed > 1 ? Math.floor((agreed + differ) / 2) : undefined;
}

/** The dispute after both told their header after `probe`, which lies between. */
export function narrowDispute(dispute: Dispute, probe: number, isSame: boolean): Dispute {
  const { agreed, differ } = dispute;
  assert(probe > agreed && probe < differ, 'a probe lies inside the dispute');
  return isSame ? { agreed: probe, differ } : { agreed, differ: probe };
}

/**
 * A block that is proven to belong to the milestone (milestone/light-client.ts), so that neither
 * node's word counts.
 */
type Carrier = Pick<Block, 'payload'>;

/**
 * True if `filter` cannot be that of a milestone which references `block`: it hides the block's
 * envelope. One block is enough to prove it.
 */
export function hidesEnvelope(filter: TagFilter, block: Carrier): boolean {
  const tags = envelopeTags([block]);
  return matchFilter(filter, watchFor(tags)).length < tags.length;
}

/** True if the encoded `filter` is that of a milestone which references exactly `blocks`. */
export function isFilterOf(filter: Uint8Array, blocks: Iterable<Carrier>): boolean {
  const expected = encodeFilter(buildFilter(envelopeTags(blocks)));
  return filter.length === expected.length && filter.every((byte, at) => byte === expected[at]);
}
