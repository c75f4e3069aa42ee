/**
 * `tangle-node control …`: what an operator sees and does while the node of a data folder runs. The
 * running node says in `control.json` of that folder where it listens, and with which token.
 * Path: here → api/control.controller.ts of the other process. Spec: docs/spec/11-node-api.md.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { errorCode } from '@tanglemail/tangle/io/error-code.ts';
import { jsonOf } from '@tanglemail/tangle/io/json-text.ts';
import {
  bansDto,
  CONTROL_FILE,
  CONTROL_PREFIX,
  controlFileDto,
  knownPeersDto,
  LOG_LEVELS,
  pruningDto,
  statusDto,
  type BansDto,
  type ControlFileDto,
  type KnownPeersDto,
  type PruningDto,
  type StatusDto,
} from '@tanglemail/tangle/io/node-client/control-dto.ts';
import { problemDto, snapshotFileDto } from '@tanglemail/tangle/io/node-client/dto.ts';
import { readBody } from '@tanglemail/tangle/io/read-body.ts';
import { addSettings, settingsOf } from '@tanglemail/tangle/io/shell/flags.ts';
import { outJson, UsageError, type Terminal } from '@tanglemail/tangle/io/shell/terminal.ts';
import type { z } from 'zod';
import { NODE_SETTINGS } from '../config/schema.ts';

/** The node did not do it; `message` is for the operator. */
export class ControlFailure extends Error {
  override readonly name = 'ControlFailure';
}

/** Bytes of one answer. */
const MAX_ANSWER_BYTES = 16 << 20;
/** A full snapshot of a large ledger takes minutes. */
const TIMEOUT_MS = 3_600_000;
const PRUNE_LOOK_MS = 500;
const DEFAULT_BAN_MINUTES = 60;

/** The command group; `terminal` gets all output. */
export function controlCommand(terminal: Terminal): Command {
  const group = new Command('control').description('see and steer the running node of a folder');
  const add = (command: Command): Command => withFolder(command);
  return group
    .addCommand(add(statusCommand(terminal)))
    .addCommand(peersCommand(terminal))
    .addCommand(add(bansCommand(terminal)))
    .addCommand(add(banCommand(terminal)))
    .addCommand(add(unbanCommand(terminal)))
    .addCommand(add(snapshotCommand(terminal)))
    .addCommand(add(pruneCommand(terminal)))
    .addCommand(add(logLevelCommand(terminal)))
    .addHelpText(
      'after',
      '\nExample:\n  tangle-node control status --data-dir /var/lib/tangle-node',
    );
}

/** The flags by which the folder is found, the same as those of `start`. */
function withFolder(command: Command): Command {
  addSettings(command, NODE_SETTINGS, (key) => key === 'dataDir');
  return command.option('--json', 'print JSON');
}

function statusCommand(terminal: Terminal): Command {
  const command = new Command('status').description('how the node is');
  return command.action(async () => {
    const status = await ask(command, terminal, statusDto, 'GET', 'status');
    say(command, terminal, status, statusText);
  });
}

function peersCommand(terminal: Terminal): Command {
  const list = new Command('list').description('connected and known peers');
  const add = new Command('add').argument('<address>', 'multiaddress with its /p2p/… part');
  const remove = new Command('remove').argument('<id>', 'peer id');
  list.action(async () => {
    const peers = await ask(list, terminal, knownPeersDto, 'GET', 'peers');
    say(list, terminal, peers, peersText);
  });
  add.description('dial a peer from now on').action(async (address: string) => {
    await tell(add, terminal, 'POST', 'peers', { address });
    done(add, terminal, 'the peer is dialled from now on');
  });
  remove.description('forget a peer and hang up').action(async (id: string) => {
    await tell(remove, terminal, 'DELETE', `peers/${encodeURIComponent(id)}`);
    done(remove, terminal, 'the peer is forgotten');
  });
  return new Command('peers')
    .description('peers of the node')
    .addCommand(withFolder(list), { isDefault: true })
    .addCommand(withFolder(add))
    .addCommand(withFolder(remove));
}

function bansCommand(terminal: Terminal): Command {
  const command = new Command('bans').description('peers that are kept out');
  return command.action(async () => {
    const bans = await ask(command, terminal, bansDto, 'GET', 'bans');
    say(command, terminal, bans, bansText);
  });
}

