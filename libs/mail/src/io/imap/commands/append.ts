/**
 * APPEND: RFC 3501 §6.3.11, MULTIAPPEND of RFC 3502, APPENDUID of RFC 4315, UTF8 literals of RFC
 * 6855. The messages are durable when it is answered, all of them or none.
 */
import { LOGGED_IN, ok } from '../session/command.ts';
import type { ImapCommand } from '../session/session.ts';
import { type Arguments, SyntaxProblem } from '../syntax/arguments.ts';
import { readDateTime } from '../syntax/imap-date.ts';
import type { Octets } from '../syntax/imap-text.ts';
import { findFolder, readFolder } from './folders.ts';
import { formatInOrder } from '../syntax/sequence-set.ts';

interface Appended {
  readonly flags: readonly string[];
  readonly internalDate: number | undefined;
  readonly raw: Uint8Array;
}

interface Append {
  readonly folder: Octets;
  readonly messages: readonly Appended[];
}

export const append: ImapCommand<Append> = {
  name: 'APPEND',
  states: LOGGED_IN,
  parse: (args) => {
    const folder = readFolder(args);
    args.space();
    const messages = [readAppended(args)];
    while (args.hasMore()) messages.push(readAppended(args));
    args.end();
    return { folder, messages };
  },
  run: async (session, { folder, messages }) => {
    const { id } = findFolder(session, folder, 'TRYCREATE');
    const { store, deps } = session;
    const now = deps.now();
    const uids = await store.append(
      id,
      messages.map((one) => ({ ...one, internalDate: one.internalDate ?? now })),
    );
    const state = store.folder(id);
    const code = `APPENDUID ${state?.uidValidity} ${formatInOrder(uids)}`;
    return ok('kept', state === undefined ? undefined : code);
  },
};

function readAppended(args: Arguments): Appended {
  let flags: string[] = [];
  if (args.next === '(') {
    flags = args.list(() => args.flag());
    args.space();
  }
  const internalDate = readTime(args);
  return { flags, internalDate, raw: readMessage(args) };
}

function readTime(args: Arguments): number | undefined {
  if (args.next !== '"') return undefined;
  const time = readDateTime(args.string());
  if (time === undefined) throw new SyntaxProblem('not a date and time');
  args.space();
  return time;
}

function readMessage(args: Arguments): Uint8Array {
  if (!args.take('UTF8 (') && !args.take('utf8 (')) return args.literal();
  const raw = args.literal();
  args.expect(')');
  return raw;
}
