import { describe, expect, it } from '@jest/globals';
import type { BlockId } from '@tanglemail/tangle/core/codec/ids.ts';
import { LatestBlocks, MAX_LATEST } from './latest-blocks.ts';

const idOf = (number: number) => number.toString(16).padStart(64, '0') as BlockId;
const base = { parents: [], solid: true };

describe('the latest blocks', () => {
  it('are newest first, each once, and no more than are shown', () => {
    const latest = new LatestBlocks();
    for (let number = 0; number < MAX_LATEST + 5; number++) {
      latest.addBlock({ blockId: idOf(number), kind: 'none', parents: [] }, number);
      latest.addBlock({ blockId: idOf(number), kind: 'none', parents: [] }, number + 1);
    }
    expect(latest.rows).toHaveLength(MAX_LATEST);
    expect(latest.rows[0]).toMatchObject({ id: idOf(MAX_LATEST + 4), atMs: MAX_LATEST + 4 });
  });

  it('tell what became of a block, and pass over those that are not shown', () => {
    const latest = new LatestBlocks();
    for (const number of [1, 2, 3]) {
      latest.addBlock({ blockId: idOf(number), kind: 'transaction', parents: [] }, 0);
    }
    const referencedByMilestoneIndex = 7;
    latest.addMetadata({ ...base, blockId: idOf(1), referencedByMilestoneIndex });
    const ledgerInclusionState = 'conflicting';
    const conflict = {
      blockId: idOf(2),
      referencedByMilestoneIndex,
      ledgerInclusionState,
    } as const;
    latest.addMetadata({ ...base, ...conflict });
    latest.addMetadata({ ...base, blockId: idOf(3) });
    latest.addMetadata({ ...base, blockId: idOf(9), referencedByMilestoneIndex });
    expect(latest.rows.map(({ state, milestoneIndex }) => [state, milestoneIndex])).toEqual([
      ['pending', undefined],
      ['conflicting', 7],
      ['confirmed', 7],
    ]);
  });
});
