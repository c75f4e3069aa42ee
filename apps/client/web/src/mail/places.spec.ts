import { describe, expect, it } from '@jest/globals';
import { hrefOf, partsOf } from '../frame/route.ts';
import { type ListPlace, partsOfPlace, placeOf } from './places.ts';

const LISTS: readonly ListPlace[] = [
  { kind: 'folder', folder: 'Work/Bills 50 €' },
  { kind: 'search', query: 'from:anna "a / b" #x' },
];

describe('places of mail', () => {
  it('come back from their link, with the mail that is open', () => {
    for (const list of LISTS) {
      for (const open of [undefined, 'f7.12']) {
        const [, ...parts] = partsOf(hrefOf(...partsOfPlace(list, open)));
        expect(placeOf(parts)).toEqual({ list, open });
      }
    }
  });

  it('begin with the inbox', () => {
    expect(placeOf([])).toEqual({ list: { kind: 'folder', folder: 'INBOX' }, open: undefined });
  });

  it('know the outbox, in which nothing is opened', () => {
    const outbox = { list: { kind: 'outbox' }, open: undefined };
    expect(placeOf(['*outbox', 'x'])).toEqual(outbox);
    expect(partsOfPlace({ kind: 'outbox' }, 'x')).toEqual(['mail', '*outbox']);
  });
});
