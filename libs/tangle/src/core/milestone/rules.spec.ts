import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { BlockId } from '../codec/ids.ts';
import { GENESIS_BLOCK_ID } from '../codec/ids.ts';
import type { MilestoneBody, MilestoneHeader } from '../codec/milestone.ts';
import { nobleHasher } from '../crypto/blake2b.ts';
import { rootOfIds } from '../ledger/apply-milestone.ts';
import { buildTransaction } from '../ledger/transaction-builder.ts';
import type { Outcome } from '../outcome.ts';
import { MAX_CONE } from '../params/limits.ts';
import { TestChain } from '../testing/chain-fixture.ts';
import { basic, blockId, keyPair, PARAMS, testBlock } from '../testing/ledger-fixtures.ts';
import type { BuiltMilestone, MilestoneProposal } from './build.ts';
import type { MilestoneResult } from './rules.ts';
import { checkMilestone, checkMilestoneContent, checkMilestoneHeader, parentOf } from './rules.ts';

const [alice, bob] = [keyPair(1), keyPair(2)];

function built(outcome: Outcome<BuiltMilestone>): BuiltMilestone {
  if (!outcome.ok) throw new Error(outcome.code);
  return outcome.value;
}

/** A chain with one block that waits, and the milestone that would confirm it. */
function proposal(more: Partial<MilestoneProposal> = {}): {
  chain: TestChain;
  made: BuiltMilestone;
} {
  const chain = new TestChain();
  const waiting = chain.attach([GENESIS_BLOCK_ID]);
  return { chain, made: built(chain.build([waiting], more)) };
}

function judge(
  chain: TestChain,
  header: MilestoneHeader,
  body: MilestoneBody,
  nowMs?: number,
): Outcome<MilestoneResult> {
  const clock = nowMs === undefined ? {} : { nowMs };
  return checkMilestone({ header, body }, chain.parent, { ...chain.context, ...clock });
}

function payBob(chain: TestChain, amount: bigint): BlockId {
  const [first] = chain.start.outputs;
  if (first === undefined) throw new Error('genesis has an output');
  const made = buildTransaction({
    networkId: chain.networkId,
    inputs: [{ ...first, unlock: { kind: 'signature', secretKey: alice.secretKey } }],
    outputs: [basic(amount, bob.address)],
    changeAddress: alice.address,
    params: PARAMS,
    hasher: nobleHasher,
  });
  if (!made.ok) throw new Error(made.code);
  return chain.attach([GENESIS_BLOCK_ID], made.value.transaction);
}

describe('a milestone that a leader built', () => {
  it('is accepted by every other member with the same result', () => {
    const chain = new TestChain();
    const payment = payBob(chain, 1_000n);
    const rival = payBob(chain, 2_000n);
    const made = built(chain.build([payment, rival]));
    const checked = judge(chain, made.header, made.body, made.header.timestampMs);
    if (!checked.ok) throw new Error(checked.code);
    expect(checked.value.diff).toEqual(made.result.diff);
    expect(checked.value.stateTree.root()).toEqual(made.header.stateRoot);
    expect(checked.value.applied).toEqual([[payment, rival].toSorted()[0]]);
    expect([...checked.value.conflicts.values()]).toEqual([2]);
  });

  it('sorts its parents and drops repetitions', () => {
    const chain = new TestChain();
    const blocks = [1, 2, 3].map(() => chain.attach([GENESIS_BLOCK_ID]));
    const { body } = built(chain.build([...blocks.toReversed(), ...blocks]));
    expect(body.parents).toEqual(blocks.toSorted());
  });

  it('forms a chain: each names its predecessor, and earlier blocks are not taken again', () => {
    const chain = new TestChain(7);
    const one = chain.attach([GENESIS_BLOCK_ID]);
    const first = chain.confirm([one]);
    const two = chain.attach([one, GENESIS_BLOCK_ID]);
    const second = chain.confirm([two]);
    expect(second.header).toMatchObject({ index: 2, previousId: first.id, view: 2n });
    expect(second.result.included).toEqual([two]);
  });

  it('keeps the supply over any number of milestones', () => {
    const chain = new TestChain(1);
    const supply = chain.ledger.supply();
    fc.assert(
      fc.property(fc.bigInt({ min: 200n, max: 5_000n }), (amount) => {
        const { result } = chain.confirm([payBob(chain, amount)]);
        expect(chain.ledger.supply()).toBe(supply);
        expect(result.stateTree.size).toBe(chain.ledger.unspent.size);
      }),
      { numRuns: 10 },
    );
  });
});

