import { describe, expect, it } from '@jest/globals';
import { contactIn, fingerprintOf, groupsOf, nameIn, proofIn } from './contact-text.ts';

const ADDRESS = `tmt1${'q'.repeat(54)}`;
const NUMBER = Array.from({ length: 12 }, (_, group) => `${10_000 + group}`).join(' ');

describe('what is pasted or scanned as a contact', () => {
  it('is a link, also in the middle of a text', () => {
    const link = `tangle:${ADDRESS}?name=Bob&invite=${'A'.repeat(43)}`;
    expect(contactIn(link)).toEqual({ link });
    expect(contactIn(`Write to me:\n<${link}> soon`)).toEqual({ link });
    expect(contactIn(link.toUpperCase())).toEqual({ link: link.toUpperCase() });
  });

  it('is an address in either form, with a sub-address', () => {
    expect(contactIn(` ${ADDRESS}\n`)).toEqual({ address: ADDRESS });
    expect(contactIn(`Bob <${ADDRESS}+shop@tangle.alt>`)).toEqual({
      address: `${ADDRESS}+shop@tangle.alt`,
    });
  });

  it('is nothing else', () => {
    for (const text of ['', 'bob@example.org', 'tangle:', 'tm1short', `tangle:${'x'.repeat(99)}`]) {
      expect(contactIn(text)).toBeUndefined();
    }
    expect(contactIn(`tangle:${ADDRESS}?name=${'x'.repeat(1_024)}`)).toBeUndefined();
  });

  it('may suggest a name', () => {
    expect(nameIn(`tangle:${ADDRESS}?provider=x&name=Jos%C3%A9%20A`)).toBe('José A');
    expect(nameIn(`tangle:${ADDRESS}?name=A+B`)).toBe('A+B');
    expect(nameIn(ADDRESS)).toBe('');
  });
});

describe('safety numbers', () => {
  it('are shown in twelve groups of five', () => {
    expect(groupsOf(NUMBER)).toEqual(NUMBER.split(' '));
    expect(groupsOf('')).toEqual([]);
  });

  it('are taken as digits in any groups, or as a scanned code', () => {
    const digits = NUMBER.replaceAll(' ', '');
    expect(proofIn(`${NUMBER.replaceAll(' ', '\n')} `)).toEqual({ number: digits });
    expect(proofIn(NUMBER.replaceAll(' ', '-'))).toEqual({ number: digits });
    expect(proofIn(` tangle-safety:${digits}`)).toEqual({ code: `tangle-safety:${digits}` });
  });

  it('are not taken when digits are missing or there is anything else', () => {
    for (const text of [
      '',
      '12345',
      `${NUMBER} 1`,
      NUMBER.replace('1', 'x'),
      `tangle:${ADDRESS}`,
    ]) {
      expect(proofIn(text)).toBeUndefined();
    }
  });

  it('have fingerprints beside them that fit a line', () => {
    expect(fingerprintOf('0123456789abcdef'.repeat(4))).toBe('0123 4567 89ab cdef');
  });
});
