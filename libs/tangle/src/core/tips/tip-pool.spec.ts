/** Tip selection: who is chosen, who leaves when, the bounds, and what a selection costs. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { BlockId } from '../codec/ids.ts';
import { Dag } from '../dag/dag.ts';
import type { ConeRoots } from '../dag/dag.ts';
import { MAX_TIP_CHILDREN, MAX_TIPS, TIP_AGE_AFTER_FIRST_CHILD_MS } from '../params/limits.ts';
import type { Random } from '../ports.ts';
import { TipPool } from './tip-pool.ts';

const id = (name: string): BlockId => name as BlockId;
const ids = (names: string): BlockId[] => names.split(' ').filter(Boolean).map(id);
const fresh = (): ConeRoots => ({ youngest: 100, oldest: 100 });

/** Mulberry32, and how often it was asked. */
class SeededRandom implements Random {
  draws = 0;
  #state: number;

  constructor(seed = 1) {
    this.#state = seed;
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.below(256));
  }

  below(bound: number): number {
    this.draws += 1;
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let x = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return Math.floor((((x ^ (x >>> 14)) >>> 0) / 2 ** 32) * bound);
  }
}

function newPool(options: { maxTips?: number } = {}, random = new SeededRandom()): TipPool {
  return new TipPool({ belowMaxDepth: 60, ...options }, { random });
}

/** A pool with these childless tips. */
function poolWith(names: string): TipPool {
  const pool = newPool();
  for (const name of ids(names)) pool.add(name, [], 0);
  return pool;
}

describe('select', () => {
  it('draws distinct tips, all of them when it may', () => {
    const pool = poolWith('a b c d e');
    expect(pool.select(10, 100, fresh, 0).toSorted()).toEqual(ids('a b c d e'));
    for (let i = 0; i < 50; i += 1) expect(new Set(pool.select(4, 100, fresh, 0)).size).toBe(4);
  });

  it('draws uniformly', () => {
    const pool = poolWith('a b c d e');
    const counts = new Map<BlockId, number>();
    for (let i = 0; i < 5_000; i += 1) {
      for (const tip of pool.select(2, 100, fresh, 0)) counts.set(tip, (counts.get(tip) ?? 0) + 1);
    }
    // 2,000 expected for each; the standard deviation is 35, and the seed is fixed.
    for (const count of counts.values()) expect(Math.abs(count - 2_000)).toBeLessThan(150);
  });

  it.each([
    ['youngest 30 behind and oldest 52 behind', { youngest: 70, oldest: 48 }, true],
    ['youngest 31 behind', { youngest: 69, oldest: 69 }, false],
    ['oldest 53 behind', { youngest: 100, oldest: 47 }, false],
  ])('at depth 60 takes a tip as non-lazy or not: %s', (_, roots, isNonLazy) => {
    const pool = poolWith('a other');
    const chosen = pool.select(8, 100, (tip) => (tip === 'a' ? roots : fresh()), 0);
    expect(chosen.includes(id('a'))).toBe(isNonLazy);
    expect(chosen).toContain('other');
  });

  it('falls back to semi-lazy tips, then to the entry points, and never to lazy tips', () => {
    const pool = poolWith('semi lazy');
    pool.setEntryPoints(ids('g h'));
    const rootsOf = (tip: BlockId): ConeRoots => ({
      youngest: tip === 'lazy' ? 60 : 100,
      oldest: tip === 'lazy' ? 60 : 45,
    });
    expect(pool.select(4, 100, rootsOf, 0)).toEqual(ids('semi'));
    pool.remove(id('semi'));
    expect(pool.select(4, 100, rootsOf, 0)).toEqual(ids('g h'));
    expect(['g', 'h']).toContain(pool.select(1, 100, rootsOf, 0)[0]);
    expect(pool.has(id('lazy'))).toBe(true);
  });

  it('is empty only without tips and entry points', () => {
    expect(newPool().select(4, 0, fresh, 0)).toEqual([]);
  });

  it('scores anew with each milestone, for better and for worse', () => {
    const pool = poolWith('a b');
    const rootsAt = (index: number) => (tip: BlockId) =>
      tip === 'a' ? { youngest: 100, oldest: 100 } : { youngest: index, oldest: index };
    expect(pool.select(4, 100, rootsAt(60), 0)).toEqual(ids('a'));
    expect(pool.select(4, 101, rootsAt(101), 0).toSorted()).toEqual(ids('a b'));
    expect(pool.select(4, 140, rootsAt(140), 0)).toEqual(ids('b'));
  });

  it('forgets tips that are below max depth or that the DAG no longer knows', () => {
    const pool = poolWith('dead gone live');
    const rootsOf = (tip: BlockId): ConeRoots | undefined => {
      if (tip === 'gone') return undefined;
      return tip === 'dead' ? { youngest: 100, oldest: 39 } : fresh();
    };
    expect(pool.select(4, 100, rootsOf, 0)).toEqual(ids('live'));
    expect(pool.size).toBe(1);
  });
});

