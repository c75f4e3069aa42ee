// The committee goes by the epoch of a milestone's index, wherever a certificate is checked, and an
// epoch that nobody has named a committee for cannot be judged. Spec: docs/spec/04-milestone.md §6.
import { describe, expect, it } from '@jest/globals';
import { GENESIS_BLOCK_ID, NO_MILESTONE_ID } from '@tanglemail/tangle/core/codec/ids.ts';
import {
  encodeMilestone,
  optionsRootOf,
  type Milestone,
  type MilestoneOptions,
} from '@tanglemail/tangle/core/codec/milestone.ts';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import { nobleVerifier } from '@tanglemail/tangle/core/crypto/ed25519-strict.ts';
import { rootOfIds } from '@tanglemail/tangle/core/ledger/apply-milestone.ts';
import { signMilestone } from '@tanglemail/tangle/core/milestone/build.ts';
import { assembleCertificate } from '@tanglemail/tangle/core/milestone/certificate.ts';
import { epochOf, quorum } from '@tanglemail/tangle/core/milestone/committee.ts';
import { electionIndex } from '@tanglemail/tangle/core/milestone/election.ts';
import { committeeAt, committeesOf, genesisCommittees, type Committees } from './committees.ts';
import type { KeyPair } from './keys/key-file.ts';
import { ProvenChain } from './sync/proven-chain.ts';
import { testGenesis, testKey } from './testing/test-network.ts';

const params = { ...testGenesis().params, epochLength: 4, validatorBondMin: 1n };
const networkId = 7n;
const pairs = (...seeds: number[]): KeyPair[] => seeds.map(testKey);
const publicKeysOf = (keys: readonly KeyPair[]) => keys.map(({ publicKey }) => publicKey);
/** Who sits in the epochs 0, 1 and 2, and from 3 on. */
const TERMS = [pairs(1), pairs(3, 4, 5, 6), pairs(3, 4, 5, 6), pairs(4, 5, 6, 7, 8)];
const termOf = (epoch: number): KeyPair[] => TERMS[Math.min(epoch, 3)] ?? [];
const GENESIS = publicKeysOf(termOf(0));

/** A milestone whose certificate holds, when `signers` are the right ones. */
function milestone(
  index: number,
  more: { signers?: readonly KeyPair[]; epoch?: number; options?: MilestoneOptions } = {},
): Milestone {
  const epoch = epochOf(index, params);
  const { signers = termOf(epoch) } = more;
  const named = index === electionIndex(epoch, params) && termOf(epoch + 1) !== termOf(epoch);
  const isSame = epoch === 1;
  const elects = named && !isSame ? { nextCommittee: publicKeysOf(termOf(epoch + 1)) } : {};
  const body = { parents: [GENESIS_BLOCK_ID], options: more.options ?? elects };
  const root = nobleHasher.blake2b256(Uint8Array.of(index));
  const header = {
    version: 1,
    epoch: more.epoch ?? epoch,
    index,
    view: BigInt(index),
    timestampMs: 1_000 * index,
    previousId: NO_MILESTONE_ID,
    parentsRoot: rootOfIds(body.parents, nobleHasher),
    inclusionRoot: root,
    appliedRoot: root,
    stateRoot: root,
    committeeRoot: root,
    optionsRoot: optionsRootOf(body.options, nobleHasher),
  } as const;
  const votes = signers.map(({ secretKey }, seat) =>
    signMilestone(header, 'finalize', { networkId, seat, secretKey }, nobleHasher),
  );
  const needed = quorum(signers.length);
  const certificate = assembleCertificate(votes.slice(0, needed), signers.length);
  if (certificate === undefined) throw new Error('a quorum has signed');
  return { header, body, certificate };
}

const electing = (): Committees =>
  committeesOf({ params, genesis: GENESIS, elections: [], latestIndex: 0 });

function provenChain(committees: Committees): ProvenChain {
  return new ProvenChain({
    networkId,
    params,
    committees,
    hasher: nobleHasher,
    verifier: nobleVerifier,
    confirmedIndex: () => 0,
    onProven: () => undefined,
    onFork: () => Promise.resolve(),
  });
}

