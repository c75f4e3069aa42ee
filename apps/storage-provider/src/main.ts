/**
 * The program `tangle-provider`: hands the process to the command line. The only file that touches
 * `process`; its HTTP server comes from api/, loaded when it is needed so that `--help` is quick.
 */
import { exitOnCrash, terminalOf } from '@tanglemail/tangle/io/shell/terminal.ts';
import { runProgram } from './cli/program.ts';

exitOnCrash(process, 'tangle-provider');
const exitCode = await runProgram(process.argv.slice(2), terminalOf(process), {
  providerApi: async (provider) => (await import('./api/create-api.ts')).createApi(provider),
});
process.exit(exitCode);
