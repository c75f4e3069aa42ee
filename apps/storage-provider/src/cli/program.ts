/**
 * The command line of `tangle-provider`: commands, help, and how every error becomes an exit code
 * and one line. A mistake of the user is told in words; a stack trace means a mistake of ours.
 */
import { Command, CommanderError } from 'commander';
import { StoreError } from '@tanglemail/tangle/io/level/store-error.ts';
import { ConfigError } from '../config/load.ts';
import { KeyFileError } from '../keys/key-file.ts';
import { configDocsCommand, initCommand, startCommand, statusCommand } from './run.ts';
import type { Servers } from './run.ts';
import { EXIT, UsageError } from './terminal.ts';
import type { Terminal } from './terminal.ts';

const HELP = `
Examples:
  tangle-provider init --key-file provider-key.json
  tangle-provider start --config provider.json
  tangle-provider start --genesis-file genesis.json --node-url http://127.0.0.1:14265
  tangle-provider status

Exit codes: 0 done, 1 failed while running, 2 wrong command, setting or file.`;

/** The whole program; `servers` starts the HTTP server, which only main.ts knows. */
export function buildProgram(terminal: Terminal, servers: Servers): Command {
  const program = new Command('tangle-provider')
    .description('Keeps sealed mail for mailboxes that pay, and signs receipts for it.')
    .version('0.1.0')
    .addHelpText('after', HELP)
    .addCommand(startCommand(terminal, servers))
    .addCommand(initCommand(terminal))
    .addCommand(statusCommand(terminal))
    .addCommand(configDocsCommand(terminal));
  configure(program, terminal);
  return program;
}

function configure(command: Command, terminal: Terminal): void {
  command.exitOverride();
  command.configureOutput({
    writeOut: (text) => terminal.out(text),
    writeErr: (text) => terminal.err(text),
  });
  command.showHelpAfterError('(add --help for the options)');
  for (const child of command.commands) configure(child, terminal);
}

const MISTAKES = [UsageError, ConfigError, KeyFileError];

/** Runs one command line (without program and script name); resolves with the exit code. */
export async function runProgram(
  argv: readonly string[],
  terminal: Terminal,
  servers: Servers,
): Promise<number> {
  try {
    await buildProgram(terminal, servers).parseAsync([...argv], { from: 'user' });
    return EXIT.done;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    if (error instanceof Error && MISTAKES.some((type) => error instanceof type)) {
      terminal.err(`tangle-provider: ${error.message}\n`);
      return EXIT.usage;
    }
    if (error instanceof StoreError) {
      terminal.err(`tangle-provider: ${error.message}\n`);
      return EXIT.failed;
    }
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    terminal.err(`tangle-provider: unexpected failure\n${text}\n`);
    return EXIT.failed;
  }
}
