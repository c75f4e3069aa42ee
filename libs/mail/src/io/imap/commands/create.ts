/** CREATE: RFC 3501 §6.3.3, MAILBOXID of RFC 8474. Folders above it that are missing come along. */
import { LOGGED_IN, ok } from '../session/command.ts';
import type { ImapCommand } from '../session/session.ts';
import type { Octets } from '../syntax/imap-text.ts';
import { folderName, readFolder } from './folders.ts';

export const create: ImapCommand<Octets> = {
  name: 'CREATE',
  states: LOGGED_IN,
  parse: (args) => {
    const name = readFolder(args);
    // RFC 6154: what the folder is for. Our special folders are there already.
    if (args.hasMore()) {
      args.list(() => {
        args.keyword();
        args.space();
        return args.list(() => args.flag());
      });
    }
    args.end();
    return name;
  },
  run: async (session, name) => {
    const folder = await session.store.createFolder(folderName(session, name));
    return ok('created', `MAILBOXID (${folder.id})`);
  },
};
