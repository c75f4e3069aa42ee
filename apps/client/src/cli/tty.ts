/**
 * The real terminal of the process. The only file of the command line besides main.ts that reads
 * the process's streams.
 */
import { homedir } from 'node:os';
import { createInterface } from 'node:readline/promises';
import { ClientError } from '../client-error.ts';
import type { Terminal } from './terminal.ts';

const CTRL_C = '\u0003';
const CTRL_D = '\u0004';
const DEFAULT_COLUMNS = 80;

export function processTerminal(): Terminal {
  const { env, stdin, stdout, stderr } = process;
  return {
    env,
    homeDir: env['HOME'] ?? homedir(),
    isInputTty: stdin.isTTY,
    isOutputTty: stdout.isTTY,
    isErrorTty: stderr.isTTY,
    columns: stdout.isTTY ? stdout.columns : DEFAULT_COLUMNS,
    errorStream: stderr,
    out: (content) => {
      stdout.write(content);
    },
    err: (text) => {
      stderr.write(text);
    },
    readInput: async () => {
      const chunks: Uint8Array[] = [];
      for await (const chunk of stdin) chunks.push(chunk as Uint8Array);
      return Buffer.concat(chunks);
    },
    ask: (question, isSecret) => (isSecret ? askSecret(question) : askLine(question)),
    screenStreams: () =>
      stdin.isTTY && stdout.isTTY ? { input: stdin, output: stdout } : undefined,
    guardScreen,
    untilSignal: () =>
      new Promise((resolve) => {
        for (const signal of ['SIGINT', 'SIGTERM'] as const) {
          process.once(signal, () => resolve(signal));
        }
      }),
  };
}

/** A crash is printed by main.ts, which listens since before: the screen must be back by then. */
function guardScreen(leave: () => void, restore: () => void): () => void {
  const ends = ['SIGTERM', 'SIGHUP'] as const;
  const ignore = (): void => {};
  process.prependListener('uncaughtException', restore);
  process.prependListener('unhandledRejection', restore);
  for (const signal of ends) process.on(signal, leave);
  process.on('SIGINT', ignore);
  process.on('exit', restore);
  return () => {
    process.off('uncaughtException', restore);
    process.off('unhandledRejection', restore);
    for (const signal of ends) process.off(signal, leave);
    process.off('SIGINT', ignore);
    process.off('exit', restore);
  };
}

async function askLine(question: string): Promise<string> {
  const reader = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await reader.question(question);
  } finally {
    reader.close();
  }
}

/** One line without echo. Ctrl-C ends the program as it would anywhere else. */
async function askSecret(question: string): Promise<string> {
  const { stdin, stderr } = process;
  stderr.write(question);
  stdin.setRawMode(true);
  stdin.setEncoding('utf8');
  let line = '';
  try {
    for await (const chunk of stdin.iterator({ destroyOnReturn: false })) {
      for (const character of String(chunk)) {
        if (character === CTRL_C) throw new ClientError('passphrase-missing', 'cancelled');
        if (character === '\r' || character === '\n' || character === CTRL_D) return line;
        line = character === '\u007f' ? Array.from(line).slice(0, -1).join('') : line + character;
      }
    }
    return line;
  } finally {
    stdin.setRawMode(false);
    stdin.pause();
    stderr.write('\n');
  }
}
