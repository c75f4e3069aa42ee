/** NOOP and CHECK: RFC 3501 §6.1.2, §6.4.1. What changed is told behind every command anyway. */
import { ANY, noArguments, ok, SELECTED } from '../session/command.ts';
import type { ImapCommand } from '../session/session.ts';

export const noop: ImapCommand<void> = {
  name: 'NOOP',
  states: ANY,
  parse: noArguments,
  run: async () => ok('nothing to do'),
};

/** Everything is durable when it is answered, so there is nothing to write out. */
export const check: ImapCommand<void> = {
  name: 'CHECK',
  states: SELECTED,
  parse: noArguments,
  run: async () => ok('everything is on the disk'),
};
