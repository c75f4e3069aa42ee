/**
 * The blocks that the node saw last, newest first, and what became of them: the text form of the
 * drawing. Pure; live-feed.ts fills it.
 */
import type {
  BlockEventDto,
  ConfirmedMilestoneDto,
} from '@tanglemail/tangle/io/node-client/event-dto.ts';
import type { BlockMetadataDto } from '@tanglemail/tangle/io/node-client/dto.ts';

/** Rows that are kept; the oldest go. */
export const MAX_LATEST = 40;

export interface LatestBlock {
  readonly id: string;
  readonly kind: BlockEventDto['kind'];
  /** When the page heard of it, milliseconds since 1970. */
  readonly atMs: number;
  readonly state: 'pending' | 'confirmed' | 'conflicting';
  /** The milestone that references it. */
  readonly milestoneIndex?: number;
}

export class LatestBlocks {
  #rows: readonly LatestBlock[] = [];
  #milestone: ConfirmedMilestoneDto | undefined;

  get rows(): readonly LatestBlock[] {
    return this.#rows;
  }

  /** The last one that was confirmed since the page is open. */
  get milestone(): ConfirmedMilestoneDto | undefined {
    return this.#milestone;
  }

  addBlock({ blockId, kind }: BlockEventDto, atMs: number): void {
    if (this.#rows.some(({ id }) => id === blockId)) return;
    const row: LatestBlock = { id: blockId, kind, atMs, state: 'pending' };
    this.#rows = [row, ...this.#rows.slice(0, MAX_LATEST - 1)];
  }

  addMetadata(metadata: BlockMetadataDto): void {
    const { blockId, referencedByMilestoneIndex, ledgerInclusionState } = metadata;
    if (referencedByMilestoneIndex === undefined) return;
    const state = ledgerInclusionState === 'conflicting' ? 'conflicting' : 'confirmed';
    const change = { state, milestoneIndex: referencedByMilestoneIndex } as const;
    this.#rows = this.#rows.map((row) => (row.id === blockId ? { ...row, ...change } : row));
  }

  addMilestone(milestone: ConfirmedMilestoneDto): void {
    this.#milestone = milestone;
  }
}
