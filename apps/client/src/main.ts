/**
 * The program `tanglemail`: hands the process to the command line. Everything that a command needs
 * is loaded by the command itself, so that `--help` is quick.
 */
import { runProgram } from './cli/program.ts';
import { processTerminal } from './cli/tty.ts';

for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(event, (error: unknown) => {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    process.stderr.write(
      `${JSON.stringify({ level: 60, name: 'tanglemail', msg: event, error: text })}\n`,
    );
    process.exit(1);
  });
}

// A reader that has seen enough, such as `head`, is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

process.exit(await runProgram(process.argv.slice(2), processTerminal()));
