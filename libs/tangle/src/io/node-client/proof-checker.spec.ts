/** The way to the committee of a proof, from a genesis or a checkpoint of another one. */
import { describe, expect, it } from '@jest/globals';
import { encodeMilestone } from '../../core/codec/milestone.ts';
import { nobleHasher } from '../../core/crypto/blake2b.ts';
import { LightClient } from '../../core/milestone/light-client.ts';
import { TermsChain, electedSeats, keysOf } from '../../core/testing/terms-chain.ts';
import type { KeyPair } from '../../core/testing/ledger-fixtures.ts';
import { ProofChecker } from './proof-checker.ts';

const EPOCH_LENGTH = 4;
const PAGE = 32;
const [A, B, C] = [electedSeats(10, 4), electedSeats(20, 7), electedSeats(30, 4)];
const D = electedSeats(40, 4);

/** A node that serves the elections of a chain whose epochs are these committees'. */
function network(...seats: (readonly KeyPair[])[]) {
  const chain = new TermsChain(seats, EPOCH_LENGTH);
  const requests: (number | 'genesis')[] = [];
  const node = {
    served: chain.elections(seats.length),
    genesis: async () => {
      requests.push('genesis');
      return await Promise.resolve(chain.genesis);
    },
    elections: async (after: number) => {
      requests.push(after);
      const found = node.served.filter(({ epoch }) => epoch > after);
      const elections = found.slice(0, PAGE).map(({ bytes }) => bytes);
      return await Promise.resolve({ elections, more: found.length > PAGE });
    },
  };
  const last = seats.length * EPOCH_LENGTH;
  const clock = { nowMs: () => chain.timeOf(last) };
  const checkerOf = (client: LightClient) =>
    new ProofChecker(client, { hasher: nobleHasher, clock, client: node });
  const young = () => LightClient.fromGenesis(chain.genesis);
  return { chain, node, requests, checkerOf, young, last };
}

function restarted(client: LightClient): LightClient {
  const known = LightClient.fromCheckpoint(client.checkpoint());
  if (!known.ok) throw new Error(known.code);
  return known.value;
}

describe('a milestone of a later term', () => {
  it.each([
    ['one epoch', [A, B]],
    ['some epochs', [A, A, A, B, B]],
    ['three changes', [A, B, C, C, D]],
  ])('is believed after the elections on the way: %s', async (_, seats) => {
    const { chain, requests, checkerOf, young, last } = network(...seats);
    const client = young();
    const proven = await checkerOf(client).milestone(chain.at(last));
    expect(proven.header.index).toBe(last);
    expect(client.state.committee).toEqual(keysOf(seats.at(-1) ?? []));
    expect(requests).toEqual([0]);
  });

  it('is believed by a client that missed a hundred changes', async () => {
    const seats = Array.from({ length: 101 }, (_, epoch) => (epoch === 0 ? A : [C, D][epoch % 2]!));
    const { chain, requests, checkerOf, young, last } = network(...seats);
    const client = young();
    await checkerOf(client).milestone(chain.at(last));
    expect(client.state).toMatchObject({ epoch: 100, followed: { elections: 100 } });
    expect(requests).toEqual([0, 32, 64, 96]);
  });

  it('follows no election before its time', async () => {
    const { chain, checkerOf, young } = network(A, B, C);
    const client = young();
    await checkerOf(client).milestone(chain.at(EPOCH_LENGTH));
    expect(client.state.epoch).toBe(1);
    await checkerOf(client).milestone(chain.at(chain.electionOf(1)));
    expect(client.state.epoch).toBe(1);
    // The last one of an epoch names the next committee, so that one has to be known.
    await checkerOf(client).milestone(chain.at(chain.lastOf(1)));
    expect(client.state.epoch).toBe(2);
  });

  it('is found by two at once', async () => {
    const { chain, checkerOf, young, last } = network(A, B, C);
    const client = young();
    const checker = checkerOf(client);
    await Promise.all([checker.milestone(chain.at(last)), checker.milestone(chain.at(last - 1))]);
    expect(client.state.epoch).toBe(2);
  });

  it('is believed of a committee that came back, and those between when they are met', async () => {
    const { chain, requests, checkerOf, young, last } = network(A, B, B, A, C);
    const client = young();
    const checker = checkerOf(client);
    await checker.milestone(chain.at(3 * EPOCH_LENGTH));
    expect(requests).toEqual([]);
    await checker.milestone(chain.at(EPOCH_LENGTH));
    expect(client.state).toMatchObject({ epoch: 1, newest: { epoch: 3 } });
    const again = checkerOf(restarted(client));
    await again.milestone(chain.at(3 * EPOCH_LENGTH));
    await again.milestone(chain.at(last));
    expect(requests).toEqual([0, 1, 3]);
  });

  it('asks for nothing while the committee stands', async () => {
    const { chain, requests, checkerOf, young } = network(A, A, A, B);
    await checkerOf(young()).milestone(chain.at(2 * EPOCH_LENGTH));
    expect(requests).toEqual([]);
  });

  it('certificate-quorum: the node shows no way, and says forever that there is more', async () => {
    const { chain, node, requests, checkerOf, young, last } = network(A, B);
    node.elections = async (after) => {
      requests.push(after);
      return await Promise.resolve({ elections: [], more: true });
    };
    const client = young();
    await expect(checkerOf(client).milestone(chain.at(last))).rejects.toMatchObject({
      code: 'certificate-quorum',
    });
    expect(requests).toEqual([0]);
    expect(client.state).toEqual(young().state);
  });

  it('certificate-signature: a forged milestone of the present term asks for nothing', async () => {
    const { chain, requests, checkerOf, young } = network(A, B);
    const forged = Uint8Array.from(chain.at(1));
    forged[forged.length - 1]! ^= 1;
    await expect(checkerOf(young()).milestone(forged)).rejects.toMatchObject({
      code: 'certificate-signature',
    });
    expect(requests).toEqual([]);
  });
});

