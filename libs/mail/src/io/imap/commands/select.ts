/**
 * SELECT and EXAMINE: RFC 3501 §6.3.1, with CONDSTORE and QRESYNC (RFC 7162 §3.2.5) and MAILBOXID
 * (8474).
 */
import { hasFlag } from '../../../core/folder/folder.ts';
import { CommandRefused, LOGGED_IN, ok } from '../session/command.ts';
import { FolderView } from '../session/folder-view.ts';
import type { ImapFolder, ImapFolderState } from '../session/hooks.ts';
import type { ImapCommand, ImapSession } from '../session/session.ts';
import { type Arguments, SyntaxProblem } from '../syntax/arguments.ts';
import { list, type Octets } from '../syntax/imap-text.ts';
import { formatSequenceSet, membersOf, type SequenceSet } from '../syntax/sequence-set.ts';
import { findFolder, formatFolder, readFolder } from './folders.ts';
import { vanishedSince } from './vanished.ts';

const SYSTEM_FLAGS = ['\\Answered', '\\Deleted', '\\Draft', '\\Flagged', '\\Seen'];

interface Resync {
  readonly uidValidity: number;
  readonly modseq: number;
  readonly known: SequenceSet | undefined;
}

interface Select {
  readonly folder: Octets;
  readonly isCondstore: boolean;
  readonly resync: Resync | undefined;
}

function selection(name: 'EXAMINE' | 'SELECT'): ImapCommand<Select> {
  return {
    name,
    states: LOGGED_IN,
    parse: (args) => {
      const folder = readFolder(args);
      const options = args.hasMore() ? readOptions(args) : NO_OPTIONS;
      args.end();
      return { folder, ...options };
    },
    run: async (session, { folder, isCondstore, resync }) => {
      if (session.view !== undefined) {
        session.unselect();
        if (session.isRev2 || session.enabled.has('QRESYNC')) {
          session.untagged('OK [CLOSED] the folder before is closed');
        }
      }
      if (isCondstore) session.enableCondstore();
      if (resync !== undefined && !session.enabled.has('QRESYNC')) {
        throw new SyntaxProblem('QRESYNC was not enabled');
      }
      const found = findFolder(session, folder);
      const isReadOnly = name === 'EXAMINE';
      await open(session, found, isReadOnly);
      if (resync !== undefined) tellResync(session, resync);
      return ok('selected', isReadOnly ? 'READ-ONLY' : 'READ-WRITE');
    },
  };
}

export const select = selection('SELECT');
export const examine = selection('EXAMINE');

const NO_OPTIONS = { isCondstore: false, resync: undefined };

function readOptions(args: Arguments): Omit<Select, 'folder'> {
  let isCondstore = false;
  let resync: Resync | undefined;
  args.list(() => {
    const option = args.keyword();
    if (option === 'CONDSTORE') isCondstore = true;
    else if (option === 'QRESYNC') {
      args.space();
      resync = readResync(args);
    } else throw new SyntaxProblem('an option is unknown');
  }, true);
  return { isCondstore, resync };
}

/** `(uidvalidity modseq [known-uids] [(numbers uids)])`; the pairs at the end are only a hint. */
function readResync(args: Arguments): Resync {
  args.expect('(');
  const uidValidity = args.nzNumber();
  args.space();
  const modseq = args.modseq();
  let known: SequenceSet | undefined;
  if (args.hasMore()) {
    if (args.next !== '(') {
      known = args.sequenceSet();
      if (args.hasMore()) readPairs(args);
    } else readPairs(args);
  }
  args.expect(')');
  return { uidValidity, modseq, known };
}

function readPairs(args: Arguments): void {
  args.expect('(');
  args.sequenceSet();
  args.space();
  args.sequenceSet();
  args.expect(')');
}

async function open(session: ImapSession, folder: ImapFolder, isReadOnly: boolean): Promise<void> {
  const recent = await session.claimRecent(folder.id, isReadOnly);
  const state = session.store.folder(folder.id);
  if (state === undefined) throw new CommandRefused('there is no such folder', 'NONEXISTENT');
  const view = new FolderView(folder.id, state, isReadOnly);
  for (const range of recent) view.addRecent(range);
  session.select(view);
  tellFolder(session, folder, state);
}

function tellFolder(session: ImapSession, folder: ImapFolder, state: ImapFolderState): void {
  const { selected } = session;
  const flags = selected.flagsWith(flagsInUse(state)) ?? [];
  session.untagged(`FLAGS ${list(flags)}`);
  const permanent = selected.isReadOnly ? [] : [...flags, '\\*'];
  session.untagged(`OK [PERMANENTFLAGS ${list(permanent)}] these are kept`);
  session.untagged(`${selected.size} EXISTS`);
  if (!session.isRev2) session.untagged(`${selected.recent} RECENT`);
  if (!session.isRev2) tellFirstUnseen(session, state);
  session.untagged(`OK [UIDVALIDITY ${state.uidValidity}] while it is the same, UIDs are`);
  session.untagged(`OK [UIDNEXT ${state.uidNext}] the next one`);
  session.untagged(`OK [HIGHESTMODSEQ ${state.modseq}] the last change`);
  session.untagged(`OK [MAILBOXID (${folder.id})] its id`);
  if (session.isRev2) session.untagged(`LIST () "/" ${formatFolder(session, folder.name)}`);
}

function flagsInUse(state: ImapFolderState): string[] {
  const keywords = new Set<string>();
  for (const { flags } of state.messages.values()) {
    for (const flag of flags) if (!flag.startsWith('\\')) keywords.add(flag);
  }
  return [...SYSTEM_FLAGS, ...[...keywords].toSorted()];
}

function tellFirstUnseen(session: ImapSession, state: ImapFolderState): void {
  for (const message of state.messages.values()) {
    if (hasFlag(message, '\\Seen')) continue;
    const number = session.selected.numberOf(message.uid);
    session.untagged(`OK [UNSEEN ${number}] the first that nobody read`);
    return;
  }
}

/** What a program that was here before does not know. */
function tellResync(session: ImapSession, { uidValidity, modseq, known }: Resync): void {
  const state = session.folderState();
  if (uidValidity !== state.uidValidity) return;
  const vanished = vanishedSince(state, modseq, known);
  if (vanished.length > 0) session.untagged(`VANISHED (EARLIER) ${formatSequenceSet(vanished)}`);
  const uids =
    known === undefined || known === 'saved'
      ? session.selected.uids
      : membersOf(known, session.selected.uids);
  for (const uid of uids) {
    const message = state.messages.get(uid);
    if (message !== undefined && message.modseq > modseq) session.tellFlags(message, true);
  }
}
