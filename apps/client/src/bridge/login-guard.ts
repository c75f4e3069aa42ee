/**
 * Who may speak to the bridge: the account's name with a password of a mail program. After some
 * wrong ones each try costs time, for all programs together: whoever guesses sits on this machine.
 * Before: IMAP, POP3, SMTP; after: app-passwords.ts. Spec: docs/spec/45-mail-programs.md.
 */
import type { AppPasswords } from './app-passwords.ts';

/** Wrong passwords that cost nothing: a person mistypes, a program tries twice. */
const FREE_TRIES = 5;
/** How long one answer to a wrong password may be held back. */
const MAX_WAIT_MS = 5_000;
/** A wrong password is forgotten after this time. */
const FORGET_MS = 60_000;

export interface LoginGuardDeps {
  readonly passwords: Pick<AppPasswords, 'check'>;
  /** Whether this is a name of the account. */
  readonly isOwnName: (name: string) => boolean;
  readonly nowMs: () => number;
  readonly rest: (timeMs: number) => Promise<void>;
}

export class LoginGuard {
  readonly #deps: LoginGuardDeps;
  #wrong: number[] = [];
  #turn: Promise<unknown> = Promise.resolve();

  constructor(deps: LoginGuardDeps) {
    this.#deps = deps;
  }

  /** The password's id when it and the name are right. Wrong ones wait for one another. */
  async check(name: string, password: string): Promise<string | undefined> {
    const { isOwnName, passwords } = this.#deps;
    const id = isOwnName(name) ? await passwords.check(password) : undefined;
    if (id !== undefined) return id;
    const turn = this.#turn.then(() => this.#punish());
    this.#turn = turn;
    await turn;
    return undefined;
  }

  async #punish(): Promise<void> {
    const { nowMs, rest } = this.#deps;
    this.#wrong = this.#wrong.filter((atMs) => nowMs() - atMs < FORGET_MS);
    this.#wrong.push(nowMs());
    const excess = this.#wrong.length - FREE_TRIES;
    if (excess > 0) await rest(Math.min(MAX_WAIT_MS, 2 ** excess * 50));
  }
}
