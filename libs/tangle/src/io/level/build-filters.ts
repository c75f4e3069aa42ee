/**
 * Builds the filters that a store lacks because it was written before there were any, or before it
 * began to keep them: a few milestones at a time, each time one batch.
 * Path: apps/node filters → here → filter-repository.ts. Spec: docs/spec/17-filter.md §7.
 */
import { decodeBlock, type Block } from '../../core/codec/block.ts';
import type { BlockId } from '../../core/codec/ids.ts';
import type { BlockRepository } from './block-repository.ts';
import type { MilestoneParts } from './milestone-batch.ts';
import { MilestoneRepository } from './milestone-repository.ts';
import { readNodeState } from './node-state-repository.ts';
import { StoreError } from './store-error.ts';

/** Milestones of one step, and envelopes after which no other one is begun. */
const MAX_MILESTONES = 256;
const MAX_ENVELOPES = 512;
/** Blocks of a cone that are looked at together. */
const CHUNK = 512;

/** One step. False when no milestone of the store lacks its filter. */
export async function buildFilters({
  store,
  blocks,
  filters,
}: Required<MilestoneParts>): Promise<boolean> {
  const next = filters.span()?.next;
  const latest = readNodeState(store)?.index;
  if (next === undefined || latest === undefined || next > latest) return false;
  const repository = new MilestoneRepository(store);
  const built: { index: number; blocks: Block[] }[] = [];
  let envelopes = 0;
  for (let index = next; index <= latest; index++) {
    if (built.length === MAX_MILESTONES || envelopes >= MAX_ENVELOPES) break;
    const found = await envelopesOf(blocks, repository.cone(index) ?? []);
    built.push({ index, blocks: found });
    envelopes += found.length;
  }
  const batch = store.batch();
  // Pruning may have passed them meanwhile: then nothing is added, and the next step goes on there.
  await filters.putMany(batch, built);
  await batch.write({ sync: true });
  return true;
}

/** The blocks of a cone that carry envelopes; those that are being pruned are left out. */
async function envelopesOf(blocks: BlockRepository, cone: readonly BlockId[]): Promise<Block[]> {
  const found: Block[] = [];
  for (let from = 0; from < cone.length; from += CHUNK) {
    const entries = await blocks.entriesOf(cone.slice(from, from + CHUNK));
    const ids = [...entries].flatMap(([id, { kind }]) => (kind === 'envelope' ? [id] : []));
    for (const [id, bytes] of await blocks.bytesOf(ids)) {
      const decoded = decodeBlock(bytes);
      if (!decoded.ok) throw new StoreError('corrupt', `block ${id}`);
      found.push(decoded.value);
    }
  }
  return found;
}
