/**
 * A node's disk: what was synced survives a crash, the rest does not. Blocks are written without a
 * sync and votes with one; a milestone's batch is one synced write.
 */
import type { BlockId } from '@tanglemail/tangle/core/codec/ids.ts';
import type { Milestone } from '@tanglemail/tangle/core/codec/milestone.ts';
import type { SignedStatement } from '@tanglemail/tangle/core/consensus/actions.ts';
import type { MilestoneResult, ParentMilestone } from '@tanglemail/tangle/core/milestone/rules.ts';
import { MemoryLedger } from '@tanglemail/tangle/core/testing/ledger-fixtures.ts';
import type { GenesisMilestone } from '@tanglemail/tangle/core/milestone/genesis.ts';

/** A committed milestone: its batch. */
export interface StoredMilestone {
  readonly milestone: Milestone;
  readonly state: ParentMilestone;
  readonly included: readonly BlockId[];
}

export class Disk {
  readonly #blocks = new Map<BlockId, Uint8Array>();
  readonly #unsyncedBlocks = new Set<BlockId>();
  #votes: SignedStatement[] = [];
  #syncedVotes = 0;
  readonly chain: StoredMilestone[];
  readonly ledger: MemoryLedger;

  constructor(start: GenesisMilestone) {
    const { milestone, parent } = start;
    this.chain = [{ milestone, state: parent, included: [] }];
    this.ledger = new MemoryLedger(start.outputs);
  }

  get latest(): StoredMilestone {
    const last = this.chain.at(-1);
    if (last === undefined) throw new Error('milestone 0 is always there');
    return last;
  }

  get votes(): readonly SignedStatement[] {
    return this.#votes;
  }

  block(id: BlockId): Uint8Array | undefined {
    return this.#blocks.get(id);
  }

  blocks(): IterableIterator<[BlockId, Uint8Array]> {
    return this.#blocks.entries();
  }

  writeBlock(id: BlockId, bytes: Uint8Array): void {
    if (this.#blocks.has(id)) return;
    this.#blocks.set(id, bytes);
    this.#unsyncedBlocks.add(id);
  }

  /** A milestone's batch is atomic and synced, and the log of segments before it with it. */
  commit(milestone: Milestone, state: ParentMilestone, result: MilestoneResult): void {
    this.chain.push({ milestone, state, included: result.included });
    this.ledger.apply(result.diff);
    for (const id of result.included) this.#unsyncedBlocks.delete(id);
  }

  writeVote(statement: SignedStatement): void {
    const isKnown = this.#votes.some(
      ({ kind, epoch, view }) =>
        kind === statement.kind && epoch === statement.epoch && view === statement.view,
    );
    if (!isKnown) this.#votes.push(statement);
  }

  syncVotes(): void {
    this.#syncedVotes = this.#votes.length;
  }

  syncBlocks(): void {
    this.#unsyncedBlocks.clear();
  }

  /** Forgets votes of epochs that are over. */
  forgetVotes(belowEpoch: number): void {
    const synced = this.#votes.slice(0, this.#syncedVotes);
    const isKept = ({ epoch }: SignedStatement): boolean => epoch >= belowEpoch;
    this.#syncedVotes = synced.filter(isKept).length;
    this.#votes = this.#votes.filter(isKept);
  }

  /** The machine stops. @returns unsynced writes that are lost. */
  crash(): number {
    const lost = this.#unsyncedBlocks.size + this.#votes.length - this.#syncedVotes;
    for (const id of this.#unsyncedBlocks) this.#blocks.delete(id);
    this.#unsyncedBlocks.clear();
    this.#votes = this.#votes.slice(0, this.#syncedVotes);
    return lost;
  }
}