function banCommand(terminal: Terminal): Command {
  const command = new Command('ban').argument('<id>', 'peer id').description('keep a peer out');
  const text = `for how long (default: ${DEFAULT_BAN_MINUTES})`;
  command.option('--minutes <n>', text, integerOf(1, 525_600), DEFAULT_BAN_MINUTES);
  return command.action(async (id: string, { minutes }: { minutes: number }) => {
    await tell(command, terminal, 'POST', 'bans', { id, minutes });
    done(command, terminal, `the peer is kept out for ${minutes} minutes`);
  });
}

function unbanCommand(terminal: Terminal): Command {
  const command = new Command('unban').argument('<id>', 'peer id').description('let it in again');
  return command.action(async (id: string) => {
    await tell(command, terminal, 'DELETE', `bans/${encodeURIComponent(id)}`);
    done(command, terminal, 'the peer may come again');
  });
}

function snapshotCommand(terminal: Terminal): Command {
  const command = new Command('snapshot').description('write a snapshot now');
  command.option('--delta', 'only what changed since the last full one');
  return command.action(async ({ delta }: { delta?: boolean }) => {
    const body = { kind: delta === true ? 'delta' : 'full' };
    const file = await ask(command, terminal, snapshotFileDto, 'POST', 'snapshots', body);
    say(command, terminal, file, ({ kind, targetIndex, sizeBytes }) => {
      return [`${kind} snapshot of milestone ${targetIndex}, ${bytesText(sizeBytes)}`];
    });
  });
}

function pruneCommand(terminal: Terminal): Command {
  const command = new Command('prune').description('remove old milestones, as far as may be');
  command.requiredOption('--to <index>', 'the last one to remove', integerOf(1, 0xffff_ffff));
  return command.action(async ({ to: index }: { to: number }) => {
    let now = await ask(command, terminal, pruningDto, 'POST', 'pruning', { index });
    while (now.running && now.prunedIndex < index) {
      await new Promise((resolve) => setTimeout(resolve, PRUNE_LOOK_MS));
      now = await ask(command, terminal, pruningDto, 'GET', 'pruning');
    }
    say(command, terminal, now, pruningText);
  });
}

function logLevelCommand(terminal: Terminal): Command {
  const levels = LOG_LEVELS.join(', ');
  const command = new Command('log-level').argument('<level>', `one of ${levels}`);
  return command
    .description('the least severity of a log line, until the next start')
    .action(async (level: string) => {
      await tell(command, terminal, 'PUT', 'log-level', { level });
      done(command, terminal, `the log level is ${level}`);
    });
}

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

/** Asks the running node and checks its answer. */
async function ask<T extends z.ZodType>(
  command: Command,
  terminal: Terminal,
  schema: T,
  method: Method,
  path: string,
  body?: object,
): Promise<z.infer<T>> {
  const answer = schema.safeParse(await tell(command, terminal, method, path, body));
  if (answer.success) return answer.data;
  throw new ControlFailure('the node answered what this version does not understand');
}

async function tell(
  command: Command,
  terminal: Terminal,
  method: Method,
  path: string,
  body?: object,
): Promise<unknown> {
  const { dataDir } = await settingsOf(command, NODE_SETTINGS, terminal);
  const { url, token } = await readControlFile(join(dataDir, CONTROL_FILE));
  const tooLarge = (): Error => new ControlFailure('the node’s answer is too large');
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const response = await fetch(`${url}${CONTROL_PREFIX}/${path}`, {
    method,
    headers,
    redirect: 'error',
    signal: AbortSignal.timeout(TIMEOUT_MS),
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  }).catch((error: unknown) => {
    throw new ControlFailure(`no node answers for the folder ${dataDir}`, { cause: error });
  });
  const answer = jsonOf(
    Buffer.from(await readBody(response, MAX_ANSWER_BYTES, tooLarge)).toString('utf8'),
  );
  if (response.ok) return answer;
  const problem = problemDto.safeParse(answer);
  const { title, detail } = problem.success ? problem.data : {};
  throw new ControlFailure(detail ?? title ?? `the node answered ${response.status}`);
}

