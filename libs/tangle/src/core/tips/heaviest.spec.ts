/**
 * The parents of a milestone: against the greedy choice by definition, and against hostile
 * shapes.
 */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { BlockId } from '../codec/ids.ts';
import { Dag } from '../dag/dag.ts';
import { chooseHeaviest } from './heaviest.ts';
import { openWindow, type UnreferencedView } from './window.ts';

const id = (name: string): BlockId => name as BlockId;
const LIMITS = { maxParents: 8, maxCone: 20_000, oldestRoot: 0 };

function newDag(): Dag {
  const dag = new Dag({ belowMaxDepth: 60 });
  dag.addEntryPoint(id('g'), 0);
  return dag;
}

function addChain(dag: Dag, name: string, length: number): void {
  for (let i = 0; i < length; i += 1) {
    dag.add(id(`${name}${i}`), [id(i === 0 ? 'g' : `${name}${i - 1}`)]);
  }
}

describe('chooseHeaviest', () => {
  it('is empty if nothing waits', () => {
    expect(chooseHeaviest(newDag(), LIMITS)).toEqual([]);
  });

  it('takes the tip that covers most first, and none that adds nothing', () => {
    const dag = newDag();
    addChain(dag, 'short', 3);
    addChain(dag, 'long', 9);
    dag.add(id('joins'), [id('long8'), id('short1')]);
    expect(chooseHeaviest(dag, LIMITS)).toEqual(['joins', 'short2']);
    expect(chooseHeaviest(dag, { ...LIMITS, maxParents: 1 })).toEqual(['joins']);
  });

  it('leaves out what is below max depth', () => {
    const dag = newDag();
    addChain(dag, 'dead', 9);
    dag.addEntryPoint(id('young'), 5);
    dag.add(id('live'), [id('young')]);
    dag.add(id('mixed'), [id('dead3'), id('live')]);
    expect(chooseHeaviest(dag, { ...LIMITS, oldestRoot: 1 })).toEqual(['live']);
  });

  it('confirms a backlog larger than one milestone, oldest first', () => {
    const dag = newDag();
    addChain(dag, 'c', 250);
    let [index, left] = [0, 250];
    while (left > 0) {
      const parents = chooseHeaviest(dag, { ...LIMITS, maxCone: 100 });
      const cone = dag.pastConeUnreferenced(parents);
      expect(cone).toHaveLength(Math.min(left, 100));
      dag.markReferenced(cone, (index += 1), parents);
      left -= cone.length;
    }
    expect(index).toBe(3);
  });

  it('finds the tips that matter behind a flood of tips that cover only themselves', () => {
    const dag = newDag();
    for (let i = 0; i < 5_000; i += 1) dag.add(id(`spam${i}`), [id('g')]);
    addChain(dag, 'a', 40);
    addChain(dag, 'b', 30);
    for (let i = 0; i < 5_000; i += 1) dag.add(id(`more${i}`), [id('g')]);
    expect(chooseHeaviest(dag, LIMITS).slice(0, 2)).toEqual(['a39', 'b29']);
  });

  it('asks the DAG once per unreferenced block, whatever the shape', () => {
    const dag = newDag();
    for (let i = 0; i < 3_000; i += 1) {
      const parents = [i - 1, i - 2, i - 7].map((back) => (back < 0 ? 'g' : `w${back}`));
      dag.add(id(`w${i}`), [...new Set(parents)].map(id));
    }
    for (let i = 0; i < 3_000; i += 1) dag.add(id(`f${i}`), [id(`w${i}`), id('g')]);
    const asked = { get: 0, coneRoots: 0 };
    const view: UnreferencedView = {
      unreferencedCount: dag.unreferencedCount,
      unreferenced: () => dag.unreferenced(),
      get: (block) => {
        asked.get += 1;
        return dag.get(block);
      },
      coneRoots: (block) => {
        asked.coneRoots += 1;
        return dag.coneRoots(block);
      },
    };
    const chosen = chooseHeaviest(view, { ...LIMITS, maxCone: 4_000 });
    expect(chosen).toHaveLength(8);
    expect(asked).toEqual({ get: 6_000, coneRoots: 6_000 });
  });

  it('makes the greedy choice: each pick covers as much as any block could add', () => {
    const shape = fc.array(fc.uniqueArray(fc.nat(1_000), { minLength: 1, maxLength: 3 }), {
      minLength: 1,
      maxLength: 80,
      size: 'max',
    });
    fc.assert(
      fc.property(shape, fc.integer({ min: 1, max: 8 }), fc.nat(100), (picks, maxParents, cut) => {
        const dag = newDag();
        for (const [number, parents] of picks.entries()) {
          const named = parents.map((pick) => pick % (number + 1));
          const parentIds = named.map((parent) => id(parent === number ? 'g' : `b${parent}`));
          dag.add(id(`b${number}`), [...new Set(parentIds)]);
        }
        const maxCone = cut + 1;
        const chosen = chooseHeaviest(dag, { ...LIMITS, maxParents, maxCone });
        const window = [...dag.unreferenced()].slice(0, maxCone);
        const cones = new Map(window.map((block) => [block, dag.pastConeUnreferenced([block])]));
        const covered = new Set<BlockId>();
        const gainOf = (block: BlockId): number =>
          (cones.get(block) ?? []).filter((other) => !covered.has(other)).length;
        for (const block of chosen) {
          expect(gainOf(block)).toBe(Math.max(...window.map(gainOf)));
          for (const other of cones.get(block) ?? []) covered.add(other);
        }
        expect(chosen.length).toBeLessThanOrEqual(maxParents);
        expect(covered.size).toBeLessThanOrEqual(maxCone);
        expect(chosen.length === maxParents || covered.size === window.length).toBe(true);
      }),
    );
  });
});

