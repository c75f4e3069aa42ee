/**
 * Which of two nodes lies about a milestone's filter. They are the two that filter-chain.ts found
 * to differ; the blocks are proven to belong to the milestone (milestone/light-client.ts), so that
 * neither node's word counts. Spec: docs/spec/17-filter.md §5.
 */
import type { Block } from '../codec/block.ts';
import { matchFilter, watchFor } from './match.ts';
import { buildFilter, encodeFilter, envelopeTags, type TagFilter } from './tag-filter.ts';

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
