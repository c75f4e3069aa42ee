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

  /** Whether name and password are right. Wrong ones are answered one after the other. */
  async check(name: string, password: string): Promise<boolean> {
    const isRight = this.#deps.isOwnName(name) && (await this.#deps.passwords.check(password));
    if (isRight) return true;
    const turn = this.#turn.then(() => this.#punish());
    this.#turn = turn;
    await turn;
    return false;
  }

  async #punish(): Promise<void> {
    const { nowMs, rest } = this.#deps;
    this.#wrong = this.#wrong.filter((atMs) => nowMs() - atMs < FORGET_MS);
    this.#wrong.push(nowMs());
    const excess = this.#wrong.length - FREE_TRIES;
    if (excess > 0) await rest(Math.min(MAX_WAIT_MS, 2 ** excess * 50));
  }
}
