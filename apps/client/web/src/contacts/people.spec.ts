import { describe, expect, it } from '@jest/globals';
import type { ContactDto } from '../../../src/api/dto.ts';
import {
  isSection,
  isVerified,
  listed,
  sectionOf,
  shortAddress,
  titleOf,
  warningsOf,
} from './people.ts';

const ADDRESS = `tmt1${'q'.repeat(50)}xyzxyz`;

function contact(change: Partial<ContactDto>): ContactDto {
  const { address = ADDRESS } = change;
  return {
    address,
    email: `${address}@tangle.alt`,
    name: 'Bob',
    state: 'accepted',
    addedAtMs: 0,
    knowsUs: true,
    ...change,
  };
}

describe('lists of contacts', () => {
  const all = [
    contact({ name: 'José Álvarez', note: 'plays the oboe' }),
    contact({ name: 'Carol', state: 'requested' }),
    contact({ name: 'Mallory', state: 'blocked' }),
  ];
  const names = (section: 'all' | 'requests' | 'blocked', search: string): string[] =>
    listed(all, section, search).map(({ name }) => name);

  it('show each state in its place', () => {
    expect(names('all', '')).toEqual(['José Álvarez']);
    expect(names('requests', ' ')).toEqual(['Carol']);
    expect(names('blocked', '')).toEqual(['Mallory']);
    expect(all.map(({ state }) => sectionOf(state))).toEqual(['all', 'requests', 'blocked']);
    expect([isSection('all'), isSection('own'), isSection('toString')]).toEqual([
      true,
      false,
      false,
    ]);
  });

  it('are searched by all words, in name, note and address, whatever the case and accents', () => {
    expect(names('all', 'alvarez jose')).toEqual(['José Álvarez']);
    expect(names('all', 'OBOE')).toEqual(['José Álvarez']);
    expect(names('all', 'xyzxyz')).toEqual(['José Álvarez']);
    expect(names('all', 'jose viola')).toEqual([]);
    expect(names('all', '[')).toEqual([]);
  });

  it('name who has no name by the address', () => {
    expect(titleOf(contact({}))).toBe('Bob');
    expect(titleOf(contact({ name: '' }))).toBe('tmt1qqqqqqqq…xyzxyz');
    expect(shortAddress('tm1short')).toBe('tm1short');
  });
});

describe('trust in a contact', () => {
  it('is what the user has compared, until something changes', () => {
    expect(isVerified(contact({}))).toBe(false);
    expect(isVerified(contact({ verifiedAtMs: 5 }))).toBe(true);
    const keyChange = { atMs: 7, what: 'identity-key', wasVerified: true } as const;
    expect(isVerified(contact({ verifiedAtMs: 5, keyChange }))).toBe(false);
  });

  it('comes with every warning, the worst first', () => {
    const keyChange = { atMs: 7, what: 'identity-key', wasVerified: true } as const;
    const warnings = warningsOf(contact({ looksLike: 'tmt1other', keyChange, conflictAtMs: 9 }));
    expect(warnings).toEqual([
      { kind: 'conflict', atMs: 9 },
      { kind: 'keyChange', atMs: 7, wasVerified: true },
      { kind: 'looksLike', address: 'tmt1other' },
    ]);
    expect(warningsOf(contact({}))).toEqual([]);
  });
});