describe('checkMilestoneHeader', () => {
  const { chain, made } = proposal();
  const { header, body } = made;

  it('milestone-index: not the next one', () => {
    for (const index of [0, 2, 99]) {
      expect(judge(chain, { ...header, index }, body)).toMatchObject({
        action: 'ignore',
        code: 'milestone-index',
      });
    }
  });

  it('milestone-previous: on another predecessor', () => {
    const previousId = made.id;
    expect(judge(chain, { ...header, previousId }, body)).toMatchObject({
      code: 'milestone-previous',
    });
  });

  it('milestone-timestamp: not later than its predecessor', () => {
    const { timestampMs } = chain.parent.header;
    const at = (time: number): unknown =>
      checkMilestoneHeader({ ...header, timestampMs: time }, chain.parent, {
        ...chain.context,
        nowMs: timestampMs,
      });
    expect(at(timestampMs - 1)).toMatchObject({ code: 'milestone-timestamp' });
    expect(at(timestampMs)).toMatchObject({ code: 'milestone-timestamp' });
    expect(at(timestampMs + 1)).toMatchObject({ ok: true });
  });

  it('milestone-timestamp: more than the drift ahead of the clock', () => {
    const edge = header.timestampMs - PARAMS.maxDriftMs;
    expect(judge(chain, header, body, edge - 1)).toMatchObject({ code: 'milestone-timestamp' });
    expect(judge(chain, header, body, edge)).toMatchObject({ ok: true });
    expect(judge(chain, header, body)).toMatchObject({ ok: true });
  });

  it('milestone-epoch: not the epoch of its index', () => {
    expect(judge(chain, { ...header, epoch: 1 }, body)).toMatchObject({ code: 'milestone-epoch' });
  });

  it('milestone-root: another committee', () => {
    const committeeRoot = new Uint8Array(32);
    expect(judge(chain, { ...header, committeeRoot }, body)).toMatchObject({
      code: 'milestone-root',
      detail: 'committeeRoot',
    });
  });

  it('takes the epoch from the index where an epoch ends', () => {
    const short = new TestChain(4, {
      ...new TestChain(4).genesis,
      params: { ...PARAMS, epochLength: 2 },
    });
    const epochs = [1, 2, 3, 4].map(() => {
      const block = short.attach([GENESIS_BLOCK_ID]);
      return short.confirm([block]).header.epoch;
    });
    expect(epochs).toEqual([0, 1, 1, 2]);
  });
});

