import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { bytesToHex } from '@noble/hashes/utils.js';
import { codeOf, valueOf } from '../../testing/vectors.ts';
import { mnemonicFromEntropy, parseMnemonic, seedFromMnemonic } from './mnemonic.ts';

/** BIP-39's own test vector for 32 bytes of 0x7f, with the passphrase "TREZOR". */
const BIP39 = {
  entropy: new Uint8Array(32).fill(0x7f),
  words: [
    ...Array<string>(2).fill('legal winner thank year wave sausage worth useful'),
    'legal winner thank year wave sausage worth title',
  ].join(' '),
  seed: [
    'bc09fca1804f7e69da93c2f2028eb238c227f2e9dda30cd63699232578480a40',
    '21b146ad717fbb7e451ce9eb835f43620bf5c514db0f8add49f5d121449d3e87',
  ].join(''),
};

describe('mnemonic', () => {
  it('gives the seed of the published vector', () => {
    expect(mnemonicFromEntropy(BIP39.entropy)).toBe(BIP39.words);
    expect(bytesToHex(seedFromMnemonic(BIP39.words, 'TREZOR'))).toBe(BIP39.seed);
  });

  it('reads back what it wrote, however it is typed', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (entropy) => {
        const words = mnemonicFromEntropy(entropy);
        const typed = `  ${words.toUpperCase().replaceAll(' ', '\n\t ')} `;
        expect(valueOf(parseMnemonic(typed))).toBe(words);
      }),
    );
  });

  it('mnemonic-word-count: says how many there are', () => {
    expect(parseMnemonic('abandon about')).toMatchObject({
      code: 'mnemonic-word-count',
      detail: '2 words instead of 24',
    });
    expect(codeOf(parseMnemonic(''))).toBe('mnemonic-word-count');
    expect(codeOf(parseMnemonic('abandon '.repeat(10_000)))).toBe('mnemonic-word-count');
  });

  it('mnemonic-word-unknown: says which word and what it may have been', () => {
    const words = BIP39.words.split(' ');
    expect(parseMnemonic(words.with(5, 'sausagge').join(' '))).toMatchObject({
      code: 'mnemonic-word-unknown',
      detail: 'word 6 is not in the list; perhaps "sausage"',
    });
    expect(parseMnemonic(words.with(0, 'xyz').join(' '))).toMatchObject({
      detail: 'word 1 is not in the list',
    });
  });

  it('mnemonic-checksum: a word of the list in the wrong place', () => {
    const words = BIP39.words.split(' ');
    expect(codeOf(parseMnemonic(words.with(23, 'useful').join(' ')))).toBe('mnemonic-checksum');
  });

  it('never throws at any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(parseMnemonic(text).ok).toBe(false);
      }),
    );
  });
});
