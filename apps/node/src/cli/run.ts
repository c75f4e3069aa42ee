/**
 * `tangle-node start` and `tangle-node faucet` (their parts are loaded late, so that help is
 * quick): from settings to a running process, and back down on a signal in the reverse order.
 */
import { Command } from 'commander';
import { randomBytes } from 'node:crypto';
import { errorFields, type Logger } from '@tanglemail/tangle/io/logger.ts';
import { addSettings, settingsOf, settingsText } from '@tanglemail/tangle/io/shell/flags.ts';
import { readGenesis } from '@tanglemail/tangle/io/shell/genesis-file.ts';
import type { RunningServer } from '@tanglemail/tangle/io/shell/http.ts';
import { closeAll, type Closable } from '@tanglemail/tangle/io/shell/shutdown.ts';
import { createLogger } from '@tanglemail/tangle/io/shell/log.ts';
import type { Terminal } from '@tanglemail/tangle/io/shell/terminal.ts';
import { NODE_SETTINGS, type NodeConfig } from '../config/schema.ts';
import type { Faucet } from '../faucet/faucet.ts';
import type { NodeOptions } from '../foundation.ts';
import type { TangleNode } from '../node.ts';

/** What starts the HTTP servers; Nest stays behind it. */
export interface Servers {
  /** With the token of control, where there is control: the node's pages may use it too. */
  nodeApi(node: TangleNode, controlToken: string | undefined): Promise<RunningServer>;
  controlApi(node: TangleNode, token: string): Promise<RunningServer>;
  faucetApi(faucet: Faucet, config: NodeConfig, logger: Logger): Promise<RunningServer>;
}

const GENESIS_HINT = '; make one with `tangle-node tools genesis`';

export function startCommand(terminal: Terminal, servers: Servers): Command {
  const command = new Command('start').description('run a node until SIGINT or SIGTERM');
  addSettings(command, NODE_SETTINGS, (key) => !key.startsWith('faucet.'));
  return command
    .option('--check', 'print every setting and where it came from, check the genesis, and end')
    .option('--accept-lost-votes', 'validate although votes.log is lost for good: listen first')
    .addHelpText('after', '\nExample:\n  tangle-node start --config node.json --log-level debug')
    .action(async () => {
      const config = await settingsOf(command, NODE_SETTINGS, terminal);
      const acceptLostVotes = command.getOptionValue('acceptLostVotes') === true;
      if (command.getOptionValue('check') === true) await checkSettings(command, config, terminal);
      else await runNode({ config, acceptLostVotes }, terminal, servers);
    });
}

/** What `start` would begin with; there are no secrets among settings, only files of them. */
async function checkSettings(
  command: Command,
  config: NodeConfig,
  terminal: Terminal,
): Promise<void> {
  terminal.out(await settingsText(command, NODE_SETTINGS, terminal));
  const { name, committee } = await readGenesis(config.genesisFile, GENESIS_HINT);
  terminal.out(`\nnetwork ${name}, a committee of ${committee.length}: these settings are good\n`);
}

async function runNode(
  { config, acceptLostVotes }: { config: NodeConfig; acceptLostVotes: boolean },
  terminal: Terminal,
  servers: Servers,
): Promise<void> {
  const logger = createLogger(config.logLevel, 'tangle-node');
  const genesis = await readGenesis(config.genesisFile, GENESIS_HINT);
  const abort = new AbortController();
  const running: Closable[] = [];
  const options = { config, genesis, logger, acceptLostVotes, signal: abort.signal };
  const starting = startNode(options, servers, running);
  try {
    const failure = starting.then((node) => node.failure);
    const ending = await Promise.race([terminal.untilSignal(), failure]);
    if (typeof ending !== 'string') throw ending;
    logger.info({ signal: ending }, 'stopping');
  } catch (error) {
    logger.error(errorFields(error), 'the node ends because of a failure');
    throw error;
  } finally {
    abort.abort();
    // A signal may come while the node starts: it is taken down when all of it is there.
    const opened = starting.then(
      () => running,
      () => running,
    );
    await closeAll(opened, logger);
  }
  await starting.catch((error: unknown) => {
    if (!isAbort(error)) throw error;
  });
  logger.info({}, 'stopped');
}

function isAbort(error: unknown): boolean {
  return typeof error === 'object' && error !== null && Reflect.get(error, 'name') === 'AbortError';
}

/** Opens and starts a node with its API; what has to be closed again is put into `running`. */
export async function startNode(
  options: NodeOptions,
  servers: Servers,
  running: Closable[],
): Promise<TangleNode> {
  const { TangleNode: Node } = await import('../node.ts');
  const node = await Node.open(options);
  running.push({ close: () => node.stop() });
  await node.start();
  // New at each start, and known to both servers of this run.
  const token = randomBytes(32).toString('hex');
  const { api: apiConfig, control: controlConfig } = options.config;
  if (apiConfig.enabled) {
    const api = await servers.nodeApi(node, controlConfig.enabled ? token : undefined);
    running.push(api);
    options.logger.info({ url: api.url }, 'API is listening');
  }
  if (controlConfig.enabled) {
    const control = await servers.controlApi(node, token);
    running.push(control);
    options.logger.info({ url: control.url }, 'control is listening');
  }
  return node;
}

export function faucetCommand(terminal: Terminal, servers: Servers): Command {
  const command = new Command('faucet').description(
    'give tokens of a development network to whoever asks',
  );
  const common = new Set(['logLevel', 'pow.threads', 'genesisFile']);
  addSettings(command, NODE_SETTINGS, (key) => key.startsWith('faucet.') || common.has(key));
  return command
    .addHelpText('after', '\nExample:\n  tangle-node faucet --faucet-key-file faucet.key')
    .action(async () => {
      const config = await settingsOf(command, NODE_SETTINGS, terminal);
      await runFaucet(config, terminal, servers);
    });
}

async function runFaucet(config: NodeConfig, terminal: Terminal, servers: Servers): Promise<void> {
  const logger = createLogger(config.logLevel, 'tangle-faucet');
  const genesis = await readGenesis(config.genesisFile, GENESIS_HINT);
  const { Faucet: Dispensary } = await import('../faucet/faucet.ts');
  const faucet = await Dispensary.open({ config, genesis, logger });
  const running: Closable[] = [{ close: () => faucet.stop() }];
  try {
    faucet.start();
    const api = await servers.faucetApi(faucet, config, logger);
    running.push(api);
    logger.info({ url: api.url }, 'faucet is listening');
    logger.info({ signal: await terminal.untilSignal() }, 'stopping');
  } finally {
    await closeAll(running, logger);
  }
}
