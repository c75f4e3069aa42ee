/**
 * Whole cones for a peer that catches up: as many milestones as fit into one answer. Path:
 * tangle/io/libp2p (responder) → here → the store. Spec: docs/spec/07-gossip.md, "Request
 * protocol".
 */
import type { BlockId } from '@tanglemail/tangle/core/codec/ids.ts';
import { MAX_CONE } from '@tanglemail/tangle/core/params/limits.ts';
import type { ConeList } from '@tanglemail/tangle/io/libp2p/types.ts';

/** What the cones are read from; `NodeStore` is one. */
export interface ConeSource {
  readonly milestones: { cone(index: number): readonly BlockId[] | undefined };
  conePart(index: number, skip: number, maxBytes: number): Promise<Uint8Array[]>;
}

/** The cones of `from`, `from + 1`, …: at most `count`, `maxBytes` and MAX_CONE blocks together. */
export async function conesFrom(
  store: ConeSource,
  from: number,
  count: number,
  maxBytes: number,
): Promise<ConeList> {
  const cones: Uint8Array[][] = [];
  let [bytes, blocks] = [0, 0];
  for (let index = from; index < from + count; index++) {
    const ids = store.milestones.cone(index);
    if (ids === undefined || blocks + ids.length > MAX_CONE) break;
    const cone = await store.conePart(index, 0, maxBytes - bytes);
    bytes += cone.reduce((sum, block) => sum + block.length, 0);
    const isTooLarge = bytes > maxBytes;
    if (isTooLarge) return { cones, isTooLarge: cones.length === 0 };
    // A block is missing: the milestone is being pruned at this moment.
    if (cone.length < ids.length) break;
    cones.push(cone);
    blocks += ids.length;
  }
  return { cones, isTooLarge: false };
}
