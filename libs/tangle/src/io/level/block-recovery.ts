/**
 * What a start does with the segments: it checks that everything which milestones reference is
 * there, removes files that nothing uses, finds the unreferenced blocks again, and cuts off what a
 * crash left half written. Path: block-repository.ts → here → io/segments.
 * Spec: docs/spec/10-storage.md.
 */
import type { BlockId } from '../../core/codec/ids.ts';
import { blockIdFromBytes } from '../../core/codec/ids.ts';
import type { PayloadKind } from '../../core/codec/payload.ts';
import type { Hasher } from '../../core/ports.ts';
import type { Location, Position, SegmentFiles } from '../segments/segment-files.ts';
import { comparePositions, FIRST_POSITION } from '../segments/segment-files.ts';
import type { SegmentUse, Tail } from './block-index.ts';
import { kindOf, parentsIn, readSegmentUses, readTail } from './block-index.ts';
import { keyOf } from './buckets.ts';
import type { KvReader } from './kv-store.ts';
import { StoreError } from './store-error.ts';

/** A stored block that no milestone has referenced. */
export interface FreshBlock {
  readonly location: Location;
  readonly parents: readonly BlockId[];
  readonly kind: PayloadKind | null;
}

export interface RecoveredBlocks {
  /** In the order of their places. */
  readonly fresh: Map<BlockId, FreshBlock>;
  readonly uses: Map<number, SegmentUse>;
  /** Everything before it is on the disk. */
  readonly synced: Position;
}

/** Blocks that the store is asked for at a time. */
const CHUNK = 512;

/** Brings segments and store together. StoreError `corrupt` if a referenced block is missing. */
export async function recoverBlocks(
  store: KvReader,
  files: SegmentFiles,
  hasher: Hasher,
): Promise<RecoveredBlocks> {
  const uses = await readSegmentUses(store);
  const tail = readTail(store);
  checkSizes(files, uses, tail.synced);
  await removeUnused(files, uses, tail.oldest);
  const fresh = new Map<BlockId, FreshBlock>();
  let found: BlockId[] = [];
  const visit = (location: Location, content: Uint8Array): void => {
    const id = blockIdFromBytes(hasher.blake2b256(content));
    // One that was forgotten and came again stands where it came last.
    fresh.delete(id);
    fresh.set(id, { location, parents: parentsIn(content), kind: kindOf(content) });
    found.push(id);
  };
  // Most are referenced: kept until the end, those of 256 MiB would fill the memory.
  const rest = async (): Promise<void> => {
    await dropReferenced(store, fresh, found);
    found = [];
  };
  for (const segment of files.segments()) {
    if (segment >= tail.oldest.segment) await recoverSegment(files, segment, tail, visit, rest);
  }
  const synced = await files.sync();
  return { fresh, uses, synced };
}

/** A file that is shorter than what was synced, or gone, is a damaged disk: no crash does that. */
function checkSizes(
  files: SegmentFiles,
  uses: ReadonlyMap<number, SegmentUse>,
  synced: Position,
): void {
  for (const [segment, { end }] of uses) {
    if ((files.sizeOf(segment) ?? 0) < end) {
      throw new StoreError('corrupt', `segment ${segment} lost blocks that a milestone references`);
    }
  }
  const size = files.sizeOf(synced.segment);
  if (size === undefined) {
    if (comparePositions(synced, FIRST_POSITION) > 0) files.startAfter(synced.segment);
  } else if (size < synced.offset) {
    throw new StoreError('corrupt', `segment ${synced.segment} is shorter than it was`);
  }
}

/** A crash between the batch that emptied a segment and its removal leaves such files. */
async function removeUnused(
  files: SegmentFiles,
  uses: ReadonlyMap<number, SegmentUse>,
  oldest: Position,
): Promise<void> {
  for (const segment of files.segments()) {
    if (segment < oldest.segment && !uses.has(segment)) await files.remove(segment);
  }
}

/** Shows the records of a segment from the oldest unreferenced one on, and mends its tail. */
async function recoverSegment(
  files: SegmentFiles,
  segment: number,
  { synced, oldest }: Tail,
  visit: (location: Location, content: Uint8Array) => void,
  rest: () => Promise<void>,
): Promise<void> {
  const from = segment === oldest.segment ? oldest.offset : 0;
  const end = await files.scan({ segment, offset: from }, visit, rest);
  if (comparePositions(end, synced) < 0 && end.offset < (files.sizeOf(segment) ?? 0)) {
    throw new StoreError('corrupt', `no whole record at ${segment}:${end.offset}`);
  }
  await files.truncate(end);
  if (segment < synced.segment) return;
  await files.rewrite({ segment, offset: segment === synced.segment ? synced.offset : 0 });
}

async function dropReferenced(
  store: KvReader,
  fresh: Map<BlockId, FreshBlock>,
  ids: readonly BlockId[],
): Promise<void> {
  for (let at = 0; at < ids.length; at += CHUNK) {
    const some = ids.slice(at, at + CHUNK);
    const entries = await store.getMany(some.map((id) => keyOf('blocks', id)));
    some.forEach((id, index) => {
      if (entries[index] !== undefined) fresh.delete(id);
    });
  }
}
