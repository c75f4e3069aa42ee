/**
 * Referenced blocks by the tag of their tagged data, newest first: descriptors and offers.
 * Bucket: taggedData. Path: milestone-batch.ts and the node's indexer → here → kv-store.ts.
 * Spec: docs/spec/10-storage.md.
 */
import type { BlockId } from '../../core/codec/ids.ts';
import { bytesToHex, ID_LENGTH, idToBytes } from '../../core/codec/ids.ts';
import type { Hasher } from '../../core/ports.ts';
import { inverted, keyOf, prefixRange, u32InKey } from './buckets.ts';
import type { KvBatch, KvReader } from './kv-store.ts';

export interface TaggedBlock {
  readonly blockId: BlockId;
  readonly milestoneIndex: number;
}

/** Where a block with tagged data stands: its milestone and its white-flag position there. */
export interface TaggedPlace {
  readonly milestoneIndex: number;
  readonly position: number;
}

export class TaggedDataRepository {
  readonly #store: KvReader;
  readonly #hasher: Hasher;

  constructor(store: KvReader, hasher: Hasher) {
    this.#store = store;
    this.#hasher = hasher;
  }

  /** The `limit` newest blocks with `tag`, newest first; older than that at `after`, if given. */
  async newest(tag: Uint8Array, limit: number, after?: TaggedPlace): Promise<TaggedBlock[]> {
    const range = { ...prefixRange(keyOf('taggedData', this.#hasher.blake2b256(tag))) };
    if (after !== undefined) {
      const last = keyAt(tag, after, this.#hasher);
      range.gte = Uint8Array.of(...last, 0);
    }
    const found: TaggedBlock[] = [];
    for await (const [key, value] of this.#store.iterate({ ...range, limit })) {
      const milestoneIndex = inverted(u32InKey(key, ID_LENGTH));
      found.push({ blockId: bytesToHex(value) as BlockId, milestoneIndex });
    }
    return found;
  }
}

/** A referenced block with tagged data, and its white-flag position in its milestone. */
type Place = TaggedBlock & TaggedPlace;

/** Adds a referenced block with tagged data. */
export function putTaggedData(batch: KvBatch, tag: Uint8Array, place: Place, hasher: Hasher): void {
  batch.put(keyAt(tag, place, hasher), idToBytes(place.blockId));
}

/** Adds that it is gone. */
export function delTaggedData(batch: KvBatch, tag: Uint8Array, place: Place, hasher: Hasher): void {
  batch.del(keyAt(tag, place, hasher));
}

function keyAt(
  tag: Uint8Array,
  { milestoneIndex, position }: TaggedPlace,
  hasher: Hasher,
): Uint8Array {
  const hash = hasher.blake2b256(tag);
  return keyOf('taggedData', hash, inverted(milestoneIndex), inverted(position));
}
