/**
 * The IMAP server: connections of mail programs, each with a session of its own. Before:
 * socket/mail-server.ts; next: session/session.ts. Spec: docs/spec/45-mail-programs.md §4.
 */
import { MailServer, type MailServerLimits } from '../socket/mail-server.ts';
import type { LoginConnection, MailConversation, ServerLogin } from '../socket/mail-server.ts';
import type { MailSocket } from '../socket/mail-socket.ts';
import { capabilities } from './commands/capability.ts';
import { COMMANDS } from './commands/all.ts';
import type { ImapStore } from './session/hooks.ts';
import { ImapSession, type ImapSessionOptions } from './session/session.ts';

export interface ImapServerDeps {
  readonly login: ServerLogin<ImapStore>;
  /** An error that no command expects; the session goes on, the others too. */
  readonly onFault: (error: unknown, command: string) => void;
  /** Unix milliseconds. */
  readonly nowMs: () => number;
}

/** A server that listens once it is told where. */
export function createImapServer(
  options: ImapSessionOptions & MailServerLimits,
  deps: ImapServerDeps,
): MailServer {
  return new MailServer(options, {
    fullText: '* BYE too many connections\r\n',
    nowMs: () => performance.now(),
    converse: (socket, self) => converse({ socket, self }, options, deps),
  });
}

function converse(
  { socket, self }: { readonly socket: MailSocket; readonly self: LoginConnection },
  options: ImapSessionOptions,
  { login, onFault, nowMs }: ImapServerDeps,
): MailConversation {
  const session = new ImapSession(options, {
    login: { login: (user, password) => login.login(user, password, self) },
    onFault,
    commands: COMMANDS,
    transport: socket,
    now: () => Math.floor(nowMs() / 1_000),
  });
  session.greet(capabilities(session)).catch(() => socket.destroy());
  return {
    get isLoggedIn() {
      return session.state !== 'greeted';
    },
    receive: async (chunk) => session.receive(chunk),
    leave: async (reason) => session.leave(reason),
    close: () => session.close(),
  };
}