describe('committees', () => {
  it('are that of genesis in every epoch, where nobody is elected', () => {
    const keys = publicKeysOf(pairs(1, 2, 3, 4));
    const fixed = { ...params, validatorBondMin: 0n };
    const start = { params: fixed, genesis: keys, elections: [], latestIndex: 0 };
    for (const committees of [genesisCommittees(keys), committeesOf(start)]) {
      for (const epoch of [0, 1, 2 ** 32 - 1]) {
        expect(committees.of(epoch)).toEqual(keys);
        expect(committees.quorumAt(epoch)).toBe(3);
        expect(committees.isKnown(epoch)).toBe(true);
      }
      expect(committeeAt(1_000_000, committees, params)).toEqual(keys);
      expect(committees.nextElection).toBe(Infinity);
      expect(keys.map((key) => committees.hasSat(key, 0))).toEqual([true, true, true, true]);
      expect(committees.hasSat(testKey(9).publicKey, 9)).toBe(false);
    }
  });

  it('are known an epoch ahead, once the election milestone is there', () => {
    const committees = electing();
    expect([0, 1].map((epoch) => committees.isKnown(epoch))).toEqual([true, false]);
    // The election of a later epoch says nothing while that epoch is not known.
    committees.learn(milestone(14));
    committees.learn(milestone(1));
    expect([committees.isKnown(1), committees.nextElection]).toEqual([false, 2]);
    committees.learn(milestone(2));
    expect([1, 2].map((epoch) => committees.isKnown(epoch))).toEqual([true, false]);
    expect([0, 1].map((epoch) => committees.of(epoch))).toEqual([GENESIS, publicKeysOf(termOf(1))]);
    expect([0, 1].map((epoch) => committees.quorumAt(epoch))).toEqual([1, 3]);
    // One that names nobody keeps the committee, and is as good to know.
    committees.learn(milestone(6));
    committees.learn(milestone(6));
    expect([committees.isKnown(2), committees.isKnown(3)]).toEqual([true, false]);
    expect(committees.of(2)).toEqual(publicKeysOf(termOf(1)));
    committees.learn(milestone(10));
    expect(committees.of(3)).toEqual(publicKeysOf(termOf(3)));
    expect(committees.of(1)).toEqual(publicKeysOf(termOf(1)));
    const seat = testKey(3).publicKey;
    expect([0, 1, 3].map((epoch) => committees.hasSat(seat, epoch))).toEqual([false, true, true]);
  });

  it('are at a start what the store tells, wherever the last milestone stands', () => {
    const all = [2, 10].map((index) => ({
      epoch: epochOf(index, params) + 1,
      bytes: encodeMilestone(milestone(index)),
    }));
    const knownAt = (latestIndex: number): number[] => {
      const elections = all.filter(({ epoch }) => electionIndex(epoch - 1, params) <= latestIndex);
      const committees = committeesOf({ params, genesis: GENESIS, elections, latestIndex });
      return [0, 1, 2, 3, 4].filter((epoch) => committees.isKnown(epoch));
    };
    expect([0, 1, 2, 3, 5, 6].map((index) => knownAt(index).at(-1))).toEqual([0, 0, 1, 1, 1, 2]);
    const committees = committeesOf({ params, genesis: GENESIS, elections: all, latestIndex: 13 });
    expect(committees.of(3)).toEqual(publicKeysOf(termOf(3)));
    expect(committees.nextElection).toBe(14);
  });
});

describe('certificates', () => {
  it('are those of the epoch of the index: its keys certify, and nobody else’s', async () => {
    const chain = provenChain(electing());
    for (let index = 1; index < 16; index += 1) {
      const old = milestone(index, { signers: termOf(epochOf(index, params) === 0 ? 3 : 0) });
      expect(chain.check(encodeMilestone(old)).ok).toBe(false);
      const good = chain.check(encodeMilestone(milestone(index)));
      if (!good.ok) throw new Error(`${index}: ${good.code}`);
      await chain.add(good.value);
    }
  });

  it('go by the index, not by the epoch that a header gives itself', () => {
    const committees = electing();
    committees.learn(milestone(2));
    const backdated = milestone(4, { epoch: 0, signers: termOf(0) });
    expect(provenChain(committees).check(encodeMilestone(backdated)).ok).toBe(false);
  });

  it('of an epoch that is not known are nobody’s fault, and hold when it is known', async () => {
    const chain = provenChain(electing());
    const later = encodeMilestone(milestone(5));
    expect(chain.check(later)).toMatchObject({
      ok: false,
      code: 'milestone-index',
      action: 'ignore',
    });
    expect([chain.nextStep(3), chain.nextStep(5), chain.nextStep(999)]).toEqual([3, 2, 2]);
    const election = chain.check(encodeMilestone(milestone(2)));
    if (!election.ok) throw new Error(election.code);
    expect(chain.isPassed(2)).toBe(false);
    await chain.add(election.value);
    expect(chain.isPassed(2)).toBe(true);
    expect(chain.check(later).ok).toBe(true);
    expect([chain.nextStep(5), chain.nextStep(999)]).toEqual([5, 6]);
  });
});
