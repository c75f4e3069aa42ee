/**
 * One node that validates alone, and one provider on it: real processes from dist with nothing
 * around them, for tests that treat them badly. After: tools/devnet/processes.ts.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '@tanglemail/tangle/io/testing/free-port.ts';
import { RunningProcess, runCommand } from '../../../tools/devnet/processes.ts';

/** Limits that a test of other things must not run into. */
const NO_RATE_LIMIT = {
  'api-rate-limit-per-second': '1000000',
  'api-rate-limit-burst': '1000000',
};

/** Keys and genesis of a network of one validator, in a folder of its own. */
export class SmallNetwork {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** `params` differ from those of the preset for tests. */
  static async create(
    name = 'test-e2e',
    params: Readonly<Record<string, number>> = {},
  ): Promise<SmallNetwork> {
    const network = new SmallNetwork(await mkdtemp(join(tmpdir(), 'tangle-e2e-')));
    const tool = async (...args: string[]) => await runCommand('tangle-node', ['tools', ...args]);
    await tool('keys', '--out', network.at('validator.key'));
    await tool('keys', '--out', network.at('rich.key'));
    const committee = ['--committee', network.at('validator.key')];
    const output = ['--output', `${network.at('rich.key')}:1000000000`];
    const out = ['--out', network.at('genesis.json')];
    const changes = Object.entries(params).flatMap(([key, value]) => [
      '--param',
      `${key}=${value}`,
    ]);
    const about = ['--name', name, '--preset', 'test', ...changes];
    await tool('genesis', ...about, ...committee, ...output, ...out);
    await runCommand('tangle-provider', ['init', '--key-file', network.at('provider.key')]);
    return network;
  }

  at(name: string): string {
    return join(this.folder, name);
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Where a process listens. */
export interface Ports {
  readonly api: number;
  readonly metrics: number;
  readonly gossip: number;
}

export async function freePorts(): Promise<Ports> {
  return { api: await freePort(), metrics: await freePort(), gossip: await freePort() };
}

/** Flags of a command line, `{ 'api-port': '1' }` as `--api-port 1`. */
export function flagsOf(flags: Readonly<Record<string, string>>): string[] {
  return Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value]);
}

/** Arguments of a validating node. */
export function nodeArgs(network: SmallNetwork, ports: Ports, dataDir: string): string[] {
  const flags = {
    'genesis-file': network.at('genesis.json'),
    'validator-key-file': network.at('validator.key'),
    'data-dir': dataDir,
    'gossip-listen': `/ip4/127.0.0.1/tcp/${ports.gossip}`,
    'api-port': `${ports.api}`,
    'metrics-port': `${ports.metrics}`,
    ...NO_RATE_LIMIT,
  };
  return ['start', ...flagsOf(flags)];
}

/** Arguments of a provider whose node is at `nodeUrl`. */
export function providerArgs(
  network: SmallNetwork,
  ports: Ports,
  dataDir: string,
  nodeUrl: string,
): string[] {
  const flags = {
    'genesis-file': network.at('genesis.json'),
    'key-file': network.at('provider.key'),
    'data-dir': dataDir,
    'node-url': nodeUrl,
    'api-port': `${ports.api}`,
    'metrics-port': `${ports.metrics}`,
    ...NO_RATE_LIMIT,
  };
  return ['start', ...flagsOf(flags)];
}

/** A process that a test mistreats, with its own idea of its health. */
export interface Victim {
  readonly process: RunningProcess;
  readonly url: string;
  readonly metricsUrl: string;
  readonly ports: Ports;
}

export async function startVictim(
  network: SmallNetwork,
  program: 'tangle-node' | 'tangle-provider',
  ports: Ports,
  args: readonly string[],
  { name = program, nodeFlags = [] }: { name?: string; nodeFlags?: readonly string[] } = {},
): Promise<Victim> {
  const url = `http://127.0.0.1:${ports.api}`;
  const plan = { name, program, args, nodeFlags, readyUrl: `${url}/health` };
  const process = new RunningProcess(plan, network.at('logs'));
  await process.ready();
  return { process, url, metricsUrl: `http://127.0.0.1:${ports.metrics}/metrics`, ports };
}

/** Waits until `GET /health` is 200; throws with the reasons after 20 s. */
export async function healthy({ url, process }: Victim): Promise<void> {
  const deadline = performance.now() + 20_000;
  for (;;) {
    if (process.hasEnded) throw new Error(`the process ended:\n${process.logTail()}`);
    const response = await fetch(`${url}/health`);
    const body = await response.text();
    if (response.status === 200) return;
    if (performance.now() > deadline) throw new Error(`unhealthy: ${body}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** One sample of `/metrics`; 0 when it is not there. */
export async function metricOf({ metricsUrl }: Victim, series: string): Promise<number> {
  const text = await (await fetch(metricsUrl)).text();
  const line = text.split('\n').find((one) => one.startsWith(`${series} `));
  return Number(line?.slice(series.length + 1) ?? 0);
}

/** Lines of a process's log at error level or above, as it wrote them. */
export async function errorLines({ process }: Victim): Promise<string[]> {
  const lines = (await readFile(process.logFile, 'utf8')).split('\n');
  return lines.filter((line) => /"level":[56]0/.test(line) || /^\s+at /.test(line));
}
