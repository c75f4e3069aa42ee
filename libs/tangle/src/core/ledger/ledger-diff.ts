/**
 * What a milestone changes in the ledger, and its undoing. The node writes a diff in one atomic
 * batch; proposals that are not final keep theirs in memory. Path: `ledger/apply-milestone.ts` →
 * here → `io/level/milestone-batch.ts`. Spec: docs/spec/08-ledger.md §4.
 */
import type { BlockId, OutputId, TransactionId } from '../codec/ids.ts';
import { outputIdOf } from '../codec/ids.ts';
import type { Output } from '../codec/output.ts';
import { encodeOutput } from '../codec/output.ts';
import type { Transaction } from '../codec/transaction.ts';
import { assert } from '../outcome.ts';
import type { Hasher } from '../ports.ts';
import type { StateEntry, StateTree } from './state-tree.ts';

/** An output and where it entered the ledger. */
export interface OutputRecord {
  readonly outputId: OutputId;
  readonly output: Output;
  /** The block whose transaction created it; `GENESIS_BLOCK_ID` for the first state. */
  readonly blockId: BlockId;
  /** Index and time of the milestone that booked it. */
  readonly milestoneIndex: number;
  readonly milestoneTimestampMs: number;
}

/** An output that a milestone consumed, as it was, and what consumed it. */
export interface ConsumedOutput extends OutputRecord {
  /** The transaction that spent it (the one that created it stands in its id). */
  readonly transactionId: TransactionId;
}

/**
 * The change of one milestone, in white-flag order. An output that is created and consumed by the
 * same milestone stands in both lists: first everything created enters, then everything consumed
 * leaves.
 */
export interface LedgerDiff {
  readonly index: number;
  readonly timestampMs: number;
  readonly created: readonly OutputRecord[];
  readonly consumed: readonly ConsumedOutput[];
}

/** The undoing of a diff, applied in the same way: `created` enters, then `consumed` leaves. */
export interface InverseDiff {
  /** The milestone that is undone. */
  readonly index: number;
  readonly created: readonly OutputRecord[];
  readonly consumed: readonly OutputRecord[];
}

/** What takes the ledger back to the state before `diff`. */
export function revertMilestone(diff: LedgerDiff): InverseDiff {
  return {
    index: diff.index,
    created: diff.consumed.map(withoutSpender),
    consumed: diff.created,
  };
}

/** The outputs of a transaction as the ledger books them. */
export function recordsOf(
  transactionId: TransactionId,
  transaction: Transaction,
  booking: Pick<OutputRecord, 'blockId' | 'milestoneIndex' | 'milestoneTimestampMs'>,
): OutputRecord[] {
  return transaction.outputs.map((output, index) => ({
    outputId: outputIdOf(transactionId, index),
    output,
    ...booking,
  }));
}

/** What the state tree commits to for one output. */
export function stateEntryOf(
  { outputId, output }: Pick<OutputRecord, 'outputId' | 'output'>,
  hasher: Hasher,
): StateEntry {
  return { outputId, outputHash: hasher.blake2b256(encodeOutput(output)) };
}

/** The state tree after a diff or an inverse diff. Stops the process if the supply would change. */
export function applyToStateTree(
  tree: StateTree,
  diff: Pick<InverseDiff, 'created' | 'consumed'>,
  hasher: Hasher,
): StateTree {
  assertSupplyConstant(diff);
  return tree.apply(
    diff.created.map((record) => stateEntryOf(record, hasher)),
    diff.consumed.map(({ outputId }) => outputId),
  );
}

/** The invariant of the ledger: no milestone makes or burns a base unit. */
export function assertSupplyConstant(diff: Pick<InverseDiff, 'created' | 'consumed'>): void {
  const created = totalOf(diff.created);
  assert(created === totalOf(diff.consumed), 'a milestone leaves the supply as it was');
}

/** What passes through many hands in one milestone counts each time: no u64 bound here. */
function totalOf(records: readonly OutputRecord[]): bigint {
  return records.reduce((sum, { output }) => sum + output.amount, 0n);
}

function withoutSpender(consumed: ConsumedOutput): OutputRecord {
  const { outputId, output, blockId, milestoneIndex, milestoneTimestampMs } = consumed;
  return { outputId, output, blockId, milestoneIndex, milestoneTimestampMs };
}
