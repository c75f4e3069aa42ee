import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Author } from '../../testing/group.ts';
import { act, copyOf, forge, found, makeAuthor, openFounded } from '../../testing/group.ts';
import { rolesOf, TEST_WORLD } from '../../testing/group.ts';
import { valueOf } from '../../testing/vectors.ts';
import type { GroupAction, GroupChange } from './change.ts';
import type { GroupLog } from './log.ts';
import { openGroup } from './log.ts';
import { MAX_MEMBERS, roleOf } from './state.ts';

const people = [0, 1, 2, 3, 4, 5].map(makeAuthor);
const person = (index: number): Author => people[index] ?? makeAuthor(index);
const [ada, bo, cy] = [person(0), person(1), person(2)];
const KINDS = ['add', 'promote', 'remove', 'demote', 'leave', 'rename'] as const;

function actionOf(kind: (typeof KINDS)[number], target: Author): GroupAction {
  if (kind === 'add' || kind === 'promote') return { kind, member: target.record };
  if (kind === 'remove' || kind === 'demote') return { kind, target: target.address };
  return kind === 'rename' ? { kind, name: `by ${target.address.slice(0, 8)}` } : { kind };
}

/** Ada founded it; Bo and Cy are admins; the fourth is a member. */
function circle(): GroupLog {
  const log = openFounded(ada);
  for (const one of [bo, cy]) act(log, ada, actionOf('add', one));
  for (const one of [bo, cy]) act(log, ada, actionOf('promote', one));
  act(log, bo, actionOf('add', person(3)));
  return log;
}
const base = circle();

/** One step of a life: somebody acts on his device, or two devices exchange all they have. */
const anyStep = fc.record({
  device: fc.integer({ min: 0, max: 2 }),
  from: fc.option(fc.integer({ min: 0, max: 2 }), { freq: 3 }),
  author: fc.integer({ min: 0, max: 5 }),
  target: fc.integer({ min: 0, max: 5 }),
  kind: fc.constantFrom(...KINDS),
  /** A liar writes on a change from before, instead of on all that the device holds. */
  back: fc.option(fc.nat({ max: 12 }), { freq: 3 }),
});
type Step = typeof anyStep extends fc.Arbitrary<infer T> ? T : never;

/** A change that stands on one old change alone, with the number that this past asks for. */
function dateBack(log: GroupLog, author: Author, at: number, action: GroupAction): GroupChange {
  const [first, ...others] = log.changes();
  const past = copyOf(log);
  const old = [first ?? found(ada), ...others][at % past.changes().length] ?? found(ada);
  const sequences = Array.from({ length: 8 }, (_, index) =>
    forge(author, [old], index + 1, action, log.groupId),
  );
  return sequences.find((change) => past.receive(change).ok) ?? old;
}

function play(steps: readonly Step[]): GroupChange[] {
  const devices = [0, 1, 2].map(() => copyOf(base));
  for (const step of steps) {
    const log = devices[step.device] ?? base;
    const action = actionOf(step.kind, person(step.target));
    const author = person(step.author);
    if (step.from !== null) {
      for (const change of devices[step.from]?.changes() ?? []) log.receive(change);
    } else if (step.back !== null) {
      valueOf(log.receive(dateBack(log, author, step.back, action)));
    } else if (log.draft(author.record.accountKey, action).ok) {
      act(log, author, action);
    }
  }
  const all = devices.flatMap((log) => log.changes());
  return [...new Map(all.map((change) => [change.id, change])).values()];
}

const anyLife = fc.array(anyStep, { minLength: 4, maxLength: 14 }).map(play);
const anyOrder = anyLife.chain((changes) =>
  fc.tuple(
    fc.constant(changes),
    fc.shuffledSubarray(changes, { minLength: changes.length, maxLength: changes.length }),
  ),
);

function deliver(changes: readonly GroupChange[]): GroupLog {
  const log = valueOf(openGroup(found(ada), TEST_WORLD));
  for (const change of changes) valueOf(log.receive(change));
  return log;
}

describe('a group in any order of delivery', () => {
  it('is the same group for all who hold the same changes', () => {
    fc.assert(
      fc.property(anyOrder, ([changes, shuffled]) => {
        const [one, other] = [deliver(changes), deliver(shuffled)];
        expect(other.current()).toEqual(one.current());
        expect(other.headsFor(ada.address)).toEqual(one.headsFor(ada.address));
        expect(other.waiting()).toEqual({ count: 0, missing: [] });
        const liars = (log: GroupLog): string[] =>
          log
            .equivocations()
            .map(([lie]) => lie.author)
            .toSorted();
        expect(liars(other)).toEqual(liars(one));
      }),
      { numRuns: 40 },
    );
  });

  it('never has two of one person, nor more than 25, nor two founders', () => {
    fc.assert(
      fc.property(anyLife, (changes) => {
        const { members } = deliver(changes).current();
        expect(new Set(members.map((member) => member.address)).size).toBe(members.length);
        expect(members.length).toBeLessThanOrEqual(MAX_MEMBERS);
        const founders = members.filter((member) => member.role === 'founder');
        expect(founders.map((member) => member.address)).toEqual(
          founders.length === 0 ? [] : [ada.address],
        );
      }),
      { numRuns: 20 },
    );
  });

  it('is what it was, whatever an admin dates back once it is removed', () => {
    const anyLie = fc.record({
      at: fc.nat({ max: 12 }),
      target: fc.integer({ min: 0, max: 5 }),
      kind: fc.constantFrom(...KINDS),
    });
    fc.assert(
      fc.property(
        fc.array(anyStep, { maxLength: 6 }).map(play),
        fc.array(anyLie, { minLength: 1, maxLength: 4 }),
        (changes, lies) => {
          const log = deliver(changes);
          fc.pre(roleOf(log.current(), ada.address) === 'founder');
          fc.pre(roleOf(log.current(), bo.address) !== undefined);
          act(log, ada, { kind: 'remove', target: bo.address });
          const [roles, { name }] = [rolesOf(log), log.current()];
          for (const { at, kind, target } of lies) {
            valueOf(log.receive(dateBack(log, bo, at, actionOf(kind, person(target)))));
          }
          expect([rolesOf(log), log.current().name]).toEqual([roles, name]);
        },
      ),
      { numRuns: 25 },
    );
  });
});
