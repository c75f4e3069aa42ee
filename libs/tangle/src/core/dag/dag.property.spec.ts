/**
 * The DAG against a naive model that recomputes everything from its definition, under random
 * arrivals, milestones and pruning; and that the order of arrival does not matter.
 */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { BlockId } from '../codec/ids.ts';
import { Dag } from './dag.ts';
import { postOrder } from './past-cone.ts';

const GENESIS = 'genesis' as BlockId;
/** Small, so that scripts often cross it. */
const DEPTH = 2;
const nameOf = (index: number): BlockId => `b${index}` as BlockId;

interface ModelBlock {
  readonly parents: readonly BlockId[];
  readonly arrived: number;
  referenced: number | undefined;
  root: number | undefined;
}

/** Definitions, as slow as they read. */
class Model {
  readonly blocks = new Map<BlockId, ModelBlock>();
  latest = 0;

  constructor() {
    this.blocks.set(GENESIS, { parents: [], arrived: 0, referenced: 0, root: 0 });
  }

  isSolid(id: BlockId): boolean {
    const block = this.blocks.get(id);
    if (block === undefined) return false;
    return block.referenced !== undefined || block.parents.every((parent) => this.isSolid(parent));
  }

  roots(id: BlockId): { youngest: number; oldest: number } {
    const block = this.blocks.get(id);
    if (block === undefined) throw new Error(`the model does not know ${id}`);
    if (block.root !== undefined) return { youngest: block.root, oldest: block.root };
    const roots = block.parents.map((parent) => this.roots(parent));
    return {
      youngest: Math.max(...roots.map((root) => root.youngest)),
      oldest: Math.min(...roots.map((root) => root.oldest)),
    };
  }

  solid(): BlockId[] {
    return [...this.blocks.keys()].filter((id) => this.isSolid(id));
  }

  isDead(id: BlockId): boolean {
    return this.isSolid(id) && this.latest - this.roots(id).oldest > DEPTH;
  }

  dropFutureCone(id: BlockId): void {
    if (!this.blocks.delete(id)) return;
    for (const [other, block] of this.blocks) {
      if (block.referenced === undefined && block.parents.includes(id)) this.dropFutureCone(other);
    }
  }

  add(id: BlockId, parents: readonly BlockId[]): void {
    if (this.blocks.has(id)) return;
    const before = new Set(this.solid());
    this.blocks.set(id, { parents, arrived: this.latest, referenced: undefined, root: undefined });
    for (const other of this.solid()) {
      if (!before.has(other) && this.blocks.has(other) && this.isDead(other)) {
        this.dropFutureCone(other);
      }
    }
  }

  /** White-flag order by recursion; marks it. */
  milestone(starts: readonly BlockId[], index: number): BlockId[] {
    const order: BlockId[] = [];
    const visit = (id: BlockId): void => {
      const block = this.blocks.get(id);
      if (block === undefined || block.referenced !== undefined || order.includes(id)) return;
      for (const parent of block.parents) visit(parent);
      order.push(id);
    };
    for (const start of starts) visit(start);
    for (const id of order) {
      const block = this.blocks.get(id);
      if (block !== undefined) block.referenced = index;
      if (block !== undefined) block.root = index;
    }
    for (const start of starts) {
      const block = this.blocks.get(start);
      if (block !== undefined) block.root = index;
    }
    this.latest = index;
    return order;
  }

  prune(below: number): void {
    for (const id of this.blocks.keys()) {
      const block = this.blocks.get(id);
      if (block?.referenced !== undefined || block === undefined) continue;
      const onDead = block.parents.some((parent) => {
        const root = this.blocks.get(parent)?.root;
        return root !== undefined && this.latest - root > DEPTH;
      });
      if (onDead) this.dropFutureCone(id);
    }
    const isOld = (id: BlockId, block: ModelBlock): boolean =>
      !this.isSolid(id) && this.latest - block.arrived > DEPTH;
    for (const [id, block] of this.blocks) if (isOld(id, block)) this.blocks.delete(id);
    for (const [id, block] of this.blocks) {
      const isNeeded = [...this.blocks.values()].some(
        (other) => other.referenced === undefined && other.parents.includes(id),
      );
      if (block.root !== undefined && block.root < below && !isNeeded) this.blocks.delete(id);
    }
  }
}

/** Parents of block i among the genesis (-1) and blocks before it. */
const shapes = (maxBlocks: number): fc.Arbitrary<BlockId[][]> =>
  fc
    .array(fc.uniqueArray(fc.nat(1_000), { minLength: 1, maxLength: 4 }), {
      minLength: 1,
      maxLength: maxBlocks,
    })
    .map((blocks) =>
      blocks.map((picks, index) => {
        const reach = Math.min(index + 1, 6);
        const numbers = new Set(picks.map((pick) => index - 1 - (pick % reach)));
        return [...numbers].map((number) => (number < 0 ? GENESIS : nameOf(number)));
      }),
    );

type Step =
  | { readonly kind: 'add'; readonly pick: number }
  | { readonly kind: 'milestone'; readonly picks: readonly number[] }
  | { readonly kind: 'prune'; readonly keep: number };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.record({ kind: fc.constant('add' as const), pick: fc.nat(29) }) },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant('milestone' as const),
        picks: fc.array(fc.nat(1_000), { minLength: 1, maxLength: 3 }),
      }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('prune' as const), keep: fc.nat(4) }) },
  ),
  { minLength: 10, maxLength: 100, size: 'max' },
);

