/**
 * `tangle-node tools private-network`: writes genesis, keys, settings and ports of a network of n
 * nodes on this machine, and runs them all in one process with `--run`, so that nothing is left
 * behind however it ends. Each node can also be started by itself with the file that is written for
 * it. A second run goes on with the same data. Path: tools.ts → here → private-layout.ts, run.ts.
 * Spec: docs/operating.md, "First node in ten minutes".
 */
import { closeSync, openSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { readGenesis } from '@tanglemail/tangle/io/shell/genesis-file.ts';
import { createLogger, descriptorStream } from '@tanglemail/tangle/io/shell/log.ts';
import { loadConfig } from '@tanglemail/tangle/io/shell/settings.ts';
import { closeAll, type Closable } from '@tanglemail/tangle/io/shell/shutdown.ts';
import { UsageError, type Terminal } from '@tanglemail/tangle/io/shell/terminal.ts';
import { MAX_COMMITTEE } from '@tanglemail/tangle/core/params/limits.ts';
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import { NODE_SETTINGS } from '../config/schema.ts';
import { readKeyFile } from '../keys/key-file.ts';
import type { TangleNode } from '../node.ts';
import { integerFrom } from './options.ts';
import {
  openLayout,
  PRIVATE_BOND,
  readSettings,
  type PlannedNode,
  type PrivateNetwork,
} from './private-layout.ts';
import { startNode, type Servers } from './run.ts';

interface Options {
  readonly nodes: string;
  readonly validators: string;
  readonly out: string;
  readonly portsFrom: string;
  readonly run?: boolean;
  readonly bonded?: boolean;
}

const MAX_NODES = 32;
const MAX_FIRST_PORT = 65_000;

/** `tools private-network`. */
export function privateNetworkCommand(terminal: Terminal, servers: Servers): Command {
  return new Command('private-network')
    .description('make a network of several nodes on this machine, and run it')
    .option('--nodes <count>', 'how many nodes', '3')
    .option('--validators <count>', 'how many of them hold a seat of the committee', '1')
    .option('--bonded', 'a new network whose nodes all bond tokens and elect the committee')
    .option('--out <folder>', 'where everything is kept', 'private-network')
    .option('--ports-from <port>', 'first port of a new network', '21000')
    .option('--run', 'run all nodes until SIGINT or SIGTERM')
    .addHelpText(
      'after',
      '\nExamples:\n  tangle-node tools private-network --nodes 3 --out try --run\n' +
        '  tangle-node tools private-network --nodes 5 --bonded --out elected --run\n' +
        '  tangle-node tools private-network --out try   # shows what is there',
    )
    .action(async (options: Options) => {
      const nodes = integerFrom('--nodes', options.nodes, MAX_NODES);
      const validators = integerFrom('--validators', options.validators, MAX_COMMITTEE);
      const portsFrom = integerFrom('--ports-from', options.portsFrom, MAX_FIRST_PORT);
      if (validators > nodes) throw new UsageError('there are more --validators than --nodes');
      const folder = resolve(options.out);
      const layout = { folder, nodes, validators, bonded: options.bonded === true, portsFrom };
      const { network, isNew } = await openLayout(layout);
      terminal.out(describe(network, folder, isNew));
      if (options.run === true) await runAll(network, folder, terminal, servers);
      else terminal.out(howToStart(network, folder));
    });
}

function describe(network: PrivateNetwork, folder: string, isNew: boolean): string {
  const lines = [
    `${isNew ? 'made' : 'goes on with'} the network ${network.name} in ${folder}`,
    ...network.nodes.flatMap((node) => [
      `  ${node.name.padEnd(8)} ${node.api}/docs   metrics ${node.metrics}` +
        (node.isValidator ? '   has a seat' : ''),
      `  ${''.padEnd(8)} ${node.gossip}`,
    ]),
    `  genesis  ${network.genesisFile}`,
    `  faucet   tangle-node faucet --config ${join(folder, 'faucet.json')}`,
    `  watch    prometheus --config.file ${join(folder, 'prometheus.yml')} \\`,
    `             --storage.tsdb.path ${join(folder, 'prometheus')}`,
  ];
  return `${lines.join('\n')}\n`;
}

function howToStart(network: PrivateNetwork, folder: string): string {
  const commands = network.nodes.map(
    ({ configFile }) => `  tangle-node start --config ${configFile}`,
  );
  return `\nall in one process:\n  tangle-node tools private-network --out ${folder} --run\n\
or each by itself, the first one first:\n${commands.join('\n')}\n`;
}

/** Runs the nodes until a signal; one that fails ends them all. */
async function runAll(
  network: PrivateNetwork,
  folder: string,
  terminal: Terminal,
  servers: Servers,
): Promise<void> {
  const logger = createLogger('error', 'tangle-private-network');
  const running: Closable[] = [];
  const nodes: TangleNode[] = [];
  try {
    for (const node of network.nodes) nodes.push(await runOne(node, running, servers));
    terminal.out('\nall nodes run; Ctrl-C stops them\n');
    if (network.bonded) running.push(bondAll(network, folder, terminal));
    const failures = nodes.map(({ failure }) => failure);
    const ending = await Promise.race([terminal.untilSignal(), ...failures]);
    if (typeof ending !== 'string') throw ending;
    terminal.out('stopping …\n');
  } finally {
    await closeAll(running, logger);
  }
  terminal.out('all nodes have stopped; the data stay\n');
}

/** Bonds for every node that has none, once its milestones come; `close` gives it up. */
function bondAll(network: PrivateNetwork, folder: string, terminal: Terminal): Closable {
  const abort = new AbortController();
  const bonding = bondMissing(network, folder, abort.signal).then(
    (count) => terminal.out(`${count} bonds were made; the next election counts them all\n`),
    (error: unknown) => {
      if (!abort.signal.aborted) terminal.err(`the nodes are not bonded: ${String(error)}\n`);
    },
  );
  return {
    close: async () => {
      abort.abort();
      await bonding;
    },
  };
}

/** All in one transaction of the faucet's wallet, so that none is elected before the others. */
async function bondMissing(
  network: PrivateNetwork,
  folder: string,
  signal: AbortSignal,
): Promise<number> {
  const [{ openNodeWallet }, { bondOutput, findBonds }] = await Promise.all([
    import('../node-wallet.ts'),
    import('./bonds.ts'),
  ]);
  const [genesis, owner] = await Promise.all([
    readGenesis(network.genesisFile),
    readKeyFile(join(folder, 'faucet.key')),
  ]);
  const nodeUrl = network.nodes[0]?.api ?? '';
  const access = await openNodeWallet({ nodeUrl, genesis, powThreads: 1 });
  try {
    const held = await findBonds(access, { owner: owner.address });
    const known = new Set(held.map(({ bond }) => bytesToHex(bond.publicKey)));
    const keys = network.nodes.flatMap(({ validatorKey = [] }) => validatorKey);
    const pairs = await Promise.all(keys.map((file) => readKeyFile(file)));
    const missing = pairs.filter(({ publicKey }) => !known.has(bytesToHex(publicKey)));
    if (missing.length === 0) return 0;
    const outputs = missing.map(({ publicKey }) => bondOutput(owner, publicKey, PRIVATE_BOND));
    await access.wallet.sendTransaction({ from: [owner.secretKey], outputs, signal });
    return missing.length;
  } finally {
    await access.close();
  }
}

async function runOne(
  node: PlannedNode,
  running: Closable[],
  servers: Servers,
): Promise<TangleNode> {
  const content = await readSettings(node.configFile);
  const file = { path: node.configFile, content };
  const config = loadConfig(NODE_SETTINGS, { flags: {}, env: {}, file });
  const descriptor = openSync(node.logFile, 'a', 0o600);
  running.push({ close: () => closeSync(descriptor) });
  const logger = createLogger(config.logLevel, node.name, descriptorStream(descriptor));
  const genesis = await readGenesis(config.genesisFile);
  return await startNode({ config, genesis, logger }, servers, running);
}