describe('a tip leaves', () => {
  it(`with its child number ${MAX_TIP_CHILDREN}`, () => {
    const pool = poolWith('a');
    for (let i = 1; i < MAX_TIP_CHILDREN; i += 1) pool.add(id(`c${i}`), ids('a'), 0);
    expect(pool.has(id('a'))).toBe(true);
    pool.add(id('last'), ids('a'), 0);
    expect(pool.has(id('a'))).toBe(false);
  });

  it(`${TIP_AGE_AFTER_FIRST_CHILD_MS} ms after its first child, and not before`, () => {
    const pool = poolWith('a');
    pool.add(id('b'), ids('a'), 1_000);
    pool.add(id('c'), ids('a'), 2_000);
    const selectAt = (nowMs: number) => pool.select(4, 100, fresh, nowMs).toSorted();
    expect(selectAt(999 + TIP_AGE_AFTER_FIRST_CHILD_MS)).toEqual(ids('a b c'));
    expect(selectAt(1_000 + TIP_AGE_AFTER_FIRST_CHILD_MS)).toEqual(ids('b c'));
    expect(pool.size).toBe(2);
  });

  it('as the oldest when there are too many', () => {
    const pool = newPool({ maxTips: 3 });
    for (const name of ids('a b c')) pool.add(name, [], 0);
    pool.remove(id('a'));
    for (const name of ids('d e f')) pool.add(name, [], 0);
    expect(ids('a b c d e f').filter((name) => pool.has(name))).toEqual(ids('d e f'));
  });

  it('once, though it is added twice', () => {
    const pool = poolWith('a a b');
    expect(pool.size).toBe(2);
    pool.remove(id('a'));
    pool.remove(id('a'));
    expect(pool.size).toBe(1);
  });
});

describe('onMilestone', () => {
  it('makes the milestone parents the entry points', () => {
    const pool = newPool();
    pool.setEntryPoints(ids('g'));
    pool.onMilestone(1, ids('m n'));
    expect(pool.select(4, 1, fresh, 0)).toEqual(ids('m n'));
  });

  it('refuses a milestone without parents', () => {
    expect(() => newPool().onMilestone(1, [])).toThrow('names parents');
  });
});

