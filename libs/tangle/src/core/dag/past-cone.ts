/**
 * Walks over past cones: the white-flag order of TIP-2 and the age of what it reaches. Pure
 * functions over callbacks, so that confirmation, proposals on parents that are not yet final,
 * the API and tests share them. Before it on a block's path: dag.ts; after it: tips, then
 * milestone and ledger. Spec: docs/spec/03-dag.md.
 */
import type { BlockId } from '../codec/ids.ts';
import { fail, succeed } from '../outcome.ts';
import type { Outcome } from '../outcome.ts';

/** A block whose parents are being visited; `id` is undefined for the milestone itself. */
interface Frame {
  readonly id: BlockId | undefined;
  readonly parents: readonly BlockId[];
  next: number;
}

/**
 * The unreferenced past cone of a milestone in white-flag order (TIP-2): parents in the order
 * given, depth first, post-order, each block once. The walk keeps its own stack, so that a chain
 * of any length costs memory and never the call stack; it asks `parentsOf` once per block of the
 * cone.
 *
 * @param parents where the walk starts: the milestone's parents, in their order on the wire.
 * @param parentsOf a block's parents in their order on the wire, undefined if the block is unknown.
 * @param isReferenced true where the walk stops: referenced by an earlier milestone, or entry
 * point.
 * @param limit greatest number of blocks in the cone (MAX_CONE). The walk stops at the first
 * excess.
 * @param onRoot told of each referenced parent of a block of the cone, as often as it is one. The
 * milestone's own parents do not count.
 * @returns the cone, or `milestone-cone-missing` (detail: the unknown id), or
 *   `milestone-cone-too-large`.
 */
export function postOrder(
  parents: readonly BlockId[],
  parentsOf: (id: BlockId) => readonly BlockId[] | undefined,
  isReferenced: (id: BlockId) => boolean,
  limit: number,
  onRoot: (id: BlockId) => void = () => undefined,
): Outcome<BlockId[]> {
  const order: BlockId[] = [];
  const opened = new Set<BlockId>();
  const stack: Frame[] = [{ id: undefined, parents, next: 0 }];
  for (let frame = stack.at(-1); frame !== undefined; frame = stack.at(-1)) {
    const id = frame.parents[frame.next];
    frame.next += 1;
    if (id === undefined) {
      stack.pop();
      if (frame.id !== undefined) order.push(frame.id);
      continue;
    }
    if (opened.has(id)) continue;
    if (isReferenced(id)) {
      if (frame.id !== undefined) onRoot(id);
      continue;
    }
    if (opened.size >= limit) return fail('milestone-cone-too-large', `more than ${limit} blocks`);
    const grandparents = parentsOf(id);
    if (grandparents === undefined) return fail('milestone-cone-missing', id);
    opened.add(id);
    stack.push({ id, parents: grandparents, next: 0 });
  }
  return succeed(order);
}
