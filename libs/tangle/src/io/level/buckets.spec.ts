// The bucket list, the error list and the worked example against docs/spec/10-storage.md.
import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { nobleHasher as hasher } from '../../core/crypto/blake2b.ts';
import { BUCKETS, hexInKey, inverted, keyOf, u32InKey, u8Part } from './buckets.ts';
import { encodeStoredOutput } from './ledger-repository.ts';
import { OUTPUT_ROLES } from './output-index-repository.ts';
import { STORE_ERRORS } from './store-error.ts';
import { sampleChain } from './testing/sample-chain.ts';

const PAGE_URL = new URL('../../../../../docs/spec/10-storage.md', import.meta.url);
const page = readFileSync(PAGE_URL, 'utf8');
const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describe('docs/spec/10-storage.md', () => {
  it('has the bucket list of the code', () => {
    const expected = Object.entries(BUCKETS).map(
      ([name, { number, key, value }]) => `| ${number} | ${name} | ${key} | ${value} |`,
    );
    expect(page.split('\n').filter((line) => /^\| \d+ \|/.test(line))).toEqual(expected);
  });

  it('has the error codes of the code', () => {
    for (const [code, meaning] of Object.entries(STORE_ERRORS)) {
      expect(page).toContain(`| ${code} | ${meaning} |`);
    }
  });

  it('has a worked example that the code gives', () => {
    const [first] = sampleChain(hasher);
    const channel = first?.commit.result.diff.created[1];
    if (!channel) throw new Error('the sample chain begins with a channel');
    const { outputId } = channel;
    const address = keyOf(
      'outputsByAddress',
      'aa'.repeat(32),
      u8Part(OUTPUT_ROLES.payee),
      u8Part(0),
      1,
      outputId,
    );
    const digits = page.replaceAll(/\s/g, '');
    expect(digits).toContain(toHex(keyOf('outputs', outputId)));
    expect(digits).toContain(toHex(encodeStoredOutput(channel)));
    expect(digits).toContain(toHex(address));
  });
});

describe('keys', () => {
  it('have numbers of their own, below 255', () => {
    const numbers = Object.values(BUCKETS).map(({ number }) => number);
    expect(new Set(numbers).size).toBe(numbers.length);
    expect(Math.max(...numbers)).toBeLessThan(255);
  });

  it('are the bucket and the parts, and can be read again', () => {
    const key = keyOf('taggedData', 'ab'.repeat(32), inverted(5), inverted(0));
    expect(toHex(key)).toBe(`0e${'ab'.repeat(32)}fffffffaffffffff`);
    expect(inverted(u32InKey(key, 32))).toBe(5);
    expect(hexInKey(key, 0, 32)).toBe('ab'.repeat(32));
    expect(toHex(keyOf('nodeState', Uint8Array.of(1, 2)))).toBe('010102');
  });
});
