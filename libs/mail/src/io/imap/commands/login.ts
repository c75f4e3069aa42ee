/** LOGIN: RFC 3501 §6.2.3. */
import { CommandRefused, type ImapReply, ok } from '../session/command.ts';
import type { ImapCommand, ImapSession } from '../session/session.ts';
import { utf8Of } from '../syntax/arguments.ts';
import type { Octets } from '../syntax/imap-text.ts';
import { capabilities, mayLogIn } from './capability.ts';

export const login: ImapCommand<readonly [user: Octets, password: Octets]> = {
  name: 'LOGIN',
  states: ['greeted'],
  parse: (args) => {
    args.space();
    const user = args.astring();
    args.space();
    const password = args.astring();
    args.end();
    return [user, password];
  },
  run: async (session, [user, password]) => logIn(session, user, password),
};

/** Checks name and password, and answers as LOGIN and AUTHENTICATE do. */
export async function logIn(
  session: ImapSession,
  user: Octets,
  password: Octets,
): Promise<ImapReply> {
  if (!mayLogIn(session)) {
    throw new CommandRefused('passwords need an encrypted connection', 'PRIVACYREQUIRED');
  }
  const [name, secret] = [utf8Of(user), utf8Of(password)];
  const store =
    name === undefined || secret === undefined
      ? undefined
      : await session.deps.login.login(name, secret);
  if (store === undefined) {
    throw new CommandRefused('name or password is wrong', 'AUTHENTICATIONFAILED');
  }
  session.logIn(store);
  return ok('logged in', `CAPABILITY ${capabilities(session)}`);
}
