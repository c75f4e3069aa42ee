/**
 * STARTTLS: RFC 3501 §6.2.1. What came in clear behind the command is thrown away (CVE-2011-0411).
 */
import { noArguments, ok } from '../session/command.ts';
import { type ImapCommand, LATER } from '../session/session.ts';

export const starttls: ImapCommand<void> = {
  name: 'STARTTLS',
  states: ['greeted'],
  parse: noArguments,
  run: async (session, _args, { tag }) => {
    const { transport } = session.deps;
    if (!transport.canSecure || transport.isSecure) {
      return { status: 'BAD', text: 'the connection is encrypted, or cannot be' };
    }
    session.tagged(tag, ok('begin TLS now'));
    await session.flush();
    session.discardInput();
    transport.secure();
    return LATER;
  },
};
