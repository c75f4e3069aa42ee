import { describe, expect, it } from '@jest/globals';
import { formatWalletAddress } from '@tanglemail/tangle/core/codec/wallet-address.ts';
import { addressFromBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import { candidatesOf, MAX_SEARCH_TEXT, tagText } from './search-text.ts';

const kindsOf = (text: string) => candidatesOf(text).map(({ kind }) => kind);
const ID = 'a1'.repeat(32);

describe('a search text', () => {
  it('of 64 hex digits may be an id of four kinds, or a tag', () => {
    expect(kindsOf(ID).slice(0, 5)).toEqual([
      'block',
      'transaction',
      'milestoneId',
      'address',
      'tag',
    ]);
    expect(candidatesOf(` ${ID.toUpperCase()} `)[0]).toEqual({ kind: 'block', value: ID });
  });

  it('of 68 hex digits may be an output', () => {
    expect(kindsOf(`${ID}0100`)[0]).toBe('output');
  });

  it('of decimal digits may be a milestone within 32 bits', () => {
    expect(candidatesOf('17')).toEqual([
      { kind: 'milestone', value: '17' },
      { kind: 'tag', value: '17' },
      { kind: 'tag', value: '3137' },
    ]);
    expect(kindsOf('4294967295')).toContain('milestone');
    expect(kindsOf('4294967296')).not.toContain('milestone');
    expect(kindsOf('017')).not.toContain('milestone');
  });

  it('in the written form is an address and nothing else', () => {
    const address = addressFromBytes(new Uint8Array(32).fill(7));
    for (const network of ['main', 'test'] as const) {
      const text = formatWalletAddress(address, network);
      expect(candidatesOf(text)).toEqual([{ kind: 'address', value: address }]);
      const wrong = `${text.slice(0, -1)}${text.endsWith('q') ? 'p' : 'q'}`;
      expect(kindsOf(wrong)).not.toContain('address');
    }
  });

  it('of anything else is a tag, letter by letter, never a pattern', () => {
    expect(candidatesOf('[.*(')).toEqual([{ kind: 'tag', value: '5b2e2a28' }]);
    expect(candidatesOf('né')).toEqual([{ kind: 'tag', value: '6ec3a9' }]);
  });

  it('is nothing when it is empty, too long for a tag, or far too long', () => {
    expect(candidatesOf('  ')).toEqual([]);
    expect(candidatesOf('x'.repeat(65))).toEqual([]);
    expect(candidatesOf('a'.repeat(MAX_SEARCH_TEXT + 1))).toEqual([]);
  });

  it('shows a tag as text only where it is text', () => {
    expect(tagText('6e6f7465')).toBe('note');
    expect(tagText('00ff')).toBeUndefined();
    expect(tagText('0a')).toBeUndefined();
    expect(tagText('')).toBeUndefined();
  });
});
