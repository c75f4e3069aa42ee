import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { codeOf, fromHex, readVectors, valueOf } from '../../testing/vectors.ts';
import { mailAddressFromBytes } from './address.ts';
import { formatLink, MAX_LINK_LENGTH, parseLink } from './link.ts';

const vectors = readVectors('identity') as {
  accounts: { address: string; textTest: string }[];
  link: string;
  invite: string;
};
const text = vectors.accounts[0]?.textTest ?? '';

describe('tangle: link', () => {
  it('reads and writes the vector', () => {
    const link = valueOf(parseLink(vectors.link));
    expect(link).toEqual({
      address: vectors.accounts[0]?.address,
      network: 'test',
      name: 'Ada & Søn',
      providers: ['https://mail.example:14280/'],
      invite: fromHex(vectors.invite),
    });
    expect(formatLink(link)).toBe(vectors.link);
  });

  it('reads back what it wrote', () => {
    const anyLink = fc.record(
      {
        address: fc.uint8Array({ minLength: 24, maxLength: 24 }).map(mailAddressFromBytes),
        network: fc.constantFrom('main' as const, 'test' as const),
        name: fc.stringMatching(/^[\p{L}\p{N} &=?%+]{1,30}$/u),
        providers: fc.array(fc.stringMatching(/^https:\/\/[!-~]{1,60}$/), { maxLength: 3 }),
        invite: fc.uint8Array({ minLength: 32, maxLength: 32 }),
      },
      { requiredKeys: ['address', 'network', 'providers'] },
    );
    fc.assert(
      fc.property(anyLink, (link) => {
        expect(valueOf(parseLink(formatLink(link)))).toEqual(link);
      }),
    );
  });

  it('leaves out what it does not know', () => {
    expect(valueOf(parseLink(`tangle:${text}?colour=blue&&x`))).toMatchObject({ providers: [] });
    expect(valueOf(parseLink(`TANGLE:${text}+shop`))).toMatchObject({ subAddress: 'shop' });
  });

  it('link-invalid: too long, another scheme, doubled or wrong parameters', () => {
    const bad = [
      `mailto:${text}`,
      `tangle:${text}?${'x'.repeat(MAX_LINK_LENGTH)}`,
      `tangle:${text}?name=a&name=b`,
      `tangle:${text}?name=`,
      `tangle:${text}?name=%E0%A4%A`,
      `tangle:${text}?name=evil%E2%80%AEtxt`,
      `tangle:${text}?name=${'n'.repeat(65)}`,
      `tangle:${text}?provider=javascript:alert(1)`,
      `tangle:${text}?provider=https://a b`,
      `tangle:${text}?${'provider=https://a/&'.repeat(4)}`,
      `tangle:${text}?invite=short`,
      `tangle:${text}?invite=${'*'.repeat(43)}`,
      `tangle:${text}?invite=${'A'.repeat(43)}&invite=${'A'.repeat(43)}`,
    ];
    for (const link of bad) expect([link, codeOf(parseLink(link))]).toEqual([link, 'link-invalid']);
  });

  it('passes on what is wrong with the address', () => {
    expect(codeOf(parseLink('tangle:tm1qqqq'))).toBe('address-length');
  });

  it('never throws at any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (any) => {
        expect(typeof parseLink(`tangle:${text}?${any}`).ok).toBe('boolean');
      }),
    );
  });
});
