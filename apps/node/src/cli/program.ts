/**
 * The command line of `tangle-node`: commands and help. How it runs: tangle/io/shell.
 */
import { Command } from 'commander';
import { runCommandLine } from '@tanglemail/tangle/io/shell/command-line.ts';
import type { Terminal } from '@tanglemail/tangle/io/shell/terminal.ts';
import { NODE_NAME, NODE_VERSION } from '../version.ts';
import { controlCommand } from './control.ts';
import { faucetCommand, startCommand, type Servers } from './run.ts';
import { toolsCommand } from './tools.ts';
import { validatorCommand } from './validator.ts';

const HELP = `
Examples:
  tangle-node tools keys --out validator.key
  tangle-node tools genesis --name dev-home --committee validator.key --output faucet.key:1000000
  tangle-node start --genesis-file genesis.json --validator-key-file validator.key
  tangle-node control status --data-dir tangle-data
  tangle-node start --config node.json --gossip-peers /ip4/192.0.2.1/tcp/15600/p2p/12D3KooW…

Exit codes: 0 done, 1 failed while running, 2 wrong command, setting or file.`;

/** The whole program; `servers` starts the HTTP servers, which only main.ts knows. */
function buildProgram(terminal: Terminal, servers: Servers): Command {
  return new Command(NODE_NAME)
    .description('A node of the tangle: keeps, checks and relays blocks, and follows milestones.')
    .version(NODE_VERSION)
    .addHelpText('after', HELP)
    .addCommand(startCommand(terminal, servers))
    .addCommand(controlCommand(terminal))
    .addCommand(faucetCommand(terminal, servers))
    .addCommand(validatorCommand(terminal))
    .addCommand(toolsCommand(terminal, servers));
}

/** Errors of a node's own parts whose message is for the operator. */
const MISTAKES = ['ValidatorError', 'VoteError', 'PeerKeyError'];
/** The same for what may go better at the next attempt. */
const FAILURES = [
  'ControlFailure',
  'SnapshotError',
  'PruneError',
  'SignerError',
  'ValidatorFailure',
];

/** Runs one command line (without program and script name); resolves with the exit code. */
export async function runProgram(
  argv: readonly string[],
  terminal: Terminal,
  servers: Servers,
): Promise<number> {
  const program = buildProgram(terminal, servers);
  return await runCommandLine(program, argv, terminal, MISTAKES, FAILURES);
}
