import { describe, expect, it } from '@jest/globals';
import { ageText, coins, isStale, shortId, spanText } from './figures.ts';

describe('figures of a node', () => {
  it('show a span in its largest unit', () => {
    expect(spanText('en', 1_240)).toBe('1.2 sec');
    expect(spanText('en', 42_000)).toBe('42 sec');
    expect(spanText('en', 150_000)).toBe('3 min');
    expect(spanText('en', 5_400_000)).toBe('1.5 hr');
    expect(spanText('en', 172_800_000)).toBe('2 days');
  });

  it('show ages in whole seconds, and none below zero', () => {
    expect(ageText('en', 1_000, 4_900)).toBe('3 sec');
    expect(ageText('en', 5_000, 4_000)).toBe('0 sec');
  });

  it('shorten what is long, and only that', () => {
    expect(shortId('12D3KooWabc')).toBe('12D3KooWabc');
    expect(shortId('0123456789abcdef0123456789')).toBe('01234567…456789');
  });

  it('call a value stale after three missed rounds', () => {
    expect(isStale(undefined, 100_000, 2_000)).toBe(false);
    expect(isStale(1_000, 8_000, 2_000)).toBe(false);
    expect(isStale(1_000, 8_001, 2_000)).toBe(true);
  });

  it('show amounts in tokens', () => {
    expect(coins('0')).toBe('0 T');
  });
});
