import { describe, expect, it } from '@jest/globals';
import { loadWords } from '../words/use-words.ts';
import { GROUPS, KEYS, type Press, SEQUENCE_MS, stepOf, worksInFields } from './shortcuts.ts';

const PLAIN = { ctrlKey: false, metaKey: false, altKey: false, shiftKey: false };
const press = (key: string, more: Partial<Press> = {}): Press => ({ ...PLAIN, key, ...more });

describe('the keyboard map', () => {
  it('gives each key one meaning, and each command a place in the help', async () => {
    const keys = Object.values(KEYS).flat();
    expect(new Set(keys).size).toBe(keys.length);
    const grouped = Object.values(GROUPS).flat();
    expect(grouped.toSorted()).toEqual(Object.keys(KEYS).toSorted());
    const { keys: words } = await loadWords('en');
    expect(Object.keys(words.commands).toSorted()).toEqual(Object.keys(KEYS).toSorted());
    expect(Object.keys(words.groups)).toEqual(Object.keys(GROUPS));
  });

  it('knows single keys, as Shift makes them', () => {
    expect(stepOf(press('e'), undefined, 0, true)).toEqual({ command: 'archive' });
    expect(stepOf(press('U', { shiftKey: true }), undefined, 0, true).command).toBe('unread');
    expect(stepOf(press('#', { shiftKey: true }), undefined, 0, true).command).toBe('trash');
    expect(stepOf(press('?', { shiftKey: true }), undefined, 0, true).command).toBe('help');
    expect(stepOf(press('F6', { shiftKey: true }), undefined, 0, true).command).toBe(
      'previousPane',
    );
  });

  it('knows sequences, as long as the second key comes soon', () => {
    const { begun } = stepOf(press('g'), undefined, 1_000, true);
    expect(begun).toEqual({ key: 'g', atMs: 1_000 });
    expect(stepOf(press('i'), begun, 1_000 + SEQUENCE_MS, true).command).toBe('goInbox');
    expect(stepOf(press('s'), begun, 1_001 + SEQUENCE_MS, true).command).toBe('star');
    expect(stepOf(press('e'), begun, 1_001, true).command).toBe('archive');
    expect(stepOf(press('g'), begun, 1_001, true).begun?.atMs).toBe(1_001);
  });

  it('leaves what it does not hold to the browser', () => {
    expect(stepOf(press('e', { ctrlKey: true }), undefined, 0, true)).toEqual({});
    expect(stepOf(press('K', { ctrlKey: true, shiftKey: true }), undefined, 0, true)).toEqual({});
    expect(stepOf(press('e', { altKey: true }), undefined, 0, true)).toEqual({});
    expect(stepOf(press('ArrowDown'), undefined, 0, true)).toEqual({});
  });

  it('keeps only what takes no single key when these are switched off', () => {
    const begun = { key: 'g', atMs: 0 };
    expect(stepOf(press('e'), undefined, 0, false)).toEqual({});
    expect(stepOf(press('g'), undefined, 0, false)).toEqual({});
    expect(stepOf(press('i'), begun, 0, false)).toEqual({});
    expect(stepOf(press('k', { metaKey: true }), undefined, 0, false).command).toBe('palette');
    expect(stepOf(press('Delete'), undefined, 0, false).command).toBe('trash');
  });

  it('writes nothing away from fields', () => {
    const inFields = (Object.keys(KEYS) as (keyof typeof KEYS)[]).filter(worksInFields);
    expect(inFields).toEqual(['palette', 'nextPane', 'previousPane']);
  });
});
