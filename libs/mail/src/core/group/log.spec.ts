import { describe, expect, it } from '@jest/globals';
import type { Author } from '../../testing/group.ts';
import { act, copyOf, forge, found, makeAuthor, openFounded } from '../../testing/group.ts';
import { rolesOf, TEST_WORLD } from '../../testing/group.ts';
import { codeOf, valueOf } from '../../testing/vectors.ts';
import type { GroupAction, GroupChange } from './change.ts';
import { isEquivocation, MAX_HEADS } from './change.ts';
import type { GroupLog } from './log.ts';
import { MAX_CHANGES, MAX_PENDING, openGroup, openHistory } from './log.ts';
import { MAX_MEMBERS, roleOf } from './state.ts';

const [ada, bo, cy, di, ed] = [0, 1, 2, 3, 4].map(makeAuthor) as [
  Author,
  Author,
  Author,
  Author,
  Author,
];
const add = (who: Author): GroupAction => ({ kind: 'add', member: who.record });
const promote = (who: Author): GroupAction => ({ kind: 'promote', member: who.record });
const remove = (who: Author): GroupAction => ({ kind: 'remove', target: who.address });
const demote = (who: Author): GroupAction => ({ kind: 'demote', target: who.address });
const rename = (name: string): GroupAction => ({ kind: 'rename', name });
const leave: GroupAction = { kind: 'leave' };

/** Ada founded it, Bo and Cy are admins, Di is a member. */
function circle(): GroupLog {
  const log = openFounded(ada);
  for (const one of [bo, cy, di]) act(log, ada, add(one));
  for (const one of [bo, cy]) act(log, ada, promote(one));
  return log;
}

/** What `change` does when two devices that agree each write one at the same time. */
function merge(log: GroupLog, ...changes: readonly [Author, GroupAction][]): GroupLog {
  const written = changes.map(([author, action]) => act(copyOf(log), author, action));
  const [one, other] = [copyOf(log), copyOf(log)];
  for (const change of written) valueOf(one.receive(change));
  for (const change of written.toReversed()) valueOf(other.receive(change));
  expect(rolesOf(one)).toEqual(rolesOf(other));
  expect(one.current().name).toBe(other.current().name);
  expect(one.headsFor(ada.address)).toEqual(other.headsFor(ada.address));
  return one;
}

const role = (log: GroupLog, who: Author): string => roleOf(log.current(), who.address) ?? 'none';
const code = (log: GroupLog, who: Author, action: GroupAction): string =>
  codeOf(log.draft(who.record.accountKey, action));

describe('rules of a group', () => {
  it('begin with a founder alone', () => {
    const log = openFounded(ada);
    expect(rolesOf(log)).toEqual([`founder ${ada.address}`]);
    expect(log.current().name).toBe('Reading circle');
  });

  it('let the founder do everything', () => {
    const log = circle();
    expect([ada, bo, cy, di, ed].map((who) => role(log, who))).toEqual([
      'founder',
      'admin',
      'admin',
      'member',
      'none',
    ]);
    act(log, ada, demote(bo));
    act(log, ada, remove(cy));
    act(log, ada, rename('Tea'));
    act(log, ada, remove(di));
    expect(rolesOf(log)).toEqual([`founder ${ada.address}`, `member ${bo.address}`]);
    expect(log.current().name).toBe('Tea');
  });

  it('let an admin add, remove members and rename', () => {
    const log = circle();
    act(log, bo, add(ed));
    act(log, cy, remove(di));
    act(log, cy, rename('Tea'));
    expect([role(log, ed), role(log, di), log.current().name]).toEqual(['member', 'none', 'Tea']);
  });

  it('let everybody leave, and come back when added', () => {
    const log = circle();
    for (const who of [di, bo, ada]) act(log, who, leave);
    expect(rolesOf(log)).toEqual([`admin ${cy.address}`]);
    act(log, cy, add(bo));
    act(log, bo, leave);
    act(log, cy, add(bo));
    expect(role(log, bo)).toBe('member');
    expect(code(log, cy, promote(bo))).toBe('group-not-allowed');
  });

  it('group-not-allowed: whoever has not the power, or means one who is not there', () => {
    const log = circle();
    const refused: [Author, GroupAction][] = [
      [bo, promote(di)],
      [bo, demote(cy)],
      [bo, remove(cy)],
      [bo, remove(ada)],
      [bo, remove(ed)],
      [bo, add(di)],
      [ada, remove(ada)],
      [ada, demote(di)],
      [ada, promote(bo)],
      [ada, promote(ed)],
      [di, add(ed)],
      [di, rename('x')],
      [di, remove(bo)],
      [ed, leave],
      [ed, add(ed)],
    ];
    for (const [who, action] of refused) {
      expect(code(log, who, action)).toBe('group-not-allowed');
      const forged = forge(who, [log.changes().at(-1) ?? found(ada)], 99, action, log.groupId);
      expect(log.receive(forged).ok).toBe(false);
    }
  });

  it('group-too-many-members: the twenty-sixth; and two who both add the last one', () => {
    const log = circle();
    const crowd = Array.from({ length: MAX_MEMBERS - 4 }, (_, index) => makeAuthor(100 + index));
    for (const one of crowd.slice(1)) act(log, bo, add(one));
    expect(log.current().members).toHaveLength(MAX_MEMBERS - 1);
    const merged = merge(log, [bo, add(ed)], [cy, add(crowd[0] ?? ed)]);
    expect(merged.current().members).toHaveLength(MAX_MEMBERS);
    expect(code(merged, ada, add(makeAuthor(99)))).toBe('group-too-many-members');
  });
});