describe('with 10,000 tips', () => {
  it('scores each tip once per milestone and draws a handful of numbers per selection', () => {
    const random = new SeededRandom();
    const pool = newPool({}, random);
    for (let i = 0; i < MAX_TIPS; i += 1) pool.add(id(`${i}`), [], 0);
    let asked = 0;
    const rootsOf = (): ConeRoots => {
      asked += 1;
      return fresh();
    };
    for (let i = 0; i < 1_000; i += 1) pool.select(4, 100, rootsOf, 0);
    expect([asked, random.draws]).toEqual([MAX_TIPS, 4_000]);
    pool.onMilestone(101, ids('0'));
    for (let i = 0; i < 1_000; i += 1) pool.select(4, 101, rootsOf, 0);
    expect(asked).toBe(2 * MAX_TIPS);
    for (let i = 0; i < 30_000; i += 1) pool.add(id(`x${i}`), [], 0);
    expect(pool.size).toBe(MAX_TIPS);
  });

  it('passes aged tips once each', () => {
    const random = new SeededRandom();
    const pool = newPool({}, random);
    for (let i = 0; i < 9_000; i += 1) pool.add(id(`${i}`), [], 0);
    pool.select(4, 100, fresh, 0);
    for (let i = 0; i < 1_125; i += 1) {
      const parents = Array.from({ length: 8 }, (_, slot) => id(`${i * 8 + slot}`));
      pool.add(id(`child${i}`), parents, 0);
    }
    random.draws = 0;
    for (let i = 0; i < 1_000; i += 1) {
      const chosen = pool.select(4, 100, fresh, TIP_AGE_AFTER_FIRST_CHILD_MS);
      expect(chosen.every((tip) => tip.startsWith('child'))).toBe(true);
    }
    expect(random.draws).toBeLessThanOrEqual(9_000 + 4_000);
  });

  it('finds lazy tips by their score and not by drawing them', () => {
    const random = new SeededRandom();
    const pool = newPool({}, random);
    for (let i = 0; i < MAX_TIPS - 1; i += 1) pool.add(id(`lazy${i}`), [], 0);
    pool.add(id('honest'), [], 0);
    const rootsOf = (tip: BlockId): ConeRoots =>
      tip === 'honest' ? fresh() : { youngest: 50, oldest: 50 };
    for (let i = 0; i < 100; i += 1) expect(pool.select(4, 100, rootsOf, 0)).toEqual(['honest']);
    expect(random.draws).toBe(100);
  });
});

describe('heaviest', () => {
  it('names referenced tips, or else the entry points, when nothing waits', () => {
    const dag = new Dag({ belowMaxDepth: 60 });
    const pool = newPool();
    dag.addEntryPoint(id('g'), 0);
    pool.setEntryPoints(ids('g'));
    expect(pool.heaviest(0, dag)).toEqual(ids('g'));
    dag.add(id('a'), ids('g'));
    pool.add(id('a'), ids('g'), 0);
    expect(pool.heaviest(0, dag)).toEqual(ids('a'));
    dag.markReferenced(ids('a'), 1, ids('a'));
    pool.onMilestone(1, ids('a'));
    expect(pool.heaviest(1, dag)).toEqual(ids('a'));
  });

  it('repeats no more than 8 of what a wide milestone named, however long it stays quiet', () => {
    const dag = new Dag({ belowMaxDepth: 60 });
    const named = Array.from({ length: 20 }, (_, at) => id(`n${at}`));
    for (const one of named) dag.addEntryPoint(one, 1);
    expect(newPool().heaviest(1, dag, named)).toEqual(named.slice(0, 8));
  });

  it('leaves out what would be below max depth for the milestone to come', () => {
    const dag = new Dag({ belowMaxDepth: 60 });
    const pool = newPool();
    dag.addEntryPoint(id('g'), 0);
    pool.setEntryPoints(ids('g'));
    dag.add(id('a'), ids('g'));
    dag.markReferenced([], 59);
    expect(pool.heaviest(59, dag)).toEqual(ids('a'));
    dag.markReferenced([], 60);
    expect(pool.heaviest(60, dag)).toEqual(ids('g'));
  });

  it('keeps a network alive through an hour of empty heartbeats', () => {
    const dag = new Dag({ belowMaxDepth: 60 });
    const pool = newPool();
    dag.addEntryPoint(id('g'), 0);
    pool.setEntryPoints(ids('g'));
    dag.add(id('a'), ids('g'));
    pool.add(id('a'), ids('g'), 0);
    for (let index = 1; index <= 360; index += 1) {
      const parents = pool.heaviest(index - 1, dag);
      expect(parents).toEqual(ids('a'));
      dag.markReferenced(dag.pastConeUnreferenced(parents), index, parents);
      for (const gone of dag.prune(index - 65)) pool.remove(gone);
      pool.onMilestone(index, parents);
    }
    const parents = pool.select(4, 360, (tip) => dag.coneRoots(tip), 3_600_000);
    expect(dag.add(id('b'), parents)).toMatchObject({ ok: true, value: { solid: ['b'] } });
  });
});

