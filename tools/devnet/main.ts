/**
 * `npm start`: a local network of two nodes, a faucet, a storage provider and two clients, on
 * 127.0.0.1, and the main job played on it. The only file here that touches `process`. After:
 * network.ts, play.ts.
 */
import { Command, InvalidArgumentError } from 'commander';
import { isAbsolute, relative, resolve } from 'node:path';
import { CLIENT_ROLES, Layout, type Role, writeWhole } from './layout.ts';
import { freeLock, stopAll, takeLock } from './lock.ts';
import { Devnet } from './network.ts';
import { rentMailbox } from './money.ts';
import { playMainJob } from './play.ts';
import { PROJECT_DIR } from './processes.ts';
import { stageOf } from './stage.ts';
import { reasonOf, Teller } from './tell.ts';

interface Options {
  readonly exit?: boolean;
  readonly fresh?: boolean;
  readonly stop?: boolean;
  readonly dataDir: string;
  readonly portsFrom?: number;
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** A second signal within this time is the same key press, passed on by npm. */
const SAME_SIGNAL_MS = 1_000;

const program = new Command('npm start --')
  .description('Runs a local Tanglemail network and plays the main job on it.')
  .option('--exit', 'stop after the main job; status 0 when every step succeeded, else 1')
  .option('--fresh', 'start over: delete the network in the data folder first')
  .option('--stop', 'stop what runs in the data folder, also what an earlier run left behind')
  .option('--data-dir <folder>', 'where everything is kept', 'data/devnet')
  .option('--ports-from <port>', 'first port of a new network (default: the usual ports)', portFrom)
  .addHelpText(
    'after',
    '\nExamples:\n  npm start\n  npm start -- --exit --fresh\n' +
      '  npm start -- --data-dir data/second --ports-from 20000',
  );

function portFrom(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 1_024 && port <= 65_000) return port;
  throw new InvalidArgumentError('expected a port from 1024 to 65000');
}

const options = program.parse().opts<Options>();
const tell = new Teller(process.stdout, { noColor: (process.env['NO_COLOR'] ?? '') !== '' });
const layout = new Layout(resolve(options.dataDir));
// Steps that were interrupted may still wait for something: they must not keep the process.
process.exit(options.stop === true ? await stop() : await run());

async function stop(): Promise<number> {
  try {
    const told = await stopAll(layout);
    tell.text(told.length === 0 ? 'Nothing runs here.' : told.join('\n'));
    return 0;
  } catch (error) {
    tell.text(reasonOf(error));
    return 1;
  }
}

async function run(): Promise<number> {
  const signal = firstSignal();
  try {
    takeLock(layout);
  } catch (error) {
    tell.warn('network', reasonOf(error));
    return 1;
  }
  try {
    if (options.fresh === true) layout.clear();
    const { dataDir } = layout;
    const { portsFrom } = options;
    const devnet = await Devnet.open({
      dataDir,
      ...(portsFrom === undefined ? {} : { portsFrom }),
    });
    return await runDevnet(devnet, signal);
  } catch (error) {
    tell.warn('network', reasonOf(error));
    return 1;
  } finally {
    freeLock(layout);
  }
}

/** Plays the job, then keeps the network up until a signal; stops it in any case. */
async function runDevnet(devnet: Devnet, signal: Promise<string>): Promise<number> {
  let status = 0;
  tell.text(`\nA Tanglemail network on this machine, in ${shown(layout.dataDir)}\n`);
  try {
    const work = startAndPlay(devnet);
    const interrupted = await Promise.race([work, signal]);
    if (interrupted !== undefined) status = 1;
    else if (options.exit !== true) {
      devnet.onUnexpectedEnd = (role, how) => {
        tell.warn(role, `has ended (${how}); its log is ${shown(devnet.logFile(role))}`);
      };
      tell.text(howToGoOn(devnet));
      await signal;
    }
  } catch (error) {
    tell.text(`\nThe main job failed: ${reasonOf(error)}`);
    tell.text(`The logs are in ${shown(layout.logs)}.`);
    status = 1;
  }
  tell.mute();
  try {
    await devnet.close();
    tell.text(`Everything has stopped; the data stay in ${shown(layout.dataDir)}.`);
  } catch (error) {
    tell.text(`Stopping failed: ${reasonOf(error)}`);
    status = 1;
  }
  return status;
}

