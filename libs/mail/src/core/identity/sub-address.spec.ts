import { describe, expect, it } from '@jest/globals';
import { bytesToHex } from '@noble/hashes/utils.js';
import { EXAMPLE_LABELS, makePerson } from '../../testing/people.ts';
import { readVectors } from '../../testing/vectors.ts';
import { nobleSuite } from '../crypto/noble-suite.ts';
import { introKey } from './keys.ts';
import { doorwayOf, isAscending, sortSubAddresses, subAddressId } from './sub-address.ts';

const vectors = readVectors('descriptor') as { subAddressIds: Record<string, string> };
const bob = makePerson(1);
const { subAddresses } = bob.descriptor;

describe('id of a sub-address', () => {
  it('is that of the vectors', () => {
    const ids = Object.keys(vectors.subAddressIds).map((label) => [
      label,
      bytesToHex(subAddressId(bob.address, label)),
    ]);
    expect(Object.fromEntries(ids)).toEqual(vectors.subAddressIds);
    expect(ids).toHaveLength(2);
  });

  it('differs from account to account, so that equal labels do not show', () => {
    const other = subAddressId(makePerson(0).address, 'shop');
    expect(other).not.toEqual(subAddressId(bob.address, 'shop'));
  });
});

describe('doorway', () => {
  it('is the plain one, that of a label, or none', () => {
    expect(doorwayOf(bob.descriptor, bob.address, undefined)).toBe(bob.descriptor);
    for (const label of EXAMPLE_LABELS) {
      const { publicKey } = introKey(bob.keys, label, 1, nobleSuite);
      expect(doorwayOf(bob.descriptor, bob.address, label)?.introKey).toEqual(publicKey);
    }
    expect(doorwayOf(bob.descriptor, bob.address, 'shop')?.policy.stampBits).toBe(20);
    expect(doorwayOf(bob.descriptor, bob.address, 'Shop')).toBeUndefined();
    expect(doorwayOf(bob.descriptor, makePerson(0).address, 'shop')).toBeUndefined();
  });
});

describe('order', () => {
  it('is one, whatever the order in which they were made', () => {
    expect(isAscending(subAddresses)).toBe(true);
    expect(isAscending(subAddresses.toReversed())).toBe(false);
    expect(sortSubAddresses(subAddresses.toReversed())).toEqual(subAddresses);
    expect(isAscending([])).toBe(true);
  });
});
