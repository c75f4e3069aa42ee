/**
 * The program `tangle-node`: hands the process to the command line. The only file that touches
 * `process`; its HTTP servers come from api/, loaded when they are needed so that `--help` is
 * quick.
 */
import { runProgram } from './cli/program.ts';
import type { Terminal } from './cli/terminal.ts';

const terminal: Terminal = {
  env: process.env,
  out: (text) => {
    process.stdout.write(text);
  },
  err: (text) => {
    process.stderr.write(text);
  },
  untilSignal: () =>
    new Promise((resolve) => {
      for (const signal of ['SIGINT', 'SIGTERM'] as const) {
        process.once(signal, () => resolve(signal));
      }
    }),
};

for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(event, (error: unknown) => {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    process.stderr.write(
      `${JSON.stringify({ level: 60, name: 'tangle-node', msg: event, error: text })}\n`,
    );
    process.exit(1);
  });
}

const exitCode = await runProgram(process.argv.slice(2), terminal, {
  nodeApi: async (node) => (await import('./api/create-api.ts')).createApi(node),
  faucetApi: async (faucet, config, logger) =>
    (await import('./api/create-faucet-api.ts')).createFaucetApi(faucet, config, logger),
});
process.exit(exitCode);
