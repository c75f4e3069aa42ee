// `tools private-network`: several nodes in one command, the same data on the second run.
import { afterEach, describe, expect, it } from '@jest/globals';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NodeClient } from '@tanglemail/tangle/io/node-client/node-client.ts';
import { TestTerminal } from '@tanglemail/tangle/io/shell/testing/test-terminal.ts';
import { freePort } from '@tanglemail/tangle/io/testing/free-port.ts';
import { until } from '@tanglemail/tangle/io/testing/until.ts';
import { createApi } from '../api/create-api.ts';
import { createControlApi } from '../api/create-control-api.ts';
import { jsonOf } from '@tanglemail/tangle/io/json-text.ts';
import { runProgram } from './program.ts';
import type { Servers } from './run.ts';
import type { PrivateNetwork } from './private-layout.ts';

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'private-'));
  folders.push(folder);
  return folder;
}

/** A terminal whose person waits for something before they press Ctrl-C. */
class PatientTerminal extends TestTerminal {
  readonly #wait: (terminal: TestTerminal) => Promise<void>;

  constructor(wait: (terminal: TestTerminal) => Promise<void>) {
    super();
    this.#wait = wait;
  }

  override async untilSignal(): Promise<string> {
    await this.#wait(this);
    return 'SIGINT';
  }
}

async function run(
  argv: readonly string[],
  wait: (terminal: TestTerminal) => Promise<void> = () => Promise.resolve(),
) {
  const terminal = new PatientTerminal(wait);
  const command = ['tools', 'private-network', '--ports-from', `${await freePort()}`, ...argv];
  const code = await runProgram(command, terminal, {
    nodeApi: async (node, controlToken) => await createApi(node, { controlToken }),
    controlApi: async (node, token) => await createControlApi(node, token),
    faucetApi: () => Promise.reject(new Error('no faucet here')),
  });
  return { code, out: terminal.output, err: terminal.errors };
}

const NO_SERVERS: Servers = {
  nodeApi: () => Promise.reject(new Error('no server here')),
  controlApi: () => Promise.reject(new Error('no server here')),
  faucetApi: () => Promise.reject(new Error('no server here')),
};

async function networkOf(folder: string): Promise<PrivateNetwork> {
  return JSON.parse(await readFile(join(folder, 'network.json'), 'utf8')) as PrivateNetwork;
}

