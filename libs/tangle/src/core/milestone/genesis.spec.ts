import { describe, expect, it } from '@jest/globals';
import { refundDeposit } from '../block/deposit.ts';
import type { Genesis } from '../codec/genesis.ts';
import { genesisToJson } from '../codec/genesis.ts';
import { GENESIS_BLOCK_ID, NO_MILESTONE_ID, outputIdOf } from '../codec/ids.ts';
import { decodeMilestone, encodeMilestone, milestoneIdOf } from '../codec/milestone.ts';
import { nobleHasher } from '../crypto/blake2b.ts';
import { keyPair, PARAMS, testGenesis } from '../testing/ledger-fixtures.ts';
import { checkGenesis, genesisMilestone, loadGenesis } from './genesis.ts';

const genesis = testGenesis(4);

describe('genesisMilestone', () => {
  const made = genesisMilestone(genesis, nobleHasher);

  it('is milestone 0 and references the genesis block', () => {
    expect(made.header).toMatchObject({
      index: 0,
      epoch: 0,
      view: 0n,
      timestampMs: genesis.timestampMs,
      previousId: NO_MILESTONE_ID,
    });
    expect(made.body).toEqual({ parents: [GENESIS_BLOCK_ID], options: {} });
    expect(made.id).toBe(milestoneIdOf(made.header, nobleHasher));
  });

  it('books the outputs of the document', () => {
    expect(made.outputs.map(({ outputId }) => outputId)).toEqual([
      outputIdOf(made.transactionId, 0),
    ]);
    expect(made.stateTree.size).toBe(1);
    expect(made.header.stateRoot).toEqual(made.stateTree.root());
  });

  it('travels like any milestone, without signatures', () => {
    const bytes = encodeMilestone(made.milestone);
    expect(decodeMilestone(bytes)).toEqual({ ok: true, value: made.milestone });
  });

  it('differs with anything in the document', () => {
    const others: Genesis[] = [
      { ...genesis, name: 'other' },
      { ...genesis, timestampMs: genesis.timestampMs + 1 },
      { ...genesis, params: { ...PARAMS, belowMaxDepth: 61 } },
      { ...genesis, params: { ...PARAMS, validatorBondMin: 1_000n } },
      { ...genesis, committee: genesis.committee.toReversed() },
      { ...genesis, outputs: [{ address: keyPair(2).address, amount: 1_000_000_000n }] },
    ];
    const ids = [genesis, ...others].map((one) => genesisMilestone(one, nobleHasher).networkId);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe('a genesis document', () => {
  it('is accepted from JSON', () => {
    expect(loadGenesis(genesisToJson(genesis))).toEqual({ ok: true, value: genesis });
  });

  it('genesis-invalid: an output below its deposit', () => {
    const { address } = keyPair(1);
    const amount = refundDeposit(PARAMS);
    const of = (value: bigint): Genesis => ({ ...genesis, outputs: [{ address, amount: value }] });
    expect(checkGenesis(of(amount))).toMatchObject({ ok: true });
    expect(checkGenesis(of(amount - 1n))).toMatchObject({
      code: 'genesis-invalid',
      detail: 'outputs[0].amount',
    });
  });

  it('genesis-invalid: epochs that are too short for an election', () => {
    const of = (epochLength: number, validatorBondMin: bigint): Genesis => ({
      ...genesis,
      params: { ...PARAMS, epochLength, validatorBondMin },
    });
    expect(checkGenesis(of(3, 0n))).toMatchObject({ ok: true });
    expect(checkGenesis(of(4, 1_000n))).toMatchObject({ ok: true });
    expect(checkGenesis(of(3, 1_000n))).toMatchObject({
      code: 'genesis-invalid',
      detail: 'params.epochLength',
    });
  });

  it('genesis-invalid: bonds so small that there could be too many', () => {
    const of = (validatorBondMin: bigint, amount: bigint): Genesis => ({
      ...genesis,
      params: { ...PARAMS, validatorBondMin },
      outputs: [{ address: keyPair(1).address, amount }],
    });
    expect(checkGenesis(of(1_000n, 1_000n * 2n ** 20n + 999n))).toMatchObject({ ok: true });
    expect(checkGenesis(of(1_000n, 1_000n * (2n ** 20n + 1n)))).toMatchObject({
      code: 'genesis-invalid',
      detail: 'params.validatorBondMin',
    });
  });

  it('genesis-invalid: a committee key that can never sign', () => {
    const smallOrder = new Uint8Array(32);
    const committee = [...genesis.committee, smallOrder];
    expect(checkGenesis({ ...genesis, committee })).toMatchObject({
      code: 'genesis-invalid',
      detail: 'committee',
    });
  });

  it('genesis-invalid: what its JSON would refuse', () => {
    const [key] = genesis.committee as [Uint8Array];
    const bad: Genesis[] = [
      { ...genesis, name: 'Upper' },
      { ...genesis, committee: [] },
      { ...genesis, committee: [key, key] },
      { ...genesis, outputs: [] },
      { ...genesis, params: { ...PARAMS, epochLength: 0 } },
    ];
    for (const one of bad) expect(checkGenesis(one)).toMatchObject({ code: 'genesis-invalid' });
    expect(loadGenesis('{}')).toMatchObject({ code: 'genesis-invalid' });
    expect(
      loadGenesis(genesisToJson({ ...genesis, committee: [new Uint8Array(32)] })),
    ).toMatchObject({ code: 'genesis-invalid' });
  });
});
