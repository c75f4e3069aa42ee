/**
 * What the commands know of the process: its streams, environment and signals. `main.ts` is the
 * only place that has the real one; tests pass their own.
 */
import type { ReadStream, WriteStream } from 'node:tty';

export interface ScreenStreams {
  readonly input: ReadStream;
  readonly output: WriteStream;
}

export interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly homeDir: string;
  /** Which streams a person looks at. */
  readonly isInputTty: boolean;
  readonly isOutputTty: boolean;
  readonly isErrorTty: boolean;
  /** Width of the screen in columns; 80 when nobody knows. */
  readonly columns: number;
  /** Writes to standard output as it is. */
  out(content: string | Uint8Array): void;
  /** Writes text to standard error as it is. */
  err(text: string): void;
  /** Standard error itself, for progress bars. */
  readonly errorStream: NodeJS.WritableStream;
  /** All of standard input. */
  readInput(): Promise<Uint8Array>;
  /** Asks on standard error and reads one line from the terminal, without echo when `isSecret`. */
  ask(question: string, isSecret: boolean): Promise<string>;
  /** The whole screen and its keys; undefined when input or output is no terminal. */
  screenStreams(): ScreenStreams | undefined;
  /**
   * While a program has the whole screen: `leave` is called at SIGTERM and SIGHUP, `restore` before
   * the process ends in any other way. SIGINT ends nothing meanwhile, since Ctrl-C is a key there
   * and in an editor. Gives what ends this.
   */
  guardScreen(leave: () => void, restore: () => void): () => void;
  /** Resolves at the first SIGINT or SIGTERM with the signal's name. */
  untilSignal(): Promise<string>;
}

/** Exit codes of every command. */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  noDaemon: 3,
  notFound: 4,
  refused: 5,
} as const;

/** One JSON document and a line end. */
export function outJson(terminal: Terminal, value: unknown): void {
  terminal.out(`${JSON.stringify(value, undefined, 2)}\n`);
}
