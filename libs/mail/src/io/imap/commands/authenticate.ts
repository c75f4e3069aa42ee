/** AUTHENTICATE PLAIN: RFC 3501 §6.2.2, 4616, with or without an initial response (RFC 4959). */
import type { ImapReply } from '../session/command.ts';
import { type ImapCommand, type ImapSession, LATER } from '../session/session.ts';
import { decodeBase64 } from '../syntax/arguments.ts';
import type { Octets } from '../syntax/imap-text.ts';
import { logIn } from './login.ts';

interface Authenticate {
  readonly mechanism: string;
  readonly initial: Octets | undefined;
}

export const authenticate: ImapCommand<Authenticate> = {
  name: 'AUTHENTICATE',
  states: ['greeted'],
  parse: (args) => {
    args.space();
    const mechanism = args.keyword();
    const initial = args.hasMore() ? args.run(/[A-Za-z0-9+/=]/, 'base64 is missing') : undefined;
    args.end();
    return { mechanism, initial };
  },
  run: async (session, { mechanism, initial }, { tag }) => {
    if (mechanism !== 'PLAIN') {
      return { status: 'NO', code: 'CANNOT', text: 'only PLAIN is known' };
    }
    if (initial !== undefined) return answer(session, initial === '=' ? '' : initial);
    session.continuation('');
    session.takeLine(async (line) => {
      session.tagged(tag, await session.guard('AUTHENTICATE', () => answer(session, line)));
    });
    return LATER;
  },
};

async function answer(session: ImapSession, line: Octets): Promise<ImapReply> {
  if (line === '*') return { status: 'BAD', text: 'given up' };
  const [authorize, user, password, ...rest] = decodeBase64(line)?.split('\0') ?? [];
  if (user === undefined || password === undefined || rest.length > 0) {
    return { status: 'BAD', text: 'not a response of PLAIN' };
  }
  // Nobody acts for somebody else here.
  if (authorize !== '' && authorize !== user) {
    return {
      status: 'NO',
      code: 'AUTHORIZATIONFAILED',
      text: 'one account cannot act for another',
    };
  }
  return logIn(session, user, password);
}
