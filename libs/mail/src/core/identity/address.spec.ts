import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { codeOf, readVectors, valueOf } from '../../testing/vectors.ts';
import type { MailAddress } from './address.ts';
import {
  formatAddress,
  formatEmail,
  isSubAddress,
  mailAddressFromBytes,
  parseMailAddress,
} from './address.ts';

const vectors = readVectors('identity') as {
  accounts: { address: MailAddress; textMain: string; textTest: string; emailShop: string }[];
  walletTextMain: string;
};
const [first] = vectors.accounts;
if (!first) throw new Error('no vector');
const text = first.textMain;

const anyAddress = fc
  .uint8Array({ minLength: 24, maxLength: 24 })
  .map((bytes) => mailAddressFromBytes(bytes));
const anyNetwork = fc.constantFrom('main' as const, 'test' as const);
const anySubAddress = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?$/);

describe('mail address', () => {
  it('reads all forms of the vectors', () => {
    expect(valueOf(parseMailAddress(text))).toEqual({ address: first.address, network: 'main' });
    expect(valueOf(parseMailAddress(` ${first.textTest.toUpperCase()}\n`))).toEqual({
      address: first.address,
      network: 'test',
    });
    expect(valueOf(parseMailAddress(first.emailShop))).toEqual({
      address: first.address,
      network: 'test',
      subAddress: 'shop',
    });
  });

  it('reads back what it wrote, with and without the domain', () => {
    fc.assert(
      fc.property(anyAddress, anyNetwork, fc.option(anySubAddress), (address, network, sub) => {
        const parsed = { address, network, ...(sub === null ? {} : { subAddress: sub }) };
        expect(valueOf(parseMailAddress(formatAddress(parsed)))).toEqual(parsed);
        expect(valueOf(parseMailAddress(formatEmail(parsed), network))).toEqual(parsed);
        expect(formatAddress(parsed).length).toBeLessThanOrEqual(64);
      }),
    );
  });

  it('says where a single wrong character stands, wherever it is', () => {
    for (let at = 3; at < text.length; at++) {
      const wrong = `${text.slice(0, at)}${text[at] === 'q' ? 'p' : 'q'}${text.slice(at + 1)}`;
      expect(parseMailAddress(wrong)).toMatchObject({
        code: 'address-checksum',
        detail: `position ${at + 1} is probably wrong`,
      });
    }
  });

  it('address-length: says how long it is and should be', () => {
    expect(parseMailAddress(text.slice(0, -1))).toMatchObject({
      code: 'address-length',
      detail: '48 characters instead of 49',
    });
    expect(codeOf(parseMailAddress('t'.repeat(1_000_000)))).toBe('address-length');
  });

  it('address-prefix: says what it should begin with', () => {
    expect(parseMailAddress(`bc${text.slice(2)}`)).toMatchObject({
      code: 'address-prefix',
      detail: 'expected tm1 or tmt1',
    });
    expect(codeOf(parseMailAddress(''))).toBe('address-prefix');
    expect(codeOf(parseMailAddress(vectors.walletTextMain))).toBe('address-prefix');
  });

  it('address-network: an address of the other network where one is expected', () => {
    expect(codeOf(parseMailAddress(first.textTest, 'main'))).toBe('address-network');
  });

  it('address-domain: only tangle.alt', () => {
    expect(codeOf(parseMailAddress(`${text}@example.com`))).toBe('address-domain');
    expect(codeOf(parseMailAddress(`${text}@`))).toBe('address-domain');
    expect(parseMailAddress(`${text}@Tangle.ALT`).ok).toBe(true);
  });

  it('sub-address-invalid: empty, too long or with other characters', () => {
    for (const name of ['', '-a', 'a-', 'a.b', 'a'.repeat(15), 'ä']) {
      expect(codeOf(parseMailAddress(`${text}+${name}`))).toBe('sub-address-invalid');
    }
    expect(isSubAddress('a'.repeat(14), 'main')).toBe(true);
    expect(isSubAddress('a'.repeat(14), 'test')).toBe(false);
  });

  it('never throws at any text', () => {
    const near = fc.tuple(fc.constantFrom('tm1', 'tmt1', text), fc.string({ unit: 'binary' }));
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          near.map(([a, b]) => a + b),
        ),
        (any) => {
          expect(typeof parseMailAddress(any).ok).toBe('boolean');
        },
      ),
    );
  });
});
