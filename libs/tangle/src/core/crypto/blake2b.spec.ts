/** BLAKE2b-256 against published values. */
import { describe, expect, it } from '@jest/globals';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import { nobleHasher } from './blake2b.ts';

describe('nobleHasher', () => {
  it('hashes nothing and "abc" as other implementations do', () => {
    expect(bytesToHex(nobleHasher.blake2b256(new Uint8Array(0)))).toBe(
      '0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8',
    );
    expect(bytesToHex(nobleHasher.blake2b256(utf8ToBytes('abc')))).toBe(
      'bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319',
    );
  });
});
