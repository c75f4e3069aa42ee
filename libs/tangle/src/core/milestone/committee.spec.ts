import { describe, expect, it } from '@jest/globals';
import { nobleHasher } from '../crypto/blake2b.ts';
import { committeeKeys, NETWORK_ID, PARAMS } from '../testing/ledger-fixtures.ts';
import { checkCommittee, epochOf, faultsTolerated, leaderSeat, quorum } from './committee.ts';

describe('quorum', () => {
  it('is n less a third of the rest', () => {
    const sizes = [1, 2, 3, 4, 5, 6, 7, 10, 13, 31, 32];
    expect(sizes.map((size) => quorum(size))).toEqual([1, 2, 3, 3, 4, 5, 5, 7, 9, 21, 22]);
  });

  it('makes two quorums share an honest seat, and honest seats a quorum, at every size', () => {
    for (let size = 1; size <= 32; size++) {
      const faulty = faultsTolerated(size);
      expect(2 * quorum(size) - size).toBeGreaterThan(faulty);
      expect(size - faulty).toBeGreaterThanOrEqual(quorum(size));
    }
  });

  it('refuses sizes that no committee has', () => {
    for (const size of [0, 33, 1.5]) expect(() => quorum(size)).toThrow('broken invariant');
  });
});

describe('checkCommittee', () => {
  const keys = committeeKeys(4).map(({ publicKey }) => publicKey);

  it('accepts distinct keys', () => {
    expect(checkCommittee(keys)).toMatchObject({ ok: true });
  });

  it('committee-invalid: none, too many, a short key, a key twice', () => {
    const first = keys[0] as Uint8Array;
    const many = Array.from({ length: 33 }, (_, index) => new Uint8Array(32).fill(index));
    for (const bad of [[], many, [first.subarray(1)], [...keys, first]]) {
      expect(checkCommittee(bad)).toMatchObject({ ok: false, code: 'committee-invalid' });
    }
  });
});

describe('turns', () => {
  it('give every seat its turn once in n views', () => {
    for (const size of [1, 4, 7, 32]) {
      const seats = Array.from({ length: size }, (_, view) =>
        leaderSeat(NETWORK_ID, 3, 40n + BigInt(view), size, nobleHasher),
      );
      expect(new Set(seats).size).toBe(size);
    }
  });

  it('start elsewhere in another epoch or network', () => {
    const start = (network: bigint, epoch: number): number =>
      leaderSeat(network, epoch, 0n, 32, nobleHasher);
    const starts = Array.from({ length: 16 }, (_, epoch) => start(NETWORK_ID, epoch));
    expect(new Set(starts).size).toBeGreaterThan(4);
    expect(starts).not.toEqual(Array.from({ length: 16 }, (_, epoch) => start(1n, epoch)));
  });

  it('change epoch every epochLength milestones', () => {
    const length = PARAMS.epochLength;
    const epochs = [0, length - 1, length, 2 * length].map((index) => epochOf(index, PARAMS));
    expect(epochs).toEqual([0, 0, 1, 2]);
  });
});
