/**
 * One final milestone is one atomic synced batch: milestone, cone, what became of each block, the
 * ledger diff with all indexes, and the node's position. A crash at any moment leaves the store at
 * the last whole milestone. The segments with the blocks are synced before the batch is written.
 * Path: apps/node confirmation → here → the repositories → kv-store.ts.
 * Spec: docs/spec/10-storage.md.
 */
import type { BlockId, MilestoneId, TransactionId } from '../../core/codec/ids.ts';
import type { MilestoneBody, MilestoneHeader } from '../../core/codec/milestone.ts';
import { encodeMilestone } from '../../core/codec/milestone.ts';
import type { LedgerBlock } from '../../core/ledger/apply-milestone.ts';
import { conflict } from '../../core/ledger/conflict.ts';
import { stateEntryOf, type OutputRecord } from '../../core/ledger/ledger-diff.ts';
import { StateTree } from '../../core/ledger/state-tree.ts';
import type { GenesisMilestone } from '../../core/milestone/genesis.ts';
import type { MilestoneResult } from '../../core/milestone/rules.ts';
import { assert } from '../../core/outcome.ts';
import type { Hasher } from '../../core/ports.ts';
import type { BlockMeta } from './block-index.ts';
import type { BlockRepository } from './block-repository.ts';
import { putElection } from './election-repository.ts';
import type { FilterRepository } from './filter-repository.ts';
import type { KvBatch, KvReader, KvStore } from './kv-store.ts';
import { LedgerRepository, putConsumed, putCreated, putDiff } from './ledger-repository.ts';
import { putMilestone } from './milestone-repository.ts';
import type { NodeState } from './node-state-repository.ts';
import { putNodeState, readNodeState } from './node-state-repository.ts';
import { moveToSpent, putIndexed } from './output-index-repository.ts';
import { StoreError } from './store-error.ts';
import { putTaggedData } from './tagged-data-repository.ts';
import { putTransaction } from './transaction-index.ts';

/** Schema of the node's folder; whoever changes a key or a value takes the next number. */
export const NODE_SCHEMA = 2;

/** A final milestone with everything that its batch writes. */
export interface MilestoneCommit {
  readonly id: MilestoneId;
  readonly header: Pick<MilestoneHeader, 'epoch' | 'index' | 'timestampMs' | 'stateRoot'>;
  readonly body: Pick<MilestoneBody, 'options'>;
  /** The encoded milestone with its certificate. */
  readonly bytes: Uint8Array;
  readonly result: Pick<
    MilestoneResult,
    'diff' | 'conflicts' | 'applied' | 'included' | 'stateTree'
  >;
  /** Every block of `result.included`. */
  readonly blocks: { get(id: BlockId): LedgerBlock | undefined };
}

/** What a milestone is written into; without `filters` its filter is left for later. */
export interface MilestoneParts {
  readonly store: KvStore;
  readonly blocks: BlockRepository;
  readonly filters?: FilterRepository;
}

/** Writes the milestone behind the last one. Rejects with StoreError; then nothing is written. */
export async function commitMilestone(
  { store, blocks, filters }: MilestoneParts,
  commit: MilestoneCommit,
  hasher: Hasher,
): Promise<void> {
  const { id, header, body, bytes, result } = commit;
  const previous = readNodeState(store);
  assert(previous?.index === header.index - 1, 'milestones are committed one after the other');
  const batch = store.batch();
  const metas = await putBlocks(batch, blocks, commit, hasher);
  putLedger(batch, result.diff, hasher);
  const { timestampMs, index, stateRoot } = header;
  await filters?.putNext(batch, index, blocksOf(commit));
  const summary = {
    timestampMs,
    blocks: result.included.length,
    applied: result.applied.length,
    conflicting: result.conflicts.size,
  };
  putMilestone(batch, { index, id, bytes, cone: result.included, summary });
  if (body.options.nextCommittee !== undefined) {
    putElection(batch, { epoch: header.epoch + 1, bytes });
  }
  putNodeState(batch, {
    index,
    id,
    timestampMs,
    stateRoot,
    unspentCount: result.stateTree.size,
  });
  await blocks.writeMilestone(batch, metas);
}

function* blocksOf({ result, blocks }: MilestoneCommit): Generator<LedgerBlock['block']> {
  for (const id of result.included) {
    const found = blocks.get(id);
    assert(found !== undefined, 'every block of a milestone is loaded');
    yield found.block;
  }
}

/** Writes milestone 0 into an empty store. */
export async function commitGenesis(
  store: KvStore,
  genesis: GenesisMilestone,
  hasher: Hasher,
): Promise<void> {
  assert(readNodeState(store) === undefined, 'genesis enters an empty store');
  const { id, header, milestone, outputs, stateTree } = genesis;
  const { index, timestampMs, stateRoot } = header;
  const batch = store.batch();
  putLedger(batch, { index, timestampMs, created: outputs, consumed: [] }, hasher);
  const summary = { timestampMs, blocks: 0, applied: 0, conflicting: 0 };
  const bytes = encodeMilestone(milestone);
  putMilestone(batch, { index, id, bytes, cone: [], summary });
  putNodeState(batch, { index, id, timestampMs, stateRoot, unspentCount: stateTree.size });
  await batch.write({ sync: true });
}

