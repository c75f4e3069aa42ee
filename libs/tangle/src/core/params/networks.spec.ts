/** Which networks are for tests: this decides on addresses and on faucets. */
import { describe, expect, it } from '@jest/globals';
import { networkKindOf } from './networks.ts';

describe('networkKindOf', () => {
  it.each(['dev-home', 'devnet', 'testnet', 'test-x', 'test'])('%s is a test network', (name) => {
    expect(networkKindOf(name)).toBe('test');
  });

  it.each(['main', 'mail-dev', 'tangle', 'a-test', ''])('"%s" is a main one', (name) => {
    expect(networkKindOf(name)).toBe('main');
  });
});
