/** CAPABILITY: RFC 3501 §6.1.1. What is offered depends on whether the connection is encrypted. */
import { ANY, noArguments, ok } from '../session/command.ts';
import type { ImapCommand, ImapSession } from '../session/session.ts';

const AFTER_LOGIN = [
  'UIDPLUS',
  'MULTIAPPEND',
  'UNSELECT',
  'MOVE',
  'IDLE',
  'NAMESPACE',
  'CHILDREN',
  'SPECIAL-USE',
  'LIST-EXTENDED',
  'LIST-STATUS',
  'STATUS=SIZE',
  'CONDSTORE',
  'QRESYNC',
  'ESEARCH',
  'SEARCHRES',
  'WITHIN',
  'SORT',
  'SORT=DISPLAY',
  'THREAD=ORDEREDSUBJECT',
  'THREAD=REFERENCES',
  'OBJECTID',
  'PREVIEW',
  'SAVEDATE',
  'BINARY',
  'UTF8=ACCEPT',
  'QUOTA',
  'QUOTA=RES-STORAGE',
];

/** What the session may use now. */
export function capabilities(session: ImapSession): string {
  const { transport } = session.deps;
  const all = ['IMAP4rev1', 'IMAP4rev2', 'LITERAL+', 'SASL-IR', 'ID', 'ENABLE'];
  if (session.state !== 'greeted') {
    all.push(...AFTER_LOGIN, `APPENDLIMIT=${session.options.maxMessageBytes}`);
    if (!session.isCompressed) all.push('COMPRESS=DEFLATE');
    return all.join(' ');
  }
  if (transport.canSecure && !transport.isSecure) all.push('STARTTLS');
  all.push(...(mayLogIn(session) ? ['AUTH=PLAIN'] : ['LOGINDISABLED']));
  return all.join(' ');
}

/** Passwords go over encrypted connections, or over loopback where that was allowed. */
export function mayLogIn(session: ImapSession): boolean {
  return session.deps.transport.isSecure || session.options.allowsPlainLogin;
}

export const capability: ImapCommand<void> = {
  name: 'CAPABILITY',
  states: ANY,
  parse: noArguments,
  run: async (session) => {
    session.untagged(`CAPABILITY ${capabilities(session)}`);
    return ok('this is what there is');
  },
};
