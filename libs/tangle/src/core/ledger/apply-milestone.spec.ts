import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { BlockId, OutputId, TransactionId } from '../codec/ids.ts';
import { GENESIS_BLOCK_ID, outputIdOf } from '../codec/ids.ts';
import type { Transaction } from '../codec/transaction.ts';
import { nobleHasher } from '../crypto/blake2b.ts';
import type { TestBlock } from '../testing/ledger-fixtures.ts';
import {
  ACCEPT_ALL,
  basic,
  keyPair,
  MemoryLedger,
  NETWORK_ID,
  outputId,
  PARAMS,
  recordOf,
  sourceOf,
  testBlock,
} from '../testing/ledger-fixtures.ts';
import type { AppliedMilestone } from './apply-milestone.ts';
import { applyMilestone, rootOfIds } from './apply-milestone.ts';
import { conflictName } from './conflict.ts';
import { applyToStateTree, revertMilestone, stateEntryOf } from './ledger-diff.ts';
import { StateTree } from './state-tree.ts';

const alice = keyPair(1);
const unlock = { kind: 'signature', publicKey: alice.publicKey, signature: new Uint8Array(64) };

/** Moves whole outputs of Alice to Alice; signatures are not what these tests are about. */
function move(inputs: readonly OutputId[], amounts: readonly bigint[]): Transaction {
  return {
    kind: 'transaction',
    networkId: NETWORK_ID,
    inputs,
    outputs: amounts.map((amount) => basic(amount, alice.address)),
    payload: null,
    unlocks: inputs.map((_, index) =>
      index === 0 ? (unlock as Transaction['unlocks'][number]) : { kind: 'reference', index: 0 },
    ),
  };
}

const block = (transaction: Transaction | null, nonce = 0n): TestBlock =>
  testBlock([GENESIS_BLOCK_ID], transaction, nonce);

function ledgerOf(count: number, amount = 1_000n): MemoryLedger {
  const ids = Array.from({ length: count }, (_, index) => outputId(index));
  return new MemoryLedger(ids.map((id) => recordOf(id, basic(amount, alice.address))));
}

function run(
  ledger: MemoryLedger,
  blocks: readonly TestBlock[],
  timestampMs = 5_000,
): AppliedMilestone {
  const order = blocks.map(({ id }) => id);
  return applyMilestone(
    { index: 7, timestampMs, order },
    {
      blocks: sourceOf(blocks),
      outputs: ledger.get,
      params: PARAMS,
      verifier: ACCEPT_ALL,
      hasher: nobleHasher,
    },
  );
}

const conflictsOf = ({ conflicts }: AppliedMilestone): [BlockId, string | undefined][] =>
  Array.from(conflicts, ([id, code]) => [id, conflictName(code)]);

