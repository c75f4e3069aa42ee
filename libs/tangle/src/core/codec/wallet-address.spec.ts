/** The text form of addresses against vectors, its errors, and its example on the spec page. */
import { describe, expect, it } from '@jest/globals';
import { bech32m } from '@scure/base';
import * as fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { addressFromBytes, type Address } from './ids.ts';
import { formatWalletAddress, parseWalletAddress, readAddress } from './wallet-address.ts';

const root = new URL('../../../../../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8');
const vectors = JSON.parse(read('test/vectors/address.json')) as {
  addresses: { address: Address; main: string; test: string }[];
};
const wire = JSON.parse(read('test/vectors/wire.json')) as Record<string, string>;
const [alice, bob, third] = vectors.addresses;
if (!alice || !bob || !third) throw new Error('no vectors');
const text = alice.main;

const CHARSET = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';
const anyAddress = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(addressFromBytes);
const anyNetwork = fc.constantFrom('main' as const, 'test' as const);

function failureOf(typed: string): { code: string; detail?: string } {
  const outcome = parseWalletAddress(typed, 'main');
  if (outcome.ok) throw new Error('read what it should refuse');
  return outcome;
}

function replaceAt(at: number, character: string): string {
  return text.slice(0, at) + character + text.slice(at + 1);
}

describe('address text', () => {
  it.each(vectors.addresses)('of $address', ({ address, main, test }) => {
    expect(formatWalletAddress(address, 'main')).toBe(main);
    expect(formatWalletAddress(address, 'test')).toBe(test);
    expect(parseWalletAddress(main, 'main')).toEqual({ ok: true, value: address });
    const typed = ` ${test.toUpperCase()}\n`;
    expect(parseWalletAddress(typed, 'test')).toEqual({ ok: true, value: address });
  });

  it('stands on docs/spec/02-transaction.md', () => {
    const page = read('docs/spec/02-transaction.md');
    expect(alice.address).toBe(wire['aliceAddress']);
    expect(bob.address).toBe(wire['bobAddress']);
    expect(page).toContain(`| Alice | \`${alice.main}\` | \`${alice.test}\` |`);
    expect(page).toContain(`| Bob | \`${bob.main}\` | \`${bob.test}\` |`);
  });

  it('is read back, 62 or 63 characters long', () => {
    fc.assert(
      fc.property(anyAddress, anyNetwork, (address, network) => {
        const written = formatWalletAddress(address, network);
        expect(written).toHaveLength(network === 'main' ? 62 : 63);
        expect(parseWalletAddress(written, network)).toEqual({ ok: true, value: address });
      }),
    );
  });

  it('never makes the reader throw', () => {
    const near = fc.tuple(fc.constantFrom('tw1', 'twt1', text), fc.string({ unit: 'binary' }));
    const joined = near.map(([head, tail]) => head + tail);
    fc.assert(
      fc.property(fc.oneof(fc.string(), joined), anyNetwork, (typed, network) => {
        expect(typeof readAddress(typed, network).ok).toBe('boolean');
      }),
    );
  });
});

describe('errors of address text', () => {
  it('address-length: says how long it is and should be', () => {
    expect(failureOf(text.slice(0, -1))).toMatchObject({
      code: 'address-length',
      detail: '61 characters instead of 62',
    });
    expect(failureOf(`${text}q`).detail).toBe('63 characters instead of 62');
    expect(failureOf('t'.repeat(1_000_000)).code).toBe('address-length');
  });

  it('address-prefix: says what it should begin with', () => {
    const detail = 'expected tw1 or twt1';
    expect(failureOf(`tm${text.slice(2)}`)).toMatchObject({ code: 'address-prefix', detail });
    expect(failureOf('')).toMatchObject({ code: 'address-prefix', detail });
  });

  it('address-mixed-case: also in the prefix alone', () => {
    expect(failureOf(`TW${text.slice(2)}`).code).toBe('address-mixed-case');
    expect(failureOf(text.slice(0, -1) + text.slice(-1).toUpperCase()).code).toBe(
      'address-mixed-case',
    );
  });

  it('address-character: names the position of what cannot occur', () => {
    for (const character of 'bio1- ä') {
      expect(failureOf(replaceAt(10, character))).toMatchObject({
        code: 'address-character',
        detail: 'position 11 cannot occur',
      });
    }
  });

  it('address-character: a letter that lower case turns into another is none of ours', () => {
    // U+212A, the Kelvin sign, becomes "k": one address would have two texts.
    const kelvin = third.main.toUpperCase().replace('K', '\u212A');
    expect(failureOf(kelvin).code).toBe('address-character');
  });

  it('address-checksum: finds one to four wrong characters, and where a single one is', () => {
    const errors = fc.uniqueArray(
      fc.record({ at: fc.integer({ min: 3, max: 61 }), by: fc.integer({ min: 1, max: 31 }) }),
      { minLength: 1, maxLength: 4, selector: (one) => one.at },
    );
    fc.assert(
      fc.property(errors, (list) => {
        const characters = text.split('');
        for (const { at, by } of list) {
          const wrong = (CHARSET.indexOf(characters[at] ?? '') + by) % 32;
          characters[at] = CHARSET.charAt(wrong);
        }
        const { code, detail } = failureOf(characters.join(''));
        expect(code).toBe('address-checksum');
        const places = list.map((one) => `position ${one.at + 1} is probably wrong`);
        expect(list.length > 1 || detail === places[0]).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  it('address-checksum: the spare bit must be 0, or one address would have two texts', () => {
    const { words } = bech32m.decode(text as `${string}1${string}`);
    words[words.length - 1] = (words.at(-1) ?? 0) | 1;
    expect(failureOf(bech32m.encode('tw', words))).toMatchObject({
      code: 'address-checksum',
      detail: 'the spare bits at the end are not zero',
    });
  });

  it('address-version: a later version of the address', () => {
    const later = bech32m.encode('tw', bech32m.toWords(new Uint8Array(33).fill(1)));
    expect(failureOf(later)).toMatchObject({
      code: 'address-version',
      detail: 'version 1 is not known here',
    });
  });

  it('address-network: an address of the other kind of network', () => {
    expect(failureOf(alice.test)).toMatchObject({
      code: 'address-network',
      detail: 'twt1 is for other networks; this one has tw1',
    });
    expect(parseWalletAddress(alice.main, 'test')).toMatchObject({ code: 'address-network' });
  });
});

describe('an address in either form', () => {
  it('is read from hex and from text', () => {
    for (const typed of [alice.address, ` ${alice.address}\n`, alice.test]) {
      expect(readAddress(typed, 'test')).toEqual({ ok: true, value: alice.address });
    }
  });

  it('address-prefix: names both forms', () => {
    const detail = 'expected twt1 and so on, or 64 lowercase hex digits';
    for (const typed of ['me', alice.address.slice(1), alice.address.toUpperCase()]) {
      expect(readAddress(typed, 'test')).toMatchObject({ code: 'address-prefix', detail });
    }
  });

  it('has the codes of the text', () => {
    expect(readAddress(alice.main, 'test')).toMatchObject({ code: 'address-network' });
    expect(readAddress(` ${'x'.repeat(128)}`, 'test')).toMatchObject({ code: 'address-length' });
  });
});
