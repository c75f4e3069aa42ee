import { describe, expect, it } from '@jest/globals';
import { startWalk, step, toggle, type Walk } from './conversation.ts';

const ids = ['a', 'b', 'c', 'd'];
const openOf = ({ open }: Walk): string => ids.filter((id) => open.has(id)).join('');

describe('a conversation', () => {
  it('begins with the chosen mail and the newest open', () => {
    expect(openOf(startWalk('b', ids))).toBe('bd');
    expect(openOf(startWalk('d', ids))).toBe('d');
    expect([...startWalk('z', []).open]).toEqual(['z']);
  });

  it('is walked to its ends', () => {
    let walk = step(startWalk('b', ids), ids, 1);
    expect([walk.present, openOf(walk)]).toEqual(['c', 'bcd']);
    walk = step(step(walk, ids, 1), ids, 1);
    expect(walk.present).toBe('d');
    walk = step(step(step(step(walk, ids, -1), ids, -1), ids, -1), ids, -1);
    expect([walk.present, openOf(walk)]).toEqual(['a', 'abcd']);
    expect(step(startWalk('z', ids), ids, 1).present).toBe('z');
  });

  it('folds and opens by choice, but for the last one', () => {
    const walk = toggle(startWalk('b', ids), ids, 'a');
    expect([walk.present, openOf(walk)]).toEqual(['a', 'abd']);
    const folded = toggle(walk, ids, 'a');
    expect([folded.present, openOf(folded)]).toEqual(['d', 'bd']);
    const single = toggle(folded, ids, 'd');
    expect([single.present, openOf(single)]).toEqual(['b', 'b']);
    expect(toggle(single, ids, 'b')).toBe(single);
  });
});