describe('checkMilestoneContent', () => {
  const ROOTS = [
    'parentsRoot',
    'inclusionRoot',
    'appliedRoot',
    'stateRoot',
    'committeeRoot',
    'optionsRoot',
  ] as const;

  it.each(ROOTS)('milestone-root: %s is not what the rules give', (name) => {
    const { chain, made } = proposal();
    const header = { ...made.header, [name]: new Uint8Array(32).fill(1) };
    const outcome = checkMilestoneContent({ header, body: made.body }, chain.parent, chain.context);
    expect(outcome).toMatchObject({ code: 'milestone-root', detail: name });
  });

  it('milestone-root: the body of another milestone', () => {
    const { chain, made } = proposal();
    const other = chain.attach([GENESIS_BLOCK_ID]);
    const body = { ...made.body, parents: [other] };
    expect(judge(chain, made.header, body)).toMatchObject({
      code: 'milestone-root',
      detail: 'parentsRoot',
    });
  });

  it('milestone-cone-missing: names the block that is not here yet', () => {
    const { chain, made } = proposal();
    const [id] = made.body.parents;
    chain.blocks.clear();
    expect(judge(chain, made.header, made.body)).toMatchObject({
      action: 'ignore',
      code: 'milestone-cone-missing',
      detail: id,
    });
  });

  it('milestone-cone-too-large', () => {
    const chain = new TestChain(1);
    const { block } = testBlock([GENESIS_BLOCK_ID], null);
    let parent = GENESIS_BLOCK_ID;
    for (let number = 1; number <= MAX_CONE + 1; number++) {
      const id = blockId(number);
      const linked = { ...block, parents: [parent] };
      chain.blocks.set(id, { id, bytes: new Uint8Array(0), block: linked });
      parent = id;
    }
    expect(chain.build([parent])).toMatchObject({ code: 'milestone-cone-too-large' });
    expect(chain.build([blockId(MAX_CONE)])).toMatchObject({ ok: true });
  });

  it('milestone-empty: nothing new before a heartbeat is due', () => {
    const chain = new TestChain();
    const start = chain.parent.header.timestampMs;
    const at = (waited: number): unknown =>
      chain.build([GENESIS_BLOCK_ID], { timestampMs: start + waited });
    expect(at(PARAMS.heartbeatMs - 1)).toMatchObject({ code: 'milestone-empty' });
    expect(at(PARAMS.heartbeatMs)).toMatchObject({ ok: true });
    expect(at(PARAMS.heartbeatMs + 1)).toMatchObject({ ok: true });
  });

  it('milestone-below-max-depth: a new block on a root that is too old', () => {
    const age = (milestones: number): Outcome<BuiltMilestone> => {
      const chain = new TestChain(1);
      const tip = chain.attach([GENESIS_BLOCK_ID]);
      for (let index = 0; index < milestones; index++) {
        chain.confirm([chain.attach([tip, GENESIS_BLOCK_ID])]);
      }
      const late = chain.attach([GENESIS_BLOCK_ID]);
      return chain.build([late]);
    };
    expect(age(PARAMS.belowMaxDepth)).toMatchObject({ ok: true });
    expect(age(PARAMS.belowMaxDepth + 1)).toMatchObject({ code: 'milestone-below-max-depth' });
  });

  it('milestone-parent-referenced: an old block that the predecessor does not name', () => {
    const chain = new TestChain();
    const old = chain.attach([GENESIS_BLOCK_ID]);
    const next = chain.attach([old]);
    chain.confirm([old]);
    chain.confirm([next]);
    const timestampMs = chain.parent.header.timestampMs + PARAMS.heartbeatMs;
    expect(chain.build([old], { timestampMs })).toMatchObject({
      code: 'milestone-parent-referenced',
      detail: old,
    });
    const made = built(chain.build([next], { timestampMs }));
    expect(judge(chain, made.header, made.body)).toMatchObject({ ok: true });
    const body = { ...made.body, parents: [old] };
    const header = { ...made.header, parentsRoot: rootOfIds([old], nobleHasher) };
    expect(judge(chain, header, body)).toMatchObject({ code: 'milestone-parent-referenced' });
  });

  it('milestone-parent-covered: a new block stands on a block that the body names', () => {
    const chain = new TestChain();
    const old = chain.attach([GENESIS_BLOCK_ID]);
    chain.confirm([old]);
    const [low, other] = [chain.attach([old]), chain.attach([old])];
    const high = chain.attach([low]);
    expect(chain.build([old, other])).toMatchObject({
      code: 'milestone-parent-covered',
      detail: old,
    });
    expect(chain.build([low, high])).toMatchObject({
      code: 'milestone-parent-covered',
      detail: low,
    });
    const made = built(chain.build([high, other]));
    expect(judge(chain, made.header, made.body)).toMatchObject({ ok: true });
    const parents = [high, low, other].toSorted();
    const header = { ...made.header, parentsRoot: rootOfIds(parents, nobleHasher) };
    expect(judge(chain, header, { ...made.body, parents })).toMatchObject({
      code: 'milestone-parent-covered',
    });
  });

  it('lets nothing referenced stand on a named block, whatever leaders choose', () => {
    const choice = fc.array(fc.nat(30), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(fc.array(fc.tuple(choice, fc.boolean()), { maxLength: 30 }), (steps) => {
        const chain = new TestChain();
        const all: BlockId[] = [GENESIS_BLOCK_ID];
        const referenced = new Set<BlockId>([GENESIS_BLOCK_ID]);
        for (const [numbers, isMilestone] of steps) {
          const chosen = numbers.map((number) => all[number % all.length] ?? GENESIS_BLOCK_ID);
          if (!isMilestone) {
            all.push(chain.attach(chosen));
            continue;
          }
          const timestampMs = chain.parent.header.timestampMs + PARAMS.heartbeatMs;
          const made = chain.build(chosen, { timestampMs });
          if (!made.ok) continue;
          for (const id of made.value.result.included) referenced.add(id);
          const { parents } = chain.confirm(chosen, { timestampMs }).body;
          for (const id of referenced) {
            const below = chain.blocks.get(id)?.block.parents ?? [];
            expect(below.filter((parent) => parents.includes(parent))).toEqual([]);
          }
        }
      }),
      { numRuns: 25 },
    );
  });

  it('lets a quiet network go on: heartbeats keep the blocks that they name young', () => {
    const chain = new TestChain(1);
    for (let index = 0; index < PARAMS.belowMaxDepth * 2; index++) {
      const timestampMs = chain.parent.header.timestampMs + PARAMS.heartbeatMs;
      chain.confirm([GENESIS_BLOCK_ID], { timestampMs });
    }
    expect(chain.build([chain.attach([GENESIS_BLOCK_ID])])).toMatchObject({ ok: true });
  });
});