async function readControlFile(path: string): Promise<ControlFileDto> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    const reason =
      errorCode(error) === 'ENOENT'
        ? 'there is no such file: the node of this folder does not run, or control.enabled is off'
        : 'it cannot be read: use the account that runs the node';
    throw new UsageError(`${path}: ${reason}`, { cause: error });
  });
  const file = controlFileDto.safeParse(jsonOf(text));
  if (file.success) return file.data;
  throw new UsageError(`${path} is not a file of a running node`);
}

/** Prints an answer for people, or as JSON. */
function say<T>(command: Command, terminal: Terminal, value: T, text: (value: T) => string[]) {
  if (isJson(command)) outJson(terminal, value);
  else terminal.out(`${text(value).join('\n')}\n`);
}

function done(command: Command, terminal: Terminal, text: string): void {
  if (isJson(command)) outJson(terminal, {});
  else terminal.out(`${text}\n`);
}

function isJson(command: Command): boolean {
  return command.opts<{ json?: boolean }>().json === true;
}

function integerOf(min: number, max: number) {
  return (text: string): number => {
    const value = /^[0-9]{1,10}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    throw new InvalidArgumentError(`expected a whole number from ${min} to ${max}`);
  };
}

function statusText(status: StatusDto): string[] {
  const { health, pruning, requests, blocks, store } = status;
  const behind = status.latestMilestone.index - status.confirmedMilestone.index;
  const ageSeconds = Math.round((Date.now() - status.confirmedMilestone.timestampMs) / 1_000);
  return [
    `${status.name} ${status.version} on ${status.networkName}`,
    `health:     ${health.healthy ? 'good' : health.reasons.join('; ')}`,
    `milestone:  ${status.confirmedMilestone.index}, ${behind} behind, ${ageSeconds} s old`,
    ...validatorsText(status),
    `peers:      ${status.peers}, ${status.bans} banned`,
    `queues:     ${Object.entries(status.queues)
      .map(([name, n]) => `${name} ${n}`)
      .join(', ')}`,
    `requests:   ${requests.missing} missing, ${requests.queued} queued, ` +
      `${requests.pending} pending, ${requests.serving} served now`,
    `blocks:     ${blocks.inMemory} in memory, ${blocks.unsolid} not solid, ` +
      `${blocks.unreferenced} unreferenced, ${blocks.tips} tips`,
    `store:      ${bytesText(store.sizeBytes)}, ${bytesText(store.freeBytes)} free on the disk`,
    ...pruningText(pruning),
    `snapshots:  ${status.snapshots.length}`,
    ...(status.logLevel === undefined ? [] : [`log level:  ${status.logLevel}`]),
    ...status.addresses.map((address) => `address:    ${address}`),
  ];
}

/** A committee of one needs no line. */
function validatorsText({ validators }: StatusDto): string[] {
  if (validators.length === 1) return [];
  const silent = validators.filter((one) => one.silent).map(({ seat }) => seat);
  const own = validators.flatMap((one) => (one.own ? [`, this node has seat ${one.seat}`] : []));
  const heard = silent.length === 0 ? 'all vote' : `silent: ${silent.join(', ')}`;
  return [`committee:  ${validators.length} seats, ${heard}${own.join('')}`];
}

function pruningText({ prunedIndex, targetIndex, running }: PruningDto): string[] {
  const state = running ? `, running to ${targetIndex}` : '';
  const kept = prunedIndex === 0 ? 'nothing is pruned' : `up to milestone ${prunedIndex}`;
  return [`pruned:     ${kept}${state}`];
}

function peersText({ connected, known }: KnownPeersDto): string[] {
  const lines = connected.map(({ id, address, direction, points, status }) => {
    const at = status === undefined ? '' : `, at milestone ${status.solidIndex}`;
    return `${id}  ${direction}  ${address}${at}${points > 0 ? `, ${points} points` : ''}`;
  });
  return [`${connected.length} connected, ${known.length} known`, ...lines];
}

function bansText({ bans }: BansDto): string[] {
  if (bans.length === 0) return ['nobody is banned'];
  return bans.map(({ id, untilMs, finding }) => {
    return `${id}  until ${new Date(untilMs).toISOString()}  ${finding}`;
  });
}

function bytesText(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const step = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  return `${(bytes / 1_024 ** step).toFixed(step === 0 ? 0 : 1)} ${units[step]}`;
}
