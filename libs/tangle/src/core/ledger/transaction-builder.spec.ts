import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { refundDeposit } from '../block/deposit.ts';
import { checkTransactionSyntax } from '../block/rules.ts';
import { GENESIS_BLOCK_ID, NULL_ADDRESS } from '../codec/ids.ts';
import { decodeTransaction, encodeTransaction, transactionIdOf } from '../codec/transaction.ts';
import { nobleHasher } from '../crypto/blake2b.ts';
import { nobleVerifier } from '../crypto/ed25519-strict.ts';
import type { KeyPair } from '../testing/ledger-fixtures.ts';
import {
  basic,
  bond,
  channel,
  evidenceOf,
  keyPair,
  MemoryLedger,
  NETWORK_ID,
  outputId,
  PARAMS,
  recordOf,
  signVoucher,
  sourceOf,
  testBlock,
} from '../testing/ledger-fixtures.ts';
import { applyMilestone } from './apply-milestone.ts';
import { earliestUnbondAt } from './bond-rules.ts';
import { conflict } from './conflict.ts';
import type { TransactionInput, TransactionPlan } from './transaction-builder.ts';
import { buildTransaction, burns, claimRefunds, selectInputs } from './transaction-builder.ts';

const [alice, bob, payer] = [1, 2, 3].map(keyPair) as [KeyPair, KeyPair, KeyPair];
const D = refundDeposit(PARAMS);

function input(number: number, amount: bigint, owner = alice): TransactionInput {
  return {
    outputId: outputId(number),
    output: basic(amount, owner.address),
    unlock: { kind: 'signature', secretKey: owner.secretKey },
  };
}

function plan(more: Partial<TransactionPlan>): TransactionPlan {
  return {
    networkId: NETWORK_ID,
    inputs: [input(0, 10_000n)],
    outputs: [basic(10_000n, bob.address)],
    params: PARAMS,
    hasher: nobleHasher,
    ...more,
  };
}

/** What a node makes of it: block rules, then the ledger. */
function verdictOf(built: TransactionPlan): readonly number[] {
  const result = buildTransaction(built);
  if (!result.ok) throw new Error(result.code);
  const { transaction, transactionId } = result.value;
  expect(checkTransactionSyntax(transaction, { params: PARAMS, networkId: NETWORK_ID })).toBe(
    undefined,
  );
  const bytes = encodeTransaction(transaction);
  expect(decodeTransaction(bytes)).toEqual({ ok: true, value: transaction });
  expect(transactionIdOf(bytes, nobleHasher)).toBe(transactionId);
  const block = testBlock([GENESIS_BLOCK_ID], transaction);
  const records = built.inputs.map(({ outputId: id, output }) => recordOf(id, output));
  const { conflicts } = applyMilestone(
    { index: 1, timestampMs: 5_000, order: [block.id] },
    {
      blocks: sourceOf([block]),
      outputs: new MemoryLedger(records).get,
      params: PARAMS,
      verifier: nobleVerifier,
      hasher: nobleHasher,
    },
  );
  return [...conflicts.values()];
}

