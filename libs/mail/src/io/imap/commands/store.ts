/** STORE and UID STORE: RFC 3501 §6.4.6, UNCHANGEDSINCE of RFC 7162 §3.1.3. */
import { flagsAfter, type FlagChange } from '../../../core/folder/folder.ts';
import { ok, SELECTED } from '../session/command.ts';
import type { ImapCommand, ImapSession } from '../session/session.ts';
import { type Arguments, SyntaxProblem } from '../syntax/arguments.ts';
import { formatSequenceSet, type SequenceSet } from '../syntax/sequence-set.ts';
import { refuseReadOnly } from './expunge.ts';

interface Store {
  readonly set: SequenceSet;
  readonly change: FlagChange;
  readonly isSilent: boolean;
  readonly flags: readonly string[];
  readonly unchangedSince: number | undefined;
}

export const store: ImapCommand<Store> = {
  name: 'STORE',
  states: SELECTED,
  hasUidForm: true,
  keepsNumbers: true,
  parse: (args) => {
    args.space();
    const set = args.sequenceSet();
    args.space();
    const unchangedSince = readUnchangedSince(args);
    const { change, isSilent } = readChange(args);
    args.space();
    const flags = args.flags();
    args.end();
    return { set, change, isSilent, flags, unchangedSince };
  },
  run: async (session, { set, change, isSilent, flags, unchangedSince }, { isUid }) => {
    refuseReadOnly(session);
    if (unchangedSince !== undefined) session.enableCondstore();
    const uids = session.uidsOf(set, isUid);
    const { allowed, modified } = split(session, uids, unchangedSince);
    const { folderId } = session.selected;
    const expected = isSilent ? expectedFlags(session, allowed, { change, flags }) : undefined;
    if (allowed.length > 0) await session.store.changeFlags(folderId, allowed, change, flags);
    tellResult(session, allowed, { expected, isUid });
    if (modified.length === 0) {
      const isGone = allowed.length < uids.length;
      return isGone ? ok('some messages are gone', 'EXPUNGEISSUED') : ok('stored');
    }
    const named = isUid ? modified : modified.map((uid) => session.selected.numberOf(uid));
    return ok('some were changed meanwhile', `MODIFIED ${formatSequenceSet(named)}`);
  },
};

function readUnchangedSince(args: Arguments): number | undefined {
  if (args.next !== '(') return undefined;
  const [since] = args.list(() => {
    if (args.keyword() !== 'UNCHANGEDSINCE') throw new SyntaxProblem('an option is unknown');
    args.space();
    return args.modseq();
  }, true);
  args.space();
  return since;
}

function readChange(args: Arguments): { readonly change: FlagChange; readonly isSilent: boolean } {
  const change = args.take('+') ? 'add' : args.take('-') ? 'remove' : 'set';
  const item = args.run(/[A-Za-z.]/, 'FLAGS is missing').toUpperCase();
  if (item !== 'FLAGS' && item !== 'FLAGS.SILENT') throw new SyntaxProblem('FLAGS is missing');
  return { change, isSilent: item === 'FLAGS.SILENT' };
}

function split(
  session: ImapSession,
  uids: readonly number[],
  unchangedSince: number | undefined,
): { readonly allowed: number[]; readonly modified: number[] } {
  const { messages } = session.folderState();
  const [allowed, modified]: [number[], number[]] = [[], []];
  for (const uid of uids) {
    const message = messages.get(uid);
    if (message === undefined) continue;
    const isNewer = unchangedSince !== undefined && message.modseq > unchangedSince;
    (isNewer ? modified : allowed).push(uid);
  }
  return { allowed, modified };
}

/** By UID, what a program takes for granted that asks for no answer. */
function expectedFlags(
  session: ImapSession,
  uids: readonly number[],
  { change, flags }: { readonly change: FlagChange; readonly flags: readonly string[] },
): ReadonlyMap<number, string> {
  const { messages } = session.folderState();
  const expected = new Map<number, string>();
  for (const uid of uids) {
    const before = messages.get(uid);
    if (before === undefined) continue;
    const isKnown = change === 'set' || session.selected.isKnown(before);
    if (isKnown) expected.set(uid, flagsAfter(before.flags, change, flags).join(' '));
  }
  return expected;
}

/**
 * The flags as they are now. Silent programs learn only the modification numbers, if they ask, and
 * what somebody else changed (RFC 3501 §6.4.6).
 */
function tellResult(
  session: ImapSession,
  uids: readonly number[],
  {
    expected,
    isUid,
  }: { readonly expected: ReadonlyMap<number, string> | undefined; readonly isUid: boolean },
): void {
  const { selected, enabled } = session;
  const { messages } = session.folderState();
  for (const uid of uids) {
    const message = messages.get(uid);
    if (message === undefined) continue;
    selected.markKnown(message);
    if (expected?.get(uid) !== message.flags.join(' ')) session.tellFlags(message, isUid);
    else if (enabled.has('CONDSTORE')) {
      const items = [`MODSEQ (${message.modseq})`];
      if (isUid || enabled.has('QRESYNC')) items.unshift(`UID ${uid}`);
      session.untagged(`${selected.numberOf(uid)} FETCH (${items.join(' ')})`);
    }
  }
}
