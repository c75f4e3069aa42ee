import { describe, expect, it } from '@jest/globals';
import { PAGE_ROWS, PageCache } from './page-cache.ts';

const rowsOf = (page: number, mark = ''): { id: string }[] =>
  Array.from({ length: PAGE_ROWS }, (_, at) => ({ id: `${page * PAGE_ROWS + at}${mark}` }));

/** Asks for rows and answers at once. */
function load(cache: PageCache<{ id: string }>, from: number, to: number, mark = ''): number[] {
  const asked = cache.ask(from, to);
  for (const one of asked) cache.put(one, rowsOf(one.page, mark));
  return asked.map(({ page }) => page);
}

describe('a cache of pages', () => {
  it('fetches what is looked at, wherever it lies', () => {
    const cache = new PageCache();
    expect(load(cache, 99_980, 100_000)).toEqual([999]);
    expect(cache.rowAt(99_999)).toEqual({ id: '99999' });
    expect(cache.rowAt(0)).toBeUndefined();
    expect(load(cache, 95, 205)).toEqual([0, 1, 2]);
    expect(cache.indexOf('204')).toBe(204);
    expect(cache.indexOf('400')).toBe(-1);
  });

  it('asks for a page once, and again when it could not be had', () => {
    const cache = new PageCache();
    const [first] = cache.ask(0, 10);
    expect(cache.ask(0, 10)).toEqual([]);
    if (first !== undefined) cache.fail(first);
    expect(cache.ask(0, 10)).toHaveLength(1);
  });

  it('shows what was there until it is fetched anew', () => {
    const cache = new PageCache();
    load(cache, 0, 10);
    cache.change();
    expect(cache.rowAt(3)).toEqual({ id: '3' });
    expect(load(cache, 0, 10, 'b')).toEqual([0]);
    expect(cache.rowAt(3)).toEqual({ id: '3b' });
    expect(load(cache, 0, 10)).toEqual([]);
  });

  it('does not take an answer from before a change for the present one', () => {
    const cache = new PageCache();
    const [old] = cache.ask(0, 10);
    cache.change();
    const [fresh] = cache.ask(0, 10);
    if (fresh === undefined || old === undefined) throw new Error('both are asked for');
    cache.put(old, rowsOf(0, 'old'));
    expect(cache.rowAt(3)).toBeUndefined();
    cache.put(fresh, rowsOf(0, 'new'));
    expect(cache.rowAt(3)).toEqual({ id: '3new' });
    cache.put(old, rowsOf(0, 'old'));
    expect(cache.rowAt(3)).toEqual({ id: '3new' });
  });

  it('keeps what is looked at, and forgets what was left long ago', () => {
    const cache = new PageCache();
    for (let page = 0; page < 60; page++) {
      load(cache, 0, 10);
      load(cache, page * PAGE_ROWS, page * PAGE_ROWS + 10);
    }
    expect(cache.rowAt(0)).toBeDefined();
    expect(cache.rowAt(5 * PAGE_ROWS)).toBeUndefined();
    expect(cache.rowAt(59 * PAGE_ROWS)).toBeDefined();
  });
});
