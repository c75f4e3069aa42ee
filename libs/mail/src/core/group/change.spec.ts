import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { bytesToHex } from '@noble/hashes/utils.js';
import { act, forge, found, makeAuthor, openFounded, TEST_WORLD } from '../../testing/group.ts';
import { codeOf, fromHex, readVectors, valueOf } from '../../testing/vectors.ts';
import { encodeChange, decodeChange, isGroupName, MAX_CHANGE_SIZE, MAX_HEADS } from './change.ts';
import type { ChangeId, GroupAction } from './change.ts';
import { decodeFrame, encodeFrame, readFrame, stateHash } from './frame.ts';
import { MAX_HISTORY_SIZE, openHistory } from './log.ts';

const vectors = readVectors('group') as {
  groupId: ChangeId;
  changes: { kind: string; id: string; bytes: string }[];
  heads: ChangeId[];
  stateHash: string;
  members: { role: string; address: string }[];
  name: string;
  history: string;
  frame: { body: string; bytes: string };
};
const [ada, bo] = [makeAuthor(0), makeAuthor(1)];
const history = fromHex(vectors.history);
const group = (): ReturnType<typeof openHistory> =>
  openHistory(history, vectors.groupId, TEST_WORLD);
const at = (index: number): Uint8Array => fromHex(vectors.changes[index]?.bytes ?? '');

describe('golden vectors of a group', () => {
  it('are read and written again as they stand', () => {
    for (const { kind, id, bytes } of vectors.changes) {
      const change = valueOf(decodeChange(fromHex(bytes)));
      expect([change.action.kind, change.id]).toEqual([kind, id]);
      expect(bytesToHex(encodeChange(change))).toBe(bytes);
    }
    expect(vectors.changes.map((change) => change.kind).toSorted()).toEqual(
      ['add', 'add', 'create', 'demote', 'leave', 'promote', 'remove', 'rename'].toSorted(),
    );
  });

  it('make the group that they say', () => {
    const log = valueOf(group());
    const members = log.current().members.map(({ role, address }) => ({ role, address }));
    expect({ members, name: log.current().name }).toEqual({
      members: vectors.members,
      name: vectors.name,
    });
    expect(log.headsFor(ada.address)).toEqual(vectors.heads);
    expect(bytesToHex(stateHash(vectors.heads))).toBe(vectors.stateHash);
    expect(log.encode()).toEqual(history);
  });

  it('are written by the same hands again', () => {
    expect(bytesToHex(encodeChange(found(ada)))).toBe(vectors.changes[0]?.bytes);
    const { groupId, heads, frame } = vectors;
    const framed = encodeFrame({ groupId, heads, body: fromHex(frame.body) });
    expect(bytesToHex(framed)).toBe(frame.bytes);
  });
});

describe('form of a change', () => {
  it('group-kind-unknown: a later version or kind', () => {
    expect(codeOf(decodeChange(at(0).with(0, 2)))).toBe('group-kind-unknown');
    expect(codeOf(decodeChange(at(0).with(1, 8)))).toBe('group-kind-unknown');
  });

  it('group-name: a control character', () => {
    const nameAt = at(0).length - 64 - 'Reading circle'.length;
    expect(codeOf(decodeChange(at(0).with(nameAt, 7)))).toBe('group-name');
    expect(codeOf(decodeChange(at(0).with(nameAt, 0xff)))).toBe('not-canonical');
    expect(codeOf(decodeChange(at(0).with(nameAt - 1, 0)))).toBe('count-out-of-range');
  });

  it('takes names of 1 to 64 bytes without disguise', () => {
    for (const good of ['a', 'Süd', 'é'.repeat(32), '🙂']) {
      expect([good, isGroupName(good)]).toEqual([good, true]);
    }
    for (const bad of ['', 'é'.repeat(33), 'a\nb', 'a\u202eb', '\ud800', '\ufeffa']) {
      expect([bad, isGroupName(bad)]).toEqual([bad, false]);
    }
  });

  it('count-out-of-range, not-canonical: heads', () => {
    const countAt = 78;
    const add = at(1);
    expect(add[countAt]).toBe(1);
    expect(codeOf(decodeChange(add.with(countAt, MAX_HEADS + 1)))).toBe('count-out-of-range');
    expect(codeOf(decodeChange(add.with(countAt, 0)))).not.toBe('ok');
    const twice = new Uint8Array([
      ...add.subarray(0, countAt),
      2,
      ...add.subarray(79, 111),
      ...add.subarray(79),
    ]);
    expect(codeOf(decodeChange(twice))).toBe('not-canonical');
    expect(codeOf(decodeChange(add.with(74, 0)))).toBe('not-canonical');
  });

  it('has the greatest size with 32 heads, and none above', () => {
    const heads = Array.from({ length: MAX_HEADS }, (_, index) =>
      forge(bo, [found(ada)], index + 1, { kind: 'leave' }, vectors.groupId),
    );
    const action: GroupAction = { kind: 'add', member: bo.record };
    const largest = encodeChange(forge(ada, heads, 2, action, vectors.groupId));
    expect(largest).toHaveLength(MAX_CHANGE_SIZE);
    expect(decodeChange(largest).ok).toBe(true);
    expect(codeOf(decodeChange(new Uint8Array(MAX_CHANGE_SIZE + 1)))).toBe('too-large');
  });
});

