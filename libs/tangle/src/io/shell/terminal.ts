/**
 * What the commands know of the process: its text streams, environment and signals. `main.ts` of a
 * program is the only place that has the real one; tests pass their own.
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

/** The terminal of a real process. */
export function terminalOf(process: NodeJS.Process): Terminal {
  return {
    env: process.env,
    out: (text) => {
      process.stdout.write(text);
    },
    err: (text) => {
      process.stderr.write(text);
    },
    untilSignal: () =>
      new Promise((resolve) => {
        for (const signal of ['SIGINT', 'SIGTERM'] as const) {
          process.once(signal, () => resolve(signal));
        }
      }),
  };
}

/** What was thrown, for whoever looks for our mistake: with its stack where it has one. */
export function traceOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** Ends the process with one log line when something was thrown that nobody caught. */
export function exitOnCrash(process: NodeJS.Process, name: string): void {
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(event, (error: unknown) => {
      const line = { level: 60, name, msg: event, error: traceOf(error) };
      process.stderr.write(`${JSON.stringify(line)}\n`);
      process.exit(EXIT.failed);
    });
  }
}