describe('chooseHeaviest among sources', () => {
  const WIDE = { ...LIMITS, maxWideParents: 255 };

  it('finds the block of another source behind a backlog that fills the window', () => {
    const dag = newDag();
    for (let i = 0; i < 3_000; i += 1) dag.add(id(`f${i}`), [id('g')], { source: 'flood' });
    dag.add(id('mine'), [id('f2990'), id('f2999')], { source: 'honest' });
    const chosen = chooseHeaviest(dag, { ...WIDE, maxCone: 1_000 });
    expect(chosen[0]).toBe('mine');
    expect(dag.pastConeUnreferenced(chosen).length).toBeLessThanOrEqual(1_000);
  });

  it('names the light blocks of others beside more heavy chains than it has parents', () => {
    const dag = newDag();
    for (let i = 0; i < 8_000; i += 1) {
      const parent = i < 400 ? 'g' : `f${i - 400}`;
      dag.add(id(`f${i}`), [id(parent)], { source: 'flood' });
    }
    const honest = Array.from({ length: 20 }, (_, i) => id(`h${i}`));
    for (const [i, block] of honest.entries()) {
      dag.add(block, [id('g')], { source: `user ${i % 2}` });
    }
    const chosen = new Set(chooseHeaviest(dag, WIDE));
    expect(honest.filter((block) => !chosen.has(block))).toEqual([]);
  });

  it('covers what is first in fair turns, within one milestone, whoever sent what', () => {
    const block = fc.record({
      picks: fc.uniqueArray(fc.nat(1_000), { minLength: 1, maxLength: 3 }),
      source: fc.constantFrom('a', 'b', 'c'),
    });
    const shape = fc.array(block, { minLength: 1, maxLength: 80, size: 'max' });
    fc.assert(
      fc.property(shape, fc.integer({ min: 1, max: 80 }), (blocks, maxCone) => {
        const dag = newDag();
        for (const [number, { picks, source }] of blocks.entries()) {
          const named = picks.map((pick) => pick % (number + 1));
          const parents = named.map((parent) => id(parent === number ? 'g' : `b${parent}`));
          dag.add(id(`b${number}`), [...new Set(parents)], { source });
        }
        const cone = dag.pastConeUnreferenced(chooseHeaviest(dag, { ...WIDE, maxCone }));
        expect(cone.length).toBeLessThanOrEqual(maxCone);
        const { ids } = openWindow(dag, maxCone, 0);
        const old = ids.slice(0, Math.ceil((ids.length * 3) / 4));
        expect(old.filter((one) => !cone.includes(one))).toEqual([]);
        const firsts = ['a', 'b', 'c'].flatMap((source) => {
          const first = blocks.findIndex((one) => one.source === source);
          return first < 0 ? [] : [id(`b${first}`)];
        });
        // The oldest block of each source, unless one milestone cannot hold their cones.
        if (dag.pastConeUnreferenced(firsts).length > maxCone) return;
        expect(firsts.filter((one) => !ids.includes(one))).toEqual([]);
      }),
    );
  });
});

describe('chooseHeaviest in a wide tangle', () => {
  const WIDE = { ...LIMITS, maxWideParents: 255 };

  /** Milestones until nothing waits, at most 100; each takes what `chooseHeaviest` names. */
  function milestonesOf(dag: Dag): number {
    let index = dag.latestIndex;
    const first = index;
    while (dag.unreferencedCount > 0 && index - first < 100) {
      const parents = chooseHeaviest(dag, WIDE);
      dag.markReferenced(dag.pastConeUnreferenced(parents), (index += 1), parents);
    }
    return index - first;
  }

  it('confirms 5,000 blocks on the same four parents within 22 milestones', () => {
    const dag = newDag();
    for (const name of ['p', 'q', 'r', 's']) dag.add(id(name), [id('g')]);
    for (let i = 0; i < 5_000; i += 1) dag.add(id(`w${i}`), ['p', 'q', 'r', 's'].map(id));
    expect(milestonesOf(dag)).toBeLessThanOrEqual(22);
  });

  it('confirms the same burst in four once 625 blocks merge it, eight tips each', () => {
    const dag = newDag();
    for (let i = 0; i < 5_000; i += 1) dag.add(id(`w${i}`), [id('g')]);
    for (let i = 0; i < 625; i += 1) {
      dag.add(
        id(`m${i}`),
        Array.from({ length: 8 }, (_, slot) => id(`w${i * 8 + slot}`)),
      );
    }
    expect(milestonesOf(dag)).toBeLessThanOrEqual(4);
  });

  it('names no more than the usual number while these cover what has waited', () => {
    const dag = newDag();
    addChain(dag, 'trunk', 1_200);
    for (let i = 0; i < 300; i += 1) dag.add(id(`leaf${i}`), [id('trunk1199')]);
    expect(chooseHeaviest(dag, WIDE)).toHaveLength(8);
  });

  it('names further parents exactly while one of the oldest three quarters is uncovered', () => {
    const width = fc.integer({ min: 1, max: 90 });
    fc.assert(
      fc.property(width, fc.integer({ min: 1, max: 70 }), (blocks, maxWideParents) => {
        const dag = newDag();
        for (let i = 0; i < blocks; i += 1) dag.add(id(`w${i}`), [id('g')]);
        const limits = { ...LIMITS, maxParents: 2, maxWideParents: Math.max(2, maxWideParents) };
        const chosen = chooseHeaviest(dag, limits);
        const old = Array.from({ length: Math.ceil((blocks * 3) / 4) }, (_, i) => id(`w${i}`));
        const left = old.filter((block) => !chosen.includes(block));
        expect(left.length === 0 || chosen.length === limits.maxWideParents).toBe(true);
      }),
    );
  });
});
