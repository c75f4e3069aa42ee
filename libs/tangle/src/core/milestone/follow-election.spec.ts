/**
 * A light client that follows elections: it believes what the committees of their terms signed, and
 * nothing that former members, later members or a server make of it. Every certificate is signed.
 */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { encodeMilestone } from '../codec/milestone.ts';
import { nobleHasher } from '../crypto/blake2b.ts';
import type { Outcome } from '../outcome.ts';
import { TermsChain, electedSeats, keysOf } from '../testing/terms-chain.ts';
import { keyPair } from '../testing/ledger-fixtures.ts';
import { committeeRoot } from './committee.ts';
import { LightClient } from './light-client.ts';

function unwrap<T>(outcome: Outcome<T>): T {
  if (!outcome.ok) throw new Error(`${outcome.code} ${outcome.detail}`);
  return outcome.value;
}

const [A, B, C] = [electedSeats(100, 4), electedSeats(30, 7), electedSeats(50, 4)];
/** Epochs 0 and 1 are A's, 2 is B's, 3 and 4 are C's, from 5 on A sits again. */
const chain = new TermsChain([A, A, B, C, C, A]);
const NOW = chain.timeOf(10_000);
const young = (): LightClient => LightClient.fromGenesis(chain.genesis);
const check = (client: LightClient, index: number) => client.checkMilestone(chain.at(index), NOW);
const follow = (client: LightClient, epoch: number) =>
  client.followElection(chain.at(chain.electionOf(epoch)), NOW);
/** Follows all elections of epochs below `epoch`. */
function followed(epoch: number): LightClient {
  const client = young();
  for (const { bytes } of chain.elections(epoch)) unwrap(client.followElection(bytes, NOW));
  return client;
}
const rootOf = (seats: typeof A): Uint8Array => committeeRoot(keysOf(seats), nobleHasher);

