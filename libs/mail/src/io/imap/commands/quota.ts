/** GETQUOTA and GETQUOTAROOT: RFC 9208. The one root is what the account pays for at providers. */
import { CommandRefused, LOGGED_IN, ok } from '../session/command.ts';
import type { ImapCommand, ImapSession } from '../session/session.ts';
import type { Octets } from '../syntax/imap-text.ts';
import { findFolder, formatFolder, readFolder } from './folders.ts';

const ROOT = '"mailbox"';

export const getQuota: ImapCommand<Octets> = {
  name: 'GETQUOTA',
  states: LOGGED_IN,
  parse: (args) => {
    args.space();
    const root = args.astring();
    args.end();
    return root;
  },
  run: async (session, root) => {
    if (root !== 'mailbox' || !tellQuota(session)) {
      throw new CommandRefused('there is no such quota root', 'NONEXISTENT');
    }
    return ok('counted');
  },
};

export const getQuotaRoot: ImapCommand<Octets> = {
  name: 'GETQUOTAROOT',
  states: LOGGED_IN,
  parse: (args) => {
    const folder = readFolder(args);
    args.end();
    return folder;
  },
  run: async (session, octets) => {
    const name = formatFolder(session, findFolder(session, octets).name);
    const hasQuota = session.store.quota() !== undefined;
    session.untagged(`QUOTAROOT ${name}${hasQuota ? ` ${ROOT}` : ''}`);
    tellQuota(session);
    return ok('counted');
  },
};

/** In units of 1,024 octets, rounded up. */
function tellQuota(session: ImapSession): boolean {
  const quota = session.store.quota();
  if (quota === undefined) return false;
  const units = (bytes: number): number => Math.ceil(bytes / 1_024);
  session.untagged(`QUOTA ${ROOT} (STORAGE ${units(quota.usedBytes)} ${units(quota.limitBytes)})`);
  return true;
}
