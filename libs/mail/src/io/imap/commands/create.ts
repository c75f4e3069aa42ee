/** CREATE: RFC 3501 §6.3.3, MAILBOXID of RFC 8474. Folders above it that are missing come along. */
import { CommandRefused, LOGGED_IN, ok } from '../session/command.ts';
import type { ImapCommand } from '../session/session.ts';
import { type Arguments, SyntaxProblem } from '../syntax/arguments.ts';
import type { Octets } from '../syntax/imap-text.ts';
import { folderName, readFolder } from './folders.ts';

interface Create {
  readonly name: Octets;
  readonly hasUse: boolean;
}

export const create: ImapCommand<Create> = {
  name: 'CREATE',
  states: LOGGED_IN,
  parse: (args) => {
    const name = readFolder(args);
    const hasUse = args.hasMore();
    if (hasUse) args.list(() => readUse(args), true);
    args.end();
    return { name, hasUse };
  },
  run: async (session, { name, hasUse }) => {
    if (hasUse) throw new CommandRefused('the special folders are there already', 'USEATTR');
    const folder = await session.store.createFolder(folderName(session, name));
    return ok('created', `MAILBOXID (${folder.id})`);
  },
};

/** `USE (\\Archive \\Sent)`: what the folder is for (RFC 6154 §3). */
function readUse(args: Arguments): void {
  if (args.keyword() !== 'USE') throw new SyntaxProblem('an option is unknown');
  args.space();
  args.list(() => {
    args.expect('\\');
    return args.atom();
  });
}
