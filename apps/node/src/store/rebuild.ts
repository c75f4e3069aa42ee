/**
 * Fills DAG and tips from the store when a node starts: the milestones of the last max depth with
 * their cones, then every block that no milestone has referenced. After it the node stands where it
 * stood before, whether it was stopped or killed. Milestones that came with a snapshot have the ids
 * of their blocks and no bodies: these become solid entry points with the root index that the
 * blocks themselves would have. Spec: docs/spec/03-dag.md, 10-storage.md, 12-snapshot.md §1.
 */
import { GENESIS_BLOCK_ID, type BlockId } from '@tanglemail/tangle/core/codec/ids.ts';
import { decodeMilestone } from '@tanglemail/tangle/core/codec/milestone.ts';
import type { Dag } from '@tanglemail/tangle/core/dag/dag.ts';
import { postOrder } from '@tanglemail/tangle/core/dag/past-cone.ts';
import { assert } from '@tanglemail/tangle/core/outcome.ts';
import type { TipPool } from '@tanglemail/tangle/core/tips/tip-pool.ts';
import type { Intake } from '../processor/intake.ts';
import type { NodeStore } from './node-store.ts';

export interface RebuildDeps {
  readonly store: NodeStore;
  readonly dag: Dag;
  readonly tips: TipPool;
  readonly intake: Intake;
}

export interface Rebuilt {
  /** Blocks of the milestones in the window. */
  readonly referenced: number;
  /** Blocks without a milestone that were taken in. */
  readonly unreferenced: number;
}

/** Rebuilds the memory at milestone `latestIndex`; `depth` is belowMaxDepth. */
export async function rebuild(
  { store, dag, tips, intake }: RebuildDeps,
  latestIndex: number,
  depth: number,
): Promise<Rebuilt> {
  const from = Math.max(0, latestIndex - depth);
  let referenced = 0;
  for (let index = from; index <= latestIndex; index++) {
    referenced += await addMilestone({ store, dag, tips }, index, from - 1);
  }
  const unreferenced = await addUnreferenced({ store, intake });
  return { referenced, unreferenced };
}

type WindowDeps = Pick<RebuildDeps, 'store' | 'dag' | 'tips'>;

/**
 * Puts one milestone's cone into the DAG and marks it; returns its number of blocks.
 * @param entryIndex root index of what stands before the window. Whatever the true one is, it is no
 *   later, and no block on it can be confirmed any more; a milestone of the window that names such
 *   a block as a parent gives it a new one.
 */
async function addMilestone(
  { store, dag, tips }: WindowDeps,
  index: number,
  entryIndex: number,
): Promise<number> {
  if (index === 0) {
    // What genesis names is known without a store: one that began with a snapshot has no row of it.
    dag.addEntryPoint(GENESIS_BLOCK_ID, 0);
    tips.setEntryPoints([GENESIS_BLOCK_ID]);
    return 0;
  }
  const bytes = store.milestones.bytes(index);
  assert(bytes !== undefined, 'the window of milestones is stored');
  const milestone = decodeMilestone(bytes);
  assert(milestone.ok, 'a stored milestone decodes');
  const { parents } = milestone.value.body;
  const cone = store.milestones.cone(index) ?? [];
  if (index <= store.prunedIndex) {
    // In ascending order of milestones: one that names an old block as a parent raises its index.
    for (const id of [...cone, ...parents]) dag.addEntryPoint(id, index);
    tips.onMilestone(index, parents);
    return 0;
  }
  const blocks = await store.lookup(cone);
  const inside = new Set(cone);
  const addEntryPoints = (ids: readonly BlockId[]): void => {
    for (const id of ids) if (!dag.has(id) && !inside.has(id)) dag.addEntryPoint(id, entryIndex);
  };
  addEntryPoints(parents);
  for (const id of cone) {
    const stored = blocks.get(id);
    assert(stored !== undefined, 'the blocks of a cone are stored');
    addEntryPoints(stored.parents);
    dag.add(id, stored.parents);
  }
  dag.markReferenced(cone, index, parents);
  tips.onMilestone(index, parents);
  return cone.length;
}

/**
 * Adds them parents first, so that none waits for another. Those that are too old are forgotten.
 */
async function addUnreferenced({
  store,
  intake,
}: Pick<RebuildDeps, 'store' | 'intake'>): Promise<number> {
  const parentsOf = new Map<BlockId, readonly BlockId[]>();
  for (const { id, parents } of store.blocks.unreferenced()) parentsOf.set(id, parents);
  const order = postOrder(
    [...parentsOf.keys()],
    (id) => parentsOf.get(id),
    (id) => !parentsOf.has(id),
    parentsOf.size,
  );
  assert(order.ok, 'a walk among stored blocks ends');
  for (const id of order.value) await intake.add(id, parentsOf.get(id) ?? [], '');
  const dead = intake.takeDropped();
  await store.forget(dead);
  return order.value.length - dead.length;
}
