/**
 * White flag (TIP-2): a milestone's blocks are taken in their order, each transaction is applied if
 * the ledger allows it at that moment, else it is marked as conflicting and never tried again. This
 * one pure function serves confirmation, proposals, validators, the API and tests.
 * Path: `dag/past-cone.ts` (order) → here → `ledger/ledger-diff.ts` → `io/level`.
 * Spec: docs/spec/08-ledger.md §2.
 */
import type { Block } from '../codec/block.ts';
import type { BlockId, OutputId, TransactionId } from '../codec/ids.ts';
import { idToBytes } from '../codec/ids.ts';
import type { Transaction } from '../codec/transaction.ts';
import { signingMessage } from '../codec/transaction.ts';
import { merkleRoot } from '../crypto/merkle.ts';
import { assert } from '../outcome.ts';
import type { NetworkParams } from '../params/networks.ts';
import type { BlockSource, Hasher, Verifier } from '../ports.ts';
import type { ConflictCode } from './conflict.ts';
import { conflict } from './conflict.ts';
import type { ConsumedOutput, LedgerDiff, OutputRecord } from './ledger-diff.ts';
import { assertSupplyConstant, recordsOf } from './ledger-diff.ts';
import type { InputState, TransactionContext } from './transaction-rules.ts';
import { checkTransaction } from './transaction-rules.ts';

/** A block as the ledger reads it; `CheckedBlock` of `block/rules.ts` is one. */
export interface LedgerBlock {
  readonly block: Block;
  /** Present exactly when the payload is a transaction. */
  readonly transactionId?: TransactionId;
}

/** What the state before the milestone knows of an output: unspent, spent, or never seen. */
export type OutputState = OutputRecord | 'spent' | 'unknown';

/** A milestone as far as the ledger is concerned. */
export interface MilestoneOrder {
  readonly index: number;
  readonly timestampMs: number;
  /** The newly referenced blocks in white-flag order (`postOrder`). */
  readonly order: readonly BlockId[];
}

export interface LedgerContext {
  /** Must have every block of the order. */
  readonly blocks: BlockSource<LedgerBlock>;
  /** The ledger after the parent milestone, as far as inputs ask for it; asked once per input. */
  outputs(id: OutputId): OutputState;
  readonly params: NetworkParams;
  readonly verifier: Verifier;
  readonly hasher: Hasher;
  /** As in `TransactionContext`: unlock signatures of all these blocks were verified on arrival. */
  readonly signaturesChecked?: boolean;
}

/** The result for one milestone; everything that a header commits to except the state root. */
export interface AppliedMilestone {
  readonly diff: LedgerDiff;
  /** Blocks whose transaction did not apply, with the reason. */
  readonly conflicts: ReadonlyMap<BlockId, ConflictCode>;
  /** Blocks whose transaction applied, in white-flag order. */
  readonly applied: readonly BlockId[];
  /** All newly referenced blocks, in white-flag order. */
  readonly included: readonly BlockId[];
  /** TIP-4 Merkle roots over the two lists. */
  readonly inclusionRoot: Uint8Array;
  readonly appliedRoot: Uint8Array;
}

/** Applies a milestone's blocks in order. Depends on its arguments alone; changes none of them. */
export function applyMilestone(
  { index, timestampMs, order }: MilestoneOrder,
  context: LedgerContext,
): AppliedMilestone {
  const run = new Run(index, timestampMs, context);
  for (const blockId of order) {
    const found = context.blocks.get(blockId);
    assert(found !== undefined, 'every block of a milestone is loaded');
    const { payload } = found.block;
    if (payload?.kind !== 'transaction') continue;
    assert(found.transactionId !== undefined, 'a block with a transaction has its id');
    run.transaction(blockId, found.transactionId, payload);
  }
  const diff = { index, timestampMs, created: run.created, consumed: run.consumed };
  assertSupplyConstant(diff);
  return {
    diff,
    conflicts: run.conflicts,
    applied: run.applied,
    included: order,
    inclusionRoot: rootOfIds(order, context.hasher),
    appliedRoot: rootOfIds(run.applied, context.hasher),
  };
}

/** TIP-4 Merkle root over block ids in the order given. */
export function rootOfIds(ids: readonly BlockId[], hasher: Hasher): Uint8Array {
  if (hasher.quick !== undefined) return hasher.quick.rootOfIds(ids);
  return merkleRoot(
    ids.map((id) => idToBytes(id)),
    hasher,
  );
}

/** The state of one run: the ledger before the milestone plus what the milestone did so far. */
class Run {
  readonly created: OutputRecord[] = [];
  readonly consumed: ConsumedOutput[] = [];
  readonly conflicts = new Map<BlockId, ConflictCode>();
  readonly applied: BlockId[] = [];
  readonly #new = new Map<OutputId, OutputRecord>();
  readonly #spent = new Set<OutputId>();
  readonly #index: number;
  readonly #timestampMs: number;
  readonly #context: LedgerContext;
  readonly #rules: TransactionContext;

  constructor(index: number, timestampMs: number, context: LedgerContext) {
    this.#index = index;
    this.#timestampMs = timestampMs;
    this.#context = context;
    const { params, hasher, verifier, signaturesChecked = false } = context;
    const timeSeconds = Math.floor(timestampMs / 1_000);
    this.#rules = { timeSeconds, params, hasher, verifier, signaturesChecked };
  }

  transaction(blockId: BlockId, id: TransactionId, transaction: Transaction): void {
    const states = transaction.inputs.map((outputId) => this.#stateOf(outputId));
    const inputs = states.map(outputOrReason);
    const message = signingMessage(transaction, this.#context.hasher);
    const code = checkTransaction(transaction, message, inputs, this.#rules);
    if (code !== conflict('none')) {
      this.conflicts.set(blockId, code);
      return;
    }
    this.applied.push(blockId);
    for (const state of states) {
      assert(typeof state !== 'string', 'an applied transaction has all its inputs');
      this.#spent.add(state.outputId);
      this.consumed.push({ ...state, transactionId: id });
    }
    const booking = { milestoneIndex: this.#index, milestoneTimestampMs: this.#timestampMs };
    for (const record of recordsOf(id, transaction, { blockId, ...booking })) {
      this.#new.set(record.outputId, record);
      this.created.push(record);
    }
  }

  #stateOf(id: OutputId): OutputRecord | Exclude<InputState, object> {
    if (this.#spent.has(id)) return 'spent-in-milestone';
    const state = this.#new.get(id) ?? this.#context.outputs(id);
    return state === 'spent' ? 'spent-earlier' : state;
  }
}

function outputOrReason(state: OutputRecord | Exclude<InputState, object>): InputState {
  return typeof state === 'string' ? state : state.output;
}
