import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Folder, FolderDiff, FolderMessage, NewMessage } from './folder.ts';
import {
  appendMessage,
  applyFolderDiff,
  changeFlags,
  changesSince,
  claimRecent,
  expungeMessages,
  hasFlag,
  MAX_EXPUNGED,
  MAX_FLAGS,
  newFolder,
  restoreFolder,
} from './folder.ts';

function arrival(key: string, flags: readonly string[] = []): NewMessage {
  return { messageKey: key, emailId: `e${key}`, sizeBytes: 100, internalDate: 1, flags };
}

function apply(folder: Folder, diff: FolderDiff | undefined): void {
  if (diff) applyFolderDiff(folder, diff);
}

function folderOf(...keys: string[]): Folder {
  const folder = newFolder(7);
  for (const key of keys) apply(folder, appendMessage(folder, arrival(key)).diff);
  return folder;
}

/** What a restart would read back from the records that the shell wrote. */
function reopened(folder: Folder): Folder {
  const { uidValidity, uidNext, modseq, firstRecentUid, expungedFloor } = folder;
  const stored = { uidValidity, uidNext, modseq, firstRecentUid, expungedFloor };
  const messages: FolderMessage[] = [...folder.messages.values()].toReversed();
  return restoreFolder(stored, messages, folder.expunged);
}

describe('append', () => {
  it('gives ascending UIDs, and the same UID to a message that is there', () => {
    const folder = folderOf('a', 'b');
    expect([...folder.messages.keys()]).toEqual([1, 2]);
    expect(appendMessage(folder, arrival('a'))).toEqual({ uid: 1 });
    expect(folder.uidNext).toBe(3);
  });

  it('never gives a UID twice, even after an expunge', () => {
    const folder = folderOf('a', 'b');
    apply(folder, expungeMessages(folder, [2]));
    const { uid, diff } = appendMessage(folder, arrival('b'));
    apply(folder, diff);
    expect(uid).toBe(3);
  });

  it('changes nothing before the diff is applied', () => {
    const folder = folderOf('a');
    const before = structuredClone(folder);
    appendMessage(folder, arrival('b'));
    changeFlags(folder, [1], 'add', ['\\Seen']);
    expungeMessages(folder, [1]);
    claimRecent(folder);
    expect(folder).toEqual(before);
  });
});

describe('flags', () => {
  it('are added, removed and set; case does not matter and \\Recent is not stored', () => {
    const folder = folderOf('a');
    const flags = (): readonly string[] | undefined => folder.messages.get(1)?.flags;
    apply(folder, changeFlags(folder, [1], 'add', ['\\seen', '$Forwarded', '\\RECENT']).diff);
    expect(flags()).toEqual(['$Forwarded', '\\Seen']);
    apply(folder, changeFlags(folder, [1], 'remove', ['\\SEEN']).diff);
    expect(flags()).toEqual(['$Forwarded']);
    apply(folder, changeFlags(folder, [1], 'set', ['\\Flagged', '\\flagged']).diff);
    expect(flags()).toEqual(['\\Flagged']);
    const message = folder.messages.get(1);
    expect(message && hasFlag(message, '\\FLAGGED')).toBe(true);
  });

  it('raise the modification number only when something changes', () => {
    const folder = folderOf('a', 'b');
    apply(folder, changeFlags(folder, [1], 'add', ['\\Seen']).diff);
    expect(changeFlags(folder, [1, 99], 'add', ['\\Seen'])).toEqual({ modified: [] });
    const { diff } = changeFlags(folder, [1, 2, 2], 'add', ['\\Seen']);
    expect(diff?.put.map((one) => [one.uid, one.modseq])).toEqual([[2, folder.modseq + 1]]);
  });

  it('stay as they are for messages changed since, which are named', () => {
    const folder = folderOf('a', 'b');
    const seen = folder.modseq;
    apply(folder, changeFlags(folder, [1], 'add', ['\\Seen']).diff);
    const { modified, diff } = changeFlags(folder, [1, 2], 'add', ['\\Deleted'], seen);
    expect(modified).toEqual([1]);
    expect(diff?.put.map((one) => one.uid)).toEqual([2]);
  });

  it('are bounded in number', () => {
    const folder = folderOf('a');
    const many = Array.from({ length: 100 }, (_, n) => `k${n}`);
    apply(folder, changeFlags(folder, [1], 'set', many).diff);
    expect(folder.messages.get(1)?.flags).toHaveLength(MAX_FLAGS);
  });
});

