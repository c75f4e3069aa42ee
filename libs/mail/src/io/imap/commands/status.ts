/** STATUS: RFC 3501 §6.3.10, with SIZE (8438), HIGHESTMODSEQ (7162), MAILBOXID (8474). */
import { hasFlag } from '../../../core/folder/folder.ts';
import { CommandRefused, LOGGED_IN, ok } from '../session/command.ts';
import type { ImapFolder, ImapFolderState } from '../session/hooks.ts';
import type { ImapCommand, ImapSession } from '../session/session.ts';
import { type Arguments, SyntaxProblem } from '../syntax/arguments.ts';
import type { Octets } from '../syntax/imap-text.ts';
import { list } from '../syntax/imap-text.ts';
import { findFolder, formatFolder, readFolder } from './folders.ts';

const ITEMS = [
  'APPENDLIMIT',
  'DELETED',
  'HIGHESTMODSEQ',
  'MAILBOXID',
  'MESSAGES',
  'RECENT',
  'SIZE',
  'UIDNEXT',
  'UIDVALIDITY',
  'UNSEEN',
] as const;
export type StatusItem = (typeof ITEMS)[number];

interface Status {
  readonly folder: Octets;
  readonly items: readonly StatusItem[];
}

export const status: ImapCommand<Status> = {
  name: 'STATUS',
  states: LOGGED_IN,
  parse: (args) => {
    const folder = readFolder(args);
    args.space();
    const items = readStatusItems(args);
    args.end();
    return { folder, items };
  },
  run: async (session, { folder, items }) => {
    tellStatus(session, findFolder(session, folder), items);
    return ok('counted');
  },
};

export function readStatusItems(args: Arguments): StatusItem[] {
  const items = args.list(() => {
    const name = args.keyword();
    const item = ITEMS.find((one) => one === name);
    if (item === undefined) throw new SyntaxProblem('an item of STATUS is unknown');
    return item;
  }, true);
  return [...new Set(items)];
}

/** Says the numbers of a folder. */
export function tellStatus(
  session: ImapSession,
  folder: ImapFolder,
  items: readonly StatusItem[],
): void {
  const state = session.store.folder(folder.id);
  if (state === undefined) throw new CommandRefused('there is no such folder', 'NONEXISTENT');
  if (items.includes('HIGHESTMODSEQ')) session.enableCondstore();
  const numbers = items.map((item) => `${item} ${valueOf(session, folder, state, item)}`);
  session.untagged(`STATUS ${formatFolder(session, folder.name)} ${list(numbers)}`);
}

function valueOf(
  session: ImapSession,
  folder: ImapFolder,
  state: ImapFolderState,
  item: StatusItem,
): string {
  const messages = [...state.messages.values()];
  switch (item) {
    case 'APPENDLIMIT':
      return String(session.options.maxMessageBytes);
    case 'DELETED':
      return String(messages.filter((one) => hasFlag(one, '\\Deleted')).length);
    case 'HIGHESTMODSEQ':
      return String(state.modseq);
    case 'MAILBOXID':
      return `(${folder.id})`;
    case 'MESSAGES':
      return String(state.messages.size);
    case 'RECENT':
      return String(messages.filter(({ uid }) => uid >= state.firstRecentUid).length);
    case 'SIZE':
      return String(messages.reduce((sum, one) => sum + session.store.sizeOf(one), 0));
    case 'UIDNEXT':
      return String(state.uidNext);
    case 'UIDVALIDITY':
      return String(state.uidValidity);
    default:
      return String(messages.filter((one) => !hasFlag(one, '\\Seen')).length);
  }
}