describe('followElection', () => {
  it('trusts the committee that is named from the next epoch on', () => {
    const client = young();
    unwrap(follow(client, 1));
    expect(client.state).toMatchObject({
      epoch: 2,
      committee: keysOf(B),
      newest: { index: chain.electionOf(1), epoch: 1 },
      followed: { elections: 1 },
    });
    unwrap(check(client, 20));
    expect(client.state.newest.index).toBe(20);
  });

  it('believes what is left of the epoch, and all before, of the committee that sits', () => {
    const client = young();
    unwrap(follow(client, 1));
    for (const index of [1, 9, 10, chain.electionOf(1), 19, 20]) unwrap(check(client, index));
    expect(client.state.newest.index).toBe(20);
  });

  it('goes from election to election, however far they lie apart', () => {
    const client = followed(5);
    unwrap(check(client, 5_003));
    expect(client.state).toMatchObject({ epoch: 5, committee: keysOf(A) });
    for (let index = 0; index < 60; index++) unwrap(check(client, index));
  });

  it('changes nothing when one is followed twice', () => {
    const client = followed(5);
    const before = client.state;
    for (const epoch of [1, 2, 4]) unwrap(follow(client, epoch));
    expect(client.state).toEqual(before);
  });

  it('takes a certificate that ratifies', () => {
    const ratified = chain.make(chain.electionOf(1), { kind: 'ratify' });
    expect(young().followElection(encodeMilestone(ratified), NOW)).toMatchObject({ ok: true });
  });

  it('milestone-committee: no election, or one elsewhere in its epoch', () => {
    const options = { nextCommittee: keysOf(B) };
    const wrong = [
      chain.make(chain.electionOf(0)),
      chain.make(chain.electionOf(1) - 1, { options }),
      chain.make(chain.electionOf(1) + 1, { options }),
      chain.make(chain.electionOf(1), { options: { nextCommittee: keysOf(A) } }),
    ];
    for (const milestone of wrong) {
      const client = young();
      const outcome = client.followElection(encodeMilestone(milestone), NOW);
      expect(outcome).toMatchObject({ code: 'milestone-committee' });
      expect(client.state).toEqual(young().state);
    }
  });

  it('committee-invalid: one key in two seats', () => {
    const [key = new Uint8Array(32)] = keysOf(B);
    const options = { nextCommittee: [key, key, ...keysOf(A)] };
    const doubled = encodeMilestone(chain.make(chain.electionOf(1), { options }));
    expect(young().followElection(doubled, NOW)).toMatchObject({ code: 'committee-invalid' });
  });

  it('certificate-signature, certificate-quorum: another committee signed it', () => {
    const by = (signers: typeof A) =>
      young().followElection(encodeMilestone(chain.make(chain.electionOf(1), { signers })), NOW);
    expect(by(C)).toMatchObject({ code: 'certificate-signature' });
    expect(by(B)).toMatchObject({ code: 'certificate-quorum' });
  });

  it('milestone-root: other keys under a certified header', () => {
    const { header, body, certificate } = chain.make(chain.electionOf(1));
    const swapped = { ...body, options: { nextCommittee: keysOf(C) } };
    const bytes = encodeMilestone({ header, body: swapped, certificate });
    expect(young().followElection(bytes, NOW)).toMatchObject({
      code: 'milestone-root',
      detail: 'optionsRoot',
    });
  });

  it('milestone-epoch: an epoch that its index does not have, or a term that is over', () => {
    const index = chain.electionOf(1);
    const wrong = encodeMilestone(chain.make(index, { header: { epoch: 3 } }));
    expect(young().followElection(wrong, NOW)).toMatchObject({ code: 'milestone-epoch' });
    const later = unwrap(LightClient.fromCheckpoint(followed(3).checkpoint()));
    expect(follow(later, 1)).toMatchObject({ code: 'milestone-epoch' });
    // A sat in epoch 0 as well and says now that it elected somebody.
    const options = { nextCommittee: keysOf(C) };
    const early = encodeMilestone(chain.make(chain.electionOf(0), { options, signers: A }));
    expect(followed(3).followElection(early, NOW)).toMatchObject({ code: 'milestone-epoch' });
  });

  it('milestone-timestamp: ahead of the clock', () => {
    const index = chain.electionOf(1);
    const early = chain.timeOf(index) - chain.genesis.params.maxDriftMs - 1;
    expect(young().followElection(chain.at(index), early)).toMatchObject({
      code: 'milestone-timestamp',
    });
  });

  it('milestone-fork: two elections of one epoch', () => {
    const index = chain.electionOf(1);
    const rival = encodeMilestone(chain.make(index, { options: { nextCommittee: keysOf(C) } }));
    const seen = young();
    unwrap(check(seen, index));
    expect(seen.followElection(rival, NOW)).toMatchObject({ code: 'milestone-fork' });
    for (const client of [followed(2), followed(5)]) {
      const before = client.state;
      expect(client.followElection(rival, NOW)).toMatchObject({ code: 'milestone-fork' });
      expect(client.state).toEqual(before);
    }
  });

  it('never throws on bytes of any kind, and believes none that were changed', () => {
    const bytes = chain.at(chain.electionOf(1));
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const changed = Uint8Array.from(bytes);
        changed[at] = (changed[at] ?? 0) ^ flip;
        expect(young().followElection(changed, NOW).ok).toBe(false);
        expect(young().followElection(changed.subarray(0, at), NOW).ok).toBe(false);
      }),
      { numRuns: 60 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 900 }), (any) => {
        expect(young().followElection(any, NOW).ok).toBe(false);
      }),
    );
  });
});

describe('a committee whose successors were not followed', () => {
  it('certificate-signature, certificate-quorum: is not theirs', () => {
    expect(check(young(), 20)).toMatchObject({ code: 'certificate-quorum' });
    expect(check(young(), 30)).toMatchObject({ code: 'certificate-signature' });
    expect(follow(young(), 2)).toMatchObject({ code: 'milestone-root' });
  });

  it('milestone-epoch: the last milestone of its term names somebody who is not known', () => {
    const client = young();
    expect(check(client, chain.lastOf(1))).toMatchObject({ code: 'milestone-epoch' });
    expect(client.state.newest.index).toBe(0);
    unwrap(follow(client, 1));
    unwrap(check(client, chain.lastOf(1)));
  });

  it('milestone-root: signatures of members who sit on are not those of the old committee', () => {
    // Three of A's seats are the same keys in its successor's: a quorum of both.
    const [first, second, third] = A;
    const rest = [first!, second!, third!];
    const after = [...rest, keyPair(77)];
    const overlap = new TermsChain([A, after, after, C]);
    const client = LightClient.fromGenesis(overlap.genesis);
    const theirs = overlap.make(12);
    expect(theirs.certificate.signers).toEqual([0, 1, 2]);
    const judge = (bytes: Uint8Array) => [
      client.checkMilestone(bytes, NOW),
      client.followElection(bytes, NOW),
    ];
    expect(judge(encodeMilestone(theirs))[0]).toMatchObject({ code: 'milestone-root' });
    // An election of theirs too: nobody may skip the one that made them the committee.
    const election = overlap.at(overlap.electionOf(2));
    for (const outcome of judge(election))
      expect(outcome).toMatchObject({ code: 'milestone-root' });
    expect(client.state.newest.index).toBe(0);
    unwrap(client.followElection(overlap.at(overlap.electionOf(0)), NOW));
    unwrap(client.followElection(election, NOW));
    unwrap(client.checkMilestone(encodeMilestone(theirs), NOW));
    expect(client.state.epoch).toBe(3);
  });

  it('is believed beyond its term only if a quorum of it breaks its word', () => {
    // What docs/spec/05-light-client.md §4 rests on: nobody honest signs this. Who knows the
    // election is not taken in by it.
    const header = { committeeRoot: rootOf(A) };
    const broken = encodeMilestone(chain.make(25, { header, signers: A }));
    expect(young().checkMilestone(broken, NOW)).toMatchObject({ ok: true });
    expect(followed(3).checkMilestone(broken, NOW)).toMatchObject({ code: 'certificate-quorum' });
  });
});

