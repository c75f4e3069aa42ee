// Checkpoints of a light client, and committees that change under it: every certificate is signed.
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decodeCheckpoint, encodeCheckpoint, type Checkpoint } from '../codec/checkpoint.ts';
import { GENESIS_BLOCK_ID, type MilestoneId } from '../codec/ids.ts';
import { encodeMilestone } from '../codec/milestone.ts';
import { MAX_CHECKPOINT_SIZE } from '../params/limits.ts';
import type { Outcome } from '../outcome.ts';
import type { FinalMilestone } from '../testing/chain-fixture.ts';
import { TestChain } from '../testing/chain-fixture.ts';
import { keyPair, PARAMS, testGenesis, type KeyPair } from '../testing/ledger-fixtures.ts';
import { LightClient } from './light-client.ts';

const EPOCH_LENGTH = 3;

function unwrap<T>(outcome: Outcome<T>): T {
  if (!outcome.ok) throw new Error(`${outcome.code} ${outcome.detail}`);
  return outcome.value;
}

const seats = (first: number, count: number): KeyPair[] =>
  Array.from({ length: count }, (_, index) => keyPair(first + index));
const keysOf = (pairs: readonly KeyPair[]): Uint8Array[] => pairs.map(({ publicKey }) => publicKey);

/** Four seats, then seven, then four others of whom two sat before, then seven again. */
const TERMS = [seats(100, 4), seats(30, 7), seats(35, 4), seats(30, 7)];

/** Milestones 1–11: four epochs with a committee each; the last one hands over to nobody new. */
function longChain(): { chain: TestChain; finals: FinalMilestone[]; nowMs: number } {
  const params = { ...PARAMS, epochLength: EPOCH_LENGTH };
  const chain = new TestChain(4, { ...testGenesis(4), params });
  const finals: FinalMilestone[] = [];
  for (let index = 1; index <= TERMS.length * EPOCH_LENGTH - 1; index++) {
    const next = TERMS[Math.floor((index + 1) / EPOCH_LENGTH)];
    if (next !== undefined) chain.handOver(next);
    finals.push(chain.confirm([chain.attach([GENESIS_BLOCK_ID])]));
  }
  return { chain, finals, nowMs: chain.parent.header.timestampMs };
}

const { chain, finals, nowMs } = longChain();
const milestone = (index: number): FinalMilestone => finals[index - 1] as FinalMilestone;
const check = (client: LightClient, index: number) =>
  client.checkMilestone(milestone(index).bytes, nowMs);

/** Follows every committee up to that of `term`; the last milestone of each epoch is enough. */
function followTo(term: number, client = LightClient.fromGenesis(chain.genesis)): LightClient {
  for (let epoch = client.state.epoch; epoch < term; epoch++) {
    unwrap(check(client, (epoch + 1) * EPOCH_LENGTH - 1));
    unwrap(client.followCommittee(keysOf(TERMS[epoch + 1] ?? [])));
  }
  return client;
}

const restart = (client: LightClient): LightClient =>
  unwrap(LightClient.fromCheckpoint(client.checkpoint()));

