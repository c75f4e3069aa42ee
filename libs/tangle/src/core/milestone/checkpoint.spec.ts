// Checkpoints of a light client, and committees that change under it: every certificate is signed.
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decodeCheckpoint, encodeCheckpoint, type Checkpoint } from '../codec/checkpoint.ts';
import type { MilestoneId } from '../codec/ids.ts';
import { decodeMilestone, encodeMilestone, type MilestoneHeader } from '../codec/milestone.ts';
import { MAX_CHECKPOINT_SIZE } from '../params/limits.ts';
import type { Outcome } from '../outcome.ts';
import { TermsChain, electedSeats, keysOf } from '../testing/terms-chain.ts';
import { LightClient } from './light-client.ts';

const EPOCH_LENGTH = 4;

function unwrap<T>(outcome: Outcome<T>): T {
  if (!outcome.ok) throw new Error(`${outcome.code} ${outcome.detail}`);
  return outcome.value;
}

/** Four seats, then seven, then four others of whom two sat before, then seven again. */
const TERMS = [electedSeats(100, 4), electedSeats(30, 7), electedSeats(35, 4), electedSeats(30, 7)];
const chain = new TermsChain(TERMS, EPOCH_LENGTH);
/** The last milestone of the last term. */
const LAST = TERMS.length * EPOCH_LENGTH - 1;
const nowMs = chain.timeOf(LAST);
const headerOf = (index: number): MilestoneHeader =>
  unwrap(decodeMilestone(chain.at(index))).header;
const check = (client: LightClient, index: number) => client.checkMilestone(chain.at(index), nowMs);

/** Follows every committee up to that of `term`; the elections are enough. */
function followTo(term: number, client = LightClient.fromGenesis(chain.genesis)): LightClient {
  for (let epoch = client.state.epoch; epoch < term; epoch++) {
    unwrap(client.followElection(chain.at(chain.electionOf(epoch)), nowMs));
  }
  return client;
}

const restart = (client: LightClient): LightClient =>
  unwrap(LightClient.fromCheckpoint(client.checkpoint()));

describe('committees of 4, 7, 4 and 7 seats', () => {
  it('are followed from genesis by their elections alone', () => {
    const client = followTo(3);
    unwrap(check(client, LAST));
    expect(client.state).toMatchObject({ epoch: 3, newest: { index: LAST, epoch: 3 } });
    expect(chain.make(LAST).certificate.signers).toHaveLength(5);
    expect(chain.make(9).certificate.signers).toHaveLength(3);
  });

  it('are followed through every milestone, with a restart from the checkpoint after each', () => {
    let client = LightClient.fromGenesis(chain.genesis);
    for (let index = 1; index <= LAST; index++) {
      const epoch = Math.floor(index / EPOCH_LENGTH);
      const isElection = index === chain.electionOf(epoch) && epoch < TERMS.length - 1;
      if (isElection) unwrap(client.followElection(chain.at(index), nowMs));
      else if (client.state.epoch <= epoch) unwrap(check(client, index));
      client = restart(client);
    }
    expect(client.state.newest).toEqual(headerOf(LAST));
  });

  it.each([0, 1, 2, 3])('are followed on from a checkpoint of epoch %i', (term) => {
    const client = followTo(3, restart(followTo(term)));
    expect(unwrap(check(client, LAST)).header.index).toBe(LAST);
  });

  it('certificate-quorum: a larger or smaller committee that was not followed to', () => {
    for (const term of [0, 1, 2]) {
      const client = restart(followTo(term));
      expect(check(client, (term + 1) * EPOCH_LENGTH)).toMatchObject({
        code: 'certificate-quorum',
      });
    }
  });

  it('certificate-signature: four others in the seats of four', () => {
    expect(check(followTo(0), 9)).toMatchObject({ code: 'certificate-signature' });
  });

  it('milestone-epoch: after a restart nothing of an earlier term until it is recalled', () => {
    const client = restart(followTo(2));
    for (const index of [1, 5, 7]) {
      expect(check(client, index)).toMatchObject({ code: 'milestone-epoch' });
    }
    unwrap(client.recallTerms(chain.terms(2)));
    for (const index of [1, 5, 7]) unwrap(check(client, index));
  });
});

