/** FETCH and UID FETCH: RFC 3501 §6.4.5, CHANGEDSINCE and VANISHED of RFC 7162. */
import { hasFlag, type FolderMessage } from '../../../core/folder/folder.ts';
import { Breath } from '../session/breath.ts';
import { ok, SELECTED } from '../session/command.ts';
import type { ImapCommand, ImapSession } from '../session/session.ts';
import { type Arguments, SyntaxProblem } from '../syntax/arguments.ts';
import { type FetchItem, readFetchItems } from '../syntax/fetch-items.ts';
import { formatSequenceSet, type SequenceSet } from '../syntax/sequence-set.ts';
import { FetchAnswer } from './fetch-answer.ts';
import { vanishedSince } from './vanished.ts';

interface Fetch {
  readonly set: SequenceSet;
  readonly items: readonly FetchItem[];
  readonly changedSince: number | undefined;
  readonly hasVanished: boolean;
}

export const fetch: ImapCommand<Fetch> = {
  name: 'FETCH',
  states: SELECTED,
  hasUidForm: true,
  keepsNumbers: true,
  parse: (args, { isUid }) => {
    args.space();
    const set = args.sequenceSet();
    args.space();
    const items = readFetchItems(args);
    const { changedSince, hasVanished } = readModifiers(args);
    args.end();
    if (hasVanished && (!isUid || changedSince === undefined)) {
      throw new SyntaxProblem('VANISHED goes with UID FETCH and CHANGEDSINCE');
    }
    return { set, items, changedSince, hasVanished };
  },
  run: async (session, args, { isUid }) => {
    const { changedSince, items } = args;
    if (changedSince !== undefined || items.some(({ kind }) => kind === 'MODSEQ')) {
      session.enableCondstore();
    }
    if (args.hasVanished) tellVanished(session, args);
    const uids = session.uidsOf(args.set, isUid);
    const wanted = withImplied(items, isUid, changedSince !== undefined);
    await markSeen(session, uids, wanted);
    const missing = await tellAll(session, uids, wanted, changedSince);
    return missing > 0 ? ok('some messages are gone', 'EXPUNGEISSUED') : ok('that is all of them');
  },
};

function readModifiers(args: Arguments): {
  readonly changedSince: number | undefined;
  readonly hasVanished: boolean;
} {
  let changedSince: number | undefined;
  let hasVanished = false;
  if (!args.hasMore()) return { changedSince, hasVanished };
  args.list(() => {
    const name = args.keyword();
    if (name === 'VANISHED') hasVanished = true;
    else if (name === 'CHANGEDSINCE') {
      args.space();
      changedSince = args.modseq();
    } else throw new SyntaxProblem('a modifier is unknown');
  }, true);
  return { changedSince, hasVanished };
}

/** UID stands in every answer to UID FETCH, MODSEQ in every one to CHANGEDSINCE. */
function withImplied(items: readonly FetchItem[], isUid: boolean, hasSince: boolean): FetchItem[] {
  const all = [...items];
  const has = (kind: FetchItem['kind']): boolean => all.some((one) => one.kind === kind);
  if (isUid && !has('UID')) all.unshift({ kind: 'UID' });
  if (hasSince && !has('MODSEQ')) all.push({ kind: 'MODSEQ' });
  return all;
}

function tellVanished(session: ImapSession, { set, changedSince = 0 }: Fetch): void {
  const gone = vanishedSince(session.folderState(), changedSince, set);
  if (gone.length > 0) session.untagged(`VANISHED (EARLIER) ${formatSequenceSet(gone)}`);
}

/** Reading a body marks a message as seen, in one write for all. */
async function markSeen(
  session: ImapSession,
  uids: readonly number[],
  items: readonly FetchItem[],
): Promise<void> {
  const isReading = items.some(
    (item) => (item.kind === 'section' || item.kind === 'binary') && !item.isPeek,
  );
  if (!isReading || session.selected.isReadOnly) return;
  const { messages } = session.folderState();
  const unseen = uids.filter((uid) => {
    const message = messages.get(uid);
    return message !== undefined && !hasFlag(message, '\\Seen');
  });
  if (unseen.length === 0) return;
  await session.store.changeFlags(session.selected.folderId, unseen, 'add', ['\\Seen']);
}

/** How many of them are gone. */
async function tellAll(
  session: ImapSession,
  uids: readonly number[],
  items: readonly FetchItem[],
  changedSince: number | undefined,
): Promise<number> {
  const before = session.selected.modseq;
  const breath = new Breath();
  let missing = 0;
  for (const uid of uids) {
    if (breath.isDue) await breath.take();
    // The folder may change while answers wait for the program to read them.
    const message = session.folderState().messages.get(uid);
    if (message === undefined) missing++;
    else if (changedSince === undefined || message.modseq > changedSince) {
      const isTold = await tellOne(session, message, items, message.modseq > before);
      if (!isTold) missing++;
    }
    await session.flushIfMuch();
  }
  return missing;
}

async function tellOne(
  session: ImapSession,
  message: FolderMessage,
  items: readonly FetchItem[],
  hasChanged: boolean,
): Promise<boolean> {
  const answer = new FetchAnswer(session, message);
  // The program learns of \Seen with the body that set it.
  const asksFlags = items.some(({ kind }) => kind === 'FLAGS');
  const told = await answer.format(items);
  if (told === undefined) return false;
  if (asksFlags || hasChanged) session.selected.markKnown(message);
  session.tellNewFlags(message);
  const more = hasChanged ? changeItems(session, message, items) : '';
  session.untagged(`${session.selected.numberOf(message.uid)} FETCH (${told}${more})`);
  return true;
}

/** What a change brings that was not asked for, as RFC 7162 §3.2 and §3.2.5 want it. */
function changeItems(
  session: ImapSession,
  message: FolderMessage,
  items: readonly FetchItem[],
): string {
  const { enabled } = session;
  const asks = (kind: FetchItem['kind']): boolean => items.some((one) => one.kind === kind);
  const more: string[] = [];
  if (enabled.has('QRESYNC') && !asks('UID')) more.push(`UID ${message.uid}`);
  if (!asks('FLAGS')) more.push(`FLAGS ${session.flagsOf(message)}`);
  if (enabled.has('CONDSTORE') && !asks('MODSEQ')) more.push(`MODSEQ (${message.modseq})`);
  return more.map((one) => ` ${one}`).join('');
}