describe('changes at the same time', () => {
  it('of two admins both count', () => {
    const merged = merge(circle(), [bo, add(ed)], [cy, remove(di)]);
    expect([role(merged, ed), role(merged, di)]).toEqual(['member', 'none']);
  });

  it('that add and remove one person remove it', () => {
    const log = circle();
    const [one, other] = [copyOf(log), copyOf(log)];
    const gone = act(one, bo, remove(di));
    act(other, cy, remove(di));
    const again = act(other, cy, add(di));
    for (const change of other.changes()) valueOf(one.receive(change));
    valueOf(other.receive(gone));
    expect(one.has(again.id)).toBe(true);
    expect([role(one, di), role(other, di)]).toEqual(['none', 'none']);
  });

  it('keep whom the founder promotes while an admin removes it', () => {
    expect(role(merge(circle(), [ada, promote(di)], [bo, remove(di)]), di)).toBe('admin');
    expect(role(merge(circle(), [ada, remove(di)], [bo, remove(di)]), di)).toBe('none');
  });

  it('give one name: the founder’s first', () => {
    const log = circle();
    expect(merge(log, [bo, rename('B')], [ada, rename('A')]).current().name).toBe('A');
    expect(['B', 'C']).toContain(merge(log, [bo, rename('B')], [cy, rename('C')]).current().name);
  });
});

describe('one who was removed', () => {
  it('changes nothing by what it writes later on older heads', () => {
    const log = circle();
    const before = log.changes().at(-1) ?? found(ada);
    act(log, ada, remove(bo));
    const roles = rolesOf(log);
    for (const action of [add(ed), remove(di), rename('Bo was here')]) {
      valueOf(log.receive(forge(bo, [before], 1, action, log.groupId)));
    }
    expect(rolesOf(log)).toEqual(roles);
    expect(log.current().name).toBe('Reading circle');
  });

  it('and cannot come back by a friend that it dates back', () => {
    const log = circle();
    const before = log.changes().at(-1) ?? found(ada);
    act(log, ada, demote(cy));
    act(log, ada, remove(bo));
    const friend = forge(bo, [before], 1, add(ed), log.groupId);
    valueOf(log.receive(friend));
    const help = forge(ed, [friend], 1, add(bo), log.groupId);
    expect(codeOf(log.receive(help))).toBe('group-not-allowed');
    valueOf(log.receive(forge(cy, [friend], 1, rename('Ha'), log.groupId)));
    expect([role(log, bo), role(log, ed), log.current().name]).toEqual([
      'none',
      'none',
      'Reading circle',
    ]);
  });

  it('keeps what the remover had seen', () => {
    const log = circle();
    act(log, bo, add(ed));
    act(log, ada, remove(bo));
    expect([role(log, bo), role(log, ed)]).toEqual(['none', 'member']);
  });

  it('has power again once it was added and promoted anew', () => {
    const log = circle();
    act(log, ada, remove(bo));
    act(log, ada, add(bo));
    act(log, ada, promote(bo));
    act(log, bo, add(ed));
    expect([role(log, bo), role(log, ed)]).toEqual(['admin', 'member']);
  });

  it('and one who left changes nothing either', () => {
    const log = circle();
    const before = log.changes().at(-1) ?? found(ada);
    act(log, bo, leave);
    valueOf(log.receive(forge(bo, [before], 1, add(ed), log.groupId)));
    expect([role(log, bo), role(log, ed)]).toEqual(['none', 'none']);
  });
});

