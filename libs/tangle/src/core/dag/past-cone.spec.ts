/** White-flag order against the published vector of TIP-2, its refusals, and its cost. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import type { BlockId } from '../codec/ids.ts';
import { postOrder } from './past-cone.ts';

interface WhiteFlagVector {
  readonly parents_in_order: Record<string, BlockId[]>;
  readonly previously_confirmed_by_H: BlockId[];
  readonly milestone_V: { readonly published_order: string[] };
}
const path = new URL('../../../../../test/vectors/tangle.json', import.meta.url);
const vector = (JSON.parse(readFileSync(path, 'utf8')) as { white_flag: WhiteFlagVector })
  .white_flag;
const parentsOf = (id: BlockId): BlockId[] | undefined => vector.parents_in_order[id];
const confirmedByH = new Set(vector.previously_confirmed_by_H);

const id = (name: string): BlockId => name as BlockId;
const chainParents = (block: BlockId): BlockId[] => [id(`c${Number(block.slice(1)) - 1}`)];
const isChainStart = (block: BlockId): boolean => block === 'c0';

describe('postOrder', () => {
  it('gives the published order of TIP-2 for the milestone that the figure calls V', () => {
    const order = postOrder([id('V')], parentsOf, (block) => confirmedByH.has(block), 100);
    expect(order).toEqual({ ok: true, value: vector.milestone_V.published_order });
  });

  it('gives the same for a milestone that names the parents of V', () => {
    const starts = vector.parents_in_order['V'] ?? [];
    const order = postOrder(starts, parentsOf, (block) => confirmedByH.has(block), 100);
    expect(order).toEqual({ ok: true, value: vector.milestone_V.published_order.slice(0, -1) });
  });

  it('is empty if every start is referenced', () => {
    const order = postOrder([id('H')], parentsOf, (block) => confirmedByH.has(block), 0);
    expect(order).toEqual({ ok: true, value: [] });
  });

  it('milestone-cone-missing names the unknown block', () => {
    const order = postOrder(
      [id('V')],
      (block) => (block === 'K' ? undefined : parentsOf(block)),
      (block) => confirmedByH.has(block),
      100,
    );
    expect(order).toMatchObject({ ok: false, code: 'milestone-cone-missing', detail: 'K' });
  });

  it('milestone-cone-too-large starts one block above the limit', () => {
    const walk = (limit: number) => postOrder([id('c9')], chainParents, isChainStart, limit);
    expect(walk(9)).toMatchObject({ ok: true });
    expect(walk(8)).toMatchObject({ ok: false, code: 'milestone-cone-too-large' });
  });

  it('walks a chain of 20,000 blocks without the call stack, asking for each block once', () => {
    let asked = 0;
    const counting = (block: BlockId): BlockId[] => {
      asked += 1;
      return chainParents(block);
    };
    const order = postOrder([id('c20000')], counting, isChainStart, 20_000);
    expect(order.ok && order.value.length).toBe(20_000);
    expect(order.ok && order.value[0]).toBe('c1');
    expect(asked).toBe(20_000);
  });

  it('stops at the limit and does not walk what lies behind it', () => {
    let asked = 0;
    const endless = (block: BlockId): BlockId[] => {
      asked += 1;
      return [id(`${block.slice(0, 1)}${asked}`)];
    };
    expect(postOrder([id('c')], endless, () => false, 50).ok).toBe(false);
    expect(asked).toBe(50);
  });

  it('tells of the referenced blocks that the cone stands on', () => {
    const roots: BlockId[] = [];
    const isReferenced = (block: BlockId): boolean => confirmedByH.has(block);
    postOrder([id('V')], parentsOf, isReferenced, 100, (root) => roots.push(root));
    const cone = vector.milestone_V.published_order as BlockId[];
    const outside = cone.flatMap((block) => parentsOf(block) ?? []).filter(isReferenced);
    expect(roots.toSorted()).toEqual(outside.toSorted());
  });

  it('does not count what the milestone itself names', () => {
    const roots: BlockId[] = [];
    const chain = [id('c0'), id('c1')];
    postOrder(chain, chainParents, isChainStart, 100, (root) => roots.push(root));
    expect(roots).toEqual(['c0']);
    roots.length = 0;
    postOrder([id('c0')], chainParents, isChainStart, 100, (root) => roots.push(root));
    expect(roots).toEqual([]);
  });
});
