/**
 * Dropping of operations that have no effect any more, and forgetting of epoch secrets. What every
 * listed device has said to have seen is stable: nobody will write anything that does not know it.
 * Stop before: self-log/view.ts; next: self-log/snapshot.ts. Spec: docs/spec/26-self-log.md,
 * section "Compaction".
 */
import { nextEpochSecret, oldestKeptEpoch, PUBLISHED_EPOCHS } from '../identity/epoch.ts';
import { counts } from './cuts.ts';
import type { Cuts } from './cuts.ts';
import type { SelfLog, SelfLogDiff } from './log.ts';
import { logCuts, selfLogDiff } from './log.ts';
import type {
  DeviceId,
  DeviceRemove,
  Dot,
  EpochLineStart,
  Operation,
  Seen,
  SetRegister,
} from './operation.ts';
import { compareOperations, dotKey, isKind } from './operation.ts';
import { lastEpochOf, registerKey } from './view.ts';

/** By device, the number up to which every listed device has taken its operations up. */
export type StableHeads = ReadonlyMap<DeviceId, number>;

/**
 * What every listed device has seen. Empty while one of them has not said anything: a device that
 * stays away for good holds compaction back until it is removed.
 */
export function stableHeads(log: SelfLog): StableHeads {
  const cuts = logCuts(log);
  const said = newestSeen(log, cuts);
  const stable = new Map<DeviceId, number>();
  for (const device of log.heads.keys()) {
    let lowest = Number.MAX_SAFE_INTEGER;
    for (const witness of log.heads.keys()) {
      if (cuts.has(witness)) continue;
      const seen = said.get(witness);
      lowest = Math.min(lowest, seen ? seenOf(seen, device) : 0);
    }
    // With every device removed there is nobody left who could compact.
    stable.set(device, lowest === Number.MAX_SAFE_INTEGER ? 0 : lowest);
  }
  return stable;
}

function seenOf(seen: Operation<Seen>, device: DeviceId): number {
  if (seen.device === device) return seen.seq;
  return seen.body.heads.find((one) => one.device === device)?.seq ?? 0;
}

/** By device, the last time that it said what it had seen. */
function newestSeen(log: SelfLog, cuts: Cuts): Map<DeviceId, Operation<Seen>> {
  const newest = new Map<DeviceId, Operation<Seen>>();
  for (const operation of log.operations.values()) {
    if (!isKind(operation, 'seen') || !counts(operation, cuts)) continue;
    const known = newest.get(operation.device);
    if (!known || known.seq < operation.seq) newest.set(operation.device, operation);
  }
  return newest;
}

/**
 * Drops what has no effect: writings of a register that a stable one superseded, additions that a
 * stable removal took back, such removals (their additions never return: their numbers were taken
 * up), what was said before, and the operations of a removed device beyond its cut once its removal
 * is stable. The view is the same before and after. Devices and their removals stay for ever, and
 * of each register the writing that won, deletions too.
 */
export function compactSelfLog(log: SelfLog): SelfLogDiff {
  const cuts = logCuts(log);
  const stable = stableHeads(log);
  const isStable = (dot: Dot): boolean => dot.seq <= (stable.get(dot.device) ?? 0);
  const isSettled = (one: Operation): boolean => isStable(one) && counts(one, cuts);
  const held = [...log.operations.values()];
  const settled = held.filter(isSettled);
  const said = newestSeen(log, cuts);
  const won = settledRegisters(settled);
  const takenBack = new Set(
    settled.filter((one) => isKind(one, 'remove')).flatMap((one) => one.body.dots.map(dotKey)),
  );
  const ended = endedDevices(log, cuts, isStable);
  const hasNoEffect = (one: Operation): boolean => {
    if (isKind(one, 'device-add') || isKind(one, 'device-remove')) return false;
    if (ended.has(one.device) && !counts(one, cuts)) return true;
    // What a listed device may still ask for stays, so that it needs no snapshot.
    if (!isStable(one)) return false;
    if (isKind(one, 'seen')) return one.seq < (said.get(one.device)?.seq ?? 0);
    if (isKind(one, 'add')) return takenBack.has(dotKey(one));
    if (isKind(one, 'remove')) return isSettled(one) && one.body.dots.every(isStable);
    return isKind(one, 'set') && isSuperseded(one, won);
  };
  return selfLogDiff({ drop: held.filter(hasNoEffect) });
}

/** The writing that won of each register, among the settled ones. */
function settledRegisters(settled: readonly Operation[]): Map<string, Operation<SetRegister>> {
  const won = new Map<string, Operation<SetRegister>>();
  for (const operation of settled.toSorted(compareOperations)) {
    if (!isKind(operation, 'set')) continue;
    won.set(registerKey(operation.body.register, operation.body.key), operation);
  }
  return won;
}

function isSuperseded(
  operation: Operation<SetRegister>,
  won: ReadonlyMap<string, Operation<SetRegister>>,
): boolean {
  const winner = won.get(registerKey(operation.body.register, operation.body.key));
  return winner !== undefined && compareOperations(operation, winner) < 0;
}

/** Removed devices whose cut every listed device knows. */
function endedDevices(
  log: SelfLog,
  cuts: Cuts,
  isStable: (dot: Dot) => boolean,
): ReadonlySet<DeviceId> {
  const makesCut = (one: Operation<DeviceRemove>): boolean =>
    cuts.get(one.body.device) === one.body.lastSeq && counts(one, cuts) && isStable(one);
  return new Set([...log.removals.values()].filter(makesCut).map((one) => one.body.device));
}

/**
 * Forgets the epoch secrets that no letter can ask for any more: lines that are over go, the others
 * move on to the oldest epoch still needed. Every device does it by itself, and a merge keeps what
 * has forgotten more. Only after every mailbox has been fetched, as with `pruneEpochs`.
 */
export function forgetEpochs(
  log: SelfLog,
  nowSeconds: number,
  leaseSeconds: number,
  keepFromEpoch: number = Number.MAX_SAFE_INTEGER,
): SelfLogDiff {
  const oldest = Math.min(oldestKeptEpoch(nowSeconds, leaseSeconds), keepFromEpoch);
  const cuts = logCuts(log);
  const drop: Operation[] = [];
  const replace: Operation[] = [];
  const newer: EpochLineStart[] = [];
  const lines = [...log.operations.values()].filter((one) => isKind(one, 'epoch-line'));
  for (const operation of lines.toSorted(compareOperations).toReversed()) {
    const { body } = operation;
    const doesCount = counts(operation, cuts);
    const isNewest = doesCount && newer.length === 0;
    const isOver = doesCount
      ? lastEpochOf(body, newer) < oldest
      : body.from + PUBLISHED_EPOCHS <= oldest;
    if (!isNewest && isOver) drop.push(operation);
    else if (body.epoch < oldest) replace.push({ ...operation, body: advance(body, oldest) });
    if (doesCount) newer.push(body);
  }
  return selfLogDiff({ drop, replace });
}

function advance(body: EpochLineStart, oldest: number): EpochLineStart {
  let secret = body.secret;
  for (let epoch = body.epoch; epoch < oldest; epoch++) secret = nextEpochSecret(secret);
  return { ...body, epoch: oldest, secret };
}