describe('two stories of one author', () => {
  it('are proven by two changes with one number, and still merge', () => {
    const log = circle();
    const [one, other] = [act(copyOf(log), bo, add(ed)), act(copyOf(log), bo, remove(di))];
    valueOf(log.receive(one));
    expect(log.equivocations()).toEqual([]);
    valueOf(log.receive(other));
    expect(log.equivocations()).toEqual([[one, other]]);
    expect(isEquivocation(one, other)).toBe(true);
    expect([role(log, ed), role(log, di)]).toEqual(['member', 'none']);
    act(log, ada, remove(bo));
    expect(role(log, bo)).toBe('none');
  });

  it('are not seen where there is one, or two authors, or two groups', () => {
    const log = circle();
    const [one, other] = [act(copyOf(log), bo, add(ed)), act(copyOf(log), cy, add(ed))];
    expect(isEquivocation(one, one)).toBe(false);
    expect(isEquivocation(one, other)).toBe(false);
    const elsewhere = forge(bo, [one], one.sequence, leave, one.id);
    expect(isEquivocation(one, elsewhere)).toBe(false);
  });

  it('group-sequence: a number that does not count on', () => {
    const log = circle();
    const [head] = log.changes().slice(-1);
    const skipped = forge(bo, [head ?? found(ada)], 2, rename('x'), log.groupId);
    expect(codeOf(log.receive(skipped))).toBe('group-sequence');
  });
});

describe('delivery', () => {
  it('waits for what a change stands on, says what is missing, and goes on by itself', () => {
    const log = circle();
    const [founding, first, ...rest] = log.changes();
    const late = valueOf(openGroup(founding ?? found(ada), TEST_WORLD));
    for (const change of rest.toReversed()) valueOf(late.receive(change));
    expect(late.waiting()).toEqual({ count: rest.length, missing: [first?.id] });
    const done = valueOf(late.receive(first ?? found(ada)));
    expect(done.added).toHaveLength(rest.length + 1);
    expect(done).toMatchObject({ missing: [], refused: [] });
    expect(rolesOf(late)).toEqual(rolesOf(log));
    expect(valueOf(late.receive(first ?? found(ada))).added).toEqual([]);
  });

  it('refuses what waited and breaks a rule', () => {
    const log = circle();
    const head = act(copyOf(log), ada, rename('x'));
    const bad = forge(di, [head], 1, rename('y'), log.groupId);
    expect(valueOf(log.receive(bad)).missing).toEqual([head.id]);
    expect(valueOf(log.receive(head)).refused).toEqual([{ id: bad.id, code: 'group-not-allowed' }]);
  });

  it('holds so many that wait, and asks again for what it let go', () => {
    const log = circle();
    const later = copyOf(log);
    const chain: GroupChange[] = [];
    for (let one = 0; one < MAX_PENDING + 2; one++) chain.push(act(later, bo, rename(`n${one}`)));
    for (const change of chain.slice(1)) valueOf(log.receive(change));
    expect(log.waiting().count).toBe(MAX_PENDING);
    const [first, second] = chain;
    expect(log.waiting().missing).toEqual([second?.id]);
    for (const change of [first, second]) valueOf(log.receive(change ?? found(ada)));
    expect(log.waiting()).toEqual({ count: 0, missing: [] });
    expect(log.current().name).toBe(later.current().name);
  });

  it('group-other, group-network, group-signature, certificate-invalid', () => {
    const log = circle();
    const other = valueOf(openGroup(found(bo), TEST_WORLD));
    expect(codeOf(log.receive(act(other, bo, rename('x'))))).toBe('group-other');
    const change = act(copyOf(log), bo, rename('x'));
    const damaged = { ...change, signature: new Uint8Array(64) };
    expect(codeOf(log.receive(damaged))).toBe('group-signature');
    expect(codeOf(openGroup(found(ada), { ...TEST_WORLD, networkId: 1n }))).toBe('group-network');
    const member = { ...ed.record, identityKey: bo.record.identityKey };
    const body = valueOf(log.draft(ada.record.accountKey, { kind: 'add', member }));
    const bound = forge(
      ada,
      [log.changes().at(-1) ?? change],
      body.sequence,
      body.action,
      log.groupId,
    );
    expect(codeOf(log.receive(bound))).toBe('certificate-invalid');
  });
});

