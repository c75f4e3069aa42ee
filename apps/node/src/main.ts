/**
 * The program `tangle-node`: hands the process to the command line. The only file that touches
 * `process`; its HTTP servers come from api/, loaded when they are needed so that `--help` is
 * quick.
 */
import { exitOnCrash, terminalOf } from '@tanglemail/tangle/io/shell/terminal.ts';
import { runProgram } from './cli/program.ts';

exitOnCrash(process, 'tangle-node');
const exitCode = await runProgram(process.argv.slice(2), terminalOf(process), {
  nodeApi: async (node, controlToken) =>
    (await import('./api/create-api.ts')).createApi(node, { controlToken }),
  controlApi: async (node, token) =>
    (await import('./api/create-control-api.ts')).createControlApi(node, token),
  faucetApi: async (faucet, config, logger) =>
    (await import('./api/create-faucet-api.ts')).createFaucetApi(faucet, config, logger),
});
process.exit(exitCode);
