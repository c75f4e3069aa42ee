/** ID: RFC 2971. Says what this server is; what the program says of itself is not kept. */
import { ANY, ok } from '../session/command.ts';
import type { ImapCommand } from '../session/session.ts';
import { SyntaxProblem } from '../syntax/arguments.ts';
import { list, string } from '../syntax/imap-text.ts';

const MAX_FIELDS = 60;

export const id: ImapCommand<void> = {
  name: 'ID',
  states: ANY,
  parse: (args) => {
    args.space();
    if (args.next === '(') {
      const fields = args.list(() => args.nstring());
      if (fields.length > MAX_FIELDS) throw new SyntaxProblem('too many fields');
    } else if (args.nstring() !== undefined) {
      throw new SyntaxProblem('a list is missing');
    }
    args.end();
  },
  run: async (session) => {
    const { serverName, serverVersion } = session.options;
    const fields = ['name', serverName, 'version', serverVersion];
    session.untagged(`ID ${list(fields.map((one) => string(one, session.textMode)))}`);
    return ok('pleased to meet you');
  },
};