describe('bounds', () => {
  it('names 32 heads where lies have made more, its author’s own among them', () => {
    const log = circle();
    const before = log.changes().at(-1) ?? found(ada);
    for (let one = 0; one <= MAX_HEADS; one++) {
      valueOf(log.receive(forge(bo, [before], 1, rename(`n${one}`), log.groupId)));
    }
    const sizes = ['one', 'two', 'three'].map((name) => {
      const written = act(log, ada, rename(name));
      expect(log.current().name).toBe(name);
      return written.parents.length;
    });
    expect(sizes).toEqual([MAX_HEADS, 2, 1]);
    const own = log.changes().at(-1);
    for (let one = 0; one <= MAX_HEADS; one++) {
      valueOf(log.receive(forge(cy, [before], 1, rename(`m${one}`), log.groupId)));
    }
    expect(log.headsFor(ada.address)).toContain(own?.id);
    expect(log.headsFor(ada.address)).toHaveLength(MAX_HEADS);
    expect(act(log, ada, rename('four')).sequence).toBe((own?.sequence ?? 0) + 1);
  });

  it('group-full: after 1,024 changes', () => {
    const log = openFounded(ada);
    let head = found(ada);
    for (let number = 2; number <= MAX_CHANGES; number++) {
      head = forge(ada, [head], number, rename(`n${number}`), log.groupId);
      valueOf(log.receive(head));
    }
    const next = forge(ada, [head], MAX_CHANGES + 1, rename('x'), log.groupId);
    expect(log.receive(next)).toMatchObject({ code: 'group-full', action: 'ignore' });
    expect(code(log, ada, rename('x'))).toBe('group-full');
    expect(log.current().name).toBe(`n${MAX_CHANGES}`);
  }, 120_000);
});

describe('history', () => {
  it('gives a new member the same log', () => {
    const log = merge(circle(), [bo, add(ed)], [cy, remove(di)]);
    const opened = valueOf(openHistory(log.encode(), log.groupId, TEST_WORLD));
    expect(opened.current()).toEqual(log.current());
    expect(opened.encode()).toEqual(log.encode());
  });

  it('group-history and group-other: out of order, not the group, not a founding', () => {
    const log = circle();
    const bytes = log.encode();
    const [founding, second] = log.changes();
    expect(codeOf(openHistory(bytes, second?.id ?? log.groupId, TEST_WORLD))).toBe('group-other');
    expect(codeOf(openGroup(second ?? found(ada), TEST_WORLD))).toBe('group-history');
    const firstSize = (bytes[2] ?? 0) + 256 * (bytes[3] ?? 0);
    const without = new Uint8Array([...bytes.subarray(0, 2), ...bytes.subarray(4 + firstSize)]);
    without[0] = (bytes[0] ?? 0) - 1;
    expect(codeOf(openHistory(without, second?.id ?? log.groupId, TEST_WORLD))).toBe(
      'group-history',
    );
    expect(codeOf(openHistory(bytes.subarray(0, -1), log.groupId, TEST_WORLD))).toBe('truncated');
    expect(founding?.id).toBe(log.groupId);
  });
});
