/**
 * The command line of `tangle-node`: commands, help, and how every error becomes an exit code and
 * one line. A mistake of the user is told in words; a stack trace means a mistake of ours.
 */
import { Command, CommanderError } from 'commander';
import { StoreError } from '@tanglemail/tangle/io/level/store-error.ts';
import { errorCode } from '../error-code.ts';
import { NODE_NAME, NODE_VERSION } from '../version.ts';
import { faucetCommand, startCommand, type Servers } from './run.ts';
import { EXIT, type Terminal } from './terminal.ts';
import { toolsCommand } from './tools.ts';

const HELP = `
Examples:
  tangle-node tools keys --out validator.key
  tangle-node tools genesis --name dev-home --committee validator.key --output faucet.key:1000000
  tangle-node start --genesis-file genesis.json --validator-key-file validator.key
  tangle-node start --config node.json --gossip-peers /ip4/192.0.2.1/tcp/15600/p2p/12D3KooW…

Exit codes: 0 done, 1 failed while running, 2 wrong command, setting or file.`;

/** The whole program; `servers` starts the HTTP servers, which only main.ts knows. */
export function buildProgram(terminal: Terminal, servers: Servers): Command {
  const program = new Command(NODE_NAME)
    .description('A node of the tangle: keeps, checks and relays blocks, and follows milestones.')
    .version(NODE_VERSION)
    .addHelpText('after', HELP)
    .addCommand(startCommand(terminal, servers))
    .addCommand(faucetCommand(terminal, servers))
    .addCommand(toolsCommand(terminal));
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

/** Errors whose message is for the operator, by name: their classes stand in parts loaded late. */
const MISTAKES: ReadonlySet<string> = new Set([
  'UsageError',
  'ConfigError',
  'KeyFileError',
  'ValidatorError',
  'VoteError',
  'PeerKeyError',
]);

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
    if (error instanceof Error && MISTAKES.has(error.name)) {
      terminal.err(`tangle-node: ${error.message}\n`);
      return EXIT.usage;
    }
    if (error instanceof StoreError) {
      terminal.err(`tangle-node: ${error.message}\n`);
      return error.code.startsWith('wrong-') ? EXIT.usage : EXIT.failed;
    }
    if (isAddressInUse(error)) {
      terminal.err('tangle-node: an address to listen on is in use or is not this machine’s\n');
      return EXIT.usage;
    }
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    terminal.err(`tangle-node: unexpected failure\n${text}\n`);
    return EXIT.failed;
  }
}

const ADDRESS_CODES = new Set(['EADDRINUSE', 'EADDRNOTAVAIL', 'EACCES']);

/** A port that is taken, said by Node's servers with a code and by libp2p around it. */
function isAddressInUse(error: unknown): boolean {
  if (ADDRESS_CODES.has(errorCode(error) ?? '')) return true;
  if (!(error instanceof Error)) return false;
  const inner: unknown[] = error instanceof AggregateError ? error.errors : [];
  return [...inner, error.cause].some((one) => isAddressInUse(one));
}