describe('options', () => {
  it('milestone-options: the load moves one bit at a time, up to the ceiling', () => {
    const chain = new TestChain(1);
    const set = (powLoadBits?: number): unknown => {
      const options = powLoadBits === undefined ? {} : { powLoadBits };
      return chain.build([chain.attach([GENESIS_BLOCK_ID])], { options });
    };
    expect(set(2)).toMatchObject({ code: 'milestone-options' });
    expect(set(0)).toMatchObject({ code: 'milestone-options' });
    for (let load = 1; load <= PARAMS.powLoadBitsMax; load++) {
      chain.confirm([chain.attach([GENESIS_BLOCK_ID])], { options: { powLoadBits: load } });
    }
    expect(chain.parent.powLoadBits).toBe(PARAMS.powLoadBitsMax);
    expect(set(PARAMS.powLoadBitsMax + 1)).toMatchObject({ code: 'milestone-options' });
    expect(set(PARAMS.powLoadBitsMax - 2)).toMatchObject({ code: 'milestone-options' });
    expect(set()).toMatchObject({ code: 'milestone-options' });
    expect(set(PARAMS.powLoadBitsMax - 1)).toMatchObject({ ok: true });
  });

  it('milestone-options: refused on the other side as well', () => {
    const { chain, made } = proposal({ options: { powLoadBits: 1 } });
    const tired = { ...chain.parent, powLoadBits: 3 };
    expect(checkMilestoneContent(made, tired, chain.context)).toMatchObject({
      code: 'milestone-options',
    });
  });

  it('are remembered for the next milestone', () => {
    const { chain, made } = proposal({ options: { powLoadBits: 1 } });
    expect(parentOf(made, chain.parent, made.result, chain.context)).toMatchObject({
      id: made.id,
      powLoadBits: 1,
    });
  });
});
