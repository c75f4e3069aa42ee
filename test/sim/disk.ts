/**
 * A node's disk: what was synced survives a crash, the rest does not. Blocks are written without a
 * sync, votes in a file of their own; a milestone's batch is one synced write.
 */
import type { BlockId, OutputId } from '@tanglemail/tangle/core/codec/ids.ts';
import { encodeMilestone, type Milestone } from '@tanglemail/tangle/core/codec/milestone.ts';
import type { MilestoneResult, ParentMilestone } from '@tanglemail/tangle/core/milestone/rules.ts';
import { MemoryLedger } from '@tanglemail/tangle/core/testing/ledger-fixtures.ts';
import type { GenesisMilestone } from '@tanglemail/tangle/core/milestone/genesis.ts';
import type { NetworkParams } from '@tanglemail/tangle/core/params/networks.ts';
import { committeesOf, type Committees } from '../../apps/node/src/committees.ts';
import type { VoteFile } from './vote-file.ts';

/** A committed milestone: its batch. */
export interface StoredMilestone {
  readonly milestone: Milestone;
  readonly state: ParentMilestone;
  readonly included: readonly BlockId[];
  /** Outputs that it spent. */
  readonly consumed: readonly OutputId[];
}

/** Who certifies which epoch, as far as the milestones of the disk tell. */
export function committeesOn(
  { chain, latest }: Pick<Disk, 'chain' | 'latest'>,
  { params, start }: { readonly params: NetworkParams; readonly start: GenesisMilestone },
): Committees {
  const elections = chain.flatMap(({ milestone }) =>
    milestone.body.options.nextCommittee === undefined
      ? []
      : [{ epoch: milestone.header.epoch + 1, bytes: encodeMilestone(milestone) }],
  );
  const genesis = start.parent.committee;
  const latestIndex = latest.milestone.header.index;
  return committeesOf({ params, genesis, elections, latestIndex });
}

export class Disk {
  readonly #blocks = new Map<BlockId, Uint8Array>();
  readonly #unsyncedBlocks = new Set<BlockId>();
  /** It lies beside the rest, so it can be lost without it. */
  votes: VoteFile;
  readonly chain: StoredMilestone[];
  readonly ledger: MemoryLedger;

  constructor(start: GenesisMilestone, votes: VoteFile) {
    this.votes = votes;
    const { milestone, parent } = start;
    this.chain = [{ milestone, state: parent, included: [], consumed: [] }];
    this.ledger = new MemoryLedger(start.outputs);
  }

  get latest(): StoredMilestone {
    const last = this.chain.at(-1);
    if (last === undefined) throw new Error('milestone 0 is always there');
    return last;
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
    const consumed = result.diff.consumed.map(({ outputId }) => outputId);
    this.chain.push({ milestone, state, included: result.included, consumed });
    this.ledger.apply(result.diff);
    for (const id of result.included) this.#unsyncedBlocks.delete(id);
  }

  syncBlocks(): void {
    this.#unsyncedBlocks.clear();
  }

  /** The machine stops. @returns unsynced writes that are lost. */
  crash(): number {
    const lost = this.#unsyncedBlocks.size;
    for (const id of this.#unsyncedBlocks) this.#blocks.delete(id);
    this.#unsyncedBlocks.clear();
    return lost + this.votes.crash();
  }
}