describe('committees of 4, 7, 4 and 7 seats', () => {
  it('are followed from genesis by the last milestone of each epoch alone', () => {
    const client = followTo(3);
    unwrap(check(client, 11));
    expect(client.state).toMatchObject({ epoch: 3, newest: { index: 11, epoch: 3 } });
    expect(milestone(11).milestone.certificate.signers).toHaveLength(5);
    expect(milestone(8).milestone.certificate.signers).toHaveLength(3);
  });

  it('are followed through every milestone, with a restart from the checkpoint after each', () => {
    let client = LightClient.fromGenesis(chain.genesis);
    for (const { header, bytes } of finals) {
      unwrap(client.checkMilestone(bytes, nowMs));
      client = restart(client);
      const next = TERMS[Math.floor((header.index + 1) / EPOCH_LENGTH)];
      if (next === undefined) break;
      unwrap(client.followCommittee(keysOf(next)));
      client = restart(client);
    }
    expect(client.state.newest).toEqual(milestone(11).header);
  });

  it.each([0, 1, 2, 3])('are followed on from a checkpoint of epoch %i', (term) => {
    const client = followTo(3, restart(followTo(term)));
    expect(unwrap(check(client, 11)).header.index).toBe(11);
  });

  it('certificate-quorum: a larger or smaller committee that was not handed over to', () => {
    for (const term of [0, 1, 2]) {
      const client = restart(followTo(term));
      expect(check(client, (term + 1) * EPOCH_LENGTH)).toMatchObject({
        code: 'certificate-quorum',
      });
    }
  });

  it('certificate-signature: four others in the seats of four', () => {
    expect(check(followTo(0), 7)).toMatchObject({ code: 'certificate-signature' });
  });

  it('milestone-epoch: after the hand-over nothing of an earlier term is believed', () => {
    const client = restart(followTo(2));
    for (const index of [1, 4, 5]) {
      expect(check(client, index)).toMatchObject({ code: 'milestone-epoch' });
    }
  });

  it('milestone-epoch: nothing of the next term before its keys are known', () => {
    const client = LightClient.fromGenesis(chain.genesis);
    unwrap(check(client, 2));
    expect(check(restart(client), 3)).toMatchObject({ code: 'milestone-epoch' });
  });

  it('committee-invalid: keys in another order, one missing, or those of a later term', () => {
    const client = LightClient.fromGenesis(chain.genesis);
    unwrap(check(client, 2));
    const [, second = [], third = []] = TERMS.map(keysOf);
    for (const keys of [second.toReversed(), second.slice(1), third, []]) {
      expect(client.followCommittee(keys)).toMatchObject({ code: 'committee-invalid' });
    }
  });
});

describe('a checkpoint', () => {
  const { state } = followTo(1);
  const start = (changes: Partial<Checkpoint>) =>
    LightClient.fromCheckpoint(encodeCheckpoint({ ...state, ...changes }));

  it('holds all that the client knew', () => {
    const client = followTo(1);
    unwrap(check(client, 4));
    expect(restart(client).state).toEqual(client.state);
    expect(client.checkpoint()).toHaveLength(307 + 7 * 32);
    const young = LightClient.fromGenesis(chain.genesis);
    expect(restart(young).state).toEqual(young.state);
  });

  it('keeps the client from going back, and from a fork', () => {
    const { header, body } = milestone(11);
    const client = followTo(3);
    unwrap(check(client, 11));
    const again = restart(client);
    const rival = chain.certify({ header: { ...header, view: 99n }, body });
    expect(chain.certify({ header, body })).toEqual(milestone(11).milestone);
    const forked = encodeMilestone(rival);
    expect(again.checkMilestone(forked, nowMs)).toMatchObject({ code: 'milestone-fork' });
    unwrap(check(again, 10));
    expect(again.state.newest.index).toBe(11);
  });

  it('committee-invalid: no committee', () => {
    const [key = new Uint8Array(32)] = state.committee;
    expect(start({ committee: [key, key] })).toMatchObject({ code: 'committee-invalid' });
  });

  it('checkpoint-invalid: parts that no client has together', () => {
    const { newest } = state;
    const wrong: Partial<Checkpoint>[] = [
      { newest: { ...newest, epoch: 1 } },
      { newest: { ...newest, index: 4, epoch: 1 }, committee: keysOf(seats(1, 4)) },
      { newest: { ...newest, index: 0 }, genesisId: '0'.repeat(64) as MilestoneId },
      { epoch: 2 },
      { committee: keysOf(seats(100, 4)), epoch: 1 },
    ];
    for (const changes of wrong) {
      expect(start(changes)).toMatchObject({ code: 'checkpoint-invalid' });
    }
    expect(start({ committee: keysOf(seats(100, 4)), epoch: 0 })).toMatchObject({ ok: true });
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
