/**
 * A person in front of a program that fills the screen: tmux shows it, and types. Before: the specs
 * of the bridge; after: mail-desk.ts.
 */
import { NotYet, until } from '../../../tools/devnet/poll.ts';
import type { MailDesk } from './mail-desk.ts';

const WAIT_MS = 120_000;

/** A terminal with a program in it. */
export class Screen {
  readonly #desk: MailDesk;
  readonly #socket = ['-L', `tanglemail-${process.pid}`, '-f', '/dev/null'];

  constructor(desk: MailDesk) {
    this.#desk = desk;
  }

  async open(command: string): Promise<void> {
    await this.#tmux('new-session', '-d', '-x', '120', '-y', '30', command);
  }

  async type(...keys: readonly string[]): Promise<void> {
    await this.#tmux('send-keys', ...keys);
  }

  async shows(pattern: RegExp): Promise<void> {
    await until(`the screen shows ${pattern.source}`, WAIT_MS, async () => {
      const screen = await this.#tmux('capture-pane', '-p');
      return pattern.test(screen) || new NotYet(screen);
    });
  }

  /** Once the program has ended. */
  async isOver(): Promise<void> {
    await until('the program on the screen ends', WAIT_MS, async () => {
      const screen = await this.#tmux('capture-pane', '-p').catch(() => undefined);
      return screen === undefined || new NotYet(screen);
    });
  }

  async close(): Promise<void> {
    await this.#tmux('kill-server').catch(() => undefined);
  }

  async #tmux(...args: readonly string[]): Promise<string> {
    return this.#desk.run('tmux', [...this.#socket, ...args]);
  }
}
