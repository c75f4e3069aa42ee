/** RENAME: RFC 3501 §6.3.5. */
import { LOGGED_IN, ok } from '../session/command.ts';
import type { ImapCommand } from '../session/session.ts';
import type { Octets } from '../syntax/imap-text.ts';
import { findFolder, folderName, readFolder } from './folders.ts';

export const rename: ImapCommand<readonly [from: Octets, to: Octets]> = {
  name: 'RENAME',
  states: LOGGED_IN,
  parse: (args) => {
    const from = readFolder(args);
    const to = readFolder(args);
    args.end();
    return [from, to];
  },
  run: async (session, [from, to]) => {
    const folder = findFolder(session, from);
    await session.store.renameFolder(folder.id, folderName(session, to));
    return ok('renamed');
  },
};
