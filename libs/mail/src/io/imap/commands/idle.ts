/** IDLE: RFC 2177. Changes are told as they happen, until the program says DONE. */
import { LOGGED_IN, noArguments, ok } from '../session/command.ts';
import { type ImapCommand, LATER } from '../session/session.ts';

export const idle: ImapCommand<void> = {
  name: 'IDLE',
  states: LOGGED_IN,
  parse: noArguments,
  run: async (session, _args, { tag }) => {
    session.continuation('idling');
    session.setIdle(true);
    session.takeLine(async (line) => {
      session.setIdle(false);
      await session.tellNews();
      const isDone = line.trim().toUpperCase() === 'DONE';
      session.tagged(
        tag,
        isDone ? ok('no longer idle') : { status: 'BAD', text: 'DONE is missing' },
      );
    });
    return LATER;
  },
};
