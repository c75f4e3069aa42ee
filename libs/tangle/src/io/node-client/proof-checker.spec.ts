/** The way to the present committee, from a genesis or a checkpoint of an earlier one. */
import { describe, expect, it } from '@jest/globals';
import { bytesToHex, GENESIS_BLOCK_ID } from '../../core/codec/ids.ts';
import { encodeMilestone } from '../../core/codec/milestone.ts';
import { nobleHasher } from '../../core/crypto/blake2b.ts';
import { LightClient } from '../../core/milestone/light-client.ts';
import { TestChain } from '../../core/testing/chain-fixture.ts';
import { keyPair, PARAMS, testGenesis } from '../../core/testing/ledger-fixtures.ts';
import { ProofChecker } from './proof-checker.ts';

const EPOCH_LENGTH = 2;
const SUCCESSORS = [10, 11, 12, 13, 14, 15, 16].map((seed) => keyPair(seed));

/** `before` epochs of four seats, then `after` of seven others; and a node that serves them. */
function network(before: number, after: number) {
  const params = { ...PARAMS, epochLength: EPOCH_LENGTH };
  const chain = new TestChain(4, { ...testGenesis(4), params });
  const milestones = [encodeMilestone(chain.start.milestone)];
  while (milestones.length < (before + after) * EPOCH_LENGTH) {
    if (milestones.length + 1 === before * EPOCH_LENGTH) chain.handOver(SUCCESSORS);
    milestones.push(chain.confirm([chain.attach([GENESIS_BLOCK_ID])]).bytes);
  }
  const requests: (number | 'info')[] = [];
  const node = {
    committee: SUCCESSORS.map(({ publicKey }) => bytesToHex(publicKey)),
    info: async () => {
      requests.push('info');
      return await Promise.resolve({ committee: node.committee });
    },
    milestone: async (index: number) => {
      requests.push(index);
      return await Promise.resolve(milestones[index] ?? new Uint8Array(0));
    },
  };
  const nowMs = chain.parent.header.timestampMs;
  const checkerOf = (client: LightClient) =>
    new ProofChecker(client, { hasher: nobleHasher, clock: { nowMs: () => nowMs }, client: node });
  const at = (index: number): Uint8Array => milestones[index] ?? new Uint8Array(0);
  return { chain, node, requests, checkerOf, at, last: milestones.length - 1 };
}

describe('a change of committee', () => {
  it.each([
    [1, 1],
    [1, 4],
    [4, 1],
    [6, 3],
  ])('after %i epochs is found and followed, %i epochs later', async (before, after) => {
    const { chain, requests, checkerOf, at, last } = network(before, after);
    const client = LightClient.fromGenesis(chain.genesis);
    const proven = await checkerOf(client).milestone(at(last));
    expect(proven.header.index).toBe(last);
    expect(client.state).toMatchObject({ epoch: before, newest: { index: last } });
    expect(requests.length).toBeLessThanOrEqual(2 + Math.ceil(Math.log2(before + after)));
  });

  it('is followed from a checkpoint of the earlier term', async () => {
    const { chain, checkerOf, at, last } = network(3, 2);
    const earlier = LightClient.fromGenesis(chain.genesis);
    await checkerOf(earlier).milestone(at(3));
    const known = LightClient.fromCheckpoint(earlier.checkpoint());
    if (!known.ok) throw new Error(known.code);
    await checkerOf(known.value).milestone(at(last));
    expect(known.value.state).toMatchObject({ epoch: 3, newest: { index: last } });
  });

  it('is not asked for while the committee stands', async () => {
    const { chain, requests, checkerOf, at } = network(4, 1);
    const client = LightClient.fromGenesis(chain.genesis);
    await checkerOf(client).milestone(at(7));
    expect(requests).toEqual([]);
  });

  it('certificate-quorum: keys that nobody named', async () => {
    const { chain, node, checkerOf, at, last } = network(2, 2);
    node.committee = [bytesToHex(keyPair(99).publicKey)];
    const client = LightClient.fromGenesis(chain.genesis);
    await expect(checkerOf(client).milestone(at(last))).rejects.toMatchObject({
      code: 'certificate-quorum',
    });
    expect(client.state).toMatchObject({ epoch: 0, newest: { index: 3 } });
  });

  it('certificate-signature: a forged milestone of the present term asks for nothing', async () => {
    const { chain, requests, checkerOf, at } = network(2, 1);
    const forged = at(1).slice();
    forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1;
    const client = LightClient.fromGenesis(chain.genesis);
    await expect(checkerOf(client).milestone(forged)).rejects.toMatchObject({
      code: 'certificate-signature',
    });
    expect(requests).toEqual([]);
  });
});