function newDag(): Dag {
  const dag = new Dag({ belowMaxDepth: DEPTH });
  dag.addEntryPoint(GENESIS, 0);
  return dag;
}

/** Live solid blocks that a milestone may name. */
function chooseStarts(model: Model, picks: readonly number[]): BlockId[] {
  const live = model.solid().filter((id) => !model.isDead(id));
  const chosen = picks.map((pick) => live[pick % Math.max(live.length, 1)]);
  return [...new Set(chosen)].filter((id) => id !== undefined);
}

function runMilestone(dag: Dag, model: Model, picks: readonly number[]): void {
  const starts = chooseStarts(model, picks);
  const index = model.latest + 1;
  const cone = dag.pastConeUnreferenced(starts);
  let bound = Infinity;
  const strict = postOrder(
    starts,
    (id) => dag.parentsOf(id),
    (id) => dag.isReferenced(id),
    cone.length,
    (id) => {
      bound = Math.min(bound, dag.rootIndexOf(id) ?? Infinity);
    },
  );
  expect(strict).toEqual({ ok: true, value: cone });
  const oldest = cone.map((id) => model.roots(id).oldest);
  expect(bound).toBe(Math.min(...oldest));
  expect(cone).toEqual(model.milestone(starts, index));
  dag.markReferenced(cone, index, starts);
}

function runPrune(dag: Dag, model: Model, below: number): void {
  const before = [...model.blocks.keys()];
  model.prune(below);
  const left = before.filter((id) => !model.blocks.has(id));
  expect(dag.prune(below).toSorted()).toEqual(left.toSorted());
}

function expectSame(dag: Dag, model: Model): void {
  expect(dag.size).toBe(model.blocks.size);
  const solid = model.solid();
  expect(dag.unsolidCount).toBe(model.blocks.size - solid.length);
  for (const id of model.blocks.keys()) expect(dag.has(id)).toBe(true);
  for (const id of solid) expect([id, dag.coneRoots(id)]).toEqual([id, model.roots(id)]);
  const unreferenced = solid.filter((id) => model.blocks.get(id)?.referenced === undefined);
  expect([...dag.unreferenced()].toSorted()).toEqual(unreferenced.toSorted());
  const waiting = [...model.blocks].filter(([id]) => !model.isSolid(id));
  const missing = new Set(waiting.flatMap(([, block]) => block.parents));
  const unknown = [...missing].filter((id) => !model.blocks.has(id));
  expect(dag.missingCount).toBe(unknown.length);
  expect(dag.missingParents(Infinity).toSorted()).toEqual(unknown.toSorted());
}

describe('Dag', () => {
  it('agrees with the model under any arrivals, milestones and pruning', () => {
    expect.hasAssertions();
    fc.assert(
      fc.property(shapes(30), steps, (shape, script) => {
        const dag = newDag();
        const model = new Model();
        expectSame(dag, model);
        for (const step of script) {
          if (step.kind === 'milestone') runMilestone(dag, model, step.picks);
          if (step.kind === 'prune') runPrune(dag, model, model.latest - step.keep);
          if (step.kind === 'add') {
            const number = step.pick % shape.length;
            const parents = shape[number] ?? [];
            dag.add(nameOf(number), parents);
            model.add(nameOf(number), parents);
          }
          expectSame(dag, model);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('reaches the same solid set, cone roots and white-flag order in any order of arrival', () => {
    const shuffled = shapes(60).chain((shape) =>
      fc.tuple(
        fc.constant(shape),
        fc.shuffledSubarray([...shape.keys()], { minLength: shape.length }),
        fc.nat(1_000),
      ),
    );
    fc.assert(
      fc.property(shuffled, ([shape, arrival, pick]) => {
        const forward = newDag();
        const other = newDag();
        const told: BlockId[] = [];
        for (const [number, parents] of shape.entries()) forward.add(nameOf(number), parents);
        for (const number of arrival) {
          const added = other.add(nameOf(number), shape[number] ?? [], { source: `${number % 3}` });
          if (added.ok) told.push(...added.value.solid);
        }
        expect(new Set(told).size).toBe(shape.length);
        const seen = new Set<BlockId>([GENESIS]);
        for (const id of told) {
          for (const parent of other.parentsOf(id) ?? []) expect(seen.has(parent)).toBe(true);
          seen.add(id);
        }
        const starts = [nameOf(shape.length - 1), nameOf(pick % shape.length)];
        const cone = forward.pastConeUnreferenced(starts);
        expect(other.pastConeUnreferenced(starts)).toEqual(cone);
        for (const dag of [forward, other]) dag.markReferenced(cone.slice(0, pick % 20), 1);
        for (const id of told) expect(other.coneRoots(id)).toEqual(forward.coneRoots(id));
      }),
      { numRuns: 300 },
    );
  });

  it('computes at most one cone root per unreferenced block and milestone', () => {
    fc.assert(
      fc.property(shapes(60), fc.array(fc.nat(1_000), { maxLength: 12 }), (shape, picks) => {
        const dag = newDag();
        const model = new Model();
        for (const [number, parents] of shape.entries()) {
          dag.add(nameOf(number), parents);
          model.add(nameOf(number), parents);
        }
        for (const pick of picks) {
          runMilestone(dag, model, [pick]);
          const before = dag.rootsComputed;
          for (const id of dag.unreferenced()) dag.coneRoots(id);
          expect(dag.rootsComputed - before).toBeLessThanOrEqual(dag.unreferencedCount);
        }
      }),
    );
  });
});
