import { describe, expect, it } from '@jest/globals';
import type { BlockId } from '@tanglemail/tangle/core/codec/ids.ts';
import type { ParentMilestone } from '@tanglemail/tangle/core/milestone/rules.ts';
import { MAX_CONE } from '@tanglemail/tangle/core/params/limits.ts';
import { NETWORK_PRESETS } from '@tanglemail/tangle/core/params/networks.ts';
import type { UnreferencedView } from '@tanglemail/tangle/core/tips/window.ts';
import { SILENT_LOGGER } from '@tanglemail/tangle/io/logger.ts';
import type { ConfirmedMilestone } from '../confirmation/confirmation-engine.ts';
import { Leader } from './leader.ts';

const params = NETWORK_PRESETS.main;
const NAMED = ['a', 'b'] as BlockId[];
const NEW = ['c'] as BlockId[];

const parentAt = (timestampMs: number, powLoadBits = 0): ParentMilestone =>
  ({
    header: { index: 4, timestampMs },
    parents: NAMED,
    powLoadBits,
  }) as unknown as ParentMilestone;

const viewOf = (unreferencedCount: number): UnreferencedView =>
  ({ unreferencedCount }) as UnreferencedView;

function bench(nowMs: number, chosen: BlockId[] = NEW) {
  const facts = { waitingBlocks: 0, queueFill: 0, confirmMs: 0 };
  const cones: number[] = [];
  const lines: unknown[] = [];
  const leader = new Leader(
    { deltaMs: 1_000, loadBits: 0 },
    {
      params,
      clock: { nowMs: () => nowMs },
      facts: {
        waitingBlocks: () => facts.waitingBlocks,
        queueFill: () => facts.queueFill,
        confirmMs: () => facts.confirmMs,
        heaviest: (index, _, previous, maxCone) => {
          expect([index, previous]).toEqual([4, NAMED]);
          cones.push(maxCone);
          return chosen;
        },
      },
      logger: { ...SILENT_LOGGER, info: (fields: object) => lines.push(fields) },
    },
  );
  const confirm = (timestampMs: number, powLoadBits: number, included = 0): void =>
    leader.onConfirmed({
      milestone: { header: { timestampMs }, body: { options: { powLoadBits } } },
      result: { included: Array.from({ length: included }) },
    } as unknown as ConfirmedMilestone);
  return { leader, facts, cones, lines, confirm };
}

describe('the time of a milestone', () => {
  it.each([
    ['is the clock', 20_000, NEW, 10_000, 20_000],
    ['is later than the parent’s', 9_000, NEW, 10_000, 10_001],
    ['is a heartbeat later when nothing is named', 19_000, NAMED, 10_000, 20_000],
    ['is the clock when the heartbeat is over', 25_000, NAMED, 10_000, 25_000],
    // Nobody would take it: the engine finds nothing to build, and it is tried again.
    ['is not so far ahead that others refuse it', 11_000, NAMED, 10_000, 11_000],
  ])('%s', (_, nowMs, chosen, parentMs, expected) => {
    const { leader } = bench(nowMs, chosen);
    const choice = leader.choose(parentAt(parentMs), viewOf(1));
    expect(choice).toEqual({ parents: chosen, timestampMs: expected, options: {} });
  });
});

describe('the difficulty', () => {
  it('rises under a pressure that all milestones showed, whoever led them', () => {
    const { leader, facts, confirm } = bench(20_000);
    facts.queueFill = 1;
    expect(leader.choose(parentAt(19_000), viewOf(1)).options).toEqual({});
    for (const atMs of [17_000, 18_000, 19_000]) confirm(atMs, 0);
    expect(leader.choose(parentAt(19_000), viewOf(1)).options).toEqual({ powLoadBits: 1 });
    // Another leader raised it: the pause between two raises counts from there.
    confirm(20_000, 1);
    expect(leader.choose(parentAt(20_000, 1), viewOf(1)).options).toEqual({ powLoadBits: 1 });
  });

  it('counts what a milestone took in as having waited', () => {
    const { leader, confirm } = bench(20_000);
    for (const atMs of [17_000, 18_000, 19_000]) confirm(atMs, 0, MAX_CONE / 2);
    const choice = leader.choose(parentAt(19_000), viewOf(MAX_CONE / 2));
    expect(choice.options).toEqual({ powLoadBits: 1 });
  });
});

describe('the difficulty that a leader asks for', () => {
  it('counts the time that this node took for a milestone, not its leader', () => {
    const { leader, facts, confirm } = bench(20_000);
    facts.confirmMs = params.milestoneIntervalMs;
    for (const atMs of [17_000, 18_000, 19_000]) confirm(atMs, 0);
    expect(leader.choose(parentAt(19_000), viewOf(1)).options).toEqual({ powLoadBits: 1 });
  });

  it('is told when it changes, with what this node sees of the load', () => {
    const { facts, lines, confirm } = bench(20_000);
    facts.queueFill = 0.5;
    confirm(17_000, 0);
    confirm(18_000, 1, 7);
    confirm(19_000, 1);
    expect(lines).toEqual([{ before: 0, load: 1, waitingBlocks: 7, queueFill: 0.5, confirmMs: 0 }]);
  });
});

describe('the size of a milestone', () => {
  it('is what this node takes in within one delta', () => {
    const { leader, facts, cones, confirm } = bench(20_000);
    const choose = (): unknown => leader.choose(parentAt(19_000), viewOf(1));
    choose();
    facts.confirmMs = 500;
    confirm(17_000, 0, 2_000);
    choose();
    facts.confirmMs = 60_000;
    confirm(18_000, 0, 2_000);
    choose();
    // Too few to tell.
    facts.confirmMs = 1;
    confirm(19_000, 0, 10);
    choose();
    confirm(19_000, 0, 5_000);
    choose();
    expect(cones).toEqual([MAX_CONE, 4_000, 1_000, 1_000, 2_000]);
  });

  it('is halved when a view was lost, and grows again with what came through', () => {
    const { leader, facts, cones, confirm } = bench(20_000);
    const choose = (): unknown => leader.choose(parentAt(19_000), viewOf(1));
    leader.onViewLost();
    choose();
    for (let view = 0; view < 9; view += 1) leader.onViewLost();
    choose();
    // This node alone would take far more.
    facts.confirmMs = 1;
    for (let index = 0; index < 2; index += 1) {
      confirm(19_000, 0, 1_000);
      choose();
    }
    expect(cones).toEqual([MAX_CONE / 2, 1_000, 2_000, 4_000]);
  });
});
