/**
 * The program `tanglemail`: hands the process to the command line. Everything that a command needs
 * is loaded by the command itself, so that `--help` is quick.
 */
import { exitOnCrash } from '@tanglemail/tangle/io/shell/terminal.ts';
import { runProgram } from './cli/program.ts';
import { processTerminal } from './cli/tty.ts';

exitOnCrash(process, 'tanglemail');

// A reader that has seen enough, such as `head`, is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

process.exit(await runProgram(process.argv.slice(2), processTerminal()));
