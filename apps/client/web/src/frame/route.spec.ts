import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { hrefOf, partsOf } from './route.ts';

describe('places', () => {
  it('are read as they were written, whatever a folder is called', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ minLength: 1, unit: 'grapheme' })), (parts) => {
        expect(partsOf(hrefOf(...parts))).toEqual(parts);
      }),
    );
  });

  it('leave out what nobody wrote', () => {
    expect(partsOf('')).toEqual([]);
    expect(partsOf('#/mail//INBOX/')).toEqual(['mail', 'INBOX']);
    expect(partsOf('#/mail/%E0%A4%A')).toEqual(['mail']);
  });
});