describe('buildTransaction', () => {
  it('makes what a node applies: several owners, references, change, a payload', () => {
    const inputs = [
      input(0, 5_000n),
      input(1, 6_000n, bob),
      input(2, 7_000n),
      input(3, 8_000n, bob),
    ];
    const text = new Uint8Array([104, 105]);
    const payload = { kind: 'tagged-data', tag: text, data: text } as const;
    const outputs = [basic(20_000n, payer.address)];
    const change = { changeAddress: alice.address };
    expect(verdictOf(plan({ inputs, outputs, payload, ...change }))).toEqual([]);
    const built = buildTransaction(plan({ inputs, outputs, ...change }));
    expect(built.ok && built.value.transaction.unlocks.map(({ kind }) => kind)).toEqual([
      'signature',
      'signature',
      'reference',
      'reference',
    ]);
    expect(built.ok && built.value.transaction.outputs).toEqual([
      ...outputs,
      basic(6_000n, alice.address),
    ]);
  });

  it('makes channel claims that a node applies', () => {
    const claim = (number: number, cumulative: bigint): TransactionInput => ({
      outputId: outputId(number),
      output: channel(10_000n, { payer, payee: bob, refund: alice }, 99),
      unlock: {
        kind: 'channel-claim',
        secretKey: bob.secretKey,
        cumulative,
        voucherSignature: signVoucher(payer, outputId(number), cumulative),
      },
    });
    const inputs = [claim(0, 4_000n), claim(1, 5_000n), input(2, 1_000n, bob)];
    const refunds = claimRefunds(inputs);
    expect(refunds).toEqual([basic(11_000n, alice.address)]);
    expect(verdictOf(plan({ inputs, outputs: refunds, changeAddress: bob.address }))).toEqual([]);
  });

  it('makes what a validator needs: bond, top up, unbond in part, withdraw', () => {
    const parties = { key: payer, owner: alice };
    const own = { kind: 'signature', secretKey: alice.secretKey } as const;
    const bonded = (number: number, amount: bigint, unbondAt = 0): TransactionInput => {
      return { outputId: outputId(number), output: bond(amount, parties, unbondAt), unlock: own };
    };
    const changeAddress = alice.address;
    const later = earliestUnbondAt(5);
    const plans: Partial<TransactionPlan>[] = [
      { inputs: [input(0, 10_000n)], outputs: [bond(5_000n, parties)] },
      { inputs: [bonded(0, 5_000n), input(1, 3_000n)], outputs: [bond(7_000n, parties)] },
      {
        inputs: [bonded(0, 7_000n)],
        outputs: [bond(4_000n, parties), bond(3_000n, parties, later)],
      },
      { inputs: [bonded(0, 3_000n, 5)], outputs: [] },
    ];
    for (const one of plans) expect(verdictOf(plan({ ...one, changeAddress }))).toEqual([]);
    const early = { inputs: [bonded(0, 3_000n, 6)], outputs: [], changeAddress };
    expect(verdictOf(plan(early))).toEqual([conflict('bond-locked')]);
  });

  it('slashes by evidence: burns what is due, the rest is the finder’s', () => {
    const proof = evidenceOf(payer);
    const bonded = (number: number, amount: bigint): TransactionInput => ({
      outputId: outputId(number),
      output: bond(amount, { key: payer, owner: alice }),
      unlock: proof,
    });
    const inputs = [bonded(0, 16_000n), bonded(1, 3_217n), input(2, 500n, bob)];
    expect(burns(inputs)).toEqual([basic(15_000n + 3_016n, NULL_ADDRESS)]);
    expect(burns([input(0, 1_000n)])).toEqual([]);
    const whole = plan({ inputs, outputs: burns(inputs), changeAddress: bob.address });
    expect(verdictOf(whole)).toEqual([]);
    const built = buildTransaction(whole);
    expect(built.ok && built.value.transaction.outputs.at(-1)).toEqual(
      basic(1_000n + 201n + 500n, bob.address),
    );
    const [first] = inputs as [TransactionInput];
    const alone = plan({ inputs: [first], outputs: [basic(16_000n, NULL_ADDRESS)] });
    expect(verdictOf(alone)).toEqual([]);
    const keeping = [basic(14_999n, NULL_ADDRESS), basic(1_001n, bob.address)];
    expect(verdictOf(plan({ inputs: [first], outputs: keeping }))).toEqual([
      conflict('burn-missing'),
    ]);
  });

  it('output-key-invalid: a bond of a key that can never sign', () => {
    const key = { ...payer, publicKey: new Uint8Array(32) };
    const outputs = [bond(10_000n, { key, owner: alice })];
    expect(buildTransaction(plan({ outputs }))).toMatchObject({ code: 'output-key-invalid' });
  });

  it('insufficient-funds', () => {
    const outputs = [basic(10_001n, bob.address)];
    expect(buildTransaction(plan({ outputs }))).toMatchObject({ code: 'insufficient-funds' });
    const absurd = [basic(2n ** 63n, bob.address), basic(2n ** 63n, bob.address)];
    expect(buildTransaction(plan({ outputs: absurd }))).toMatchObject({
      code: 'insufficient-funds',
    });
  });

  it('change-address-missing', () => {
    const outputs = [basic(9_000n, bob.address)];
    expect(buildTransaction(plan({ outputs }))).toMatchObject({ code: 'change-address-missing' });
  });

  it('dust-change: what is left over cannot be an output', () => {
    const leave = (rest: bigint): TransactionPlan =>
      plan({ outputs: [basic(10_000n - rest, bob.address)], changeAddress: alice.address });
    expect(buildTransaction(leave(D - 1n))).toMatchObject({ code: 'dust-change' });
    expect(buildTransaction(leave(D))).toMatchObject({ ok: true });
  });

  it('deposit-too-small: an output below its storage deposit', () => {
    const outputs = [basic(D - 1n, bob.address)];
    expect(buildTransaction(plan({ outputs }))).toMatchObject({ code: 'deposit-too-small' });
  });

  it('input-not-unique', () => {
    const inputs = [input(0, 5_000n), input(0, 5_000n)];
    expect(buildTransaction(plan({ inputs }))).toMatchObject({ code: 'input-not-unique' });
  });

  it('too-many-inputs, too-many-outputs', () => {
    const inputs = Array.from({ length: 129 }, (_, index) => input(index, 1_000n));
    expect(buildTransaction(plan({ inputs }))).toMatchObject({ code: 'too-many-inputs' });
    const outputs = Array.from({ length: 129 }, () => basic(200n, bob.address));
    const rich = [input(0, 129n * 200n)];
    expect(buildTransaction(plan({ inputs: rich, outputs }))).toMatchObject({
      code: 'too-many-outputs',
    });
  });
});

