/**
 * The program `tangle-provider`: hands the process to the command line. The only file that touches
 * `process`; its HTTP server comes from api/, loaded when it is needed so that `--help` is quick.
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
    const line = { level: 60, name: 'tangle-provider', msg: event, error: text };
    process.stderr.write(`${JSON.stringify(line)}\n`);
    process.exit(1);
  });
}

const exitCode = await runProgram(process.argv.slice(2), terminal, {
  providerApi: async (provider) => (await import('./api/create-api.ts')).createApi(provider),
});
process.exit(exitCode);
