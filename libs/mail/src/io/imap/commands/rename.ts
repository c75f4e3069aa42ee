/** RENAME: RFC 3501 §6.3.5. */
import { CommandRefused, type ImapReply, LOGGED_IN, ok } from '../session/command.ts';
import type { ImapCommand, ImapSession } from '../session/session.ts';
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
    const name = folderName(session, to);
    if (name === folder.name) throw new CommandRefused('it has that name', 'ALREADYEXISTS');
    if (folder.name === 'INBOX') return emptyInbox(session, folder.id, name);
    await session.store.renameFolder(folder.id, name);
    return ok('renamed');
  },
};

/** The inbox stays and its mails go to a new folder (RFC 3501 §6.3.5). */
async function emptyInbox(session: ImapSession, id: string, name: string): Promise<ImapReply> {
  const { store } = session;
  const target = await store.createFolder(name);
  const uids = [...(store.folder(id)?.messages.keys() ?? [])];
  if (uids.length > 0) await store.move(id, uids, target.id);
  return ok('the mails of the inbox are there');
}
