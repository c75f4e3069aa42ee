/** ENABLE: RFC 5161, with CONDSTORE and QRESYNC (7162), UTF8=ACCEPT (6855), IMAP4rev2 (9051). */
import { LOGGED_IN, ok } from '../session/command.ts';
import type { Extension, ImapCommand } from '../session/session.ts';

const IMPLIED: Record<Extension, readonly Extension[]> = {
  CONDSTORE: ['CONDSTORE'],
  QRESYNC: ['QRESYNC', 'CONDSTORE'],
  IMAP4REV2: ['IMAP4REV2'],
  'UTF8=ACCEPT': ['UTF8=ACCEPT'],
};

export const enable: ImapCommand<readonly string[]> = {
  name: 'ENABLE',
  states: LOGGED_IN,
  parse: (args) => {
    args.space();
    const names = [args.keyword()];
    while (args.hasMore()) names.push(args.keyword());
    args.end();
    return names;
  },
  run: async (session, names) => {
    const added: string[] = [];
    for (const name of names) {
      for (const one of IMPLIED[name as Extension] ?? []) {
        if (session.enabled.has(one)) continue;
        if (one === 'CONDSTORE') session.enableCondstore();
        else session.enabled.add(one);
        added.push(one === 'IMAP4REV2' ? 'IMAP4rev2' : one);
      }
    }
    session.untagged(['ENABLED', ...added].join(' '));
    return ok('enabled what is known');
  },
};