describe('selectInputs', () => {
  const of = (...amounts: bigint[]): TransactionInput[] =>
    amounts.map((amount, index) => input(index, amount));
  const amounts = fc.array(fc.bigInt({ min: 100n, max: 100_000n }), { maxLength: 200 });

  it('covers the amount and leaves nothing or a change output', () => {
    fc.assert(
      fc.property(amounts, fc.bigInt({ min: 1n, max: 3_000_000n }), (list, amount) => {
        const selected = selectInputs(of(...list), amount, D);
        if (!selected.ok) return;
        const rest = selected.value.reduce((sum, { output }) => sum + output.amount, 0n) - amount;
        expect(rest === 0n || rest >= D).toBe(true);
        expect(selected.value.length).toBeLessThanOrEqual(128);
        expect(new Set(selected.value).size).toBe(selected.value.length);
      }),
    );
  });

  it('does not depend on the order given', () => {
    const list = of(300n, 300n, 500n, 200n);
    const backwards = list.toReversed();
    expect(selectInputs(list, 700n, D)).toEqual(selectInputs(backwards, 700n, D));
  });

  it('insufficient-funds', () => {
    expect(selectInputs(of(400n), 401n, D)).toMatchObject({ code: 'insufficient-funds' });
    expect(selectInputs([], 1n, D)).toMatchObject({ code: 'insufficient-funds' });
  });

  it('too-many-inputs: 128 of the largest do not reach the amount', () => {
    const many = of(...Array.from({ length: 200 }, () => 1_000n));
    expect(selectInputs(many, 150_000n, D)).toMatchObject({ code: 'too-many-inputs' });
    expect(selectInputs(many, 128_000n, D)).toMatchObject({ ok: true });
  });

  it('dust-change: everything together leaves a rest that is too small', () => {
    expect(selectInputs(of(400n), 399n, D)).toMatchObject({ code: 'dust-change' });
  });
});
