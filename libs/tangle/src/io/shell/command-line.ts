/**
 * Runs a command line: every error becomes an exit code and one line. A mistake of the user is told
 * in words; a stack trace means a mistake of ours. Path: cli/program.ts of a program → here.
 */
import { CommanderError, type Command } from 'commander';
import { errorCode } from '../error-code.ts';
import { StoreError } from '../level/store-error.ts';
import { SnapshotError } from '../snapshot/snapshot-error.ts';
import { StopError } from './shutdown.ts';
import { EXIT, traceOf, type Terminal } from './terminal.ts';

/** Errors whose message is for the operator, by name: their classes may stand in late parts. */
const MISTAKES: readonly string[] = ['UsageError', 'ConfigError', 'KeyFileError'];

/**
 * Runs `program` with `argv` (without program and script name); resolves with the exit code.
 * `mistakes` names further errors whose message is for the operator: what was typed or set is
 * wrong; `failures` those that say that something did not work.
 */
export async function runCommandLine(
  program: Command,
  argv: readonly string[],
  terminal: Terminal,
  mistakes: readonly string[] = [],
  failures: readonly string[] = [],
): Promise<number> {
  connect(program, terminal);
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return EXIT.done;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    if (error instanceof Error && failures.includes(error.name)) {
      terminal.err(`${program.name()}: ${error.message}\n`);
      return EXIT.failed;
    }
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
  if (error instanceof StopError || error instanceof SnapshotError) {
    return { text: error.message, exitCode: EXIT.failed };
  }
  const refused = addressRefused(error);
  if (refused !== undefined) return { text: refused, exitCode: EXIT.usage };
  if (isFromSystem(error)) return { text: error.message, exitCode: EXIT.failed };
  return { text: `unexpected failure\n${traceOf(error)}`, exitCode: EXIT.failed };
}

const ADDRESS_REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is in use by another process',
  EADDRNOTAVAIL: 'is not this machine’s',
  EACCES: 'is reserved: ports below 1024 need the right to listen on them',
};

/** What is wrong with an address to listen on; libraries put the system's error into their own. */
function addressRefused(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const reason = ADDRESS_REASONS[errorCode(error) ?? ''];
  const facts = error as { syscall?: unknown; address?: unknown; port?: unknown };
  if (reason !== undefined && facts.syscall === 'listen') {
    return `the address ${String(facts.address)}:${String(facts.port)} ${reason}`;
  }
  const { errors = [], cause } = error as { errors?: readonly unknown[]; cause?: unknown };
  return [...errors, cause].map(addressRefused).find((text) => text !== undefined);
}

/** An error of a system call on a file, such as "EACCES: permission denied, mkdir '/x'". */
function isFromSystem(error: unknown): error is Error {
  return error instanceof Error && 'syscall' in error && 'path' in error;
}
