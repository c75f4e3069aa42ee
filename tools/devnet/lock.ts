/**
 * One local network per data folder: a lock with the pid of the program that runs it, and what to
 * do about processes that an earlier run left behind. A process is ours when its command line names
 * our data folder and its API shows the network that network.json describes; nothing else is ever
 * ended. Before: main.ts.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { entryOf, type Layout, type NetworkFile, type Role, ROLES } from './layout.ts';
import { DevnetError } from './processes.ts';

const STOP_TIMEOUT_MS = 30_000;
const POLL_MS = 100;
const ASK_TIMEOUT_MS = 3_000;
const ANSWER_TIMEOUT_MS = 15_000;

export interface Leftover {
  readonly role: Role;
  readonly pid: number;
  readonly api: string;
}

/** Takes the folder; throws when another program has it or processes are left in it. */
export function takeLock(layout: Layout): void {
  mkdirSync(layout.dataDir, { recursive: true });
  const holder = lockHolder(layout);
  if (holder !== undefined) {
    throw new DevnetError(
      `this network is running already (pid ${holder}, ${layout.networkFile} says where); ` +
        'end it with Ctrl-C there or with `npm start -- --stop`',
    );
  }
  const left = leftovers(layout);
  if (left.length > 0) {
    const names = left.map(({ role, pid }) => `${role} (pid ${pid})`).join(', ');
    throw new DevnetError(
      `an earlier run left processes behind: ${names}; end them with \`npm start -- --stop\``,
    );
  }
  rmSync(layout.lockFile, { force: true });
  try {
    writeFileSync(layout.lockFile, `${process.pid}\n`, { flag: 'wx' });
  } catch (cause) {
    throw new DevnetError('another `npm start` began at the same moment', { cause });
  }
}

export function freeLock(layout: Layout): void {
  rmSync(layout.lockFile, { force: true });
}

/** Pid of the program that runs the network; undefined when none does. */
export function lockHolder(layout: Layout): number | undefined {
  let pid: number;
  try {
    pid = Number(readFileSync(layout.lockFile, 'utf8').trim());
  } catch {
    return undefined;
  }
  const isHolder =
    Number.isInteger(pid) && pid > 0 && pid !== process.pid && hasWord(pid, 'devnet');
  return isHolder ? pid : undefined;
}

/** Processes of network.json that still run although nobody looks after them. */
export function leftovers(layout: Layout): Leftover[] {
  const network = layout.readNetwork();
  if (network === undefined) return [];
  return ROLES.flatMap((role) => {
    const { pid, api } = entryOf(network, role);
    return pid !== null && hasWord(pid, layout.dataDir) ? [{ role, pid, api }] : [];
  });
}

/**
 * Ends what runs in the folder: first the program that looks after it, which ends its processes in
 * order, then what is left. Resolves with a line for each.
 */
export async function stopAll(layout: Layout): Promise<string[]> {
  const told: string[] = [];
  const holder = lockHolder(layout);
  if (holder !== undefined) {
    process.kill(holder, 'SIGTERM');
    await untilGone(holder);
    told.push(`the network of pid ${holder} has stopped`);
  }
  const network = layout.readNetwork();
  for (const left of leftovers(layout).toReversed()) {
    if (network === undefined || !(await proveOurs(network, left))) {
      throw new DevnetError(
        `${left.role} (pid ${left.pid}) runs but does not answer at ${left.api} as ours; ` +
          `look at it and end it with \`kill ${left.pid}\``,
      );
    }
    process.kill(left.pid, 'SIGTERM');
    await untilGone(left.pid);
    told.push(`${left.role} (pid ${left.pid}) has stopped`);
  }
  if (lockHolder(layout) === undefined) freeLock(layout);
  return told;
}

/** Asks until the process answers as ours: it may have been starting when its keeper ended. */
async function proveOurs(network: NetworkFile, left: Leftover): Promise<boolean> {
  const deadline = Date.now() + ANSWER_TIMEOUT_MS;
  for (;;) {
    if (await isOurs(network, left)) return true;
    if (Date.now() > deadline) return false;
    await sleep(POLL_MS);
  }
}

const infoShape = z.object({ networkId: z.string() });
const healthShape = z.object({ healthy: z.boolean() });

/** Asks the API behind a leftover who it is. */
async function isOurs(network: NetworkFile, { role, pid, api }: Leftover): Promise<boolean> {
  const networkId = BigInt(`0x${network.networkId}`).toString();
  try {
    if (role === 'node-1' || role === 'node-2') {
      return infoShape.parse(await ask(`${api}/api/core/v1/info`)).networkId === networkId;
    }
    if (role === 'provider') {
      return infoShape.parse(await ask(`${api}/v1/status`)).networkId === networkId;
    }
    if (role === 'faucet') return healthShape.safeParse(await ask(`${api}/health`)).success;
    const { dataDir, address } = network.clients[role];
    const file = readFileSync(join(dataDir, 'daemon.json'), 'utf8');
    const { token } = z.object({ token: z.string(), pid: z.literal(pid) }).parse(JSON.parse(file));
    const status = await ask(`${api}/api/client/v1/status`, { authorization: `Bearer ${token}` });
    const known = address === '' ? z.string() : z.literal(address);
    return z.object({ address: known }).safeParse(status).success;
  } catch {
    return false;
  }
}

async function ask(url: string, headers: Record<string, string> = {}): Promise<unknown> {
  const response = await fetch(url, { headers, signal: AbortSignal.timeout(ASK_TIMEOUT_MS) });
  return await response.json();
}

/** True when the process runs and its command line holds `word`. */
function hasWord(pid: number, word: string): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  return commandLine(pid).includes(word);
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    // No such folder outside Linux.
  }
  try {
    return execFileSync('ps', ['-ww', '-o', 'args=', '-p', `${pid}`], { encoding: 'utf8' });
  } catch {
    return '';
  }
}

async function untilGone(pid: number): Promise<void> {
  const deadline = Date.now() + STOP_TIMEOUT_MS;
  while (Date.now() < deadline) {
    try {
      process.kill(pid, 0);
    } catch {
      return;
    }
    // A child that nobody has waited for keeps its pid but has no command line any more.
    if (commandLine(pid) === '') return;
    await sleep(POLL_MS);
  }
  throw new DevnetError(`pid ${pid} did not end within ${STOP_TIMEOUT_MS / 1_000} s`);
}