describe('tools private-network', () => {
  it('runs three nodes that agree, stops them, and goes on with the same data', async () => {
    const out = join(await newFolder(), 'net');
    /** The least milestone of the three at the first look of each run. */
    const begunAt: number[] = [];
    const untilAgreed = async (): Promise<void> => {
      const { nodes } = await networkOf(out);
      const clients = nodes.map(({ api }) => new NodeClient({ baseUrl: api }));
      let looks = 0;
      await until(async () => {
        const infos = await Promise.all(clients.map((client) => client.info()));
        const indexes = infos.map(({ status }) => status.confirmedMilestone.index);
        const least = Math.min(...indexes);
        if (looks === 0) begunAt.push(least);
        looks += 1;
        return infos.every(({ status }) => status.peers === 2) && least >= 1;
      });
    };
    const first = await run(['--nodes', '3', '--out', out, '--run'], untilAgreed);
    expect(first).toMatchObject({ code: 0, err: '' });
    expect(first.out).toMatch(/made the network devnet-private[^]*all nodes have stopped/);
    const before = await networkOf(out);
    expect(before.nodes.map(({ isValidator }) => isValidator)).toEqual([true, false, false]);
    const log = await readFile(before.nodes[1]?.logFile ?? '', 'utf8');
    expect(log).toContain('"msg":"node is running"');
    const again = await run(['--out', out, '--run'], untilAgreed);
    expect(again).toMatchObject({ code: 0, err: '' });
    expect(again.out).toContain('goes on with the network');
    expect(await networkOf(out)).toEqual(before);
    expect(begunAt).toEqual([expect.any(Number), expect.any(Number)]);
    expect(begunAt[1]).toBeGreaterThanOrEqual(1);
  }, 120_000);

  it('writes everything for nodes that are started one by one', async () => {
    const out = join(await newFolder(), 'net');
    const { code, out: text } = await run(['--nodes', '2', '--out', out]);
    expect(code).toBe(0);
    const { nodes } = await networkOf(out);
    for (const { configFile } of nodes) expect(text).toContain(`start --config ${configFile}`);
    const key = await stat(join(out, 'node-1', 'validator.key'));
    expect(key.mode & 0o777).toBe(0o600);
    const prometheus = await readFile(join(out, 'prometheus.yml'), 'utf8');
    for (const { metrics } of nodes) expect(prometheus).toContain(new URL(metrics).host);
  });

  it('runs four validators, and a node beside them, that agree on milestones', async () => {
    const out = join(await newFolder(), 'net');
    const untilAgreed = async (): Promise<void> => {
      const { nodes } = await networkOf(out);
      const clients = nodes.map(({ api }) => new NodeClient({ baseUrl: api }));
      await until(async () => {
        const infos = await Promise.all(clients.map((client) => client.info()));
        return infos.every(({ status }) => status.confirmedMilestone.index >= 1);
      });
    };
    const argv = ['--nodes', '5', '--validators', '4', '--out', out, '--run'];
    expect(await run(argv, untilAgreed)).toMatchObject({ code: 0, err: '' });
    const { nodes } = await networkOf(out);
    expect(nodes.filter(({ isValidator }) => isValidator)).toHaveLength(4);
    for (const { logFile } of nodes) {
      expect(await readFile(logFile, 'utf8')).toContain('"msg":"milestone confirmed"');
    }
  }, 120_000);

  it('bonds for all nodes of a bonded network, once', async () => {
    const out = join(await newFolder(), 'net');
    const bonded = async (): Promise<readonly string[]> => {
      const { nodes, genesisFile } = await networkOf(out);
      const terminal = new TestTerminal();
      const files = ['--genesis-file', genesisFile, '--key', join(out, 'faucet.key')];
      const list = ['validator', 'list', '--json', '--node', nodes[0]?.api ?? '', ...files];
      await runProgram(list, terminal, NO_SERVERS);
      const held = jsonOf(terminal.output) as readonly { publicKey: string }[] | undefined;
      return (held ?? []).map(({ publicKey }) => publicKey);
    };
    const untilBonded = async (terminal: TestTerminal): Promise<void> => {
      await until(() => /bonds were made|not bonded/.test(terminal.output));
      expect(await bonded()).toHaveLength(2);
    };
    const first = await run(['--nodes', '2', '--bonded', '--out', out, '--run'], untilBonded);
    expect(first).toMatchObject({ code: 0, err: '' });
    expect(first.out).toContain('2 bonds were made');
    const { nodes, bonded: isBonded } = await networkOf(out);
    expect(isBonded).toBe(true);
    expect(nodes.map(({ isValidator }) => isValidator)).toEqual([true, false]);
    const again = await run(['--out', out, '--run'], untilBonded);
    expect(again).toMatchObject({ code: 0, err: '' });
    expect(again.out).toContain('0 bonds were made');
  }, 180_000);

  it('says what is wrong with too many validators and with a half-made folder', async () => {
    const folder = await newFolder();
    const many = await run(['--nodes', '2', '--validators', '3', '--out', folder]);
    expect(many).toMatchObject({ code: 2, err: expect.stringContaining('more --validators') });
    const half = join(folder, 'half');
    await run(['--nodes', '1', '--out', half]);
    await rm(join(half, 'network.json'));
    const again = await run(['--nodes', '1', '--out', half]);
    expect(again).toMatchObject({ code: 2, err: expect.stringContaining('was interrupted') });
  });
});
