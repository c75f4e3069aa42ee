/**
 * The self-log in memory: the operations that are held, and how far each device's have come. Every
 * change is first a diff, which the shell writes in one batch, and then applies. Stop before:
 * self-log/operation.ts; next: self-log/view.ts (what it means), self-log/compact.ts and
 * self-log/snapshot.ts. Spec: docs/spec/26-self-log.md.
 */
import { assert, fail, succeed } from '../outcome.ts';
import type { MailOutcome } from '../outcome.ts';
import { counts, cutsOf } from './cuts.ts';
import type { Cuts } from './cuts.ts';
import type { DeviceId, DeviceRemove, Dot, Operation, OperationBody } from './operation.ts';
import {
  compareDots,
  compareOperations,
  dotKey,
  isKind,
  isSameOperation,
  MAX_CLOCK_STEP,
  MAX_DEVICES,
  settle,
} from './operation.ts';

/** Operations that a log holds: flags of some 300,000 mails. About 80 bytes each in a snapshot. */
export const MAX_OPERATIONS = 1_048_576;
/** Operations that wait for one that was made before them. */
export const MAX_WAITING = 4_096;
/** The same of one device: one broken device must not take the places of the others. */
export const MAX_WAITING_PER_DEVICE = 1_024;
/** Operations beyond the cut of a removed device that are still taken up, without counting. */
export const MAX_PAST_CUT = 256;
const MAX_SEQ = 0xffff_ffff;

/** How far one device's operations have come. */
export interface Head {
  /** Number of its newest operation; every one before it was taken up too. */
  readonly seq: number;
  /** The clock of that operation. */
  readonly clock: number;
  /** The highest number of an operation that was taken up and then dropped; 0 for none. */
  readonly dropped: number;
}

/** Operations by dot; a Map is one, and so is what lies over a Map until it is on the disk. */
export interface OperationMap extends Iterable<[string, Operation]> {
  readonly size: number;
  get(key: string): Operation | undefined;
  has(key: string): boolean;
  set(key: string, operation: Operation): unknown;
  delete(key: string): boolean;
  values(): Iterable<Operation>;
}

/** A log in memory. Only `applySelfLogDiff` changes it. */
export interface SelfLog {
  readonly heads: Map<DeviceId, Head>;
  /** What is held, by dot. */
  readonly operations: OperationMap;
  /** The removals among them. */
  readonly removals: Map<string, Operation<DeviceRemove>>;
  /** What came before its predecessor, by dot. Not part of a snapshot. */
  readonly waiting: Map<string, Operation>;
}

/** What changes. */
export interface SelfLogDiff {
  /** Taken up, ascending by number for each device. */
  readonly take: readonly Operation[];
  /** Put aside until their predecessor comes. */
  readonly wait: readonly Operation[];
  /** Waited, and turned out to be no continuation. */
  readonly refuse: readonly Operation[];
  /** Held, and without any effect from now on. */
  readonly drop: readonly Operation[];
  /** Held, and to be replaced by one of the same dot. */
  readonly replace: readonly Operation[];
}

const NO_CHANGE: SelfLogDiff = { take: [], wait: [], refuse: [], drop: [], replace: [] };

export function selfLogDiff(change: Partial<SelfLogDiff>): SelfLogDiff {
  return { ...NO_CHANGE, ...change };
}

export function newSelfLog(): SelfLog {
  return { heads: new Map(), operations: new Map(), removals: new Map(), waiting: new Map() };
}

/** The highest clock that was seen; a new operation is written above it. */
export function clockOf(log: SelfLog): number {
  let highest = 0;
  for (const head of log.heads.values()) highest = Math.max(highest, head.clock);
  return highest;
}

/** The cuts of the removals that are held. */
export function logCuts(log: SelfLog): Cuts {
  return cutsOf(log.removals.values());
}

/** What a device asks others for more with, and what a `seen` operation says. */
export function headsOf(log: SelfLog): Dot[] {
  return [...log.heads].map(([device, { seq }]) => ({ device, seq })).toSorted(compareDots);
}

/**
 * Takes an operation up that a device of the account sent, together with those that waited for it,
 * or puts it aside. Codes: `self-log-known` when it was taken up or waits already, `self-log-fork`
 * when another one with its number was, `self-log-clock` when its clock does not follow its
 * predecessor's, `self-log-gap-full` when too many wait, `self-log-full` for too many devices or
 * operations, `self-log-device-removed` far beyond the cut of a removed device.
 */