async function startAndPlay(devnet: Devnet): Promise<undefined> {
  await tell.step('network', 'makes keys and genesis', async () => {
    const { networkName } = await devnet.prepare();
    const { networkId } = devnet.network;
    const doing = devnet.isNew ? 'has new keys and a genesis' : 'goes on with the same data';
    return `${doing}: ${networkName}, network id ${networkId}`;
  });
  const accounts = CLIENT_ROLES.map((role) => devnet.makeAccount(role));
  // A failure is told where the accounts are waited for.
  for (const account of accounts) account.catch(() => {});
  await startTold(devnet, { 'node-1': 'is the only validator', 'node-2': 'follows' });
  await startTold(devnet, { faucet: 'gives tokens', provider: 'sells mailboxes, sees node-2' });
  await tell.step('clients', 'make accounts', async () => {
    await Promise.all(accounts);
    return 'have accounts, each under a passphrase of its own';
  });
  await startTold(devnet, { alice: 'runs, with node-1', bob: 'runs, with node-2' });
  tell.text('\nThe main job: a paid mail from Alice to Bob\n');
  const stage = stageOf(devnet, tell);
  writeWhole(layout.factsFile, await playMainJob(stage));
  tell.text(`\nThe main job is done: every line above was checked. ${tell.seconds.toFixed(1)} s.`);
  if (options.exit !== true) {
    tell.text('\nFor what comes next, bob rents again:\n');
    await rentMailbox(stage);
  }
  return undefined;
}

/** Starts processes side by side. */
async function startTold(devnet: Devnet, roles: Partial<Record<Role, string>>): Promise<void> {
  const starts = Object.entries(roles) as [Role, string][];
  const ready = starts.map(([role]) => devnet.start(role));
  for (const start of ready) start.catch(() => {});
  for (const [at, [role, text]] of starts.entries()) {
    await tell.step(role, 'starts', async () => {
      await ready[at];
      return `${text}: ${devnet.apiOf(role)}`;
    });
  }
}

/** Resolves with the first signal; a later one that is not the same key press ends at once. */
function firstSignal(): Promise<string> {
  return new Promise((resolveSignal) => {
    let firstMs: number | undefined;
    for (const name of SIGNALS) {
      process.on(name, () => {
        if (firstMs !== undefined && performance.now() - firstMs > SAME_SIGNAL_MS) process.exit(1);
        if (firstMs === undefined) tell.text('\nStopping …');
        firstMs ??= performance.now();
        resolveSignal(name);
      });
    }
  });
}

/** A path as a person in this folder would write it. */
function shown(path: string): string {
  const near = relative(PROJECT_DIR, path);
  return near.startsWith('..') || isAbsolute(near) ? path : near;
}

/** The link of `tanglemail web`. */
function webLinkOf({ api, token }: { api: string; token: string | null }): string {
  return `${api}/#token=${token ?? ''}`;
}

function howToGoOn({ network }: Devnet): string {
  const { nodes, providers, faucet, clients } = network;
  const alice = `npx tanglemail --data-dir ${shown(clients.alice.dataDir)}`;
  const bob = `npx tanglemail --data-dir ${shown(clients.bob.dataDir)}`;
  const lines = [
    '',
    'The network stays up. Its parts; /docs is a page that describes the API:',
    ...nodes.map((one) => `  ${one.name.padEnd(9)} ${one.api}/docs   metrics ${one.metrics}`),
    ...providers.map((one) => `  ${one.name.padEnd(9)} ${one.api}/docs   metrics ${one.metrics}`),
    `  faucet    ${faucet.api}        POST /api/faucet/v1/requests {"address": "twt1…"}`,
    `  alice     ${clients.alice.api}/docs`,
    `  bob       ${clients.bob.api}/docs`,
    '',
    'Mail in a browser, each signed in by a link:',
    ...CLIENT_ROLES.map((role) => `  ${role.padEnd(9)} ${webLinkOf(clients[role])}`),
    '',
    'Go on, in another terminal:',
    `  ${alice} send --to Bob --subject Hello --body "How are you?" --wait stored`,
    `  ${bob} sync`,
    `  ${bob} inbox`,
    `  ${bob} wallet balance`,
    `  ${alice} --help`,
    '',
    `What a script needs stands in ${shown(layout.networkFile)}, logs in ${shown(layout.logs)}.`,
    'Ctrl-C stops everything; a second `npm start` goes on with the same data.',
  ];
  return lines.join('\n');
}
