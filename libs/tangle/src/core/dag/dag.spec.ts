/** The DAG: each outcome by its code, what it keeps and forgets, and its cost on hostile shapes. */
import { describe, expect, it } from '@jest/globals';
import { GENESIS_BLOCK_ID } from '../codec/ids.ts';
import type { BlockId } from '../codec/ids.ts';
import { Dag } from './dag.ts';
import type { DagOptions } from './dag.ts';

const id = (name: string): BlockId => name as BlockId;
const ids = (names: string): BlockId[] => names.split(' ').filter(Boolean).map(id);

/** A DAG with the genesis as entry point `g` of milestone 0. */
function dagWithGenesis(options: Partial<DagOptions> = {}): Dag {
  const dag = new Dag({ belowMaxDepth: 10, ...options });
  dag.addEntryPoint(id('g'), 0);
  return dag;
}

/** Adds `name: parents` lines and fails loudly if one is not taken in. */
function addAll(dag: Dag, lines: readonly string[]): void {
  for (const line of lines) {
    const [name = '', parents = ''] = line.split(':');
    expect(dag.add(id(name), ids(parents))).toMatchObject({ ok: true });
  }
}

describe('solidity', () => {
  it('makes a block solid whose parents are, and keeps one waiting whose parents are not', () => {
    const dag = dagWithGenesis();
    expect(dag.add(id('a'), ids('g'))).toEqual({
      ok: true,
      value: { solid: ['a'], missing: [], dropped: [] },
    });
    expect(dag.add(id('c'), ids('a b'))).toEqual({
      ok: true,
      value: { solid: [], missing: ['b'], dropped: [] },
    });
    expect([dag.isSolid(id('a')), dag.isSolid(id('c')), dag.isSolid(id('b'))]).toEqual([
      true,
      false,
      false,
    ]);
    expect([dag.size, dag.unsolidCount, dag.unreferencedCount]).toEqual([3, 1, 1]);
    expect(dag.get(id('c'))).toMatchObject({ solid: false, parents: ['a', 'b'] });
    expect(dag.coneRoots(id('c'))).toBeUndefined();
    expect(dag.coneRoots(id('b'))).toBeUndefined();
  });

  it('solidifies the waiting future cone, parents before children', () => {
    const dag = dagWithGenesis();
    addAll(dag, ['d:c b', 'c:a b', 'e:d', 'b:a']);
    const added = dag.add(id('a'), ids('g'));
    expect(added).toEqual({
      ok: true,
      value: { solid: ['a', 'b', 'c', 'd', 'e'], missing: [], dropped: [] },
    });
    expect([...(dag.get(id('a'))?.children ?? [])].toSorted()).toEqual(['b', 'c']);
    expect([...dag.unreferenced()]).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  it('names as missing only what nobody has brought', () => {
    const dag = dagWithGenesis();
    addAll(dag, ['c:a b', 'd:c x']);
    expect(dag.missingParents(10)).toEqual(['a', 'b', 'x']);
    expect(dag.missingParents(2)).toEqual(['a', 'b']);
    expect(dag.missingParents(10, (other) => other === 'a')).toEqual(['b', 'x']);
    addAll(dag, ['b:g']);
    expect(dag.missingParents(10)).toEqual(['a', 'x']);
  });

  it('takes the zero id as the genesis like any other', () => {
    const dag = new Dag({ belowMaxDepth: 10 });
    addAll(dag, [`a:${GENESIS_BLOCK_ID}`]);
    expect(dag.addEntryPoint(GENESIS_BLOCK_ID, 0).solid).toEqual(['a']);
    expect(dag.get(GENESIS_BLOCK_ID)).toMatchObject({ solid: true, referencedIndex: 0 });
  });

  it('lets an entry point take the place of a waiting block or of an unreferenced one', () => {
    const dag = dagWithGenesis();
    addAll(dag, ['b:a', 'c:b', 'd:g', 'e:d']);
    expect(dag.addEntryPoint(id('b'), 4)).toEqual({ solid: ['c'], missing: [], dropped: [] });
    expect(dag.missingParents(10)).toEqual([]);
    expect(dag.get(id('b'))?.parents).toEqual([]);
    dag.addEntryPoint(id('d'), 5);
    expect(dag.coneRoots(id('e'))).toEqual({ youngest: 5, oldest: 5 });
    expect([...dag.unreferenced()].toSorted()).toEqual(['c', 'e']);
  });

  it('block-known', () => {
    const dag = dagWithGenesis();
    addAll(dag, ['a:g', 'c:b']);
    for (const known of ['g', 'a', 'c']) {
      expect(dag.add(id(known), ids('x'))).toMatchObject({ ok: false, code: 'block-known' });
    }
  });

  it('below-max-depth drops the waiting blocks above it as well', () => {
    const dag = dagWithGenesis();
    addAll(dag, ['f:a', 'h:f']);
    dag.markReferenced([], 11);
    expect(dag.add(id('a'), ids('g'))).toEqual({
      ok: false,
      action: 'ignore',
      code: 'below-max-depth',
      dropped: ['f', 'h'],
    });
    expect([dag.size, dag.unsolidCount]).toEqual([1, 0]);
    expect(dag.missingParents(10)).toEqual([]);
  });

  it('drops a waiting block that is below max depth once its last parent comes', () => {
    const dag = dagWithGenesis();
    dag.markReferenced([], 11);
    dag.addEntryPoint(id('y'), 11);
    addAll(dag, ['c:g b', 'd:c']);
    expect(dag.add(id('b'), ids('y'))).toEqual({
      ok: true,
      value: { solid: ['b'], missing: [], dropped: ['c', 'd'] },
    });
  });

  it('refuses what no checked block can have', () => {
    const dag = dagWithGenesis();
    expect(() => dag.add(id('a'), [])).toThrow('1 to 8 parents');
    expect(() => dag.add(id('a'), ids('1 2 3 4 5 6 7 8 9'))).toThrow('1 to 8 parents');
    expect(() => dag.add(id('a'), ids('g g'))).toThrow('distinct');
  });
});

describe('the waiting room', () => {
  it('too-many-unsolid when it is full of sources that hold no more', () => {
    const dag = dagWithGenesis({ maxUnsolid: 2 });
    dag.add(id('a'), ids('x'), { source: 'one' });
    dag.add(id('b'), ids('y'), { source: 'two' });
    expect(dag.add(id('c'), ids('z'), { source: 'three' })).toMatchObject({
      ok: false,
      code: 'too-many-unsolid',
    });
    expect(dag.missingParents(10)).toEqual(['x', 'y']);
  });

  it('displaces the oldest of a source that is at its quota', () => {
    const dag = dagWithGenesis({ maxUnsolidPerSource: 2 });
    for (const name of ['a', 'b', 'c']) dag.add(id(name), ids(`x${name}`), { source: 'one' });
    expect([dag.has(id('a')), dag.has(id('b')), dag.has(id('c'))]).toEqual([false, true, true]);
    expect(dag.missingParents(10)).toEqual(['xb', 'xc']);
    const added = dag.add(id('d'), ids('xd'), { source: 'one' });
    expect(added).toMatchObject({ value: { dropped: ['b'], missing: ['xd'] } });
  });

  it('asks again for a displaced block that others wait for', () => {
    const dag = dagWithGenesis({ maxUnsolidPerSource: 2 });
    addAll(dag, ['a:x', 'b:a', 'c:b']);
    expect(dag.missingParents(10)).toEqual(['a']);
    expect(dag.add(id('a'), ids('g'))).toMatchObject({ value: { solid: ['a', 'b', 'c'] } });
  });

  it('keeps the blocks of others when one source floods', () => {
    const dag = dagWithGenesis({ maxUnsolid: 200, maxUnsolidPerSource: 200 });
    for (let i = 0; i < 50; i += 1) dag.add(id(`q${i}`), ids(`p${i}`), { source: 'quiet' });
    for (let i = 0; i < 5_000; i += 1) {
      const parents = Array.from({ length: 8 }, (_, slot) => id(`invented${i}.${slot}`));
      dag.add(id(`f${i}`), parents, { source: 'flood' });
      expect(dag.unsolidCount).toBeLessThanOrEqual(200);
    }
    for (let i = 0; i < 50; i += 1) expect(dag.has(id(`q${i}`))).toBe(true);
    expect(dag.missingParents(Infinity)).toHaveLength(50 + 150 * 8);
    expect(dag.missingParents(100).filter((parent) => parent.startsWith('p'))).toHaveLength(12);
    for (let i = 0; i < 60; i += 1) dag.add(id(`r${i}`), ids(`s${i}`), { source: 'late' });
    for (let i = 0; i < 60; i += 1) expect(dag.has(id(`r${i}`))).toBe(true);
    for (let i = 0; i < 50; i += 1) expect(dag.has(id(`q${i}`))).toBe(true);
  });

  it('forgets what waited for longer than max depth', () => {
    const dag = dagWithGenesis();
    addAll(dag, ['b:a']);
    dag.markReferenced([], 5);
    addAll(dag, ['d:c']);
    dag.markReferenced([], 11);
    expect(dag.prune(0)).toEqual(['b']);
    expect(dag.missingParents(10)).toEqual(['c']);
  });
});

describe('cone roots', () => {
  it('are the youngest and oldest referenced blocks met first in the past cone', () => {
    const dag = dagWithGenesis();
    addAll(dag, ['a:g', 'b:a', 'c:a g', 'd:b c']);
    expect(dag.coneRoots(id('d'))).toEqual({ youngest: 0, oldest: 0 });
    dag.markReferenced(ids('a'), 1);
    expect(dag.coneRoots(id('d'))).toEqual({ youngest: 1, oldest: 0 });
    expect(dag.coneRoots(id('b'))).toEqual({ youngest: 1, oldest: 1 });
    dag.markReferenced(ids('b c'), 2);
    expect(dag.coneRoots(id('d'))).toEqual({ youngest: 2, oldest: 2 });
    expect(dag.coneRoots(id('a'))).toEqual({ youngest: 1, oldest: 1 });
    expect(dag.get(id('a'))).toMatchObject({ referencedIndex: 1 });
  });

  it('see the latest milestone that names a block as parent, so that a quiet network lives', () => {
    const dag = dagWithGenesis();
    addAll(dag, ['a:g']);
    dag.markReferenced(ids('a'), 1, ids('a'));
    for (let index = 2; index <= 40; index += 1) {
      dag.markReferenced([], index, ids('a'));
      dag.prune(index - 10);
    }
    expect(dag.get(id('a'))).toMatchObject({ referencedIndex: 1 });
    expect(dag.rootIndexOf(id('a'))).toBe(40);
    addAll(dag, ['b:a']);
    expect(dag.coneRoots(id('b'))).toEqual({ youngest: 40, oldest: 40 });
    expect(dag.add(id('c'), ids('g')).ok).toBe(true);
    expect(dag.has(id('g'))).toBe(false);
  });

  it('put a block below max depth one milestone after the depth', () => {
    const dag = dagWithGenesis();
    addAll(dag, ['a:g', 'c:b']);
    expect(dag.isBelowMaxDepth(id('a'), 10)).toBe(false);
    expect(dag.isBelowMaxDepth(id('a'), 11)).toBe(true);
    expect(dag.isBelowMaxDepth(id('c'), 99)).toBe(false);
  });

  it('refuse marks on blocks that are not solid', () => {
    const dag = dagWithGenesis();
    addAll(dag, ['b:a']);
    expect(() => dag.markReferenced(ids('b'), 1)).toThrow('solid');
    expect(() => dag.markReferenced(ids('z'), 1)).toThrow('solid');
  });

  it('compute each block of a ladder once, though it has exponentially many paths', () => {
    const dag = dagWithGenesis();
    addAll(dag, ['0:g', '1:g 0']);
    for (let i = 2; i < 5_000; i += 1) addAll(dag, [`${i}:${i - 1} ${i - 2}`]);
    expect(dag.rootsComputed).toBe(5_000);
    dag.markReferenced(ids('0 1'), 1);
    expect(dag.coneRoots(id('4999'))).toEqual({ youngest: 1, oldest: 1 });
    expect(dag.rootsComputed).toBe(5_000 + 4_998);
    for (let i = 2; i < 5_000; i += 1) dag.coneRoots(id(`${i}`));
    expect(dag.rootsComputed).toBe(5_000 + 4_998);
  });

  it('leave alone what a milestone did not touch', () => {
    const dag = dagWithGenesis();
    addAll(dag, ['side0:g', 'main0:g']);
    for (let i = 1; i < 1_000; i += 1) addAll(dag, [`side${i}:side${i - 1}`]);
    const before = dag.rootsComputed;
    dag.markReferenced(ids('main0'), 1);
    dag.coneRoots(id('side999'));
    expect(dag.rootsComputed).toBe(before);
  });
});

describe('hostile shapes', () => {
  it('a chain of 10,000 that arrives back to front', () => {
    const dag = dagWithGenesis({ maxUnsolid: 10_000, maxUnsolidPerSource: 10_000 });
    for (let i = 9_999; i > 0; i -= 1) dag.add(id(`${i}`), [id(`${i - 1}`)]);
    const added = dag.add(id('0'), ids('g'));
    expect(added.ok && added.value.solid).toHaveLength(10_000);
    expect(dag.rootsComputed).toBe(10_000);
    expect(dag.pastConeUnreferenced(ids('9999'))).toHaveLength(10_000);
    dag.markReferenced([], 11);
    expect(dag.prune(0)).toHaveLength(10_000);
    expect(dag.size).toBe(1);
  });

  it('a fan of 20,000 children, referenced and pruned one by one', () => {
    const dag = dagWithGenesis();
    for (let i = 0; i < 20_000; i += 1) dag.add(id(`${i}`), ids('g'));
    expect(dag.get(id('g'))?.children.size).toBe(20_000);
    expect(dag.rootsComputed).toBe(20_000);
    for (let i = 0; i < 20_000; i += 1) dag.markReferenced([id(`${i}`)], 1 + Math.floor(i / 4_000));
    expect(dag.unreferencedCount).toBe(0);
    expect(dag.prune(100)).toHaveLength(20_001);
    expect(dag.size).toBe(0);
  });

  it('a fan of 5,000 that waits for one parent', () => {
    const dag = dagWithGenesis({ maxUnsolid: 5_000, maxUnsolidPerSource: 5_000 });
    for (let i = 0; i < 5_000; i += 1) dag.add(id(`${i}`), ids('a'));
    expect(dag.missingParents(10)).toEqual(['a']);
    const added = dag.add(id('a'), ids('g'));
    expect(added.ok && added.value.solid).toHaveLength(5_001);
  });
});

describe('prune', () => {
  it('keeps a referenced block while something unreferenced stands on it', () => {
    const dag = dagWithGenesis();
    addAll(dag, ['a:g', 'b:a', 'w:a m']);
    dag.markReferenced(ids('a'), 1);
    expect(dag.prune(5)).toEqual(['g']);
    expect(dag.has(id('a'))).toBe(true);
    dag.markReferenced(ids('b'), 2);
    expect(dag.prune(5)).toEqual(['b']);
    expect(dag.has(id('a'))).toBe(true);
    expect(dag.add(id('m'), ids('a'))).toMatchObject({ value: { solid: ['m', 'w'] } });
    dag.markReferenced(ids('m w'), 3);
    expect(dag.prune(5).toSorted()).toEqual(['a', 'm', 'w']);
  });

  it('drops what fell below max depth with all that stands on it, and spares the rest', () => {
    const dag = dagWithGenesis();
    addAll(dag, ['a:g', 'dead:g', 'above:dead a', 'waits:above m', 'live:a']);
    dag.markReferenced(ids('a'), 11);
    expect(dag.prune(0).toSorted()).toEqual(['above', 'dead', 'waits']);
    expect([...dag.unreferenced()]).toEqual(['live']);
    expect(dag.missingParents(10)).toEqual([]);
    expect(dag.prune(0)).toEqual([]);
  });
});

describe('shares of sources', () => {
  /** Who has a share of six places. */
  const sharesOf = (dag: Dag): boolean[] =>
    ['loud', 'quiet', 'silent'].map((source) => dag.holdsShare(source, 6));

  it('are equal parts of the places among those who have solid unreferenced blocks', () => {
    const dag = dagWithGenesis();
    for (let i = 0; i < 5; i += 1) dag.add(id(`l${i}`), ids('g'), { source: 'loud' });
    expect(sharesOf(dag)).toEqual([false, false, false]);
    dag.add(id('q0'), ids('g'), { source: 'quiet' });
    expect(sharesOf(dag)).toEqual([true, false, false]);
    dag.add(id('q1'), ids('g missing'), { source: 'quiet' });
    dag.add(id('q2'), ids('g'), { source: 'quiet' });
    expect(sharesOf(dag)).toEqual([true, false, false]);
    dag.addEntryPoint(id('missing'), 0);
    expect(sharesOf(dag)).toEqual([true, true, false]);
  });

  it('are given back with milestones and with what falls below max depth', () => {
    const dag = dagWithGenesis();
    dag.addEntryPoint(id('young'), 11);
    for (let i = 0; i < 6; i += 1) dag.add(id(`l${i}`), ids('young'), { source: 'loud' });
    expect(sharesOf(dag)).toEqual([true, false, false]);
    dag.markReferenced(ids('l0'), 12);
    expect(sharesOf(dag)).toEqual([false, false, false]);
    dag.add(id('q0'), ids('l5'), { source: 'quiet' });
    expect(sharesOf(dag)).toEqual([true, false, false]);
    dag.markReferenced([], 23);
    dag.prune(0);
    expect(dag.unreferencedCount).toBe(0);
    expect(sharesOf(dag)).toEqual([false, false, false]);
  });
});

describe('pastConeUnreferenced', () => {
  it('is the known unreferenced past cone in white-flag order, waiting blocks included', () => {
    const dag = dagWithGenesis();
    addAll(dag, ['a:g', 'b:a', 'c:b x', 'd:c a']);
    dag.markReferenced(ids('a'), 1);
    expect(dag.pastConeUnreferenced(ids('d'))).toEqual(['b', 'c', 'd']);
    expect(dag.pastConeUnreferenced(ids('a unknown'))).toEqual([]);
  });
});
