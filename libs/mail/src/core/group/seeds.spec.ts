import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Author } from '../../testing/group.ts';
import { act, makeAuthor, openFounded } from '../../testing/group.ts';
import { codeOf, valueOf } from '../../testing/vectors.ts';
import type { GroupAction } from './change.ts';
import type { GroupLog } from './log.ts';
import type { OwnChain, SeedPlan } from './seeds.ts';
import { planSeeds, reopenSeed, settleSeed } from './seeds.ts';

const [ada, bo, cy, di] = [0, 1, 2, 3].map(makeAuthor) as [Author, Author, Author, Author];
const add = (who: Author): GroupAction => ({ kind: 'add', member: who.record });
const chainId = (byte: number): Uint8Array => new Uint8Array(16).fill(byte);
const names = (plan: SeedPlan): string[] => plan.recipients.map((member) => member.address);

function trio(): GroupLog {
  const log = openFounded(ada);
  for (const one of [bo, cy]) act(log, ada, add(one));
  return log;
}
const plan = (log: GroupLog, chain: OwnChain | undefined, fresh = 2): SeedPlan =>
  valueOf(planSeeds(log.current(), ada.address, chain, chainId(fresh)));

/** A chain whose seed everybody has. */
function settled(log: GroupLog): OwnChain {
  const { chain, recipients } = plan(log, undefined, 1);
  return recipients.reduce((one, member) => settleSeed(one, member.address), chain);
}

describe('seeds of a sending chain', () => {
  it('go to every other member at first, and again until each is settled', () => {
    const log = trio();
    const first = plan(log, undefined, 1);
    expect(first.isRenewed).toBe(true);
    expect(names(first)).toEqual([bo.address, cy.address]);
    const half = plan(log, settleSeed(first.chain, bo.address));
    expect([half.isRenewed, names(half)]).toEqual([false, [cy.address]]);
    const done = plan(log, settled(log));
    expect([done.isRenewed, names(done)]).toEqual([false, []]);
    const asked = plan(log, reopenSeed(done.chain, bo.address));
    expect([asked.isRenewed, names(asked)]).toEqual([false, [bo.address]]);
  });

  it('are new for all who stay when one is gone, even one who may not have got his', () => {
    const log = trio();
    const unsent = plan(log, undefined, 1).chain;
    act(log, ada, { kind: 'remove', target: bo.address });
    for (const chain of [settled(trio()), unsent]) {
      const renewed = plan(log, chain);
      expect([renewed.isRenewed, names(renewed)]).toEqual([true, [cy.address]]);
      expect(renewed.chain).toMatchObject({ chainId: chainId(2), isUsed: false });
      expect(renewed.chain.holders.map((holder) => holder.address)).toEqual([cy.address]);
    }
  });

  it('are new when somebody joins a chain in use, who else could read back', () => {
    const log = trio();
    const chain = settled(log);
    act(log, ada, add(di));
    const unused = plan(log, chain);
    expect([unused.isRenewed, names(unused)]).toEqual([false, [di.address]]);
    const used = plan(log, { ...chain, isUsed: true });
    expect([used.isRenewed, names(used)]).toEqual([true, [bo.address, cy.address, di.address]]);
  });

  it('are new for a member with other keys', () => {
    const log = trio();
    const chain = settled(log);
    const holders = chain.holders.map((holder) => ({ ...holder, identityKey: chainId(7) }));
    expect(plan(log, { ...chain, holders }).isRenewed).toBe(true);
  });

  it('group-not-member: who is out sends nothing', () => {
    const outside = planSeeds(trio().current(), di.address, undefined, chainId(1));
    expect(codeOf(outside)).toBe('group-not-member');
  });

  it('never leave a chain in the hands of one who is out', () => {
    const anyStep = fc.record({
      who: fc.constantFrom(bo, cy, di),
      does: fc.constantFrom('add', 'remove', 'send', 'settle'),
    });
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: 12 }), (steps) => {
        const log = trio();
        let chain: OwnChain | undefined;
        const readers = new Map<string, Set<string>>();
        for (const [at, { who, does }] of steps.entries()) {
          const action: GroupAction =
            does === 'add' ? add(who) : { kind: 'remove', target: who.address };
          const isChange = does === 'add' || does === 'remove';
          if (isChange && log.draft(ada.record.accountKey, action).ok) act(log, ada, action);
          if (isChange) continue;
          const due = plan(log, chain, at + 1);
          chain = does === 'settle' ? settleSeed(due.chain, who.address) : due.chain;
          const key = String(chain.chainId[0]);
          const known = readers.get(key) ?? new Set();
          readers.set(key, new Set([...known, ...names(due)]));
          const members = new Set<string>(log.current().members.map((member) => member.address));
          const outside = [...(readers.get(key) ?? [])].filter((one) => !members.has(one));
          expect(outside).toEqual([]);
          if (does === 'send') chain = { ...chain, isUsed: true };
        }
      }),
      { numRuns: 30 },
    );
  });
});
