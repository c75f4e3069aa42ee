/**
 * The processes of the local network: started as children of their own process group, logged to a
 * file each, awaited until their API answers, and stopped in the order that is asked for.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** How one process is started. */
export interface ProcessPlan {
  /** Name in messages and of the log file. */
  readonly name: string;
  /** Script that Node runs, and its arguments. */
  readonly script: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Answers with status 200–299 or 503 as soon as the process serves. */
  readonly readyUrl: string;
}

/** A process did not start, or ended when it should not. */
export class DevnetError extends Error {
  override readonly name = 'DevnetError';
}

const READY_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 15_000;
const LOG_TAIL_LINES = 12;

/** A running child. Ends only by `stop`, `kill` or by itself. */
export class RunningProcess {
  readonly plan: ProcessPlan;
  readonly logFile: string;
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  #exit: string | undefined;

  constructor(plan: ProcessPlan, logDir: string) {
    mkdirSync(logDir, { recursive: true });
    this.plan = plan;
    this.logFile = join(logDir, `${plan.name}.log`);
    const log = openSync(this.logFile, 'a');
    this.#child = spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', plan.script, ...plan.args],
      {
        stdio: ['ignore', log, log],
        env: { ...process.env, ...plan.env },
        // A group of its own: Ctrl-C in the terminal reaches the parent only, which stops the
        // children in order.
        detached: true,
      },
    );
    closeSync(log);
    this.#ended = new Promise((resolve) => {
      this.#child.once('error', (error) => {
        this.#exit = error.message;
        resolve();
      });
      this.#child.once('exit', (code, signal) => {
        this.#exit = signal === null ? `status ${code}` : `signal ${signal}`;
        resolve();
      });
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
      await sleep(50);
    }
    throw this.#failure(`did not answer within ${READY_TIMEOUT_MS / 1000} s`);
  }

  /** Asks the process to end (SIGTERM) and waits; SIGKILL only when it does not obey. */
  async stop(): Promise<void> {
    if (this.hasEnded) return;
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await this.#ended;
    clearTimeout(timer);
  }

  /** Ends the process at once, as a power cut would. */
  async kill(): Promise<void> {
    if (!this.hasEnded) this.#child.kill('SIGKILL');
    await this.#ended;
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

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
    await response.body?.cancel();
    return response.ok || response.status === 503;
  } catch {
    return false;
  }
}

/** `wanted` where it is free on 127.0.0.1, else a free port that the system picks. */
export async function pickPort(wanted: number, taken: ReadonlySet<number>): Promise<number> {
  if (wanted !== 0 && !taken.has(wanted) && (await bind(wanted)) !== undefined) return wanted;
  for (;;) {
    const port = await bind(0);
    if (port !== undefined && !taken.has(port)) return port;
  }
}

function bind(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      const address = server.address();
      const bound = typeof address === 'object' && address !== null ? address.port : undefined;
      server.close(() => resolve(bound));
    });
  });
}