describe('a checkpoint', () => {
  const { state } = followTo(1);
  const start = (changes: Partial<Checkpoint>) =>
    LightClient.fromCheckpoint(encodeCheckpoint({ ...state, ...changes }));

  it('holds all that the client knew', () => {
    const client = followTo(1);
    unwrap(check(client, 5));
    expect(restart(client).state).toEqual(client.state);
    expect(client.checkpoint()).toHaveLength(307 + 7 * 32 + 36);
    const young = LightClient.fromGenesis(chain.genesis);
    expect(restart(young).state).toEqual(young.state);
    expect(young.checkpoint()).toHaveLength(307 + 4 * 32);
  });

  it('keeps the client from going back, and from a fork', () => {
    const client = followTo(3);
    unwrap(check(client, LAST));
    const again = restart(client);
    const forked = encodeMilestone(chain.make(LAST, { header: { view: 99n } }));
    expect(again.checkMilestone(forked, nowMs)).toMatchObject({ code: 'milestone-fork' });
    unwrap(check(again, LAST - 1));
    expect(again.state.newest.index).toBe(LAST);
  });

  it('committee-invalid: no committee', () => {
    const [key = new Uint8Array(32)] = state.committee;
    expect(start({ committee: [key, key] })).toMatchObject({ code: 'committee-invalid' });
  });

  it('checkpoint-invalid: parts that no client has together', () => {
    const { newest } = state;
    const election = chain.electionOf(0);
    expect(newest.index).toBe(election);
    const wrong: Partial<Checkpoint>[] = [
      { newest: { ...newest, epoch: 1 } },
      { newest: { ...newest, index: 0 }, genesisId: '0'.repeat(64) as MilestoneId },
      { newest: headerOf(election - 1) },
      { epoch: 2 },
    ];
    for (const changes of wrong) {
      expect(start(changes)).toMatchObject({ code: 'checkpoint-invalid' });
    }
    const young = LightClient.fromGenesis(chain.genesis).state;
    const others = encodeCheckpoint({ ...young, committee: keysOf(TERMS[2] ?? []) });
    expect(LightClient.fromCheckpoint(others)).toMatchObject({ code: 'checkpoint-invalid' });
    for (const index of [election, chain.lastOf(0), chain.lastOf(0) + 1]) {
      expect(start({ newest: headerOf(index) })).toMatchObject({ ok: true });
    }
  });

  it('version-unknown, number-out-of-range, count-out-of-range', () => {
    const change = (at: number, ...bytes: number[]) => {
      const changed = encodeCheckpoint(state);
      changed.set(bytes, at);
      return decodeCheckpoint(changed);
    };
    expect(change(0, 2)).toMatchObject({ code: 'version-unknown' });
    expect(change(41, 0, 0, 0, 0)).toMatchObject({ code: 'number-out-of-range' });
    expect(change(45, 0, 0, 0, 0)).toMatchObject({ code: 'number-out-of-range' });
    expect(change(57, 0)).toMatchObject({ code: 'count-out-of-range' });
    expect(change(57, 33)).toMatchObject({ code: 'count-out-of-range' });
    const elections = 307 + 7 * 32;
    expect(change(elections, 0)).toMatchObject({ code: 'number-out-of-range' });
    expect(change(elections, 2)).toMatchObject({ code: 'number-out-of-range' });
  });

  it('too-large, truncated, trailing-bytes: never throws on bytes of any kind', () => {
    const bytes = encodeCheckpoint(state);
    const longer = Uint8Array.of(...bytes, 0);
    expect(decodeCheckpoint(longer)).toMatchObject({ code: 'trailing-bytes' });
    expect(decodeCheckpoint(bytes.subarray(1))).toMatchObject({ ok: false });
    expect(decodeCheckpoint(bytes.subarray(0, -1))).toMatchObject({ code: 'truncated' });
    const large = new Uint8Array(MAX_CHECKPOINT_SIZE + 1);
    expect(LightClient.fromCheckpoint(large)).toMatchObject({ code: 'too-large' });
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (any) => {
        expect(LightClient.fromCheckpoint(any).ok).toBe(false);
      }),
    );
  });
});
