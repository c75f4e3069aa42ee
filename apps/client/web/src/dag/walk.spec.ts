import { describe, expect, it } from '@jest/globals';
import { DagStore } from './dag-store.ts';
import { step, type Walk, type WalkKey } from './walk.ts';

/** a and b below c and d, which stand on both; e stands on d. */
function diamond(): DagStore {
  const store = new DagStore();
  const edges = { a: [], b: [], c: ['a', 'b'], d: ['a', 'b', 'gone'], e: ['d'] };
  for (const [at, [id, parents]] of Object.entries(edges).entries()) {
    store.add({ id, atMs: at, parents });
  }
  return store;
}

function walk(store: DagStore, start: Walk | undefined, keys: readonly WalkKey[]) {
  return keys.reduce<Walk | undefined>((at, key) => step(store, at, key), start)?.id;
}

describe('walking the tangle', () => {
  it('begins at the newest vertex, and nowhere when there is none', () => {
    expect(walk(diamond(), undefined, ['ArrowUp'])).toBe('e');
    expect(step(new DagStore(), undefined, 'ArrowLeft')).toBeUndefined();
    expect(walk(diamond(), { id: 'gone' }, ['ArrowLeft'])).toBe('e');
  });

  it('goes left to parents, right to children, and stays where the way ends', () => {
    expect(walk(diamond(), { id: 'e' }, ['ArrowLeft', 'ArrowLeft'])).toBe('a');
    expect(walk(diamond(), { id: 'e' }, ['ArrowLeft', 'ArrowLeft', 'ArrowLeft'])).toBe('a');
    expect(walk(diamond(), { id: 'a' }, ['ArrowRight'])).toBe('c');
    expect(walk(diamond(), { id: 'e' }, ['ArrowRight'])).toBe('e');
  });

  it('goes up and down among those at which the last step could have ended, in a ring', () => {
    const down = ['ArrowLeft', 'ArrowDown'] as const;
    expect(walk(diamond(), { id: 'd' }, down)).toBe('b');
    expect(walk(diamond(), { id: 'd' }, [...down, 'ArrowDown'])).toBe('a');
    expect(walk(diamond(), { id: 'd' }, [...down, 'ArrowUp'])).toBe('a');
    expect(walk(diamond(), { id: 'b' }, ['ArrowRight', 'ArrowUp'])).toBe('d');
  });

  it('goes among the children of the first parent without a step before', () => {
    expect(walk(diamond(), { id: 'c' }, ['ArrowDown'])).toBe('d');
    expect(walk(diamond(), { id: 'a' }, ['ArrowDown'])).toBe('a');
  });
});
