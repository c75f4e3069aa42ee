/** NAMESPACE: RFC 2342. All folders are one's own, and `/` stands between their names. */
import { LOGGED_IN, noArguments, ok } from '../session/command.ts';
import type { ImapCommand } from '../session/session.ts';

export const namespace: ImapCommand<void> = {
  name: 'NAMESPACE',
  states: LOGGED_IN,
  parse: noArguments,
  run: async (session) => {
    session.untagged('NAMESPACE (("" "/")) NIL NIL');
    return ok('one namespace');
  },
};