function putLedger(batch: KvBatch, diff: MilestoneResult['diff'], hasher: Hasher): void {
  // Everything created enters before anything consumed leaves: an output may do both at once.
  for (const record of diff.created) {
    putCreated(batch, record);
    putIndexed(batch, record, hasher);
  }
  for (const record of diff.consumed) {
    putConsumed(batch, record, diff);
    moveToSpent(batch, record, hasher);
  }
  putDiff(batch, diff);
}

/** Adds what the blocks' payloads mean; returns what became of each block. */
async function putBlocks(
  batch: KvBatch,
  repository: BlockRepository,
  { header, result, blocks }: MilestoneCommit,
  hasher: Hasher,
): Promise<Map<BlockId, BlockMeta>> {
  const metas = new Map<BlockId, BlockMeta>();
  const applied = new Set(result.applied);
  const conflicting: [TransactionId, BlockId][] = [];
  result.included.forEach((blockId, position) => {
    const found = blocks.get(blockId);
    assert(found !== undefined, 'every block of a milestone is loaded');
    const { payload } = found.block;
    const place = { milestoneIndex: header.index, position };
    const isApplied = applied.has(blockId);
    const code = result.conflicts.get(blockId) ?? conflict('none');
    const state = stateOf(payload?.kind === 'transaction', isApplied);
    metas.set(blockId, { ...place, state, conflict: code });
    if (found.transactionId !== undefined) {
      if (isApplied) putTransaction(batch, found.transactionId, { blockId, applied: true });
      else conflicting.push([found.transactionId, blockId]);
    }
    const tagged = payload?.kind === 'transaction' && isApplied ? payload.payload : payload;
    if (tagged?.kind === 'tagged-data') {
      putTaggedData(batch, tagged.tag, { blockId, ...place }, hasher);
    }
  });
  await putConflicting(batch, repository, conflicting, result.applied, blocks);
  return metas;
}

function stateOf(isTransaction: boolean, isApplied: boolean): BlockMeta['state'] {
  if (!isTransaction) return 'no-transaction';
  return isApplied ? 'applied' : 'conflicting';
}

/** A conflicting attachment takes a transaction's entry only when nothing else has it. */
async function putConflicting(
  batch: KvBatch,
  repository: BlockRepository,
  conflicting: readonly [TransactionId, BlockId][],
  applied: readonly BlockId[],
  blocks: MilestoneCommit['blocks'],
): Promise<void> {
  const taken = new Set<TransactionId>();
  for (const id of applied) {
    const transactionId = blocks.get(id)?.transactionId;
    if (transactionId !== undefined) taken.add(transactionId);
  }
  const known = await repository.transactions(conflicting.map(([id]) => id));
  for (const [id, blockId] of conflicting) {
    if (taken.has(id) || known.has(id)) continue;
    taken.add(id);
    putTransaction(batch, id, { blockId, applied: false });
  }
}

/** The ledger of a store as a start needs it. */
export interface LoadedLedger {
  readonly state: NodeState;
  readonly stateTree: StateTree;
  /** The validator bonds among the unspent outputs. */
  readonly bonds: readonly OutputRecord[];
  /** Sum of all unspent outputs in base units. */
  readonly supply: bigint;
}

/**
 * Rebuilds the state tree from all unspent outputs (about 3 µs each) and compares its root and size
 * with what the last batch wrote: StoreError `corrupt` if they differ. Undefined for an empty
 * store.
 */
export async function loadLedger(
  store: KvReader,
  hasher: Hasher,
): Promise<LoadedLedger | undefined> {
  const state = readNodeState(store);
  if (!state) return undefined;
  const entries: ReturnType<typeof stateEntryOf>[] = [];
  const bonds: OutputRecord[] = [];
  let supply = 0n;
  for await (const record of new LedgerRepository(store).unspent()) {
    entries.push(stateEntryOf(record, hasher));
    if (record.output.kind === 'validator-bond') bonds.push(record);
    supply += record.output.amount;
  }
  const stateTree = StateTree.build(entries, hasher);
  const isSame =
    stateTree.size === state.unspentCount &&
    Buffer.compare(stateTree.root(), state.stateRoot) === 0;
  if (!isSame) throw new StoreError('corrupt', `the state root of milestone ${state.index}`);
  return { state, stateTree, bonds, supply };
}

/** `loadLedger`, and the supply must be what genesis gave out. */
export async function verifyLedger(
  store: KvReader,
  supply: bigint,
  hasher: Hasher,
): Promise<LoadedLedger | undefined> {
  const ledger = await loadLedger(store, hasher);
  if (ledger && ledger.supply !== supply) {
    throw new StoreError('corrupt', `the supply is ${ledger.supply}, not ${supply}`);
  }
  return ledger;
}