describe('opening hostile bytes', () => {
  const decoders: [string, (bytes: Uint8Array) => { ok: boolean }][] = [
    ['change', decodeChange],
    ['frame', decodeFrame],
    ['history', (bytes) => openHistory(bytes, vectors.groupId, TEST_WORLD)],
  ];
  const samples = [at(0), at(1), at(4), fromHex(vectors.frame.bytes), history];

  it.each(decoders)('never throws: %s', (_name, decode) => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 1_400 }), (any) => {
        expect(typeof decode(Uint8Array.from(any)).ok).toBe('boolean');
      }),
    );
    const anyCut = fc.tuple(fc.constantFrom(...samples), fc.nat(), fc.nat(), fc.nat(255));
    fc.assert(
      fc.property(anyCut, ([sample, where, length, byte]) => {
        const damaged = sample.with(where % sample.length, byte);
        decode(damaged.subarray(0, length % 2 === 0 ? damaged.length : length % damaged.length));
      }),
    );
  });

  it('has one encoding for what it takes', () => {
    fc.assert(
      fc.property(fc.nat(7), fc.nat(), fc.nat(255), (which, where, byte) => {
        const sample = at(which);
        const damaged = sample.with(where % sample.length, byte);
        const change = decodeChange(damaged);
        expect(change.ok ? encodeChange(change.value) : damaged).toEqual(damaged);
        const frame = decodeFrame(damaged);
        expect(frame.ok ? encodeFrame(frame.value) : damaged).toEqual(damaged);
      }),
      { numRuns: 500 },
    );
    expect(
      codeOf(openHistory(new Uint8Array(MAX_HISTORY_SIZE + 1), vectors.groupId, TEST_WORLD)),
    ).toBe('too-large');
  });
});

describe('frame of a message', () => {
  it('tells what is missing and who was behind', () => {
    const log = valueOf(group());
    const older = valueOf(openHistory(history, vectors.groupId, TEST_WORLD));
    const heads = log.headsFor(ada.address);
    const frame = { groupId: log.groupId, heads, body: new Uint8Array(1) };
    const quiet = { missing: [], isBehind: false, isMember: true };
    expect(valueOf(readFrame(log, frame, ada.address))).toEqual(quiet);
    const next = act(log, ada, { kind: 'rename', name: 'Tea' });
    expect(valueOf(readFrame(log, frame, ada.address))).toEqual({ ...quiet, isBehind: true });
    const newer = { ...frame, heads: log.headsFor(ada.address) };
    expect(valueOf(readFrame(older, newer, ada.address))).toMatchObject({ missing: [next.id] });
  });

  it('group-other, group-not-member, and one who was removed meanwhile', () => {
    const log = openFounded(ada);
    act(log, ada, { kind: 'add', member: bo.record });
    const heads = log.headsFor(bo.address);
    const frame = { groupId: log.groupId, heads, body: new Uint8Array(1) };
    act(log, ada, { kind: 'remove', target: bo.address });
    const report = valueOf(readFrame(log, frame, bo.address));
    expect(report).toEqual({ missing: [], isBehind: true, isMember: false });
    const after = { ...frame, heads: log.headsFor(bo.address) };
    expect(codeOf(readFrame(log, after, bo.address))).toBe('group-not-member');
    const stray = { ...frame, groupId: heads[0] ?? log.groupId };
    expect(codeOf(readFrame(log, stray, ada.address))).toBe('group-other');
  });

  it('version-unknown, count-out-of-range', () => {
    const bytes = fromHex(vectors.frame.bytes);
    expect(codeOf(decodeFrame(bytes.with(0, 2)))).toBe('version-unknown');
    expect(codeOf(decodeFrame(bytes.with(33, 0)))).toBe('count-out-of-range');
  });
});
