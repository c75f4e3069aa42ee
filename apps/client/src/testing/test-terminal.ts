/** A terminal for specs: remembers what was written, and answers questions from a list. */
import { PassThrough } from 'node:stream';
import type { Terminal } from '../cli/terminal.ts';

export interface TestTerminal extends Terminal {
  readonly written: { out: string; err: string };
  /** All bytes of standard output. */
  bytes(): Uint8Array;
}

export interface TestTerminalOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Standard input of a script; without it a person sits at the terminal. */
  readonly input?: string;
  readonly answers?: readonly string[];
  readonly columns?: number;
  /** When it resolves, the process gets this signal. */
  readonly signal?: Promise<string>;
}

export function testTerminal(options: TestTerminalOptions = {}): TestTerminal {
  const written = { out: '', err: '' };
  const chunks: Uint8Array[] = [];
  const answers = [...(options.answers ?? [])];
  const isPerson = options.answers !== undefined;
  return {
    written,
    bytes: () => new Uint8Array(Buffer.concat(chunks)),
    env: options.env ?? {},
    homeDir: '/nonexistent',
    isInputTty: isPerson,
    isOutputTty: false,
    isErrorTty: isPerson,
    columns: options.columns ?? 80,
    errorStream: new PassThrough(),
    out: (content) => {
      chunks.push(typeof content === 'string' ? Buffer.from(content) : content);
      written.out += typeof content === 'string' ? content : Buffer.from(content).toString('utf8');
    },
    err: (text) => {
      written.err += text;
    },
    readInput: async () => Buffer.from(options.input ?? ''),
    ask: async (question) => {
      written.err += question;
      const answer = answers.shift();
      if (answer === undefined) throw new Error(`no answer for "${question}"`);
      return answer;
    },
    screenStreams: () => undefined,
    guardScreen: () => () => {},
    untilSignal: () => options.signal ?? new Promise(() => {}),
  };
}