export function receiveOperation(log: SelfLog, operation: Operation): MailOutcome<SelfLogDiff> {
  const head = log.heads.get(operation.device);
  const known = log.operations.get(dotKey(operation)) ?? log.waiting.get(dotKey(operation));
  if (known) return fail(isSameOperation(known, operation) ? 'self-log-known' : 'self-log-fork');
  if (operation.seq <= (head?.seq ?? 0)) return fail('self-log-known');
  const cut = logCuts(log).get(operation.device);
  if (cut !== undefined && operation.seq > cut + MAX_PAST_CUT) {
    return fail('self-log-device-removed');
  }
  if (!head && log.heads.size >= MAX_DEVICES) return fail('self-log-full', 'devices');
  if (operation.seq > (head?.seq ?? 0) + 1) return putAside(log, operation);
  if (!follows(head, operation)) return fail('self-log-clock');
  const { take, refuse } = withWaiting(log, operation);
  if (log.operations.size + take.length > MAX_OPERATIONS) return fail('self-log-full');
  return succeed(selfLogDiff({ take, refuse }));
}

function putAside(log: SelfLog, operation: Operation): MailOutcome<SelfLogDiff> {
  const ofDevice = [...log.waiting.values()].filter((one) => one.device === operation.device);
  const isFull = log.waiting.size >= MAX_WAITING || ofDevice.length >= MAX_WAITING_PER_DEVICE;
  return isFull ? fail('self-log-gap-full') : succeed(selfLogDiff({ wait: [operation] }));
}

/** A device's clock moves on with every operation, by MAX_CLOCK_STEP at most. */
function follows(head: Pick<Head, 'clock'> | undefined, operation: Operation): boolean {
  const step = operation.clock - (head?.clock ?? 0);
  return step >= 1 && step <= MAX_CLOCK_STEP;
}

function withWaiting(log: SelfLog, first: Operation): Pick<SelfLogDiff, 'take' | 'refuse'> {
  const take = [first];
  let last = first;
  for (;;) {
    const next = log.waiting.get(dotKey({ device: last.device, seq: last.seq + 1 }));
    if (!next) return { take, refuse: [] };
    if (!follows(last, next)) return { take, refuse: [next] };
    take.push(next);
    last = next;
  }
}

/** Takes a diff up, after the shell has written it. */
export function applySelfLogDiff(log: SelfLog, diff: SelfLogDiff): void {
  for (const operation of diff.take) {
    const { device, seq, clock } = operation;
    const head = log.heads.get(device);
    assert(seq === (head?.seq ?? 0) + 1, 'operations are taken up without a gap');
    log.heads.set(device, { seq, clock, dropped: head?.dropped ?? 0 });
    hold(log, operation);
    log.waiting.delete(dotKey(operation));
  }
  for (const operation of diff.wait) log.waiting.set(dotKey(operation), operation);
  for (const operation of diff.refuse) log.waiting.delete(dotKey(operation));
  for (const operation of diff.drop) {
    const head = log.heads.get(operation.device);
    assert(head, 'what is held has a head');
    const dropped = Math.max(head.dropped, operation.seq);
    log.heads.set(operation.device, { ...head, dropped });
    log.operations.delete(dotKey(operation));
    log.removals.delete(dotKey(operation));
  }
  for (const operation of diff.replace) hold(log, operation);
}

/** Puts an operation into the maps of a log that is being built. */
export function hold(log: SelfLog, operation: Operation): void {
  log.operations.set(dotKey(operation), operation);
  if (isKind(operation, 'device-remove')) log.removals.set(dotKey(operation), operation);
  else log.removals.delete(dotKey(operation));
}

/**
 * The operations that `device` writes for `body`: one, as a rule. A device that was away while the
 * clock moved by more than MAX_CLOCK_STEP first climbs, by saying what it has seen. Taken up with
 * `selfLogDiff({ take })`. Undefined when its numbers are used up, or the log is full.
 */
