/** LOGOUT: RFC 3501 §6.1.3. */
import { ANY, noArguments, ok } from '../session/command.ts';
import type { ImapCommand } from '../session/session.ts';

export const logout: ImapCommand<void> = {
  name: 'LOGOUT',
  states: ANY,
  parse: noArguments,
  run: async (session) => {
    session.untagged('BYE until next time');
    session.close();
    return ok('logged out');
  },
};
