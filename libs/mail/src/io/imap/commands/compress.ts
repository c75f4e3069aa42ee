/** COMPRESS DEFLATE: RFC 4978. */
import { LOGGED_IN, ok } from '../session/command.ts';
import { type ImapCommand, LATER } from '../session/session.ts';

export const compress: ImapCommand<string> = {
  name: 'COMPRESS',
  states: LOGGED_IN,
  parse: (args) => {
    args.space();
    const mechanism = args.keyword();
    args.end();
    return mechanism;
  },
  run: async (session, mechanism, { tag }) => {
    if (mechanism !== 'DEFLATE') return { status: 'BAD', text: 'only DEFLATE is known' };
    if (session.isCompressed) {
      return { status: 'NO', code: 'COMPRESSIONACTIVE', text: 'it is compressed already' };
    }
    session.tagged(tag, ok('compressed from here'));
    await session.flush();
    session.isCompressed = true;
    session.discardInput();
    session.deps.transport.compress();
    return LATER;
  },
};