describe('expunge', () => {
  it('removes what is there and remembers the UID', () => {
    const folder = folderOf('a', 'b', 'c');
    const before = folder.modseq;
    apply(folder, expungeMessages(folder, [3, 1, 1, 42]));
    expect([...folder.messages.keys()]).toEqual([2]);
    expect(changesSince(folder, before)).toEqual({
      changed: [],
      vanished: [1, 3],
      isComplete: true,
    });
    expect(expungeMessages(folder, [1])).toBeUndefined();
  });

  it('forgets the oldest and then says that it is not complete', () => {
    const folder = newFolder(1);
    folder.uidNext = MAX_EXPUNGED + 10;
    for (let uid = 1; uid < MAX_EXPUNGED + 5; uid++) {
      const message = { ...arrival(`${uid}`), uid, modseq: 1 };
      folder.messages.set(uid, message);
    }
    apply(folder, expungeMessages(folder, [1, 2, 3]));
    const first = folder.modseq;
    const rest = Array.from({ length: MAX_EXPUNGED }, (_, n) => n + 4);
    apply(folder, expungeMessages(folder, rest));
    expect(folder.expunged).toHaveLength(MAX_EXPUNGED);
    expect(folder.expungedFloor).toBe(first);
    expect(changesSince(folder, first - 1).isComplete).toBe(false);
    expect(changesSince(folder, first).isComplete).toBe(true);
  });
});

describe('recent', () => {
  it('is told to the first session only', () => {
    const folder = folderOf('a', 'b');
    const { fromUid, diff } = claimRecent(folder);
    apply(folder, diff);
    expect(fromUid).toBe(1);
    expect(claimRecent(folder)).toEqual({ fromUid: 3 });
    apply(folder, appendMessage(folder, arrival('c')).diff);
    expect(claimRecent(folder).fromUid).toBe(3);
  });
});

describe('any history', () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('append' as const), key: fc.integer({ min: 0, max: 20 }) }),
    fc.record({
      kind: fc.constant('flags' as const),
      uid: fc.integer({ min: 1, max: 20 }),
      flag: fc.constantFrom('\\Seen', '\\Deleted', 'k'),
      change: fc.constantFrom('add' as const, 'remove' as const, 'set' as const),
    }),
    fc.record({ kind: fc.constant('expunge' as const), uid: fc.integer({ min: 1, max: 20 }) }),
  );

  it('keeps UIDs ascending and keys unique, and survives a restart anywhere', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let folder = newFolder(3);
        for (const one of steps) {
          const before = { uidNext: folder.uidNext, modseq: folder.modseq };
          if (one.kind === 'append')
            apply(folder, appendMessage(folder, arrival(`${one.key}`)).diff);
          else if (one.kind === 'expunge') apply(folder, expungeMessages(folder, [one.uid]));
          else apply(folder, changeFlags(folder, [one.uid], one.change, [one.flag]).diff);
          const again = reopened(folder);
          expect(again).toEqual(folder);
          expect([...again.messages.keys()]).toEqual([...folder.messages.keys()]);
          expect(folder.uidNext).toBeGreaterThanOrEqual(before.uidNext);
          expect(folder.modseq).toBeGreaterThanOrEqual(before.modseq);
          expect(folder.uidByKey.size).toBe(folder.messages.size);
          folder = again;
        }
      }),
    );
  });
});
