import { describe, expect, it } from '@jest/globals';
import { GENESIS_BLOCK_ID, type BlockId } from '@tanglemail/tangle/core/codec/ids.ts';
import { Dag } from '@tanglemail/tangle/core/dag/dag.ts';
import { Intake, type StoredBlock } from './intake.ts';

const id = (digit: string): BlockId => digit.repeat(64) as BlockId;

/** An intake over a DAG with room for two waiting blocks, and a store in memory. */
function world() {
  const dag = new Dag({ belowMaxDepth: 8, maxUnsolid: 2, maxUnsolidPerSource: 2 });
  dag.addEntryPoint(GENESIS_BLOCK_ID, 0);
  const stored = new Map<BlockId, StoredBlock>();
  const solid: BlockId[] = [];
  const wanted: BlockId[] = [];
  const intake = new Intake({
    dag,
    store: {
      lookup: async (ids) =>
        await Promise.resolve(
          new Map(ids.flatMap((one) => (stored.has(one) ? [[one, stored.get(one)!]] : []))),
        ),
    },
    requester: { want: (ids) => wanted.push(...ids), received: () => undefined },
    onSolid: (ids) => solid.push(...ids),
  });
  return { dag, stored, solid, wanted, intake };
}

describe('intake', () => {
  it('takes parents from the store and asks peers for the rest', async () => {
    const { intake, stored, solid, wanted } = world();
    stored.set(id('b'), { parents: [id('a')] });
    await intake.add(id('c'), [id('b')], 'peer');
    expect([solid, wanted]).toEqual([[], [id('a')]]);
    await intake.add(id('a'), [GENESIS_BLOCK_ID], 'peer');
    expect(solid).toEqual([id('a'), id('b'), id('c')]);
    expect(intake.takeDropped()).toEqual([]);
  });

  it('tells which stored blocks the DAG did not keep, once', async () => {
    const { intake, dag } = world();
    for (const digit of ['a', 'b', 'c', 'd']) {
      await intake.add(id(digit), [id('1')], 'flood');
    }
    const dropped = intake.takeDropped();
    expect(dropped).toHaveLength(2);
    expect(dropped.every((one) => !dag.has(one))).toBe(true);
    expect(intake.takeDropped()).toEqual([]);
  });

  it('below-max-depth: the refused block is not kept either', async () => {
    const { intake, dag } = world();
    dag.markReferenced([], 20, []);
    const added = await intake.add(id('a'), [GENESIS_BLOCK_ID], 'peer');
    expect(added).toMatchObject({ ok: false, code: 'below-max-depth' });
    expect(intake.takeDropped()).toEqual([id('a')]);
  });

  it('keeps a block that came back after it was dropped', async () => {
    const { intake } = world();
    for (const digit of ['a', 'b', 'c']) await intake.add(id(digit), [id('1')], 'peer');
    await intake.add(id('a'), [GENESIS_BLOCK_ID], 'peer');
    expect(intake.takeDropped()).not.toContain(id('a'));
  });
});
