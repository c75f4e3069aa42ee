import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { partsOf } from './links.ts';

const linksOf = (text: string): (string | undefined)[] =>
  partsOf(text).flatMap(({ link }) => link?.href ?? []);

describe('links in a text', () => {
  it('end where the sentence or the bracket goes on', () => {
    expect(
      linksOf('See https://a.example/b?c=1. Or (http://d.example/e), [https://f.example].'),
    ).toEqual(['https://a.example/b?c=1', 'http://d.example/e', 'https://f.example/']);
    expect(linksOf('https://a.example/wiki/B_(c)')).toEqual(['https://a.example/wiki/B_(c)']);
    expect(linksOf('javascript:x() ftp://a.example http:// https://')).toEqual([]);
  });

  it('name the host that is asked, whatever the link looks like', () => {
    const hostOf = (text: string): string | undefined => partsOf(text)[0]?.link?.host;
    expect(hostOf('https://bank.example@evil.example/')).toBe('evil.example');
    expect(hostOf('https://b\u00fccher.example')).toBe('xn--bcher-kva.example');
  });

  it('leave no character out, and are not without number', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.string(), fc.webUrl())), (pieces) => {
        const text = pieces.join(' ');
        expect(
          partsOf(text)
            .map((part) => part.text)
            .join(''),
        ).toBe(text);
      }),
    );
    expect(linksOf('https://a.example '.repeat(2_000)).length).toBe(500);
  });
});