describe('terms that are over', () => {
  it('are known as long as the client runs, and after a restart once they are recalled', () => {
    const client = unwrap(LightClient.fromCheckpoint(followed(5).checkpoint()));
    expect(check(client, 25)).toMatchObject({ code: 'milestone-epoch' });
    unwrap(client.recallTerms(chain.terms(5)));
    for (const index of [5, 25, 45, 55]) unwrap(check(client, index));
    unwrap(follow(client, 1));
    expect(unwrap(LightClient.fromCheckpoint(client.checkpoint())).state).toEqual(client.state);
  });

  it('go on from a checkpoint as from the beginning', () => {
    const client = unwrap(LightClient.fromCheckpoint(followed(3).checkpoint()));
    unwrap(follow(client, 4));
    expect(client.state).toEqual(followed(5).state);
    unwrap(client.recallTerms(chain.terms(5)));
  });

  it('proof-invalid: others, fewer, more, or the same in another order', () => {
    const client = unwrap(LightClient.fromCheckpoint(followed(5).checkpoint()));
    const terms = chain.terms(5);
    const wrong = [
      [],
      terms.slice(1),
      terms.slice(0, -1),
      [...terms, { epoch: 9, committee: keysOf(B) }],
      [terms[0]!, terms[2]!, terms[1]!, terms[3]!],
      terms.map((term) => ({ ...term, committee: term.committee.toReversed() })),
      terms.map((term) => (term.epoch === 2 ? { ...term, epoch: 1 } : term)),
    ];
    for (const list of wrong) {
      expect(client.recallTerms(list)).toMatchObject({ code: 'proof-invalid' });
    }
    expect(check(client, 25)).toMatchObject({ code: 'milestone-epoch' });
    expect(young().recallTerms(terms)).toMatchObject({ code: 'proof-invalid' });
    unwrap(young().recallTerms(chain.terms(0)));
  });
});

describe('any row of committees', () => {
  const POOL = [
    electedSeats(100, 4),
    electedSeats(101, 4),
    electedSeats(104, 5),
    electedSeats(90, 1),
  ];
  const rows = fc.array(fc.nat(POOL.length - 1), { minLength: 1, maxLength: 7 });

  it('is followed to its end, and every milestone of it is believed then', () => {
    fc.assert(
      fc.property(rows, fc.nat(9), (row, offset) => {
        const any = new TermsChain(
          row.map((number) => POOL[number]!),
          4,
        );
        const last = any.lastOf(row.length);
        const now = any.timeOf(last);
        let client = LightClient.fromGenesis(any.genesis);
        for (const { bytes } of any.elections(row.length)) {
          unwrap(client.followElection(bytes, now));
          client = unwrap(LightClient.fromCheckpoint(client.checkpoint()));
        }
        unwrap(client.recallTerms(any.terms(row.length)));
        for (let index = offset % 4; index <= last; index += 3) {
          unwrap(client.checkMilestone(any.at(index), now));
        }
        expect(client.state.committee).toEqual(keysOf(any.seatsOf(row.length)));
      }),
      { numRuns: 25 },
    );
  });

  it('is not believed in any epoch of a committee that was not followed', () => {
    fc.assert(
      fc.property(rows, fc.nat(40), (row, index) => {
        const any = new TermsChain(
          row.map((number) => POOL[number]!),
          4,
        );
        const client = LightClient.fromGenesis(any.genesis);
        const sits = (one: number) => any.seatsOf(Math.floor(one / 4)) === any.seatsOf(0);
        const outcome = client.checkMilestone(any.at(index), any.timeOf(index));
        expect(outcome.ok).toBe(sits(index) && sits(index + 1));
      }),
      { numRuns: 100 },
    );
  });
});
