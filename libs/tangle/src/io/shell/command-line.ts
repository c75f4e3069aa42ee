/**
 * Runs a command line: every error becomes an exit code and one line. A mistake of the user is told
 * in words; a stack trace means a mistake of ours. Path: cli/program.ts of a program → here.
 */
import { CommanderError, type Command } from 'commander';
import { errorCode } from '../error-code.ts';
import { StoreError } from '../level/store-error.ts';
import { EXIT, traceOf, type Terminal } from './terminal.ts';

/** Errors whose message is for the operator, by name: their classes may stand in late parts. */
const MISTAKES: readonly string[] = ['UsageError', 'ConfigError', 'KeyFileError'];

/**
 * Runs `program` with `argv` (without program and script name); resolves with the exit code.
 * `mistakes` names further errors whose message is for the operator.
 */
export async function runCommandLine(
  program: Command,
  argv: readonly string[],
  terminal: Terminal,
  mistakes: readonly string[] = [],
): Promise<number> {
  connect(program, terminal);
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return EXIT.done;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    const { text, exitCode } = explain(error, [...MISTAKES, ...mistakes]);
    terminal.err(`${program.name()}: ${text}\n`);
    return exitCode;
  }
}

/** Help and messages of commander go to the terminal, and it never ends the process itself. */
function connect(command: Command, terminal: Terminal): void {
  command.exitOverride();
  command.configureOutput({
    writeOut: (text) => terminal.out(text),
    writeErr: (text) => terminal.err(text),
  });
  command.showHelpAfterError('(add --help for the options)');
  for (const child of command.commands) connect(child, terminal);
}

function explain(
  error: unknown,
  mistakes: readonly string[],
): { readonly text: string; readonly exitCode: number } {
  if (error instanceof Error && mistakes.includes(error.name)) {
    return { text: error.message, exitCode: EXIT.usage };
  }
  if (error instanceof StoreError) {
    const isWrongFolder = error.code.startsWith('wrong-');
    return { text: error.message, exitCode: isWrongFolder ? EXIT.usage : EXIT.failed };
  }
  if (isAddressRefused(error)) {
    const text = 'an address to listen on is in use or is not this machine’s';
    return { text, exitCode: EXIT.usage };
  }
  return { text: `unexpected failure\n${traceOf(error)}`, exitCode: EXIT.failed };
}

const ADDRESS_CODES = new Set(['EADDRINUSE', 'EADDRNOTAVAIL', 'EACCES']);

/** A port that is taken, said by Node's servers with a code and by libp2p around it. */
function isAddressRefused(error: unknown): boolean {
  if (ADDRESS_CODES.has(errorCode(error) ?? '')) return true;
  if (!(error instanceof Error)) return false;
  const inner: unknown[] = error instanceof AggregateError ? error.errors : [];
  return [...inner, error.cause].some((one) => isAddressRefused(one));
}
