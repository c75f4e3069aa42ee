/**
 * The processes of the local network: started as children of their own process group, logged to a
 * file each, awaited until their API answers, and stopped in the order that is asked for. Commands
 * that end by themselves (making keys, a genesis, an account, sending a mail) run here too.
 * Before: network.ts; after: the programs in apps/.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** The folder of the project. */
export const PROJECT_DIR = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** The programs, as the scripts that `npx` runs. */
export const PROGRAMS = {
  'tangle-node': join(PROJECT_DIR, 'apps/node/bin/tangle-node.mjs'),
  'tangle-provider': join(PROJECT_DIR, 'apps/storage-provider/bin/tangle-provider.mjs'),
  tanglemail: join(PROJECT_DIR, 'apps/client/bin/tanglemail.mjs'),
} as const;

export type Program = keyof typeof PROGRAMS;

/** How one process is started. */
export interface ProcessPlan {
  /** Name in messages and of the log file. */
  readonly name: string;
  readonly program: Program;
  readonly args: readonly string[];
  /** Answers with status 200–299 or 503 as soon as the process serves. */
  readonly readyUrl: string;
  /** Flags of Node.js itself, such as `--import` of what a test changes. */
  readonly nodeFlags?: readonly string[];
  /** A program with its arguments that replaces itself by Node.js, whose command line follows. */
  readonly launcher?: readonly string[];
}

/** A step of the local network failed; the message is for a person. */
export class DevnetError extends Error {
  override readonly name = 'DevnetError';
}

const READY_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 20_000;
const COMMAND_TIMEOUT_MS = 60_000;
const POLL_MS = 50;
const LOG_TAIL_LINES = 12;
const MAX_OUTPUT_BYTES = 16 << 20;
const NODE_FLAGS = ['--disable-warning=ExperimentalWarning'];

/** The environment without settings that a person may have made for a network of their own. */
function cleanEnv(): NodeJS.ProcessEnv {
  const isOurs = (name: string): boolean => /^(TANGLE_NODE|TANGLE_PROVIDER|TANGLEMAIL)_/.test(name);
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !isOurs(name)));
}

/** A running child. Ends only by `stop`, `kill` or by itself. */
export class RunningProcess {
  readonly plan: ProcessPlan;
  readonly logFile: string;
  /** Resolves with how the process ended, such as `status 1` or `signal SIGKILL`. */
  readonly ended: Promise<string>;
  readonly #child: ChildProcess;
  #exit: string | undefined;

  constructor(plan: ProcessPlan, logDir: string) {
    mkdirSync(logDir, { recursive: true });
    this.plan = plan;
    this.logFile = join(logDir, `${plan.name}.log`);
    const log = openSync(this.logFile, 'a');
    const script = PROGRAMS[plan.program];
    const nodeFlags = [...NODE_FLAGS, ...(plan.nodeFlags ?? [])];
    const line = [...(plan.launcher ?? []), process.execPath, ...nodeFlags, script, ...plan.args];
    const [command = process.execPath, ...args] = line;
    this.#child = spawn(command, args, {
      stdio: ['ignore', log, log],
      env: cleanEnv(),
      // A group of its own: Ctrl-C in the terminal reaches the parent only, which stops the
      // children in order.
      detached: true,
    });
    closeSync(log);
    this.ended = new Promise((resolve) => {
      const end = (how: string): void => {
        this.#exit ??= how;
        resolve(this.#exit);
      };
      this.#child.once('error', (error) => end(error.message));
      this.#child.once('exit', (code, signal) =>
        end(signal === null ? `status ${code}` : `signal ${signal}`),
      );
    });
  }

  get pid(): number {
    const { pid } = this.#child;
    if (pid === undefined) throw new DevnetError(`${this.plan.name} did not start`);
    return pid;
  }

  get hasEnded(): boolean {
    return this.#exit !== undefined;
  }

  /** Waits until the process answers; throws with the end of its log when it ends before that. */
  async ready(): Promise<void> {
    const deadline = Date.now() + READY_TIMEOUT_MS;
    while (Date.now() < deadline) {
      if (this.hasEnded) throw this.#failure(`ended with ${this.#exit}`);
      if (await answers(this.plan.readyUrl)) return;
      await sleep(POLL_MS);
    }
    throw this.#failure(`did not answer within ${READY_TIMEOUT_MS / 1000} s`);
  }

  /** Asks the process to end (SIGTERM) and waits; SIGKILL only when it does not obey. */
  async stop(): Promise<'stopped' | 'killed'> {
    if (this.hasEnded) return 'stopped';
    let outcome: 'stopped' | 'killed' = 'stopped';
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => {
      outcome = 'killed';
      this.#child.kill('SIGKILL');
    }, STOP_TIMEOUT_MS);
    await this.ended;
    clearTimeout(timer);
    return outcome;
  }

  /** Ends the process at once, as a power cut would. */
  async kill(): Promise<void> {
    if (!this.hasEnded) this.#child.kill('SIGKILL');
    await this.ended;
  }

  /** The end of the log, for a message to the user. */
  logTail(): string {
    const lines = readFileSync(this.logFile, 'utf8').trimEnd().split('\n');
    return lines.slice(-LOG_TAIL_LINES).join('\n');
  }

  #failure(what: string): DevnetError {
    return new DevnetError(`${this.plan.name} ${what}. End of ${this.logFile}:\n${this.logTail()}`);
  }
}

/** True when the URL answers at all as a server of ours does. */
export async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
    await response.body?.cancel();
    return response.ok || response.status === 503;
  } catch {
    return false;
  }
}

export interface CommandResult {
  /** Exit code; -1 when a signal ended it. */
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a program to its end, whatever its exit code is. */
export function tryCommand(program: Program, args: readonly string[]): Promise<CommandResult> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [...NODE_FLAGS, PROGRAMS[program], ...args],
      { env: cleanEnv(), timeout: COMMAND_TIMEOUT_MS, maxBuffer: MAX_OUTPUT_BYTES },
      (error, out, err) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
        resolve({ code, out, err });
      },
    );
    child.stdin?.end();
  });
}

/** Runs a program that must succeed; resolves with its standard output. */
export async function runCommand(program: Program, args: readonly string[]): Promise<string> {
  const { code, out, err } = await tryCommand(program, args);
  if (code === 0) return out;
  const shown = args.map((arg) => (/[\s"']/.test(arg) ? JSON.stringify(arg) : arg)).join(' ');
  throw new DevnetError(
    `\`${program} ${shown}\` ended with status ${code}: ${err.trim() || out.trim()}`,
  );
}

/** Runs a program with `--json` among its arguments; resolves with the parsed answer. */
export async function runJson(program: Program, args: readonly string[]): Promise<unknown> {
  const out = await runCommand(program, args);
  try {
    return JSON.parse(out);
  } catch (cause) {
    throw new DevnetError(`${program} ${args.join(' ')} printed no JSON: ${out}`, { cause });
  }
}
