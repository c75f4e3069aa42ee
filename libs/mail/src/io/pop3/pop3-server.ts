/**
 * The POP3 server: connections of mail programs, each with a session of its own. Before:
 * socket/mail-server.ts; next: pop3-session.ts. Spec: docs/spec/45-mail-programs.md §5.
 */
import type { ImapStore } from '../imap/session/hooks.ts';
import { MailServer, type MailServerLimits, type ServerLogin } from '../socket/mail-server.ts';
import { type Pop3Options, Pop3Session } from './pop3-session.ts';

export interface Pop3ServerDeps {
  readonly login: ServerLogin<ImapStore>;
  /** An error that no command expects; the session goes on, the others too. */
  readonly onFault: (error: unknown, command: string) => void;
}

/** A server that listens once it is told where. */
export function createPop3Server(
  options: Pop3Options & MailServerLimits,
  deps: Pop3ServerDeps,
): MailServer {
  const held = new Set<string>();
  const locks = {
    take: (user: string) => {
      if (held.has(user)) return undefined;
      held.add(user);
      return () => held.delete(user);
    },
  };
  return new MailServer(options, {
    fullText: '-ERR [SYS/TEMP] too many connections\r\n',
    nowMs: () => performance.now(),
    converse: (socket, self) => {
      const login = {
        login: (user: string, password: string) => deps.login.login(user, password, self),
      };
      const session = new Pop3Session(options, { ...deps, login, locks, transport: socket });
      session.greet().catch(() => socket.destroy());
      return session;
    },
  });
}