describe('applyMilestone', () => {
  it('books created and consumed outputs with block, index and time', () => {
    const payment = block(move([outputId(0)], [400n, 600n]));
    const { diff, applied, included, inclusionRoot, appliedRoot } = run(ledgerOf(1), [
      block(null),
      payment,
    ]);
    const transactionId = payment.transactionId as TransactionId;
    const booking = { blockId: payment.id, milestoneIndex: 7, milestoneTimestampMs: 5_000 };
    expect(diff).toEqual({
      index: 7,
      timestampMs: 5_000,
      created: [
        {
          outputId: outputIdOf(transactionId, 0),
          output: basic(400n, alice.address),
          ...booking,
        },
        {
          outputId: outputIdOf(transactionId, 1),
          output: basic(600n, alice.address),
          ...booking,
        },
      ],
      consumed: [{ ...recordOf(outputId(0), basic(1_000n, alice.address)), transactionId }],
    });
    expect(applied).toEqual([payment.id]);
    expect(included).toEqual([block(null).id, payment.id]);
    expect(inclusionRoot).toEqual(rootOfIds(included, nobleHasher));
    expect(appliedRoot).toEqual(rootOfIds([payment.id], nobleHasher));
  });

  it('input-spent-in-milestone: of two spends the first in order wins', () => {
    const [one, two] = [
      block(move([outputId(0)], [1_000n])),
      block(move([outputId(0)], [500n, 500n])),
    ];
    const forward = run(ledgerOf(1), [one, two]);
    expect(forward.applied).toEqual([one.id]);
    expect(conflictsOf(forward)).toEqual([[two.id, 'input-spent-in-milestone']]);
    const backward = run(ledgerOf(1), [two, one]);
    expect(backward.applied).toEqual([two.id]);
    expect(conflictsOf(backward)).toEqual([[one.id, 'input-spent-in-milestone']]);
  });

  it('input-spent-earlier: a later milestone finds the output spent', () => {
    const ledger = ledgerOf(1);
    ledger.apply(run(ledger, [block(move([outputId(0)], [1_000n]))]).diff);
    const late = block(move([outputId(0)], [500n, 500n]));
    expect(conflictsOf(run(ledger, [late]))).toEqual([[late.id, 'input-spent-earlier']]);
  });

  it('the same transaction in two blocks applies once, in the first', () => {
    const transaction = move([outputId(0)], [1_000n]);
    const [first, again] = [block(transaction, 1n), block(transaction, 2n)];
    expect(first.transactionId).toBe(again.transactionId);
    const ledger = ledgerOf(1);
    const result = run(ledger, [first, again]);
    expect(result.applied).toEqual([first.id]);
    expect(conflictsOf(result)).toEqual([[again.id, 'input-spent-in-milestone']]);
    ledger.apply(result.diff);
    expect(conflictsOf(run(ledger, [again]))).toEqual([[again.id, 'input-spent-earlier']]);
  });

  it('a transaction may spend what an earlier one of the same milestone created', () => {
    const first = block(move([outputId(0)], [1_000n]));
    const middle = outputIdOf(first.transactionId as TransactionId, 0);
    const second = block(move([middle], [1_000n]));
    const ledger = ledgerOf(1);
    const result = run(ledger, [first, second]);
    expect(result.applied).toEqual([first.id, second.id]);
    ledger.apply(result.diff);
    expect([...ledger.unspent.keys()]).toEqual([
      outputIdOf(second.transactionId as TransactionId, 0),
    ]);
    expect(ledger.get(middle)).toBe('spent');
    const reversed = run(ledgerOf(1), [second, first]);
    expect(conflictsOf(reversed)).toEqual([[second.id, 'input-unknown']]);
  });

  it('takes the time from the milestone, in whole seconds', () => {
    const lock = basic(1_000n, alice.address, { timelock: 6 });
    const ledger = new MemoryLedger([recordOf(outputId(0), lock)]);
    const spend = block(move([outputId(0)], [1_000n]));
    expect(conflictsOf(run(ledger, [spend], 5_999))).toEqual([[spend.id, 'timelocked']]);
    expect(conflictsOf(run(ledger, [spend], 6_000))).toEqual([]);
  });

  it('stops the process when a block of the order is not loaded', () => {
    expect(() =>
      applyMilestone(
        { index: 1, timestampMs: 1, order: [GENESIS_BLOCK_ID] },
        {
          blocks: new Map(),
          outputs: () => 'unknown',
          params: PARAMS,
          verifier: ACCEPT_ALL,
          hasher: nobleHasher,
        },
      ),
    ).toThrow('broken invariant');
  });
});

/** Up to 20 spends over 12 outputs, some of them spends of what earlier ones created. */
const history = fc
  .array(
    fc.record({
      picks: fc.uniqueArray(fc.nat(30), { minLength: 1, maxLength: 3 }),
      parts: fc.integer({ min: 1, max: 3 }),
      wrongSum: fc.boolean(),
    }),
    { maxLength: 20 },
  )
  .map((steps) => {
    const known = Array.from({ length: 12 }, (_, index) => ({ id: outputId(index), amount: 900n }));
    return steps.map(({ picks, parts, wrongSum }) => {
      const inputs = [...new Set(picks.map((pick) => known[pick % known.length]))].filter(
        (one) => one !== undefined,
      );
      const sum = inputs.reduce((total, { amount }) => total + amount, wrongSum ? 1n : 0n);
      const amounts = Array.from({ length: parts }, (_, index) =>
        index === 0 ? sum - (sum / BigInt(parts)) * BigInt(parts - 1) : sum / BigInt(parts),
      );
      const made = block(
        move(
          inputs.map(({ id }) => id),
          amounts,
        ),
      );
      for (const [index, amount] of amounts.entries()) {
        known.push({ id: outputIdOf(made.transactionId as TransactionId, index), amount });
      }
      return made;
    });
  })
  .map((blocks) => Array.from(sourceOf(blocks).values()));

