/** SUBSCRIBE and UNSUBSCRIBE: RFC 3501 §6.3.6, §6.3.7. */
import { LOGGED_IN, ok } from '../session/command.ts';
import type { ImapCommand } from '../session/session.ts';
import type { Octets } from '../syntax/imap-text.ts';
import { findFolder, readFolder } from './folders.ts';

function subscription(name: string, isSubscribed: boolean): ImapCommand<Octets> {
  return {
    name,
    states: LOGGED_IN,
    parse: (args) => {
      const folder = readFolder(args);
      args.end();
      return folder;
    },
    run: async (session, folder) => {
      await session.store.subscribe(findFolder(session, folder).id, isSubscribed);
      return ok(isSubscribed ? 'subscribed' : 'no longer subscribed');
    },
  };
}

export const subscribe = subscription('SUBSCRIBE', true);
export const unsubscribe = subscription('UNSUBSCRIBE', false);
