/**
 * What the commands know of the process: its text streams, environment and signals. `main.ts` is
 * the only place that has the real one; tests pass their own.
 */

export interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Writes text to standard output as it is. */
  out(text: string): void;
  /** Writes text to standard error as it is. */
  err(text: string): void;
  /** Resolves at the first SIGINT or SIGTERM with the signal's name. */
  untilSignal(): Promise<string>;
}

/** Exit codes of every command. */
export const EXIT = { done: 0, failed: 1, usage: 2 } as const;

/** A mistake of the person who typed: shown as it stands, without a stack trace. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** One JSON document and a line end. */
export function outJson(terminal: Terminal, value: unknown): void {
  terminal.out(`${JSON.stringify(value, undefined, 2)}\n`);
}
