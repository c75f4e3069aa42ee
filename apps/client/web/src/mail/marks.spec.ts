import { describe, expect, it } from '@jest/globals';
import { idsBetween, MAX_MARKS, NO_MARKS, targets, toggled, withMarks } from './marks.ts';

describe('marks', () => {
  it('come and go one by one', () => {
    const one = toggled(NO_MARKS, 'a');
    expect([...one]).toEqual(['a']);
    expect([...toggled(one, 'a')]).toEqual([]);
    expect(NO_MARKS.size).toBe(0);
  });

  it('stand for what an action is about, else the mail at the cursor does', () => {
    expect(targets(withMarks(NO_MARKS, ['a', 'b']), 'c')).toEqual(['a', 'b']);
    expect(targets(NO_MARKS, 'c')).toEqual(['c']);
    expect(targets(NO_MARKS, undefined)).toEqual([]);
  });

  it('reach from one row to another in both directions, over rows that are not there', () => {
    const idAt = (index: number): string | undefined => (index === 3 ? undefined : `${index}`);
    expect(idsBetween(2, 5, idAt)).toEqual(['2', '4', '5']);
    expect(idsBetween(5, 2, idAt)).toEqual(['2', '4', '5']);
  });

  it('have a bound', () => {
    const ids = Array.from({ length: MAX_MARKS + 5 }, (_, index) => `${index}`);
    const full = withMarks(NO_MARKS, ids);
    expect(full.size).toBe(MAX_MARKS);
    expect(toggled(full, 'one more').size).toBe(MAX_MARKS);
    expect(toggled(full, '0').size).toBe(MAX_MARKS - 1);
  });
});