export function writeOperation(
  log: SelfLog,
  device: DeviceId,
  body: OperationBody,
): Operation[] | undefined {
  const head = log.heads.get(device);
  const target = clockOf(log) + 1;
  let [seq, clock] = [(head?.seq ?? 0) + 1, head?.clock ?? 0];
  // The opening comes first, whatever its clock: until then there is nobody who could climb.
  const steps = body.kind === 'device-add' ? 1 : Math.ceil((target - clock) / MAX_CLOCK_STEP);
  if (seq + steps - 1 > MAX_SEQ || log.operations.size + steps > MAX_OPERATIONS) return undefined;
  const seen: OperationBody = { kind: 'seen', heads: headsOf(log) };
  const written: Operation[] = [];
  for (let step = 1; step < steps; step++) {
    clock += MAX_CLOCK_STEP;
    written.push({ device, seq, clock, body: seen });
    seq += 1;
  }
  clock = Math.min(target, clock + MAX_CLOCK_STEP);
  written.push({ device, seq, clock, body });
  return written;
}

/**
 * The body by which `author` removes a device: what was seen of it counts. A device that removes
 * itself leaves the list, and all that it wrote counts. Undefined if it was never seen.
 */
export function removalOf(
  log: SelfLog,
  author: DeviceId,
  device: DeviceId,
): DeviceRemove | undefined {
  const head = log.heads.get(device);
  const lastSeq = author === device ? MAX_SEQ : head?.seq;
  return head && lastSeq ? { kind: 'device-remove', device, lastSeq } : undefined;
}

/** Whether a device with these heads lacks something that was dropped here. */
export function needsSnapshot(log: SelfLog, heads: readonly Dot[]): boolean {
  const theirs = new Map(heads.map((one) => [one.device, one.seq]));
  const cuts = logCuts(log);
  return [...log.heads].some(([device, { dropped }]) => {
    const needed = Math.min(dropped, cuts.get(device) ?? dropped);
    return needed > (theirs.get(device) ?? 0);
  });
}

/**
 * The operations that a device with these heads is missing and that count, in their order.
 * Undefined when some of them were dropped: it needs a snapshot, which it merges. Heads that are
 * further than ours tell that we are missing something ourselves.
 */
export function operationsSince(log: SelfLog, heads: readonly Dot[]): Operation[] | undefined {
  if (needsSnapshot(log, heads)) return undefined;
  const theirs = new Map(heads.map((one) => [one.device, one.seq]));
  const cuts = logCuts(log);
  return [...log.operations.values()]
    .filter((one) => one.seq > (theirs.get(one.device) ?? 0) && counts(one, cuts))
    .toSorted(compareOperations);
}

/**
 * Both logs in one: held is what both hold, and what one holds and the other never took up. What
 * one has dropped stays dropped. Commutative, associative and idempotent, except for what waits.
 * Code: `self-log-full`.
 */
export function mergeSelfLogs(a: SelfLog, b: SelfLog): MailOutcome<SelfLog> {
  const merged = newSelfLog();
  for (const [device, head] of [...a.heads, ...b.heads]) {
    merged.heads.set(device, laterHead(merged.heads.get(device), head));
  }
  for (const [key, operation] of a.operations) {
    const other = b.operations.get(key);
    if (other) hold(merged, settle(operation, other));
    else if (isNewTo(b, operation)) hold(merged, operation);
  }
  for (const operation of b.operations.values()) {
    if (isNewTo(a, operation)) hold(merged, operation);
  }
  if (merged.heads.size > MAX_DEVICES) return fail('self-log-full', 'devices');
  if (merged.operations.size > MAX_OPERATIONS) return fail('self-log-full');
  takeWaiting(merged, [...a.waiting.values(), ...b.waiting.values()]);
  return succeed(merged);
}

function isNewTo(log: SelfLog, operation: Operation): boolean {
  return operation.seq > (log.heads.get(operation.device)?.seq ?? 0);
}

function laterHead(a: Head | undefined, b: Head): Head {
  if (!a) return b;
  const dropped = Math.max(a.dropped, b.dropped);
  return { seq: Math.max(a.seq, b.seq), clock: Math.max(a.clock, b.clock), dropped };
}

/** What waited before a merge: taken up, or still waiting, or done with. */
function takeWaiting(merged: SelfLog, waiting: Operation[]): void {
  for (const operation of waiting.toSorted(compareDots)) {
    const outcome = receiveOperation(merged, operation);
    if (outcome.ok) applySelfLogDiff(merged, outcome.value);
  }
}