describe('the ledger, whatever the blocks', () => {
  const ledger = (): MemoryLedger => ledgerOf(12, 900n);
  const treeOf = (state: MemoryLedger): StateTree =>
    StateTree.build(
      Array.from(state.unspent.values(), (record) => stateEntryOf(record, nobleHasher)),
      nobleHasher,
    );

  it('keeps its supply', () => {
    fc.assert(
      fc.property(history, (blocks) => {
        const state = ledger();
        const before = state.supply();
        const { diff, applied, conflicts } = run(state, blocks);
        state.apply(diff);
        expect(state.supply()).toBe(before);
        expect(applied.length + conflicts.size).toBe(blocks.length);
      }),
    );
  });

  it('comes back after apply and revert, and its root with it', () => {
    fc.assert(
      fc.property(history, (blocks) => {
        const state = ledger();
        const tree = treeOf(state);
        const unspent = new Map(state.unspent);
        const { diff } = run(state, blocks);
        const grown = applyToStateTree(tree, diff, nobleHasher);
        state.apply(diff);
        expect(grown.root()).toEqual(treeOf(state).root());
        const inverse = revertMilestone(diff);
        state.apply(inverse);
        expect(Object.fromEntries(state.unspent)).toEqual(Object.fromEntries(unspent));
        expect(applyToStateTree(grown, inverse, nobleHasher).root()).toEqual(tree.root());
      }),
    );
  });

  it('has the same state whether blocks come in one milestone or in several', () => {
    fc.assert(
      fc.property(history, fc.nat(20), (blocks, cut) => {
        const [once, twice] = [ledger(), ledger()];
        once.apply(run(once, blocks).diff);
        twice.apply(run(twice, blocks.slice(0, cut)).diff);
        twice.apply(run(twice, blocks.slice(cut)).diff);
        expect(treeOf(once).root()).toEqual(treeOf(twice).root());
      }),
    );
  });

  it('does not depend on the order of blocks that do not conflict', () => {
    const independent = fc.shuffledSubarray([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    fc.assert(
      fc.property(independent, (picks) => {
        const blocks = picks.map((pick) => block(move([outputId(pick)], [300n, 600n])));
        const sorted = blocks.toSorted((a, b) => (a.id < b.id ? -1 : 1));
        const [one, two] = [ledger(), ledger()];
        const result = run(one, blocks);
        expect(result.conflicts.size).toBe(0);
        one.apply(result.diff);
        two.apply(run(two, sorted).diff);
        expect(treeOf(one).root()).toEqual(treeOf(two).root());
      }),
    );
  });

  it('decides a double spend by order alone: the first in order applies', () => {
    const rivals = fc.shuffledSubarray([1n, 2n, 3n, 4n, 5n], { minLength: 1 });
    fc.assert(
      fc.property(rivals, (parts) => {
        const blocks = parts.map((part) => block(move([outputId(0)], [part, 900n - part])));
        const { applied, conflicts } = run(ledger(), blocks);
        expect(applied).toEqual([blocks[0]?.id]);
        expect([...conflicts.values()]).toEqual(blocks.slice(1).map(() => 2));
      }),
    );
  });

  it('stops the process when a diff would change the supply', () => {
    const created = [recordOf(outputId(99), basic(1n, alice.address))];
    expect(() =>
      applyToStateTree(treeOf(ledger()), { created, consumed: [] }, nobleHasher),
    ).toThrow('broken invariant');
  });
});