describe('a wide tangle', () => {
  it('gives a block eight parents while more than 128 tips wait, else four', () => {
    const pool = newPool({}, new SeededRandom(1));
    const countOf = (): number => pool.parentsForBlock(0, fresh, 0).length;
    for (let i = 0; i < 128; i += 1) pool.add(id(`${i}`), ids('g'), 0);
    expect(countOf()).toBe(4);
    pool.add(id('one more'), ids('g'), 0);
    expect(countOf()).toBe(8);
  });

  it('tells the oldest tips that nobody took up', () => {
    const pool = newPool({}, new SeededRandom(1));
    for (const [name, at] of [
      ['a', 1],
      ['b', 2],
      ['c', 3],
      ['d', 4],
      ['e', 9],
    ] as const) {
      pool.add(id(name), ids('g'), at);
    }
    pool.add(id('child'), ids('b'), 9);
    pool.remove(id('c'));
    const left = (count: number, beforeMs: number): BlockId[] =>
      pool.leftBehind(count, beforeMs, 100, {
        coneRoots: fresh,
        isReferenced: (tip) => tip === 'd',
      });
    expect(left(8, 9)).toEqual(ids('a'));
    expect(left(8, 10)).toEqual([...ids('a e child')]);
    expect(left(1, 10)).toEqual(ids('a'));
    expect(left(8, 1)).toEqual([]);
  });

  it('leaves out tips so old that they would take a merging block with them', () => {
    const pool = poolWith('fresh old dead');
    const oldest: Readonly<Record<string, number>> = { fresh: 99, old: 47, dead: 39 };
    const coneRoots = (tip: BlockId) => ({ youngest: 99, oldest: oldest[tip] ?? 0 });
    const dag = { coneRoots, isReferenced: () => false };
    expect(pool.leftBehind(8, 1, 100, dag)).toEqual(ids('fresh'));
  });

  it('finds a tip that was left behind beyond any number that were taken up', () => {
    const pool = newPool();
    for (let i = 0; i < 9_000; i += 1) {
      pool.add(id(`${i}`), i === 0 ? [] : [id(`${i - 1}`)], 0);
    }
    pool.add(id('alone'), [], 1);
    let asked = 0;
    const isReferenced = () => {
      asked += 1;
      return false;
    };
    const dag = { coneRoots: fresh, isReferenced };
    expect(pool.leftBehind(8, 2, 100, dag)).toEqual(ids('8999 alone'));
    expect(asked).toBe(2);
  });
});

describe('the pool under random use', () => {
  it('holds what it should: bounded, distinct, from the tips it was given', () => {
    const step = fc.record({
      kind: fc.constantFrom('add', 'remove', 'select', 'milestone'),
      block: fc.nat(40),
      parents: fc.uniqueArray(fc.nat(40), { maxLength: 4 }),
      passMs: fc.nat(1_500),
    });
    expect.hasAssertions();
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120, size: 'max' }), fc.nat(), (script, seed) => {
        const pool = newPool({ maxTips: 10 }, new SeededRandom(seed));
        pool.setEntryPoints(ids('g'));
        let [nowMs, index] = [0, 100];
        let fallback = ids('g');
        for (const { kind, block, parents, passMs } of script) {
          nowMs += passMs;
          const named = parents.map((parent) => id(`${parent}`));
          if (kind === 'add') pool.add(id(`${block}`), named, nowMs);
          if (kind === 'remove') pool.remove(id(`${block}`));
          if (kind === 'milestone') fallback = [id('g'), ...named];
          if (kind === 'milestone') pool.onMilestone((index += 1), fallback);
          const rootsOf = (tip: BlockId): ConeRoots | undefined =>
            tip === '7' ? undefined : { youngest: 100, oldest: 100 - Number(tip) };
          const chosen = pool.select(4, index, rootsOf, nowMs);
          expect(chosen.length).toBeGreaterThan(0);
          expect(new Set(chosen).size).toBe(chosen.length);
          expect(pool.size).toBeLessThanOrEqual(10);
          const isFallback = chosen.every((tip) => fallback.includes(tip));
          expect(isFallback || chosen.every((tip) => pool.has(tip) && tip !== '7')).toBe(true);
        }
      }),
    );
  });
});
