/**
 * Two devices of one account as their owner links them: two daemons and two command lines as
 * processes of their own, and a node between them. They name each other, share a flag, and part.
 */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { freePort } from '@tanglemail/tangle/io/testing/free-port.ts';
import { API_PREFIX } from '../../apps/client/src/api/dto.ts';
import { readDaemonFile } from '../../apps/client/src/cli/daemon-link.ts';
import { NotYet, until } from '../../tools/devnet/poll.ts';
import { PROGRAMS, runCommand, runJson, RunningProcess } from '../../tools/devnet/processes.ts';
import {
  freePorts,
  nodeArgs,
  SmallNetwork,
  startVictim,
  type Victim,
} from './testing/small-market.ts';

const TEST_MS = 240_000;
const STEP_MS = 90_000;
/** Mail comes by the node itself, and leaves at once. */
const SETTINGS = {
  mailFromNode: true,
  pollIntervalMs: 250,
  send: { undoSeconds: 0 },
  address: { stampBits: 4 },
};

interface Device {
  readonly id: string;
  readonly name: string;
  readonly isOwn: boolean;
  readonly isRemoved: boolean;
}

let network: SmallNetwork;
let node: Victim;
const daemons: RunningProcess[] = [];
const children: ChildProcess[] = [];

beforeAll(async () => {
  network = await SmallNetwork.create('test-devices');
  const ports = await freePorts();
  const args = nodeArgs(network, ports, network.at('node'));
  node = await startVictim(network, 'tangle-node', ports, args);
  await writeFile(network.at('passphrase'), 'secret\n');
  await mkdir(network.at('laptop'));
  await writeFile(network.at('laptop/config.json'), JSON.stringify(SETTINGS));
}, TEST_MS);

afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  for (const daemon of daemons) await daemon.stop();
  await node?.process.stop();
  await network?.remove();
}, TEST_MS);

const passphrase = (): string[] => ['--passphrase-file', network.at('passphrase')];

function at(name: string, ...line: string[]): string[] {
  return ['--data-dir', network.at(name), ...line];
}

async function json<T>(name: string, ...line: string[]): Promise<T> {
  return (await runJson('tanglemail', at(name, ...line, '--json'))) as T;
}

async function startDaemon(name: string): Promise<void> {
  const port = `${await freePort()}`;
  const args = at(name, 'daemon', '--port', port, ...passphrase());
  const readyUrl = `http://127.0.0.1:${port}/health`;
  const daemon = new RunningProcess(
    { name, program: 'tanglemail', args, readyUrl },
    network.at('logs'),
  );
  daemons.push(daemon);
  await daemon.ready();
}

/** A command line that talks to its user: what it says, what is typed, and how it ends. */
class Dialogue {
  readonly #child: ChildProcess;
  readonly ended: Promise<number | null>;
  said = '';

  constructor(args: readonly string[]) {
    this.#child = spawn(process.execPath, [PROGRAMS.tanglemail, ...args]);
    children.push(this.#child);
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (chunk: Buffer) => (this.said += chunk.toString('utf8')));
    }
    this.ended = new Promise((resolve) => this.#child.once('exit', resolve));
  }

  /** The first group of what it will have said. */
  async saying(pattern: RegExp): Promise<string> {
    return await until(`${pattern}`, STEP_MS, async () => {
      return pattern.exec(this.said)?.[1] ?? new NotYet(this.said.slice(-300));
    });
  }

  type(line: string): void {
    this.#child.stdin?.write(`${line}\n`);
  }
}

async function devices(name: string): Promise<Device[]> {
  return await json<Device[]>(name, 'device', 'list');
}

/** The flags of the newest mail in Sent, as the command line shows them. */
async function flagsOf(name: string): Promise<{ id: string; flags: string[] }[]> {
  return await json(name, 'inbox', '--folder', 'Sent');
}

it(
  'are linked by a code and a number, listed with their names, in step, and removed',
  async () => {
    const genesis = ['--genesis', network.at('genesis.json'), '--node', node.url];
    await runCommand('tanglemail', at('laptop', 'account', 'create', ...genesis, ...passphrase()));
    await startDaemon('laptop');
    // One says the code and the other joins by it; both show the same number.
    const old = new Dialogue(at('laptop', 'device', 'link'));
    const code = await old.saying(/device join (tmlink1:\S+)/);
    const joining = ['device', 'join', code, '--name', 'phone', ...genesis, ...passphrase()];
    const fresh = new Dialogue(at('phone', ...joining));
    const number = await fresh.saying(/shows ([0-9]{6})/);
    await old.saying(/calls itself "(phone)"/);
    old.type(number);
    expect(await old.ended).toBe(0);
    expect(await fresh.ended).toBe(0);
    await startDaemon('phone');
    const [laptops] = await until('both list two', STEP_MS, async () => {
      const lists = await Promise.all([devices('laptop'), devices('phone')]);
      return lists.every((list) => list.length === 2) ? lists : new NotYet(JSON.stringify(lists));
    });
    const other = laptops?.find((one) => !one.isOwn);
    expect(other).toMatchObject({ name: 'phone', isRemoved: false });
    // What one has sent lies in Sent on both, and what one flags is flagged on the other.
    const { address } = await json<{ address: string }>('laptop', 'address');
    const mail = ['--subject', 'a note to myself', '--body', 'Remember.'];
    await json('laptop', 'send', '--to', address, ...mail);
    const [copy] = await until('the copy in Sent', STEP_MS, async () => {
      const found = await flagsOf('phone');
      return found.length === 1 ? found : new NotYet(JSON.stringify(found));
    });
    await runCommand('tanglemail', at('phone', 'flag', copy?.id ?? '', '--add', 'flagged'));
    await until('the flag on the laptop', STEP_MS, async () => {
      const [found] = await flagsOf('laptop');
      return found?.flags.includes('\\Flagged') === true
        ? found
        : new NotYet(`${found?.flags.join()}`);
    });
    await runCommand('tanglemail', at('laptop', 'device', 'remove', other?.id ?? ''));
    expect(await routeDevices('laptop')).toContainEqual(
      expect.objectContaining({ id: other?.id, name: 'phone', isRemoved: true }),
    );
  },
  TEST_MS,
);

/** What `GET devices` of the local API says. */
async function routeDevices(name: string): Promise<unknown> {
  const file = await readDaemonFile(network.at(name));
  const headers = { authorization: `Bearer ${file?.token ?? ''}` };
  const answer = await fetch(`${file?.api ?? ''}${API_PREFIX}/devices`, { headers });
  return await answer.json();
}
