/** DELETE: RFC 3501 §6.3.4. The folder's messages go to Trash: nothing is lost by a slip. */
import { CommandRefused, LOGGED_IN, ok } from '../session/command.ts';
import type { ImapCommand } from '../session/session.ts';
import type { Octets } from '../syntax/imap-text.ts';
import { findFolder, readFolder } from './folders.ts';

export const deleteFolder: ImapCommand<Octets> = {
  name: 'DELETE',
  states: LOGGED_IN,
  parse: (args) => {
    const name = readFolder(args);
    args.end();
    return name;
  },
  run: async (session, name) => {
    const folder = findFolder(session, name);
    const { name: parent } = folder;
    if (session.store.folders().some((one) => one.name.startsWith(`${parent}/`))) {
      // RFC 9051 §6.3.5: nothing below it may vanish along with it.
      throw new CommandRefused('there are folders below it', 'HASCHILDREN');
    }
    await session.store.deleteFolder(folder.id);
    return ok('deleted; its messages are in Trash');
  },
};
