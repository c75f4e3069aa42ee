/** For specs: a running IMAP server over a store in memory, and a client that speaks lines. */
import { LineDialog } from '../../testing/line-dialog.ts';
import { MemoryStore } from './memory-store.ts';
import { createImapServer } from '../imap-server.ts';
import type { MailServer } from '../../socket/mail-server.ts';

export const USER = 'alice';
export const PASSWORD = 'correct horse';
/** The time of all that happens: 2026-11-02 09:11:12 UTC. */
export const NOW_SECONDS = 1_793_610_672;

const running = new Set<{ close(): unknown }>();

/** Ends what specs started. */
export async function stopAll(): Promise<void> {
  const all = [...running];
  running.clear();
  for (const one of all.toReversed()) await one.close();
}

export interface TestServer {
  readonly store: MemoryStore;
  readonly server: MailServer;
  readonly port: number;
  readonly faults: unknown[];
}

export async function startServer(
  options: { readonly maxConnections?: number; readonly maxMessageBytes?: number } = {},
): Promise<TestServer> {
  const store = new MemoryStore();
  const faults: unknown[] = [];
  const server = createImapServer(
    {
      allowsPlainLogin: true,
      maxMessageBytes: 100_000,
      serverName: 'Tanglemail',
      serverVersion: '1',
      maxConnections: 20,
      loginTimeoutMs: 60_000,
      idleTimeoutMs: 60_000,
      ...options,
    },
    {
      login: {
        login: async (user, password) =>
          user === USER && password === PASSWORD ? store : undefined,
      },
      onFault: (error) => faults.push(error),
      nowMs: () => NOW_SECONDS * 1_000,
    },
  );
  const port = await server.listen('127.0.0.1', 0);
  running.add(server);
  return { store, server, port, faults };
}

/** One connection of a mail program. */
export class ImapDialog {
  readonly #lines: LineDialog;

  private constructor(lines: LineDialog) {
    this.#lines = lines;
  }

  /** Connects and reads the greeting. */
  static async open(port: number): Promise<ImapDialog> {
    const lines = await LineDialog.open(port);
    running.add(lines);
    await lines.until(/^\* [^\n]*\n/);
    return new ImapDialog(lines);
  }

  /** As `open`, with the user logged in and a folder selected, if one is named. */
  static async loggedIn(port: number, folder?: string): Promise<ImapDialog> {
    const dialog = await ImapDialog.open(port);
    await dialog.run(`LOGIN ${USER} "${PASSWORD}"`);
    if (folder !== undefined) await dialog.run(`SELECT ${folder}`);
    return dialog;
  }

  say(octets: string): void {
    this.#lines.say(octets);
  }

  /** What was heard up to the end of the first match. */
  async until(pattern: RegExp): Promise<string> {
    return this.#lines.until(pattern);
  }

  async over(): Promise<string> {
    return this.#lines.over();
  }

  /** Gives a command; all lines of its answer, the tag of the last left out. */
  async run(command: string): Promise<string[]> {
    this.say(`t ${command}\r\n`);
    return this.answer();
  }

  async answer(tag = 't'): Promise<string[]> {
    const text = await this.until(new RegExp(`(^|\n)${tag} (OK|NO|BAD)[^\n]*\n`));
    const lines = text.trimEnd().split('\r\n');
    return [...lines.slice(0, -1), (lines.at(-1) ?? '').slice(tag.length + 1)];
  }
}
