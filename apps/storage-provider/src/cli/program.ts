/**
 * The command line of `tangle-provider`: commands and help. How it runs: tangle/io/shell.
 */
import { Command } from 'commander';
import { runCommandLine } from '@tanglemail/tangle/io/shell/command-line.ts';
import type { Terminal } from '@tanglemail/tangle/io/shell/terminal.ts';
import { configDocsCommand, initCommand, startCommand, statusCommand } from './run.ts';
import type { Servers } from './run.ts';

const HELP = `
Examples:
  tangle-provider init --key-file provider-key.json
  tangle-provider start --config provider.json
  tangle-provider start --genesis-file genesis.json --node-url http://127.0.0.1:14265
  tangle-provider status

Exit codes: 0 done, 1 failed while running, 2 wrong command, setting or file.`;

/** The whole program; `servers` starts the HTTP server, which only main.ts knows. */
function buildProgram(terminal: Terminal, servers: Servers): Command {
  return new Command('tangle-provider')
    .description('Keeps sealed mail for mailboxes that pay, and signs receipts for it.')
    .version('0.1.0')
    .addHelpText('after', HELP)
    .addCommand(startCommand(terminal, servers))
    .addCommand(initCommand(terminal))
    .addCommand(statusCommand(terminal))
    .addCommand(configDocsCommand(terminal));
}

/** Runs one command line (without program and script name); resolves with the exit code. */
export async function runProgram(
  argv: readonly string[],
  terminal: Terminal,
  servers: Servers,
): Promise<number> {
  return await runCommandLine(buildProgram(terminal, servers), argv, terminal);
}
