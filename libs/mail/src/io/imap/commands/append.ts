/**
 * APPEND: RFC 3501 §6.3.11, APPENDUID of RFC 4315, UTF8 literals of RFC 6855. The message is
 * durable when it is answered.
 */
import { LOGGED_IN, ok } from '../session/command.ts';
import type { ImapCommand } from '../session/session.ts';
import { type Arguments, SyntaxProblem } from '../syntax/arguments.ts';
import { readDateTime } from '../syntax/imap-date.ts';
import type { Octets } from '../syntax/imap-text.ts';
import { findFolder, readFolder } from './folders.ts';

interface Append {
  readonly folder: Octets;
  readonly flags: readonly string[];
  readonly internalDate: number | undefined;
  readonly raw: Uint8Array;
}

export const append: ImapCommand<Append> = {
  name: 'APPEND',
  states: LOGGED_IN,
  parse: (args) => {
    const folder = readFolder(args);
    args.space();
    let flags: string[] = [];
    if (args.next === '(') {
      flags = args.list(() => args.flag());
      args.space();
    }
    const internalDate = readTime(args);
    const raw = readMessage(args);
    args.end();
    return { folder, flags, internalDate, raw };
  },
  run: async (session, { folder, flags, internalDate, raw }) => {
    const { id } = findFolder(session, folder, 'TRYCREATE');
    const { store, deps } = session;
    const message = { raw, flags, internalDate: internalDate ?? deps.now() };
    const { uid } = await store.append(id, message);
    const state = store.folder(id);
    return ok('kept', state === undefined ? undefined : `APPENDUID ${state.uidValidity} ${uid}`);
  },
};

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