describe('pages of a liar', () => {
  /** What the client says of a node that serves these, and that it believed none of it. */
  async function codeOf(change: (world: ReturnType<typeof network>) => void): Promise<unknown> {
    const world = network(A, B, C);
    change(world);
    const client = world.young();
    const proof = world.checkerOf(client).milestone(world.chain.at(world.last));
    const error: unknown = await proof.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(client.state.committee).not.toEqual(keysOf(C));
    return error;
  }
  const served = (epoch: number, bytes: Uint8Array) => ({ epoch, bytes });

  it('certificate-signature: a committee that nobody elected', async () => {
    const error = await codeOf(({ chain, node }) => {
      const options = { nextCommittee: keysOf(C) };
      const forged = chain.make(chain.electionOf(0), { options, signers: C });
      node.served = [served(1, encodeMilestone(forged))];
    });
    expect(error).toMatchObject({
      name: 'ProofError',
      code: 'certificate-signature',
      message: expect.stringContaining('election for 1'),
    });
  });

  it('milestone-root: one left out, or the later one first', async () => {
    const error = await codeOf(({ node }) => node.served.shift());
    expect(error).toMatchObject({ code: 'milestone-root' });
    const backwards = await codeOf(({ node }) => {
      const page = { elections: node.served.toReversed().map(({ bytes }) => bytes), more: false };
      node.elections = async () => await Promise.resolve(page);
    });
    expect(backwards).toMatchObject({ code: 'milestone-root' });
  });

  it('proof-invalid: the same page for ever', async () => {
    const error = await codeOf(({ node }) => {
      const page = { elections: node.served.slice(0, 1).map(({ bytes }) => bytes), more: true };
      node.elections = async () => await Promise.resolve(page);
    });
    expect(error).toMatchObject({ code: 'proof-invalid' });
  });

  it('milestone-committee: a milestone that elects nobody', async () => {
    const error = await codeOf(({ chain, node }) => {
      node.served = [served(1, chain.at(chain.electionOf(0) - 1))];
    });
    expect(error).toMatchObject({ code: 'milestone-committee' });
  });

  it('truncated: no milestone at all', async () => {
    const error = await codeOf(({ node }) => {
      node.elections = async () =>
        await Promise.resolve({ elections: [Uint8Array.of(1, 0, 0)], more: false });
    });
    expect(error).toMatchObject({ name: 'ProofError', code: 'truncated' });
  });
});

describe('a proof of an earlier term', () => {
  const OLD = [1, EPOCH_LENGTH, 2 * EPOCH_LENGTH + 1];

  it('is believed by who followed on from there, without asking again', async () => {
    const { chain, requests, checkerOf, young, last } = network(A, B, C, D);
    const checker = checkerOf(young());
    await checker.milestone(chain.at(last));
    for (const index of OLD) await checker.milestone(chain.at(index));
    expect(requests).toEqual([0]);
  });

  it('is believed from a checkpoint: the elections that led there are shown again', async () => {
    const { chain, requests, checkerOf, young, last } = network(A, B, C, D);
    const earlier = young();
    await checkerOf(earlier).milestone(chain.at(last));
    const client = restarted(earlier);
    const checker = checkerOf(client);
    requests.length = 0;
    for (const index of OLD) await checker.milestone(chain.at(index));
    expect(requests).toEqual(['genesis', 0]);
    expect(client.state).toEqual(earlier.state);
  });

  it('is believed from the checkpoint of a term in between, which then goes on', async () => {
    const { chain, checkerOf, young, last } = network(A, B, C, D);
    const earlier = young();
    await checkerOf(earlier).milestone(chain.at(EPOCH_LENGTH));
    const client = restarted(earlier);
    const checker = checkerOf(client);
    await checker.milestone(chain.at(1));
    await checker.milestone(chain.at(last));
    await checker.milestone(chain.at(EPOCH_LENGTH + 1));
    expect(client.state).toMatchObject({ epoch: 3, followed: { elections: 3 } });
  });

  it('proof-invalid: what is shown again is not what led there', async () => {
    const { chain, node, checkerOf, young, last } = network(A, B, C, D);
    const earlier = young();
    await checkerOf(earlier).milestone(chain.at(last));
    // The keys of the genesis committee, in the wrong hands long after its term: all that it signs
    // now is in order, and the client does not take it for what it once followed.
    const other = new TermsChain([A, C, D], EPOCH_LENGTH);
    const forged = other.at(EPOCH_LENGTH);
    const truth = node.served;
    const wrong = [other.elections(3), truth.slice(1), truth.slice(0, -1), []];
    for (const served of wrong) {
      node.served = served;
      const client = restarted(earlier);
      await expect(checkerOf(client).milestone(forged)).rejects.toMatchObject({
        code: 'proof-invalid',
      });
      expect(client.state).toEqual(earlier.state);
    }
    node.served = truth;
    await expect(checkerOf(restarted(earlier)).milestone(forged)).rejects.toMatchObject({
      code: 'certificate-quorum',
    });
  });
});
