import { describe, expect, it } from '@jest/globals';
import { bech32m } from '@scure/base';
import fc from 'fast-check';
import { parseAddress } from '@tanglemail/tangle/core/codec/ids.ts';
import { codeOf, readVectors, valueOf } from '../../testing/vectors.ts';
import type { MailAddress } from './address.ts';
import {
  formatAddress,
  formatEmail,
  isSubAddress,
  mailAddressFromBytes,
  parseMailAddress,
} from './address.ts';
import { formatWalletAddress, parseWalletAddress } from './wallet-address.ts';

const vectors = readVectors('identity') as {
  accounts: { address: MailAddress; textMain: string; textTest: string; emailShop: string }[];
  ledgerAddress: string;
  walletTextMain: string;
  walletTextTest: string;
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

  it('finds every one to four wrong characters', () => {
    const charset = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';
    const errors = fc.uniqueArray(
      fc.record({ at: fc.integer({ min: 3, max: 48 }), by: fc.integer({ min: 1, max: 31 }) }),
      { minLength: 1, maxLength: 4, selector: (one) => one.at },
    );
    fc.assert(
      fc.property(errors, (list) => {
        const characters = text.split('');
        for (const { at, by } of list) {
          const wrong = (charset.indexOf(characters[at] ?? '') + by) % 32;
          characters[at] = charset.charAt(wrong);
        }
        const outcome = parseMailAddress(characters.join(''));
        expect(codeOf(outcome)).toBe('address-checksum');
        const detail = outcome.ok ? '' : outcome.detail;
        const places = list.map((one) => `position ${one.at + 1} is probably wrong`);
        expect(list.length > 1 || detail === places[0]).toBe(true);
      }),
      { numRuns: 50 },
    );
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

  it('address-mixed-case', () => {
    expect(codeOf(parseMailAddress(`TM${text.slice(2)}`))).toBe('address-mixed-case');
  });

  it('address-character: names the position of what cannot occur', () => {
    expect(parseMailAddress(`${text.slice(0, 10)}b${text.slice(11)}`)).toMatchObject({
      code: 'address-character',
      detail: 'position 11 cannot occur',
    });
  });

  it('address-checksum', () => {
    expect(codeOf(parseMailAddress(`${text.slice(0, -1)}q`))).toBe('address-checksum');
    // The same data under the older bech32 constant has another checksum.
    expect(codeOf(parseMailAddress(`${text.slice(0, -6)}qqqqqq`))).toBe('address-checksum');
  });

  it('address-version: a later version of the address', () => {
    const later = bech32m.encode('tm', bech32m.toWords(new Uint8Array(25).fill(1)));
    expect(codeOf(parseMailAddress(later))).toBe('address-version');
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

describe('wallet address', () => {
  const address = parseAddress(vectors.ledgerAddress);
  if (!address) throw new Error('no vector');

  it('reads and writes the vectors', () => {
    expect(formatWalletAddress(address, 'main')).toBe(vectors.walletTextMain);
    expect(formatWalletAddress(address, 'test')).toBe(vectors.walletTextTest);
    expect(valueOf(parseWalletAddress(vectors.walletTextMain, 'main'))).toBe(address);
  });

  it('refuses the other network and mail addresses', () => {
    expect(codeOf(parseWalletAddress(vectors.walletTextTest, 'main'))).toBe('address-network');
    expect(codeOf(parseWalletAddress(text, 'main'))).toBe('address-prefix');
    expect(codeOf(parseWalletAddress('x'.repeat(129), 'main'))).toBe('address-length');
  });
});
