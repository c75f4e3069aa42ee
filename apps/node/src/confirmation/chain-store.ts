/**
 * What confirmation needs of the store; `store/node-store.ts` satisfies it.
 */
import type { BlockId, MilestoneId, OutputId } from '@tanglemail/tangle/core/codec/ids.ts';
import type { MilestoneBody, MilestoneHeader } from '@tanglemail/tangle/core/codec/milestone.ts';
import type { LedgerBlock, OutputState } from '@tanglemail/tangle/core/ledger/apply-milestone.ts';
import type { MilestoneResult } from '@tanglemail/tangle/core/milestone/rules.ts';

/** A milestone with everything that its batch writes. */
export interface CommitRecord {
  readonly id: MilestoneId;
  readonly header: MilestoneHeader;
  readonly body: MilestoneBody;
  /** The encoded milestone with its certificate. */
  readonly bytes: Uint8Array;
  readonly result: MilestoneResult;
  readonly blocks: ReadonlyMap<BlockId, LedgerBlock>;
}

export interface ChainStore {
  /** Blocks that the store holds, decoded. */
  loadBlocks(ids: readonly BlockId[]): Promise<Map<BlockId, LedgerBlock>>;
  /** The state of each output after the last committed milestone. */
  loadOutputs(ids: readonly OutputId[]): Promise<Map<OutputId, OutputState>>;
  /** All blocks that were stored before the call survive a cut of the power after it. */
  syncBlocks(): Promise<void>;
  /** One atomic synced batch. */
  commit(record: CommitRecord): Promise<void>;
  /** The id of a committed milestone; undefined for one that is unknown. */
  milestoneIdAt(index: number): Promise<MilestoneId | undefined>;
  /** Keeps two certified milestones of one index, synced. */
  saveEvidence(index: number, milestones: readonly Uint8Array[]): Promise<void>;
}
