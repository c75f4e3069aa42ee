/**
 * Starts a program for an event: without a shell, with the message on its standard input, with
 * nothing of the daemon's environment but what every program needs, and for a limited time.
 * Before: hook-runner.ts; after: the operating system. Spec: docs/spec/41-client-api.md §28.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import type { HookOutcome } from './post-event.ts';
import { limitTime } from './time-limit.ts';

export interface StartedCommand {
  readonly argv: readonly string[];
  /** Variables beside those that every program gets; names begin with TANGLEMAIL_. */
  readonly facts: Readonly<Record<string, string>>;
  readonly input: Uint8Array;
  readonly timeoutMs: number;
}

/** Variables of the daemon that a command gets too. The passphrase is never among them. */
const PASSED_ON = ['PATH', 'HOME', 'USER', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR'];
/** Between the polite end and the other one. */
const GRACE_MS = 2_000;

/** Taken is what ended with exit code 0. Never throws. */
export async function runCommand(
  { argv, facts, input, timeoutMs }: StartedCommand,
  environment: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Promise<HookOutcome> {
  const [file = '', ...rest] = argv;
  const passed = PASSED_ON.flatMap((name) => {
    const value = environment[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  const env = { ...Object.fromEntries(passed), ...facts };
  const ended = Promise.withResolvers<HookOutcome>();
  let child: ChildProcess;
  try {
    // A group of its own, so that what it started ends with it.
    child = spawn(file, rest, {
      env,
      shell: false,
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
  } catch {
    return { isTaken: false, detail: 'cannot be started' };
  }
  child.on('error', () => ended.resolve({ isTaken: false, detail: 'cannot be started' }));
  child.on('exit', (code, name) => {
    ended.resolve({
      isTaken: code === 0,
      detail: code === null ? `ended by ${name}` : `exit ${code}`,
    });
  });
  // A program may end before it has read everything.
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(input);
  const limit = limitTime(timeoutMs, signal);
  const stopped = new AbortController();
  const end = (): void => endGroup(child, stopped.signal);
  limit.signal.addEventListener('abort', end, { once: true });
  if (limit.signal.aborted) end();
  const outcome = await ended.promise;
  stopped.abort();
  limit.end();
  if (outcome.isTaken || !limit.signal.aborted) return outcome;
  return { isTaken: false, detail: limit.isOver() ? 'not done in time' : 'the daemon stops' };
}

function endGroup(child: ChildProcess, done: AbortSignal): void {
  killGroup(child, 'SIGTERM');
  const timer = setTimeout(() => killGroup(child, 'SIGKILL'), GRACE_MS);
  done.addEventListener('abort', () => clearTimeout(timer), { once: true });
}

function killGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // It has ended already.
  }
}
