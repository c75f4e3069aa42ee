import { describe, expect, it } from '@jest/globals';
import { bytesToHex } from '@noble/hashes/utils.js';
import fc from 'fast-check';
import { makeChain } from '../../testing/chains.ts';
import { act, copyOf, makeAuthor, openFounded } from '../../testing/group.ts';
import { codeOf, fromHex, readVectors, valueOf } from '../../testing/vectors.ts';
import { letterIdFromBytes } from '../letter/content.ts';
import { maxMessageSize } from '../envelope/seal.ts';
import type { ChangeId, GroupId } from './change.ts';
import { decodeChange } from './change.ts';
import type { GroupNote } from './note.ts';
import {
  changesNotes,
  decodeGroupNote,
  encodeGroupNote,
  MAX_GROUP_NOTE_SIZE,
  MAX_NOTE_CHANGES,
} from './note.ts';

const vectors = readVectors('group') as {
  groupId: GroupId;
  changes: { bytes: string }[];
  heads: ChangeId[];
  frame: { bytes: string };
  notes: Record<GroupNote['type'], string>;
};
const { groupId, heads } = vectors;
const letterId = letterIdFromBytes(new Uint8Array(16).fill(5));
const changes = vectors.changes.map(({ bytes }) => valueOf(decodeChange(fromHex(bytes))));
const notes: readonly GroupNote[] = [
  { type: 'seed', seed: { ...makeChain().note, audience: fromHex(groupId) } },
  { type: 'changes', groupId, changes: changes.slice(0, 1) },
  { type: 'history-request', groupId, heads: heads.slice(0, 1), missing: heads.slice(1) },
  { type: 'message', letterId, sentAt: 9, frame: fromHex(vectors.frame.bytes) },
];

describe('group notes', () => {
  it.each(notes)('of type $type are those of the vectors and come back', (note) => {
    const bytes = encodeGroupNote(note);
    expect(bytesToHex(bytes)).toBe(vectors.notes[note.type]);
    expect(valueOf(decodeGroupNote(bytes))).toEqual(note);
  });

  it('group-note-unknown: another family, version or type', () => {
    const other = [[], [0xc1, 1, 1], [0xc2, 2, 1], [0xc2, 1, 0], [0xc2, 1, 5], [0xc2, 1]];
    const codes = other.map((head) => codeOf(decodeGroupNote(Uint8Array.from(head))));
    expect(new Set(codes)).toEqual(new Set(['group-note-unknown']));
  });

  it('carry a long history in parts that each fit a letter, and it arrives whole', () => {
    const [ada, bo] = [makeAuthor(0), makeAuthor(1)];
    const log = openFounded(ada);
    act(log, ada, { kind: 'add', member: bo.record });
    for (let at = 0; at < 2 * MAX_NOTE_CHANGES; at++) {
      act(log, ada, { kind: 'rename', name: 'n'.repeat(64) });
    }
    const parts = changesNotes(log.groupId, log.changes()).map(encodeGroupNote);
    expect(parts.length).toBeGreaterThan(2);
    const least = Math.min(MAX_GROUP_NOTE_SIZE, maxMessageSize(24_576, false));
    for (const part of parts) expect(part.length).toBeLessThanOrEqual(least);
    const read = parts.flatMap((part) => {
      const note = valueOf(decodeGroupNote(part));
      return note.type === 'changes' ? note.changes : [];
    });
    expect(read.map((one) => one.id)).toEqual(log.changes().map((one) => one.id));
    expect(copyOf(log).headsFor(ada.address)).toEqual(log.headsFor(ada.address));
  });

  it('throw at no bytes, and have one form for everything that is taken', () => {
    const again = (bytes: Uint8Array): Uint8Array => {
      const decoded = decodeGroupNote(bytes);
      return decoded.ok ? encodeGroupNote(decoded.value) : bytes;
    };
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(again(bytes)).toEqual(bytes);
      }),
    );
    const example = fc.constantFrom(...notes.map(encodeGroupNote));
    const edits = fc.array(fc.tuple(fc.nat(399), fc.nat(255)), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(example, edits, fc.nat(400), (bytes, changed, length) => {
        const broken = bytes.slice(0, length);
        for (const [at, value] of changed) if (at < broken.length) broken[at] = value;
        expect(again(broken)).toEqual(broken);
      }),
      { numRuns: 500 },
    );
  });
});
